//! What is known of processes that have been in a graph.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Most processes that can have been in a graph and not have ended.
pub const MAX_PROCESSES: usize = 4_096;

/// A process, from one exec to the next: key of the map `processes`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct ProcessKey {
    /// When the process was started, and how many execs there were before. Another one with the same id has another image.
    pub image: u64,
    /// Its id in the initial namespace.
    pub tgid: u32,
    /// Padding.
    pub unused: u32,
}

/// How a process's image ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum ProcessEnd {
    /// The process has ended.
    Exit = 1,
    /// It runs another program, or the same anew.
    Exec = 2,
}

/// Value of the map `processes`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Process {
    /// When it ended, by the kernel's clock.
    pub ended_ns: u64,
    /// A [`ProcessEnd`]; 0: it has not.
    pub end: u32,
    /// [`GoroutineKey::tgid`](crate::GoroutineKey).
    pub tgid: u32,
}

/// A mapping of a file in a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Mapped {
    /// Where the kernel has the inode: the same for the same one, as long as somebody has it open.
    pub inode: u64,
    /// Where it begins, in the process.
    pub start: u64,
    /// Process, in the tracer's namespace.
    pub tgid: u32,
    /// 1: its code may run there. Other mappings are told of the tracer only.
    pub runs: u32,
}
