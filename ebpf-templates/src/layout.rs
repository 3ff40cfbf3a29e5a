//! The layouts of `bpf/layout.h` in Rust: cookies, configuration, goroutine state and records.
//!
//! User space reads records with these types straight out of the ring buffer, so a field that moved on one side only would be read
//! as another; a test compares every size and offset with the object's BTF.

mod cookie;
mod generated;
mod process;
mod record;

pub use cookie::*;
pub use generated::*;
pub use process::*;
pub use record::*;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Most traces of one program.
pub const MAX_TRACES: usize = 64;
/// Most entries of each scope list (`pid`, `comm`, `goroutine`).
pub const MAX_SCOPE: usize = 16;
/// Bytes of a thread name, its NUL included (`TASK_COMM_LEN`, include/linux/sched.h).
pub const COMM_LEN: usize = 16;
/// Most return addresses that `stack` keeps.
pub const MAX_STACK: usize = 64;
/// Frames kept in a goroutine's own state; deeper ones are in the map `deep_frames`.
pub const INLINE_FRAMES: usize = 32;
/// Most open frames of one goroutine.
pub const MAX_FRAMES: usize = 65_535;

/// Indices into the map `counters`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Counter {
    /// Kept graphs sent.
    Graphs = 0,
    /// Target calls dropped by `min`, `max`, `sample` or `limit`.
    Filtered = 1,
    /// Call records that the ring buffer could not take.
    LostRecords = 2,
    /// Graphs whose last chunk the ring buffer could not take, kept or not.
    LostGraphs = 3,
    /// Target calls not traced because the goroutine table was full.
    GoroutinesFull = 4,
    /// Calls not stored because the frame store was full.
    MissingCalls = 5,
    /// Events whose g or stack could not be read.
    NoG = 6,
    /// Target calls not traced because too many processes had been in graphs.
    ProcessesFull = 7,
    /// Conditions and aggregates of calls that needed something that could not be read.
    Undecided = 8,
    /// Aggregates not counted because the table of their keys was full.
    AggregatesFull = 9,
    /// Calls not counted in aggregates because there was no room for their values.
    NoRoom = 10,
}

/// Number of counters.
pub const COUNTER_MAX: usize = 11;

/// The program's `.rodata`, one instance a trace.
#[derive(Debug, Clone, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Config {
    /// Keep graphs whose target took at least this many nanoseconds.
    pub min_ns: u64,
    /// … and at most this many; `u64::MAX` where none was given.
    pub max_ns: u64,
    /// Drop calls below the target that took fewer nanoseconds.
    pub prune_ns: u64,
    /// Kept graphs; 0 = no limit.
    pub limit: u64,
    /// The limit holds for each interval of this many nanoseconds; 0 = for the whole trace.
    pub limit_per_ns: u64,
    /// One target call in this many; 0 and 1 = all.
    pub sample: u64,
    /// The goroutines in scope, `goroutine_count` of them.
    pub goroutines: [u64; MAX_SCOPE],
    /// Device of our pid namespace; 0 = the initial one.
    pub pid_ns_dev: u64,
    /// Inode of our pid namespace.
    pub pid_ns_ino: u64,
    /// The aggregations, `aggregation_count` of them.
    pub aggregations: [AggregationConfig; MAX_AGGREGATIONS],
    /// Of the thread-local word with g, from the thread pointer.
    pub tls_offset: i64,
    /// Not 0 where that is known only at run time: the link-time address of the word into which the dynamic loader writes it.
    pub tls_word: u64,
    /// Address of `runtime.cgocallback`, less the outermost return address of a goroutine.
    pub callback: u64,
    /// Bytes of that function; 0 = there is none.
    pub callback_size: u64,
    /// Index of this trace.
    pub trace: u32,
    /// Levels below the target; `u32::MAX` where none was given.
    pub depth: u32,
    /// Offset of `goid` in `runtime.g`, in bytes.
    pub goid_offset: u32,
    /// Return addresses of the target's callers to keep.
    pub stack: u32,
    /// The processes in scope, `pid_count` of them.
    pub pids: [u32; MAX_SCOPE],
    /// 0 = every process.
    pub pid_count: u32,
    /// 0 = every goroutine.
    pub goroutine_count: u32,
    /// 0 = every thread name.
    pub comm_count: u32,
    /// Not 0 where `bpf_loop` exists (Linux 5.17).
    pub have_loop: u32,
    /// Wake the reader once this many bytes wait in the ring buffer.
    pub wakeup_bytes: u32,
    /// Not 0 where the program may change registers: it then does a `ret` itself, which spares the kernel the single-step.
    pub write_registers: u32,
    /// Not 0 where the program is loaded as one that may wait for memory that is not there at the moment.
    pub sleepable: u32,
    /// The program does nothing while [`TraceState::generation`] is another one.
    pub generation: u32,
    /// Index of function 0 in the map `hits`.
    pub first_hit: u32,
    /// `FACT_…`: what generated functions look at.
    pub facts: u32,
    /// Not 0 where there is such a generated function ([`Stub::WhereEntry`]).
    pub where_entry: u32,
    /// The same of [`Stub::Keep`].
    pub keep: u32,
    /// The same of [`Stub::Arguments`].
    pub arguments: u32,
    /// The same of [`Stub::Results`].
    pub results: u32,
    /// A [`Stage`], of [`Stub::WhereReturn`].
    pub where_return: u32,
    /// A [`Stage`], of [`Stub::Until`].
    pub until: u32,
    /// A [`Stage`], of [`Stub::Aggregate`].
    pub aggregate: u32,
    /// 0 = none.
    pub aggregation_count: u32,
    /// Not 0 where kept graphs are not sent.
    pub no_graphs: u32,
    /// Words of the map `rooms`, a power of two.
    pub rooms: u32,
    /// The thread names in scope, NUL-padded, `comm_count` of them.
    pub comms: [[u8; COMM_LEN]; MAX_SCOPE],
}

