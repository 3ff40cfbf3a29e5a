//! What the probe program sends.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Finished calls that a goroutine's state holds before it spills.
pub const CHUNK_CALLS_MAX: usize = 48;

/// `return_offset` of a call that did not return.
pub const NO_OFFSET: u32 = u32::MAX;

/// What a [`Chunk`] brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum ChunkKind {
    /// Finished calls of a graph whose fate is not decided.
    Calls = 1,
    /// The last calls of a kept graph, the target's own among them.
    Graph = 2,
    /// A graph that had sent [`ChunkKind::Calls`] was not kept.
    Discard = 3,
    /// `count` return addresses (u64) follow instead of calls; comes before [`ChunkKind::Graph`].
    Stack = 4,
    /// `count` bytes follow instead of calls: [`crate::ValuesHeader`]s, each before what was captured. They come before the record with the
    /// call that they belong to.
    Values = 5,
}

/// Header of a record in the ring buffer; `count` calls follow. (tgid, image, trace, goid, start_ns) identify the graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Chunk {
    /// A [`ChunkKind`].
    pub kind: u32,
    /// Index of the trace.
    pub trace: u32,
    /// Process.
    pub tgid: u32,
    /// Thread that sent it.
    pub tid: u32,
    /// Goroutine.
    pub goid: u64,
    /// [`ProcessKey::image`](crate::ProcessKey).
    pub image: u64,
    /// When the target was entered, CLOCK_MONOTONIC nanoseconds.
    pub start_ns: u64,
    /// Address of the target's entry site, as the process sees it.
    pub entry_ip: u64,
    /// Calls (or addresses) that follow.
    pub count: u32,
    /// Calls of this graph lost so far on the way to the ring buffer.
    pub lost: u32,
    /// Calls of this graph not stored so far.
    pub missing: u32,
    /// Chunks of this graph sent before this one.
    pub sent: u32,
    /// [`CHUNK_UNREAD`], [`CHUNK_UNTIL`], [`CHUNK_STACK_LEFT`], [`CHUNK_NO_ROOM`].
    pub flags: u32,
    /// Records of [`ChunkKind::Values`] of this graph lost so far on the way to the ring buffer.
    pub lost_values: u32,
}

/// While a graph ran, g could not be read at a hit that may have been its own.
pub const CHUNK_UNREAD: u32 = 1;

/// The condition of the trace's `until` held for this graph.
pub const CHUNK_UNTIL: u32 = 2;

/// In [`Chunk::flags`] of [`ChunkKind::Stack`]: the callers beyond are not on the goroutine's stack.
pub const CHUNK_STACK_LEFT: u32 = 4;

/// There was no room for the graph's values.
pub const CHUNK_NO_ROOM: u32 = 8;

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum CallExit {
    /// It returned.
    Return = 0,
    /// A panic or `runtime.Goexit` removed its frame.
    Unwound = 1,
    /// It had not ended when tracing stopped, or its process ended.
    Open = 2,
    /// It had not ended when its process ran another program.
    Exec = 3,
}

/// A finished call, as it stands in the ring buffer after a [`Chunk`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct CallRecord {
    /// When it was entered, CLOCK_MONOTONIC nanoseconds.
    pub entry_ns: u64,
    /// How long it took, nanoseconds.
    pub duration_ns: u64,
    /// Return address, as the process sees it.
    pub caller_pc: u64,
    /// Index of the function in the plan.
    pub function: u32,
    /// Bytes from the function's entry to the instruction through which it left; [`NO_OFFSET`] where it did not return.
    pub return_offset: u32,
    /// Calls made below this one that the frame store could not hold.
    pub missing: u32,
    /// 0 = the target.
    pub level: u16,
    /// A [`CallExit`].
    pub exit: u8,
    /// Padding.
    pub unused: u8,
    /// Emulated probe hits in calls made inside this one, shown or not.
    pub hits: u32,
    /// Single-stepped ones.
    pub stepped: u32,
}
