//! The plan: everything the runtime needs to trace, as plain data.
//!
//! It is the border between the rooms without privilege and the room with it, so it holds no file handles, no lifetimes and nothing of
//! the language; `explain` shows it without attaching.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::PathBuf,
    time::Duration,
};

use ebpf_templates::{Cookie, SiteKind, When};
pub use gobinary::{Step, TlsPlace};
use serde::Serialize;

use crate::{
    codegen::Code,
    diagnostics::diagnostic::Source,
    shape::{Shape, ShownCall, ShownValue},
};

/// What to probe in one executable, and how to treat what is seen.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// The executable that the plan was made for.
    pub executable: PathBuf,
    /// Functions probed by any trace; a cookie's function id is an index into this.
    pub functions: Vec<PlannedFunction>,
    /// The program's traces, in source order.
    pub traces: Vec<TracePlan>,
    /// Matched functions that are not probed, and why.
    pub skipped: Vec<Skipped>,
    /// Offset of `goid` in `runtime.g`, in bytes.
    pub goid_offset: u32,
    /// How the offset was established, for `explain`.
    pub goid_evidence: String,
    /// Where code without g in R14 takes it from; `None` where that could not be established, and no such code is probed.
    pub tls_place: Option<TlsPlace>,
    /// How that was established, or why it was not, for `explain`.
    pub tls_evidence: String,
    /// By what goroutines are told that the runtime lends to threads of C's; `None`: C cannot call Go here.
    pub callback: Option<Callback>,
    /// What holds for the whole run.
    pub settings: Settings,
    /// What is done at moments of the run, in source order.
    pub hooks: Vec<Hook>,
    /// The program's name and text, which spans of generated code are pieces of.
    pub source: Source,
}

/// The function by which C calls Go: the outermost one on the stack of a goroutine that is lent to a thread of C's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Callback {
    /// From the outermost return address of each goroutine to this function, which is the same wherever both are loaded.
    pub distance: i64,
    /// Bytes of the function.
    pub size: u64,
}

/// What the program's `config` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Settings {
    /// What tracing may cost.
    pub budget: Budget,
    /// Durations are shown without what the probes inside took.
    pub compensate: bool,
    /// How much of values is captured.
    pub values: Limits,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            budget: Budget::Share(500),
            compensate: false,
            values: Limits::default(),
        }
    }
}

/// How much of values is captured. What there is beyond is shown to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// Bytes of a string, up to [`Self::MOST_STRING`].
    pub string: u16,
    /// Elements of a slice, an array, a map; up to [`Self::MOST_ELEMENTS`].
    pub elements: u8,
    /// Pointers followed, one after the other, up to [`Self::MOST_DEPTH`].
    pub depth: u8,
}

impl Limits {
    /// Half of what is captured at once.
    pub const MOST_STRING: u16 = 512;
    /// Half as many as there are items.
    pub const MOST_ELEMENTS: u8 = 32;
    /// Each asks for memory anew.
    pub const MOST_DEPTH: u8 = 4;
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            string: 64,
            elements: 4,
            depth: 1,
        }
    }
}

/// How much processor time the probes may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Budget {
    /// Any.
    Off,
    /// Of one core, in thousandths: 2,000 are two cores.
    Share(u32),
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("off"),
            Self::Share(thousandths) if thousandths.is_multiple_of(10) => {
                write!(f, "{}%", thousandths / 10)
            }
            Self::Share(thousandths) => write!(f, "{}.{}%", thousandths / 10, thousandths % 10),
        }
    }
}

/// A function with probe sites.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedFunction {
    /// Full symbol name.
    pub name: String,
    /// Link-time address of its first instruction.
    pub address: u64,
    /// Link-time address of its entry site: subtract it from a chunk's `entry_ip` for the load bias.
    pub entry_site: u64,
    /// What the instruction there does, where the probe program may do it in the processor's stead.
    pub entry_step: Option<Step>,
    /// The entry site is a cheaper one than that where arguments are still in their registers.
    pub entry_moved: bool,
    /// Places into which it was also inlined; those calls are not seen.
    pub inlined_at: u32,
}

