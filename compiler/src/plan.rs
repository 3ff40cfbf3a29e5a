//! The plan: everything the runtime needs to trace, as plain data.
//!
//! It is the border between the rooms without privilege and the room with it, so it holds no file handles, no lifetimes and nothing of
//! the language; `explain` shows it without attaching.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    time::Duration,
};

use ebpf_templates::{Cookie, SiteKind, When};
pub use gobinary::{Step, TlsPlace};
use serde::Serialize;

pub use crate::{
    codegen::{NeedsResults, TraceCode},
    instrumentation::{
        aggregate::{Aggregation, AggregationKind},
        line::{Piece, Template},
    },
    placement::site::{LastCall, PlannedFunction, Site, Skipped},
    resolve::{
        filter::Filter,
        hooks::{AggregationId, Hook, HookAction, HookMoment, HookPiece},
        settings::{Budget, Limits, Settings},
    },
};
use crate::{diagnostics::diagnostic::Source, shape::ShownCall};

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
