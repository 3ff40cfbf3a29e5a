//! Processes of the same executable that the traced one starts, as servers do which fork workers of themselves. They are not traced, and
//! that is said once.

use std::path::Path;

use runtime::{mapped, process};

use crate::typed;

/// Most processes that are named.
const MOST_NAMED: usize = 3;

/// What is known of a traced process's copies.
pub struct Started {
    pid: u32,
    identity: (u64, u64),
    /// Those that ran when tracing began, by whomever they were started.
    before: Vec<u32>,
    told: bool,
}

impl Started {
    /// Nothing is started yet by this process, which runs the executable of this device and inode.
    pub fn new(pid: u32, identity: (u64, u64)) -> Self {
        Self {
            pid,
            identity,
            before: mapped::running(identity),
            told: false,
        }
    }

    /// Looks at the process while it runs.
    pub fn look(&mut self, path: &Path, notices: &mut Vec<String>) {
        if self.told {
            return;
        }
        let runs = |pid: &u32| mapped::runs(*pid, self.identity);
        let copies: Vec<u32> = process::descendants(self.pid)
            .into_iter()
            .filter(runs)
            .collect();
        self.tell(&copies, path, notices);
    }

    /// Looks for what it has left behind: its children are nobody's by now.
    pub fn look_behind(&mut self, path: &Path, notices: &mut Vec<String>) {
        if self.told {
            return;
        }
        let mut copies = mapped::running(self.identity);
        copies.retain(|pid| *pid != self.pid && !self.before.contains(pid));
        self.tell(&copies, path, notices);
    }

    fn tell(&mut self, copies: &[u32], path: &Path, notices: &mut Vec<String>) {
        let Some(first) = copies.first() else { return };
        self.told = true;
        let named: Vec<String> = copies.iter().take(MOST_NAMED).map(u32::to_string).collect();
        let more = match copies.len().saturating_sub(MOST_NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        // In a container, or where it has been replaced, the path leads to another file.
        let path = match process::identity_of(path) {
            Ok(identity) if identity == self.identity => path.to_owned(),
            _ => process::executable_path(*first),
        };
        notices.push(format!(
            "process {} has started more processes of its executable, which are not traced: {}{more}; to trace all of them: gofuncgraph … {}",
            self.pid,
            named.join(", "),
            typed(&path.to_string_lossy())
        ));
    }
}