/// One `trace` item.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct TracePlan {
    /// The label, or the target patterns as written.
    pub label: String,
    /// Filters that the kernel side decides.
    pub filter: Filter,
    /// Stop this trace after so long.
    pub duration: Option<Duration>,
    /// Functions that start a graph.
    pub targets: Vec<u32>,
    /// Functions shown inside a graph, the targets too.
    pub included: Vec<u32>,
    /// Where to probe, by ascending address.
    pub sites: Vec<Site>,
    /// Calls with which their callers' frames end too.
    pub last_calls: Vec<LastCall>,
    /// What is decided and captured by generated code.
    pub code: TraceCode,
    /// What is captured of calls, by function: an index into [`Plan::functions`].
    pub shown: BTreeMap<u32, ShownCall>,
    /// What the kernel makes of all kept graphs.
    pub aggregations: Vec<Aggregation>,
    /// Kept graphs stay in the kernel, where only aggregations ask for them.
    pub keeps_graphs: bool,
    /// What is written for each graph in place of its tree.
    pub print: Option<Template>,
}

/// What the kernel makes of all kept graphs of a trace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Aggregation {
    /// Its name, or as it is written.
    pub label: String,
    /// Its name, where it has one.
    pub name: Option<String>,
    /// What is made of them.
    pub kind: AggregationKind,
    /// How the value is read: a signed number or a duration. Nothing is measured where there is none.
    pub value: Option<Shape>,
    /// By what calls are told apart. They are read as captured values are, but code is at link-time addresses: an address that is
    /// in a function or right behind it, as return addresses are.
    pub keys: Vec<ShownValue>,
    /// It looks at registers of the return.
    pub needs_results: bool,
}

/// What is made of calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AggregationKind {
    /// How many there are.
    Count,
    /// The sum of their values.
    Sum,
    /// The mean.
    Average,
    /// How many, sum, mean, least and greatest.
    Stats,
    /// How many, by powers of two.
    Histogram,
    /// How many, by steps.
    Linear {
        /// The least value that is not below all steps.
        low: i64,
        /// The least above all of them.
        high: i64,
        /// How wide one is.
        step: u64,
    },
}

/// A line that is written for each graph.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Template {
    /// One after another.
    pub pieces: Vec<Piece>,
}

/// A piece of a [`Template`], about the target's call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Piece {
    /// The same each time.
    Text(String),
    /// One of [`ShownCall::arguments`].
    Argument(usize),
    /// One of [`ShownCall::results`].
    Result(usize),
    /// How long it took.
    Duration,
    /// The same without the calls shown inside.
    SelfTime,
    /// Goroutine id.
    Goroutine,
    /// Process id.
    Process,
    /// Thread id.
    Thread,
    /// The function's name.
    Function,
    /// The name of the function that made the call.
    Caller,
}

/// What is done at a moment of the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hook {
    /// When.
    pub moment: HookMoment,
    /// In this order.
    pub actions: Vec<HookAction>,
}

/// When a hook's actions are done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HookMoment {
    /// Once the probes are attached.
    Begin,
    /// After the last graph.
    End,
    /// Each time so much time has passed.
    Every(Duration),
}

/// What a hook does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HookAction {
    /// Writes a line.
    Print(Vec<HookPiece>),
    /// Writes what these have come to.
    Show(Vec<AggregationId>),
    /// Lets these begin anew.
    Clear(Vec<AggregationId>),
}

/// A piece of a hook's line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HookPiece {
    /// The same each time.
    Text(String),
    /// The time of day.
    Time,
    /// How long the run has taken so far.
    Elapsed,
}

/// Where an aggregation is in a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct AggregationId {
    /// Index of the trace.
    pub trace: u32,
    /// Index in [`TracePlan::aggregations`].
    pub aggregation: u32,
}

/// Generated code of a trace. Each takes the place of a stub in the probe program.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct TraceCode {
    /// Decides at the entry of a target whether its graph begins.
    pub where_entry: Option<Code>,
    /// Keeps words and bytes from the entry of a target to its return.
    pub keep: Option<Code>,
    /// Decides at the return of a target whether its graph is kept.
    pub where_return: Option<Code>,
    /// Captures at the entry of calls.
    pub arguments: Option<Code>,
    /// Captures at the return of calls.
    pub results: Option<Code>,
    /// Captures what the aggregates of a target's call need, at its return.
    pub aggregate: Option<Code>,
    /// Decides at the return of a target whether the trace ends with its graph.
    pub until: Option<Code>,
    /// Which of those that run at a target's return look at its results, so that they cannot run where it did not return.
    pub needs_results: NeedsResults,
    /// Any of them looks at the return address of the call.
    pub needs_caller: bool,
    /// Any of them looks at where the executable was loaded.
    pub needs_bias: bool,
}

