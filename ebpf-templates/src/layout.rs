//! The layouts of `bpf/layout.h` in Rust: cookies, configuration, goroutine state and records.
//!
//! User space reads records with these types straight out of the ring buffer, so a field that moved on one side only would be read
//! as another; a test compares every size and offset with the object's BTF.

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
/// Finished calls that a goroutine's state holds before it spills.
pub const CHUNK_CALLS_MAX: usize = 48;
/// `return_offset` of a call that did not return.
pub const NO_OFFSET: u32 = u32::MAX;

/// What happens at a probe site.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum SiteKind {
    /// A frame begins; `[rsp]` is the return address.
    Enter = 0,
    /// A `ret`, or an exit edge: an instruction from which straight code leads to one.
    Return = 1,
    /// A jump to a function that is not probed: the frame ends here.
    TailOut = 2,
    /// A jump to a probed function, whose call becomes a child at the same depth.
    TailInto = 3,
    /// The function leaves through its first instruction.
    EnterReturn = 4,
    /// `runtime.deferreturn`'s entry: frames at or below this depth are dead.
    Unwound = 5,
    /// `runtime.goexit1`'s entry: the goroutine ends.
    Exit = 6,
    /// The function's first instruction jumps to a probed function.
    EnterTailInto = 7,
    /// As [`SiteKind::Enter`], and another probed function may call this one as its last act ([`LastCall`]).
    EnterLastCall = 8,
    /// A conditional jump at which a frame begins, and ends too if the jump goes as [`Cookie::when`] says.
    EnterReturnIf = 9,
}

impl SiteKind {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Enter,
        Self::Return,
        Self::TailOut,
        Self::TailInto,
        Self::EnterReturn,
        Self::Unwound,
        Self::Exit,
        Self::EnterTailInto,
        Self::EnterLastCall,
        Self::EnterReturnIf,
    ];
}

/// When the instruction at a site counts: a jump may lead to what the site stands for in one direction only. The numbers are x86
/// condition codes, 0 to 15, as in the low bits of the instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum When {
    /// Each time.
    Always,
    /// The condition holds, so the jump is taken.
    Taken(u8),
    /// The condition does not hold, so the jump is not taken.
    NotTaken(u8),
    /// Each time, and where it may write registers the program carries the instruction out itself: a `ret`, or the function's
    /// [`Step`].
    CarryOut,
}

/// What the probe program is told about a site, packed into the 64 bits of an attach cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cookie {
    /// Index of the function in the plan, below [`Cookie::FUNCTIONS`].
    pub function: u32,
    /// The kernel single-steps the instruction at the site.
    pub stepped: bool,
    /// Bytes from the function's entry to what the site stands for, below [`Cookie::OFFSETS`]: an exit edge stands for its `ret`.
    pub offset: u32,
    /// What happens here.
    pub kind: SiteKind,
    /// The function starts a graph.
    pub target: bool,
    /// R14 does not hold g here: take it from `fs:-8`.
    pub g_from_tls: bool,
    /// When it counts.
    pub when: When,
    /// Bytes of stack that are released between the site and the `ret` that it stands for: a multiple of 8, below
    /// [`Cookie::RELEASED`].
    pub released: u32,
}

impl Cookie {
    /// Functions end below this.
    pub const FUNCTIONS: u32 = 1 << 21;
    /// Offsets end below this.
    pub const OFFSETS: u32 = 1 << 20;
    /// Released bytes end below this.
    pub const RELEASED: u32 = 1 << 13;

    /// The 64 bits, laid out as `COOKIE_…` in `layout.h`.
    #[must_use]
    pub fn pack(self) -> u64 {
        debug_assert!(self.function < Self::FUNCTIONS && self.offset < Self::OFFSETS);
        debug_assert!(self.released < Self::RELEASED && self.released.is_multiple_of(8));
        let (when, condition) = match self.when {
            When::Always => (0, 0),
            When::Taken(condition) => (1, condition & 0xf),
            When::NotTaken(condition) => (2, condition & 0xf),
            When::CarryOut => (3, 0),
        };
        u64::from(self.function)
            | u64::from(self.stepped) << 21
            | u64::from(self.offset) << 22
            | (self.kind as u64) << 42
            | u64::from(self.target) << 46
            | u64::from(self.g_from_tls) << 47
            | when << 48
            | u64::from(condition) << 50
            | u64::from(self.released / 8) << 54
    }

