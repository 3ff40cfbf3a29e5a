//! Whether probes arrived in the processes that are to be traced.
//!
//! The kernel puts probes into mappings of an inode, and says nothing where there are none. What looks like the file that a process runs
//! need not be the same inode: an overlay file system copies a file of a lower layer when it is changed, under the same number, and processes go
//! on with the lower one; two overlays over one layer have the same inode under different numbers. So the processes' memory is asked.

use std::{
    collections::HashMap,
    fs::{self, File},
    os::unix::fs::FileExt,
    path::Path,
};

use compiler::plan::Site;

use crate::{Binary, mapped, process};

/// What stands at a probed instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    /// A probe.
    Probe,
    /// The instruction of the file.
    Instruction,
    /// Something else: the process runs other code.
    Another,
}

/// The processes that may run a file, and whether they had probes in it before there were ours.
pub(crate) struct Survey {
    identity: (u64, u64),
    size: u64,
    entry: Option<u64>,
    site: Option<Site>,
    before: HashMap<u32, Option<Found>>,
}

/// Where probes arrived.
#[derive(Debug, Default)]
pub(crate) struct Arrivals {
    /// Processes that run the file and have the probes, or could not be asked.
    pub traced: Vec<u32>,
    /// Processes that seem to run the file, and do not.
    pub missed: Vec<u32>,
}

impl Survey {
    /// Looks at one process, or at all.
    pub(crate) fn new(
        binary: &Binary,
        identity: (u64, u64),
        pid: Option<u32>,
        sites: impl Iterator<Item = Site>,
    ) -> Self {
        let data = binary.bytes();
        let mut survey = Self {
            identity,
            size: data.len() as u64,
            entry: link_time_entry(&data),
            site: recognisable(sites),
            before: HashMap::new(),
        };
        // Which processes have a library is asked of one only.
        let one = pid.is_some();
        let pids = pid.map_or_else(|| process::all().collect(), |pid| vec![pid]);
        for pid in pids {
            if survey.is_alike(pid) || one && mapped::has_mapped(pid, identity) {
                let found = survey.look(pid);
                survey.before.insert(pid, found);
            }
        }
        survey
    }

    /// Whether some process runs the file, as far as device and inode tell.
    pub(crate) fn has_process(&self) -> bool {
        let mut pids = self.before.keys();
        pids.any(|pid| process::runs(*pid, self.identity))
    }

    /// Looks again, after attaching, which left out the sites that the kernel refused.
    pub(crate) fn arrivals(mut self, refused: impl Iterator<Item = Site>) -> Arrivals {
        let looked_at = self.site.map(|site| site.address);
        if refused
            .map(|site| site.address)
            .any(|address| Some(address) == looked_at)
        {
            self.site = None;
        }
        let mut arrivals = Arrivals::default();
        for (pid, before) in &self.before {
            let found = self.look(*pid);
            let has_it =
                process::runs(*pid, self.identity) || mapped::has_mapped(*pid, self.identity);
            match (has_it, *before, found) {
                (true, _, Some(Found::Instruction | Found::Another)) => arrivals.missed.push(*pid),
                (true, _, _) | (false, Some(Found::Instruction), Some(Found::Probe)) => {
                    arrivals.traced.push(*pid);
                }
                (false, _, _) => {}
            }
        }
        arrivals.traced.sort_unstable();
        arrivals.missed.sort_unstable();
        // One that has ended meanwhile could not be asked.
        arrivals.traced.retain(|pid| process::is_alive(*pid));
        arrivals
    }

    /// A file of the same size may be the same one under another number.
    fn is_alike(&self, pid: u32) -> bool {
        fs::metadata(process::executable_path(pid)).is_ok_and(|meta| meta.len() == self.size)
            || process::runs(pid, self.identity)
    }

    /// `None` where the process cannot be asked.
    fn look(&self, pid: u32) -> Option<Found> {
        let site = self.site.as_ref()?;
        let directory = Path::new("/proc").join(pid.to_string());
        let mapped = mapped::address_of(pid, self.identity, site.file_offset);
        // Where the file has another number there, it is the executable.
        let by_entry = || {
            let bias = run_time_entry(&directory)?.wrapping_sub(self.entry?);
            Some(site.address.wrapping_add(bias))
        };
        let address = mapped.or_else(by_entry)?;
        let expected = site.bytes.get(..usize::from(site.len))?;
        let mut there = vec![0; expected.len()];
        File::open(directory.join("mem"))
            .and_then(|memory| memory.read_exact_at(&mut there, address))
            .ok()?;
        Some(compare(&there, expected))
    }
}

/// A site whose probe can be recognised: nops are overwritten as a whole by some kernels.
fn recognisable(mut sites: impl Iterator<Item = Site>) -> Option<Site> {
    let is_nop = |site: &Site| {
        matches!(
            site.bytes,
            [0x66 | 0x90 | 0x2e | 0x3e, ..] | [0x0f, 0x1f, ..]
        )
    };
    sites.find(|site| site.len > 0 && !is_nop(site))
}

fn compare(there: &[u8], instruction: &[u8]) -> Found {
    const BREAKPOINT: u8 = 0xcc;
    if there == instruction {
        Found::Instruction
    } else if there.first() == Some(&BREAKPOINT) && there.get(1..) == instruction.get(1..) {
        Found::Probe
    } else {
        Found::Another
    }
}

/// The entry point in the ELF header.
fn link_time_entry(data: &[u8]) -> Option<u64> {
    let bytes = data.get(24..32)?;
    Some(u64::from_le_bytes(bytes.try_into().ok()?))
}

/// Where it is in the process (getauxval(3)).
fn run_time_entry(process: &Path) -> Option<u64> {
    const AT_ENTRY: u64 = 9;
    let vector = fs::read(process.join("auxv")).ok()?;
    vector.chunks_exact(16).find_map(|pair| {
        let (key, value) = pair.split_at(8);
        let key = u64::from_le_bytes(key.try_into().ok()?);
        (key == AT_ENTRY).then_some(u64::from_le_bytes(value.try_into().ok()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probe_is_known_by_its_breakpoint() {
        assert_eq!(compare(&[0x55], &[0x55]), Found::Instruction);
        assert_eq!(compare(&[0xcc], &[0x55]), Found::Probe);
        assert_eq!(compare(&[0xcc, 1], &[0x55, 1]), Found::Probe);
        assert_eq!(compare(&[0xcc, 2], &[0x55, 1]), Found::Another);
        assert_eq!(compare(&[0x90], &[0x55]), Found::Another);
    }

    #[test]
    fn the_entry_point_of_this_process_is_where_the_kernel_says() {
        let file = fs::read("/proc/self/exe").expect("this executable");
        let entry = link_time_entry(&file).expect("an entry point");
        let there = run_time_entry(Path::new("/proc/self")).expect("an entry point");
        assert_eq!(there & 0xfff, entry & 0xfff);
        assert_eq!(link_time_entry(&file[..31]), None);
    }
}
