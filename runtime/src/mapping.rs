//! The file's contents as memory, which stays readable whatever becomes of the file.
//!
//! Where a mapped file is cut, the kernel answers reads behind its new end with SIGBUS (mmap(2)). A handler puts a page of zeroes there and
//! notes that it did, so that whoever reads comes to an end, and can ask afterwards whether what was read is to be believed.

#![allow(unsafe_code)]

use std::{
    fs::File,
    io, mem,
    ops::Deref,
    ptr,
    sync::{
        OnceLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use memmap2::{Mmap, MmapMut};

/// A file, mapped.
#[derive(Debug)]
pub(crate) struct Mapping {
    map: Mmap,
    place: &'static Place,
}

/// Where a mapping is, for the handler.
#[derive(Debug)]
struct Place {
    taken: AtomicBool,
    start: AtomicUsize,
    /// 0 while there is none.
    end: AtomicUsize,
    /// The file was cut, and zeroes were read.
    cut: AtomicBool,
}

/// Files that can be mapped at once.
const PLACES: usize = 256;

static ALL: [Place; PLACES] = [const {
    Place {
        taken: AtomicBool::new(false),
        start: AtomicUsize::new(0),
        end: AtomicUsize::new(0),
        cut: AtomicBool::new(false),
    }
}; PLACES];

impl Mapping {
    /// Maps the file, to be read only; shared with it, since the kernel puts probes into private mappings.
    pub(crate) fn of(file: &File) -> io::Result<Self> {
        /// What was there before is restored for what is not ours.
        static BEFORE: OnceLock<Result<(), i32>> = OnceLock::new();
        BEFORE
            .get_or_init(|| install().map_err(|error| error.raw_os_error().unwrap_or(0)))
            .map_err(io::Error::from_raw_os_error)?;
        // SAFETY: the mapping is only read. Others may change the file, which changes bytes that are only ever interpreted
        // with every offset checked, or cut it, which the handler answers.
        let map = unsafe { Mmap::map(file) }?;
        let place = ALL
            .iter()
            .find(|place| !place.taken.swap(true, Ordering::SeqCst))
            .ok_or_else(|| io::Error::other("too many files are mapped"))?;
        let start = map.as_ptr() as usize;
        place.cut.store(false, Ordering::SeqCst);
        place.start.store(start, Ordering::SeqCst);
        place
            .end
            .store(start + map.len().next_multiple_of(PAGE), Ordering::SeqCst);
        Ok(Self { map, place })
    }

    /// Whether the file was shorter than it had been when something was read: there are zeroes now.
    pub(crate) fn is_cut(&self) -> bool {
        self.place.cut.load(Ordering::SeqCst)
    }

    /// Puts a copy in the file's place, which nobody else can change.
    pub(crate) fn keep(&self) -> io::Result<()> {
        let mut copy = MmapMut::map_anon(self.map.len())?;
        copy.copy_from_slice(&self.map);
        self.put(copy)
    }

    /// Puts zeroes in the file's place, as if it had been cut: what is there now is another file's.
    pub(crate) fn forget(&self) -> io::Result<()> {
        self.place.cut.store(true, Ordering::SeqCst);
        self.put(MmapMut::map_anon(self.map.len())?)
    }

    fn put(&self, other: MmapMut) -> io::Result<()> {
        let other = other.make_read_only()?;
        let (from, to, len) = (other.as_ptr(), self.map.as_ptr(), self.map.len());
        // The pages move away from `other`, which must not give them back.
        mem::forget(other);
        // SAFETY: both ranges are mappings of `len` bytes of our own, the first of which nobody refers to; who reads the second meets other
        // bytes there only where the file had changed anyway. It is given back by `self.map`.
        let moved = unsafe {
            libc::mremap(
                from.cast_mut().cast(),
                len,
                len,
                libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED,
                to,
            )
        };
        if moved == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        Ok(())
    }
}

impl Deref for Mapping {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.map
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        self.place.end.store(0, Ordering::SeqCst);
        self.place.taken.store(false, Ordering::SeqCst);
    }
}

/// Of x86-64.
const PAGE: usize = 4096;

/// What SIGBUS did before.
static OLD: OnceLock<libc::sigaction> = OnceLock::new();

fn install() -> io::Result<()> {
    // SAFETY: sigaction is a C struct for which all zeroes is a value.
    let (mut action, mut old): (libc::sigaction, libc::sigaction) = unsafe { mem::zeroed() };
    // SAFETY: the call writes to `old` only.
    if unsafe { libc::sigaction(libc::SIGBUS, ptr::null(), &raw mut old) } < 0 {
        return Err(io::Error::last_os_error());
    }
    let _ = OLD.set(old);
    action.sa_sigaction = on_bus_error as *const () as usize;
    action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
    // SAFETY: the handler keeps to what is safe in one (signal-safety(7)).
    if unsafe { libc::sigaction(libc::SIGBUS, &raw const action, ptr::null_mut()) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// Does system calls and reads atomics, nothing else.
extern "C" fn on_bus_error(_: libc::c_int, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    // SAFETY: the kernel passes a siginfo_t, which for SIGBUS holds the address.
    let address = unsafe { (*info).si_addr() } as usize;
    let place = ALL.iter().find(|place| {
        address >= place.start.load(Ordering::SeqCst) && address < place.end.load(Ordering::SeqCst)
    });
    // SAFETY: errno is the thread's own.
    let errno = unsafe { *libc::__errno_location() };
    let filled = place.is_some_and(|place| {
        place.cut.store(true, Ordering::SeqCst);
        // SAFETY: the page is in a mapping of our own that is only read, and cannot be read as it is.
        let page = unsafe {
            libc::mmap(
                (address & !(PAGE - 1)) as *mut libc::c_void,
                PAGE,
                libc::PROT_READ,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED,
                -1,
                0,
            )
        };
        page != libc::MAP_FAILED
    });
    if !filled && let Some(old) = OLD.get() {
        // The instruction runs again, and meets what would have been there without us.
        // SAFETY: `old` was given by the kernel.
        unsafe { libc::sigaction(libc::SIGBUS, old, ptr::null_mut()) };
    }
    // SAFETY: as above.
    unsafe { *libc::__errno_location() = errno };
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn file_of(bytes: &[u8]) -> (File, std::path::PathBuf) {
        let path = std::env::temp_dir().join(format!(
            "gofuncgraph-mapping-{}-{:?}",
            std::process::id(),
            std::thread::current().id()
        ));
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(&path)
            .expect("a file");
        file.write_all(bytes).expect("written");
        (file, path)
    }

    /// Issue 9, case written-in-place: SIGBUS.
    #[test]
    fn a_file_that_is_cut_reads_as_zeroes() {
        let (file, path) = file_of(&[7; 5 * PAGE]);
        let mapping = Mapping::of(&file).expect("mapped");
        assert!(mapping.iter().all(|byte| *byte == 7) && !mapping.is_cut());
        file.set_len(PAGE as u64).expect("cut");
        assert_eq!(mapping[PAGE - 1], 7);
        assert!(!mapping.is_cut());
        assert!(mapping[PAGE..].iter().all(|byte| *byte == 0));
        assert!(mapping.is_cut());
        std::fs::remove_file(path).expect("removed");
    }

    #[test]
    fn a_copy_stays_as_it_was() {
        let (file, path) = file_of(&[7; 5 * PAGE + 9]);
        let mapping = Mapping::of(&file).expect("mapped");
        let before: &[u8] = &mapping;
        mapping.keep().expect("kept");
        file.set_len(0).expect("cut");
        assert!(before.len() == 5 * PAGE + 9 && before.iter().all(|byte| *byte == 7));
        assert!(!mapping.is_cut());
        std::fs::remove_file(path).expect("removed");
    }

    #[test]
    fn what_is_forgotten_reads_as_zeroes() {
        let (file, path) = file_of(&[7; 5 * PAGE + 9]);
        let mapping = Mapping::of(&file).expect("mapped");
        mapping.forget().expect("forgotten");
        assert!(mapping.len() == 5 * PAGE + 9 && mapping.iter().all(|byte| *byte == 0));
        assert!(mapping.is_cut());
        std::fs::remove_file(path).expect("removed");
    }
}
