//! The files that processes have mapped to run code from: their executables, and the libraries that were loaded with them or later.
//!
//! `/proc/PID/maps` names them as the process sees them, which may be in another mount namespace, or may have been deleted since.
//! `/proc/PID/map_files/` leads to the very files, and is what tells which file it is: the device numbers in `maps` are not those of
//! `stat` on every file system.

use std::{
    fs::{self, File},
    io,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use crate::process::{self, identity_of};

/// A part of a file that a process has mapped to run code from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapped {
    /// Where it begins, in the process.
    pub start: u64,
    /// Where it ends.
    pub end: u64,
    /// Where it begins in the file.
    pub offset: u64,
    /// The file as the process names it.
    pub path: PathBuf,
    /// The name is gone, or is another file's now.
    pub deleted: bool,
    pid: u32,
}

/// The executable mappings of a process, by ascending address; none where it is gone, or may not be looked at.
#[must_use]
pub fn mappings(pid: u32) -> Vec<Mapped> {
    let maps = fs::read(format!("/proc/{pid}/maps")).unwrap_or_default();
    maps.split(|&byte| byte == b'\n')
        .filter_map(|line| parse(pid, line))
        .collect()
}

/// The files that a process has mapped to run code from, each once.
#[must_use]
pub fn files(pid: u32) -> Vec<Mapped> {
    let mut all = mappings(pid);
    all.sort_by(|a, b| a.path.cmp(&b.path).then(a.start.cmp(&b.start)));
    all.dedup_by(|a, b| a.path == b.path);
    all.sort_by_key(|mapping| mapping.start);
    all
}

/// Does a process have the file with this device and inode mapped to run code from?
#[must_use]
pub fn has_mapped(pid: u32, identity: (u64, u64)) -> bool {
    files(pid)
        .iter()
        .any(|file| file.identity() == Some(identity))
}

/// Those of all processes, or of one, that have the file with this device and inode mapped to run code from.
#[must_use]
pub fn processes(identity: (u64, u64), pid: Option<u32>) -> Vec<u32> {
    let all = pid.map_or_else(|| process::all().collect(), |pid| vec![pid]);
    let has_it = all.into_iter().filter(|pid| has_mapped(*pid, identity));
    has_it.collect()
}

/// Whether a process has the file with this device and inode mapped to run code from: as its executable, or as a library.
#[must_use]
pub fn runs(pid: u32, identity: (u64, u64)) -> bool {
    // Threads of the kernel have no executable.
    identity_of(&process::executable_path(pid))
        .is_ok_and(|executable| executable == identity || has_mapped(pid, identity))
}

/// Processes that run the file with this device and inode.
#[must_use]
pub fn running(identity: (u64, u64)) -> Vec<u32> {
    let mut pids: Vec<u32> = process::all().filter(|pid| runs(*pid, identity)).collect();
    pids.sort_unstable();
    pids
}

/// Where a process has mapped the byte at an offset of the file with this device and inode.
#[must_use]
pub fn address_of(pid: u32, identity: (u64, u64), offset: u64) -> Option<u64> {
    mappings(pid).iter().find_map(|mapped| {
        let within = offset.checked_sub(mapped.offset)?;
        let address = mapped.start.checked_add(within)?;
        (address < mapped.end && mapped.identity() == Some(identity)).then_some(address)
    })
}

impl Mapped {
    /// Device and inode.
    #[must_use]
    pub fn identity(&self) -> Option<(u64, u64)> {
        identity_of(&self.way_to())
            .or_else(|_| identity_of(&self.way_by_name()))
            .ok()
    }