impl Default for Config {
    fn default() -> Self {
        use zerocopy::FromZeros;
        Self {
            max_ns: u64::MAX,
            depth: u32::MAX,
            ..Self::new_zeroed()
        }
    }
}

/// Key of the map `goroutines`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct GoroutineKey {
    /// Process.
    pub tgid: u32,
    /// Index of the trace.
    pub trace: u32,
    /// `runtime.g.goid`.
    pub goid: u64,
    /// [`ProcessKey::image`].
    pub image: u64,
}

/// An open call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Frame {
    /// When it was entered, CLOCK_MONOTONIC nanoseconds.
    pub entry_ns: u64,
    /// Return address, as the process sees it.
    pub caller_pc: u64,
    /// `g.stack.hi` minus the address of the return address, in bytes.
    pub depth: u32,
    /// Index of the function in the plan.
    pub function: u32,
    /// Calls made below this one that the frame store could not hold.
    pub missing: u32,
    /// `FRAME_…` of `layout.h`.
    pub flags: u32,
    /// [`Goroutine::hits`] when this call began.
    pub hits: u32,
    /// [`Goroutine::stepped`] when this call began.
    pub stepped: u32,
}

/// A goroutine in a graph: value of the map `goroutines`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Goroutine {
    /// Of the target's call.
    pub inputs: Inputs,
    /// Nanoseconds in calls made by the target.
    pub inside_ns: u64,
    /// `enum verdict` of `layout.h`.
    pub decided: u32,
    /// 1 where the trace is to end with this graph.
    pub until: u32,
    /// 1 where the keys of this graph's aggregates are there.
    pub keys: u32,
    /// Index in the map `values`, plus 1.
    pub slot: u32,
    /// Open frames.
    pub level: u32,
    /// Not 0: this call is not traced, and neither is anything in it, down from this depth.
    pub skip_depth: u32,
    /// Emulated probe hits since the graph began.
    pub hits: u32,
    /// Single-stepped ones.
    pub stepped: u32,
    /// The thread on which it was at last, as far as that matters (`bpf/lives.h`).
    pub thread: u32,
    /// Padding.
    pub unused: u32,
    /// Open calls; deeper ones are in the map `deep_frames`.
    pub frames: [Frame; INLINE_FRAMES],
    /// Header of the next record; its `count` calls stand in `calls`.
    pub chunk: Chunk,
    /// Finished calls not sent yet.
    pub calls: [CallRecord; CHUNK_CALLS_MAX],
}

/// Key of the map `deep_frames`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct DeepKey {
    /// Whose frame.
    pub goroutine: GoroutineKey,
    /// Its level, at least [`INLINE_FRAMES`].
    pub level: u32,
    /// Padding.
    pub unused: u32,
}

/// Return addresses of the target's callers: value of the map `stacks`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Stack {
    /// Header; `count` addresses follow.
    pub chunk: Chunk,
    /// Innermost first.
    pub addresses: [u64; MAX_STACK],
}

/// Sampling and limits of a trace: value of the map `traces`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct TraceState {
    /// Target calls seen.
    pub sampled: u64,
    /// Graphs kept; counted only where there is a limit.
    pub kept: u64,
    /// Start of the interval in which `kept` counts.
    pub window_ns: u64,
    /// When g could not be read the last time, CLOCK_MONOTONIC nanoseconds.
    pub unread_ns: u64,
    /// The [`Config::generation`] of the program that is to work. User space writes this and the next.
    pub generation: u64,
    /// 1: `until` has ended the trace.
    pub ended: u64,
    /// How often each aggregation was cleared.
    pub epochs: [u64; MAX_AGGREGATIONS],
}

/// Probe hits of a function: value of the per-CPU map `hits`.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(C)]
pub struct Hits {
    /// At instructions that the kernel emulates.
    pub emulated: u64,
    /// At instructions that it single-steps.
    pub stepped: u64,
}

/// What the instruction at a function's entry site does: value of the map `steps`, whose index is the function. Registers are numbered
/// as the processor does; 16 is the address of the instruction, 17 no register.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(C)]
pub struct Step {
    /// `enum operation` of `layout.h`; 0: not known.
    pub operation: u8,
    /// Bytes that it is done on.
    pub width: u8,
    /// The register that is written or compared.
    pub to: u8,
    /// The register that is read.
    pub from: u8,
    /// Displacement or immediate value.
    pub value: i32,
    /// Bytes of the instruction.
    pub len: u32,
}

/// Key of the map `last_calls`: a call site from which its caller goes straight to its `ret`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct LastCallKey {
    /// Index of the trace.
    pub trace: u32,
    /// Index of the called function in the plan.
    pub callee: u32,
    /// Return address minus address of the called function's entry site.
    pub distance: u64,
}

/// The caller's side of a [`LastCallKey`]: value of the map `last_calls`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct LastCall {
    /// Index of the calling function in the plan.
    pub caller: u32,
    /// Bytes from its entry to its `ret`.
    pub offset: u32,
    /// Bytes of stack between the call's return address and the caller's.
    pub released: u32,
    /// Padding.
    pub unused: u32,
}