    /// The fields of a packed cookie; `None` for bits that [`Cookie::pack`] never gives.
    #[must_use]
    pub fn unpack(bits: u64) -> Option<Self> {
        let field = |shift: u32, bits_wide: u32| (bits >> shift & ((1 << bits_wide) - 1)) as u32;
        let condition = field(50, 4) as u8;
        Some(Self {
            function: field(0, 21),
            stepped: field(21, 1) == 1,
            offset: field(22, 20),
            kind: SiteKind::ALL
                .into_iter()
                .find(|kind| *kind as u32 == field(42, 4))?,
            target: field(46, 1) == 1,
            g_from_tls: field(47, 1) == 1,
            when: match field(48, 2) {
                0 => When::Always,
                1 => When::Taken(condition),
                2 => When::NotTaken(condition),
                _ => When::CarryOut,
            },
            released: field(54, 10) * 8,
        })
    }
}

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
    /// States left behind by a process image that is gone (exec).
    Stale = 7,
}

/// Number of counters.
pub const COUNTER_MAX: usize = 8;

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
    /// Padding.
    pub unused: u32,
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

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum CallExit {
    /// It returned.
    Return = 0,
    /// A panic or `runtime.Goexit` removed its frame.
    Unwound = 1,
    /// It had not ended when tracing stopped.
    Open = 2,
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
    /// `count` bytes follow instead of calls: [`ValuesHeader`]s, each before what was captured. They come before the record with the
    /// call that they belong to.
    Values = 5,
}

/// Header of a record in the ring buffer; `count` calls follow. (tgid, trace, goid, start_ns) identify the graph.
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
    /// [`CHUNK_UNREAD`], [`CHUNK_UNTIL`].
    pub flags: u32,
    /// Records of [`ChunkKind::Values`] of this graph lost so far on the way to the ring buffer.
    pub lost_values: u32,
}

/// While a graph ran, g could not be read at a hit that may have been its own.
pub const CHUNK_UNREAD: u32 = 1;
/// The condition of the trace's `until` held for this graph.
pub const CHUNK_UNTIL: u32 = 2;

/// When something was captured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Moment {
    /// At entry: arguments.
    Arguments = 0,
    /// At return: results.
    Results = 1,
}

/// Goes before what was captured of a call; begins at a multiple of 8 bytes. (`entry_ns`, `level`) identify the call in its graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct ValuesHeader {
    /// [`CallRecord::entry_ns`].
    pub entry_ns: u64,
    /// [`CallRecord::function`].
    pub function: u32,
    /// [`CallRecord::level`].
    pub level: u16,
    /// A [`Moment`].
    pub moment: u8,
    /// Padding.
    pub unused: u8,
    /// Bytes that follow.
    pub size: u32,
    /// Padding.
    pub unused2: u32,
}

/// Most bytes captured at one moment of a call.
pub const CAPTURE_MAX: usize = 1_024;
/// Once a goroutine's buffer holds so many bytes it is sent.
pub const VALUES_FULL: usize = 8_192;
/// Bytes of a goroutine's buffer: one more always fits.
pub const VALUES_BYTES: usize = VALUES_FULL + size_of::<ValuesHeader>() + CAPTURE_MAX;

/// What was captured in a graph and is not sent yet: value of the map `values`, whose key is a [`GoroutineKey`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Values {
    /// Bytes in use.
    pub used: u32,
    /// Padding.
    pub unused: u32,
    /// Each with its [`ValuesHeader`].
    pub bytes: [u8; VALUES_BYTES],
}

/// A goroutine in a graph: value of the map `goroutines`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Goroutine {
    /// Identity of the address space: changes on exec.
    pub mm: u64,
    /// Open frames.
    pub level: u32,
    /// Not 0: this call is not traced, and neither is anything in it, down from this depth.
    pub skip_depth: u32,
    /// Emulated probe hits since the graph began.
    pub hits: u32,
    /// Single-stepped ones.
    pub stepped: u32,
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
    /// The [`Config::generation`] of the program that is to work. The only field that user space writes.
    pub generation: u64,
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
