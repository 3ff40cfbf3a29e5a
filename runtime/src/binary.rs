//! The traced executable as an open, mapped file.
//!
//! Everything refers to the one open file, never again to its path: when the executable is replaced while it is being traced, the probes
//! still go into the file that was read. Where it is written to instead, that is noticed: by [`Binary::unchanged`] until probes are there,
//! and by what guards them from then on.

#![allow(unsafe_code)]

use std::{
    ffi::{CString, OsStr},
    fs::File,
    io,
    ops::Deref,
    os::{
        fd::{AsFd, AsRawFd, BorrowedFd},
        unix::{
            ffi::OsStrExt,
            fs::{FileExt, MetadataExt, OpenOptionsExt},
        },
    },
    path::{Path, PathBuf},
    sync::Arc,
};

use memmap2::{Mmap, MmapOptions};

use crate::{Error, mapping::Mapping};

/// An open executable. Clones share the file and its mapping.
#[derive(Debug, Clone)]
pub struct Binary {
    path: PathBuf,
    file: Arc<File>,
    state: State,
    data: Bytes,
}

/// What changes when a file is written to: its size, and the time of that.
type State = (u64, i64, i64);

fn state(file: &File) -> io::Result<State> {
    let meta = file.metadata()?;
    Ok((meta.size(), meta.mtime(), meta.mtime_nsec()))
}

/// The file's contents, for `gobinary::Executable::parse`.
#[derive(Debug, Clone)]
pub struct Bytes(Arc<Mapping>);

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl Binary {
    /// Opens and maps the file.
    ///
    /// # Errors
    /// [`Error::Read`].
    pub fn open(path: &Path) -> Result<Self, Error> {
        // A pipe that nobody writes to is not waited for.
        let opened = File::options()
            .read(true)
            .custom_flags(libc::O_NONBLOCK)
            .open(path);
        Self::of(path, opened)
    }

    /// Maps an open file that is known by this name.
    ///
    /// # Errors
    /// [`Error::Read`].
    pub fn of(path: &Path, opened: io::Result<File>) -> Result<Self, Error> {
        let read_error = |error| Error::Read {
            path: path.to_owned(),
            error,
        };
        let file = opened.map_err(read_error)?;
        if !file.metadata().map_err(read_error)?.is_file() {
            return Err(read_error(io::Error::other("not a regular file")));
        }
        let state = state(&file).map_err(read_error)?;
        let data = Mapping::of(&file).map_err(read_error)?;
        Ok(Self {
            path: path.to_owned(),
            file: Arc::new(file),
            state,
            data: Bytes(Arc::new(data)),
        })
    }

    /// The path that it is known by.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its contents.
    #[must_use]
    pub fn bytes(&self) -> Bytes {
        self.data.clone()
    }

    /// Device and inode.
    ///
    /// # Errors
    /// [`Error::Read`].
    pub fn identity(&self) -> Result<(u64, u64), Error> {
        let meta = self.file.metadata().map_err(|error| Error::Read {
            path: self.path.clone(),
            error,
        })?;
        Ok((meta.dev(), meta.ino()))
    }

    /// Fails where the file was written to since it was opened, so that what was read may be neither the old nor the new.
    ///
    /// # Errors
    /// [`Error::Written`].
    pub fn unchanged(&self) -> Result<(), Error> {
        if self.is_changed() || self.data.0.is_cut() {
            return Err(Error::Written {
                path: self.path.clone(),
            });
        }
        Ok(())
    }

    /// Whether the file is another than it was when it was opened, as far as the file system says.
    pub(crate) fn is_changed(&self) -> bool {
        state(&self.file).is_ok_and(|state| state != self.state)
    }

    /// When anything about the file was changed last; nobody can put that back.
    pub(crate) fn changed_at(&self) -> Option<(i64, i64)> {
        let meta = self.file.metadata().ok()?;
        Some((meta.ctime(), meta.ctime_nsec()))
    }

    /// Keeps the contents as they are, whatever is written to the file from now on.
    pub(crate) fn keep(&self) -> io::Result<()> {
        self.data.0.keep()
    }

    /// Has nothing read of what the file holds now.
    pub(crate) fn forget(&self) -> io::Result<()> {
        self.data.0.forget()
    }

    /// Whether what is at the path may be another inode than what processes run.
    #[must_use]
    pub fn is_on_overlay(&self) -> bool {
        // SAFETY: statfs is a C struct of integers: all zeroes is a value.
        let mut about: libc::statfs = unsafe { std::mem::zeroed() };
        // SAFETY: fstatfs fills the struct that it is given.
        let result = unsafe { libc::fstatfs(self.file.as_raw_fd(), &raw mut about) };
        result == 0 && about.f_type == libc::OVERLAYFS_SUPER_MAGIC
    }

    /// The open file.
    pub(crate) fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    /// A path that leads the kernel to this open file, whatever has become of the name.
    pub(crate) fn kernel_path(&self) -> CString {
        CString::new(format!("/proc/self/fd/{}", self.file.as_raw_fd())).unwrap_or_default()
    }

    /// Reads the file as it is now, which a mapping made before an overlay file system copied it does not show; less than asked for only
    /// at its end.
    pub(crate) fn read_at(&self, to: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut len = 0;
        while let Some(rest) = to.get_mut(len..).filter(|rest| !rest.is_empty()) {
            match self.file.read_at(rest, offset + len as u64) {
                Ok(0) => break,
                Ok(read) => len += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(len)
    }

    /// Maps the file's beginning, or all of it, as a process would that is started now. The kernel puts probes there.
    ///
    /// With every process in scope that has it meet the kernel's objections even where nobody runs the file: without a mapping they are
    /// postponed, and then dropped in silence. Code need not be executable there (kernel/events/uprobes.c `valid_vma`), and then nobody takes
    /// the tracer for one that runs it.
    pub(crate) fn map_anew(&self, all: bool) -> io::Result<Mmap> {
        // What is open stays the inode that was opened.
        let file = File::open(OsStr::from_bytes(self.kernel_path().as_bytes()))?;
        let mut options = MmapOptions::new();
        if !all {
            options.len(1);
        }
        // SAFETY: nothing is read through this mapping.
        unsafe { options.map_copy_read_only(&file) }
    }
}
