//! Who has the traced library loaded: told when tracing begins, and when that comes later, or ends.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use compiler::escape_path;
use runtime::mapped;

/// How often all processes are looked through.
const LOOK: Duration = Duration::from_secs(1);

/// A library that is traced.
pub struct Loading {
    /// Its device and inode.
    identity: (u64, u64),
    /// The one process that is traced.
    pid: Option<u32>,
    seen: bool,
    looked: Instant,
}

impl Loading {
    /// Looks who has it loaded.
    pub fn new(identity: (u64, u64), pid: Option<u32>) -> Self {
        Self {
            identity,
            pid,
            seen: false,
            looked: Instant::now(),
        }
    }

    /// Where it is, as the end of a sentence that names it.
    pub fn told(&mut self, path: &Path) -> String {
        let path = escape_path(path);
        let told = match (self.pid, self.holders().as_slice()) {
            (Some(pid), []) => return format!("{path}, which process {pid} has not loaded yet"),
            (Some(pid), _) => format!("{path} in process {pid}"),
            (None, []) => return format!("{path}; no process has it loaded yet"),
            (None, [pid]) => format!("{path}; process {pid} has it loaded"),
            (None, pids) => format!("{path}; {} processes have it loaded", pids.len()),
        };
        self.seen = true;
        told
    }

    /// Says when it has been loaded.
    pub fn tend(&mut self, notices: &mut Vec<String>) {
        if self.seen || self.pid.is_none() && self.looked.elapsed() < LOOK {
            return;
        }
        self.looked = Instant::now();
        if let Some(pid) = self.holders().first() {
            self.seen = true;
            notices.push(format!("process {pid} has loaded it"));
        }
    }

    /// Whether a process had it loaded and has not any more: it runs another program now, or let go of the library.
    pub fn is_gone(&self) -> bool {
        self.seen && self.pid.is_some() && self.holders().is_empty()
    }

    /// Whether no process has been seen to have it loaded.
    pub fn was_never_seen(&self) -> bool {
        !self.seen
    }

    fn holders(&self) -> Vec<u32> {
        match self.pid {
            Some(pid) if mapped::runs(pid, self.identity) => vec![pid],
            Some(_) => Vec::new(),
            None => mapped::running(self.identity),
        }
    }
}