    /// A path that leads to the very file that is mapped.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn open(&self) -> io::Result<File> {
        match File::open(self.way_to()) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied && !self.deleted => {
                File::open(self.way_by_name())
            }
            opened => opened,
        }
    }

    fn way_to(&self) -> PathBuf {
        PathBuf::from(format!(
            "/proc/{}/map_files/{:x}-{:x}",
            self.pid, self.start, self.end
        ))
    }

    /// The name, in the process's own root: it may have become another file's.
    fn way_by_name(&self) -> PathBuf {
        let path = self.path.strip_prefix("/").unwrap_or(&self.path);
        Path::new("/proc")
            .join(self.pid.to_string())
            .join("root")
            .join(path)
    }
}

/// A line such as `7f12a000-7f12b000 r-xp 00002000 fd:01 1234   /usr/lib/libgo.so (deleted)`.
fn parse(pid: u32, line: &[u8]) -> Option<Mapped> {
    let mut rest = line;
    let mut column = || {
        let (column, after) = rest.split_at(rest.iter().position(|&byte| byte == b' ')?);
        rest = after.trim_ascii_start();
        std::str::from_utf8(column).ok()
    };
    let (start, end) = column()?.split_once('-')?;
    let flags = column()?;
    let offset = column()?;
    let (_device, _inode) = (column()?, column()?);
    if !flags.contains('x') || !rest.starts_with(b"/") {
        return None;
    }
    let number = |text| u64::from_str_radix(text, 16).ok();
    let deleted = rest.strip_suffix(b" (deleted)");
    Some(Mapped {
        start: number(start)?,
        end: number(end)?,
        offset: number(offset)?,
        path: PathBuf::from(std::ffi::OsStr::from_bytes(&unescape(
            deleted.unwrap_or(rest),
        ))),
        deleted: deleted.is_some(),
        pid,
    })
}

/// Line breaks in names are written as octal numbers (`show_map_vma` in fs/proc/task_mmu.c).
fn unescape(name: &[u8]) -> Vec<u8> {
    const LINE_BREAK: &[u8] = br"\012";
    let mut plain = Vec::with_capacity(name.len());
    let mut rest = name;
    while let Some((first, after)) = rest.split_first() {
        if let Some(after) = rest.strip_prefix(LINE_BREAK) {
            plain.push(b'\n');
            rest = after;
        } else {
            plain.push(*first);
            rest = after;
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_maps() {
        let parsed = |line: &str| parse(7, line.as_bytes());
        let library = parsed(
            "7f12a000-7f12b000 r-xp 00002000 fd:01 1234      /usr/lib/a b\\012.so (deleted)",
        )
        .expect("a mapping");
        assert_eq!(
            (library.start, library.end, library.offset, library.deleted),
            (0x7f12_a000, 0x7f12_b000, 0x2000, true)
        );
        assert_eq!(library.path, Path::new("/usr/lib/a b\n.so"));
        for none in [
            "7f12a000-7f12b000 r--p 00002000 fd:01 1234      /usr/lib/a.so",
            "7ffe1000-7ffe2000 r-xp 00000000 00:00 0         [vdso]",
            "7ffe1000-7ffe2000 rwxp 00000000 00:00 0 ",
            "",
        ] {
            assert_eq!(parsed(none), None, "{none}");
        }
    }

    #[test]
    fn this_process_has_its_executable_and_its_libraries() {
        let own = std::process::id();
        let executable = identity_of(&crate::process::executable_path(own)).expect("a file");
        assert!(has_mapped(own, executable));
        let files = files(own);
        let c = files.iter().find(|file| {
            let name = file.path.file_name();
            name.is_some_and(|name| name.as_bytes().starts_with(b"libc."))
        });
        let c = c.expect("the C library");
        let identity = c.identity().expect("its identity");
        assert!(has_mapped(own, identity));
        assert!(c.open().is_ok_and(|file| file.metadata().is_ok()));
        assert!(!has_mapped(own, (identity.0, u64::MAX)));
        assert_eq!(address_of(own, identity, c.offset), Some(c.start));
        assert_eq!(processes(identity, Some(own)), [own]);
        assert!(processes(identity, None).contains(&own));
    }
}