/// Which generated functions look at results.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct NeedsResults {
    /// [`TraceCode::where_return`]
    pub where_return: bool,
    /// [`TraceCode::aggregate`]
    pub aggregate: bool,
    /// [`TraceCode::until`]
    pub until: bool,
}

/// A call after which its caller has nothing left to do but return: both return at the same instant, so the caller's `ret` needs no probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct LastCall {
    /// The called function's id.
    pub callee: u32,
    /// Return address minus address of the callee's entry site.
    pub distance: i64,
    /// The calling function's id.
    pub caller: u32,
    /// Bytes from the caller's entry to its `ret`.
    pub offset: u32,
    /// Bytes of stack between the call's return address and the caller's.
    pub released: u32,
}

/// Filters of a trace. `None` and empty mean "all".
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Filter {
    /// Least duration of the target call.
    pub min: Option<Duration>,
    /// Greatest duration of the target call.
    pub max: Option<Duration>,
    /// Calls below the target that took less are dropped.
    pub prune: Option<Duration>,
    /// Levels shown below the target.
    pub depth: Option<u32>,
    /// One target call in this many.
    pub sample: Option<u64>,
    /// Kept graphs.
    pub limit: Option<u64>,
    /// Interval for which `limit` holds.
    pub limit_per: Option<Duration>,
    /// Processes.
    pub pids: Vec<u32>,
    /// Thread names, at most 15 bytes each.
    pub comms: Vec<String>,
    /// Goroutine ids.
    pub goroutines: Vec<u64>,
    /// Return addresses of the target's callers to keep.
    pub stack: Option<u32>,
}

/// A place to probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Site {
    /// Link-time address.
    pub address: u64,
    /// Offset in the file, which is what the kernel is given.
    pub file_offset: u64,
    /// An `ebpf_templates::Cookie`, packed.
    pub cookie: u64,
    /// The instruction found there when the plan was made, compared with the file again before attaching.
    pub bytes: [u8; 16],
    /// How many of `bytes` count.
    pub len: u8,
    /// The kernel emulates the instruction instead of single-stepping it.
    pub emulated: bool,
    /// Of a thousand calls, how many pass it: a guess, by which places were chosen and prices are told.
    pub passed: u16,
}

/// A matched function that is not probed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// Full symbol name.
    pub name: String,
    /// Why, as a clause: "the runtime cannot be probed safely here".
    pub reason: String,
}

impl TracePlan {
    /// Functions at whose entry the kernel single-steps. With `carries_out` the probe program carries out instructions itself, where
    /// their cookies say so, and nothing is stepped there.
    #[must_use]
    pub fn stepped_entries(&self, carries_out: bool) -> BTreeSet<u32> {
        let cookies = self.sites.iter().map(|site| Cookie::unpack(site.cookie));
        cookies
            .flatten()
            .filter(|cookie| {
                let enters = matches!(
                    cookie.kind,
                    SiteKind::Enter
                        | SiteKind::EnterLastCall
                        | SiteKind::EnterReturn
                        | SiteKind::EnterReturnIf
                        | SiteKind::EnterTailInto
                );
                enters && cookie.stepped && !(carries_out && cookie.when == When::CarryOut)
            })
            .map(|cookie| cookie.function)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stepped_entries_are_those_that_the_kernel_steps() {
        let site = |function: u32, kind: SiteKind, stepped: bool, when: When| {
            let cookie = Cookie {
                function,
                stepped,
                offset: 0,
                kind,
                target: false,
                g_from_tls: false,
                when,
                released: 0,
            };
            Site {
                address: 0,
                file_offset: 0,
                cookie: cookie.pack(),
                bytes: [0; 16],
                len: 1,
                emulated: !stepped,
                passed: 1_000,
            }
        };
        let trace = TracePlan {
            sites: vec![
                site(0, SiteKind::Enter, false, When::Always),
                site(0, SiteKind::Return, true, When::CarryOut),
                site(1, SiteKind::EnterLastCall, true, When::Always),
                site(2, SiteKind::Enter, true, When::CarryOut),
            ],
            ..TracePlan::default()
        };
        assert_eq!(trace.stepped_entries(false), BTreeSet::from([1, 2]));
        assert_eq!(trace.stepped_entries(true), BTreeSet::from([1]));
    }
}
