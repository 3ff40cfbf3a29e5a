//! The other files of Go code of a traced process: what calls a library, or is called back by it, is named from them.

use std::{
    cell::RefCell,
    collections::HashMap,
    rc::Rc,
    time::{Duration, Instant},
};

use gobinary::Executable;
use runtime::{
    Binary,
    mapped::{self, Mapped},
};

/// How often a process's mappings are read again for an address that is in none of them.
const AGAIN: Duration = Duration::from_secs(1);
/// Processes whose mappings are remembered.
const MOST_PROCESSES: usize = 256;

/// A file, if it is one of Go.
type GoFile = Option<Rc<Executable>>;

/// What is known of the processes and of their files.
pub struct Neighbours {
    /// Device and inode of the traced file.
    traced: Option<(u64, u64)>,
    processes: RefCell<HashMap<u32, (Instant, Vec<Mapped>)>>,
    files: RefCell<HashMap<(u64, u64), GoFile>>,
}

impl Neighbours {
    /// Of the processes that run this file.
    pub fn new(traced: &Binary) -> Self {
        Self {
            traced: traced.identity().ok(),
            processes: RefCell::default(),
            files: RefCell::default(),
        }
    }

    /// The Go file that a process has at an address, and the link-time address there. `known` is where it has run the byte at an offset of
    /// the traced file: where that does not hold any more, the number is another program's by now, and nothing is told.
    pub fn at(&self, pid: u32, address: u64, known: (u64, u64)) -> Option<(Rc<Executable>, u64)> {
        let mapped = self.mapping(pid, address, known)?;
        let identity = mapped.identity()?;
        let mut files = self.files.borrow_mut();
        let file = files.entry(identity).or_insert_with(|| {
            let binary = Binary::of(&mapped.path, mapped.open()).ok()?;
            Executable::parse(binary.bytes()).ok().map(Rc::new)
        });
        let executable = Rc::clone(file.as_ref()?);
        let within = address.checked_sub(mapped.start)?;
        let link_time = executable.address(mapped.offset.checked_add(within)?)?;
        Some((executable, link_time))
    }

    fn mapping(&self, pid: u32, address: u64, known: (u64, u64)) -> Option<Mapped> {
        let mut processes = self.processes.borrow_mut();
        let holding = |all: &[Mapped]| {
            let mut all = all.iter();
            all.find(|mapped| (mapped.start..mapped.end).contains(&address))
                .cloned()
        };
        if let Some((read, mappings)) = processes.get(&pid) {
            let found = holding(mappings);
            if found.is_some() || read.elapsed() < AGAIN {
                return found;
            }
        }
        if processes.len() >= MOST_PROCESSES {
            processes.clear();
        }
        let (ran, offset) = known;
        let same = mapped::address_of(pid, self.traced?, offset) == Some(ran);
        let mappings = if same {
            mapped::mappings(pid)
        } else {
            Vec::new()
        };
        let found = holding(&mappings);
        processes.insert(pid, (Instant::now(), mappings));
        found
    }
}
