//! The inode that a file's contents are of, and who runs its code.
//!
//! The kernel puts probes into mappings of an inode, and says nothing where there are none. What looks like the file that a process runs
//! need not be the same inode: an overlay file system copies a file of a lower layer when it is changed, under the same number, and processes go
//! on with the lower one; two overlays over one layer have the same inode under different numbers. A probe in a process's memory does
//! not tell either, since another tracer may have put it there. So a program in the kernel looks at the mappings themselves.

use std::{io, os::fd::AsFd};

use ebpf_templates::Mapped;
use zerocopy::FromBytes;

use crate::{Binary, Error, loader, sys};

/// An inode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Inode {
    /// Where the kernel has it: the same for the same one, as long as somebody has it open.
    pub address: u64,
    /// Processes that have it mapped to run code from.
    pub processes: Vec<u32>,
}

impl Inode {
    /// Of the file as a process would map it that is started now.
    pub(crate) fn of(binary: &Binary) -> Result<Self, Error> {
        let mapping = binary
            .map_anew(false)
            .map_err(system("mapping the executable"))?;
        let program = loader::load_mapped()?;
        let told = sys::iterate(program.as_fd()).map_err(system("looking for mappings"))?;
        let all = || {
            told.chunks_exact(size_of::<Mapped>())
                .filter_map(|bytes| Mapped::read_from_bytes(bytes).ok())
        };
        let (own, start) = (std::process::id(), mapping.as_ptr() as u64);
        let address = all()
            .find(|mapped| (mapped.tgid, mapped.start) == (own, start))
            .ok_or_else(|| system("looking for mappings")(io::ErrorKind::NotFound.into()))?
            .inode;
        let runs = |mapped: &Mapped| mapped.runs != 0 && mapped.inode == address;
        let mut processes: Vec<u32> = all().filter(runs).map(|mapped| mapped.tgid).collect();
        processes.sort_unstable();
        processes.dedup();
        Ok(Self { address, processes })
    }
}

fn system(what: &'static str) -> impl Fn(io::Error) -> Error {
    move |error| Error::System { what, error }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::Kernel;

    #[test]
    fn who_runs_this_executable_and_a_copy_that_nobody_does() {
        if let Err(error) = Kernel::detect().require() {
            eprintln!("skipped: {error}");
            return;
        }
        let own = Binary::open(Path::new("/proc/self/exe")).expect("this executable");
        let found = Inode::of(&own).expect("its inode");
        assert!(found.processes.contains(&std::process::id()), "{found:?}");
        let path = std::env::temp_dir().join(format!("gofuncgraph-inode-{}", std::process::id()));
        std::fs::copy("/proc/self/exe", &path).expect("copied");
        let copy = Binary::open(&path).expect("the copy");
        let other = Inode::of(&copy).expect("its inode");
        assert_ne!(other.address, found.address);
        assert_eq!(other.processes, [0_u32; 0]);
        assert_eq!(Inode::of(&copy).expect("the same"), other);
        std::fs::remove_file(path).expect("removed");
    }
}
