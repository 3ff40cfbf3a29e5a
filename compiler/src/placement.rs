//! Where a function's returns are watched: at each `ret`, or at cheaper instructions through which it is reached.
//!
//! The kernel single-steps a `ret`, which costs several times as much as an instruction that it emulates, ten times and more in virtual
//! machines. Where every way to a `ret` passes exactly one emulated instruction after the function's last other work (an *exit edge*), that
//! is probed instead. A conditional jump is passed also by calls that do not leave there, so edges pay only where they are few.

use std::collections::{HashMap, HashSet};

use ebpf_templates::{Cookie, When};
use gobinary::{Executable, ExitEdge, ExitKind, Function, Instruction, Sites};

/// How returns are watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placement {
    /// At each `ret`.
    Returns,
    /// At exit edges, where a call passes no more of them than a single-stepped hit costs emulated ones.
    Edges {
        /// The price of a single-stepped hit, in emulated ones.
        stepped: usize,
    },
}

impl Default for Placement {
    /// Two is the least that single-stepping costs on any machine that was measured.
    fn default() -> Self {
        Self::Edges { stepped: 2 }
    }
}

/// An exit, and where it is watched.
pub(crate) struct Exit {
    /// Where the probe goes.
    pub address: u64,
    pub instruction: Instruction,
    pub g_from_tls: bool,
    pub when: When,
    /// Bytes of stack released between the probe and the way out.
    pub released: u32,
    /// The instruction through which the function is left.
    pub way_out: u64,
    pub kind: ExitKind,
}

/// The exits of a function, by ascending address of their probes.
pub(crate) fn exits(
    executable: &Executable,
    function: &Function<'_>,
    sites: &Sites,
    placement: Placement,
) -> Vec<Exit> {
    let edges = match placement {
        Placement::Returns => HashMap::new(),
        Placement::Edges { stepped } => edges(executable, function, sites, stepped),
    };
    let mut exits: Vec<Exit> = Vec::with_capacity(sites.exits.len());
    for exit in &sites.exits {
        match edges.get(&exit.address) {
            Some(edges) => exits.extend(edges.iter().map(|edge| Exit {
                address: edge.site,
                instruction: edge.instruction,
                g_from_tls: exit.g_from_tls,
                when: when(edge.when),
                released: edge.depth,
                way_out: edge.ret,
                kind: exit.kind,
            })),
            None => exits.push(Exit {
                address: exit.address,
                instruction: exit.instruction,
                g_from_tls: exit.g_from_tls,
                when: if exit.kind == ExitKind::Ret {
                    When::CarryOut
                } else {
                    When::Always
                },
                released: 0,
                way_out: exit.address,
                kind: exit.kind,
            }),
        }
    }
    exits.sort_unstable_by_key(|exit| exit.address);
    // A conditional jump both of whose ways lead out: every hit is an exit, and the jump itself is the instruction through which.
    exits.dedup_by(|second, first| {
        let same = second.address == first.address;
        if same {
            first.when = When::Always;
            first.way_out = first.address;
        }
        same
    });
    exits
}

/// From `ret` to its edges, as far as they can be told to the probe program and are worth it.
fn edges(
    executable: &Executable,
    function: &Function<'_>,
    sites: &Sites,
    stepped: usize,
) -> HashMap<u64, Vec<ExitEdge>> {
    let mut by_ret: HashMap<u64, Vec<ExitEdge>> = HashMap::new();
    for edge in executable.exit_edges(function, sites) {
        by_ret.entry(edge.ret).or_default().push(edge);
    }
    // A site holds one cookie: it stands for one way out, or for both ways of a jump with as much stack to release on each.
    let mut at_site: HashMap<u64, Vec<(gobinary::When, u32)>> = HashMap::new();
    for edge in by_ret.values().flatten() {
        at_site
            .entry(edge.site)
            .or_default()
            .push((edge.when, edge.depth));
    }
    let representable = |edge: &ExitEdge| {
        edge.site != sites.entry.address
            && edge.depth < Cookie::RELEASED
            && edge.depth.is_multiple_of(8)
            && match at_site.get(&edge.site).map(Vec::as_slice) {
                Some([_]) => true,
                Some([(a, released), (b, also)]) => a != b && released == also,
                _ => false,
            }
    };
    by_ret.retain(|_, edges| edges.iter().all(representable));
    let passed: HashSet<u64> = by_ret.values().flatten().map(|edge| edge.site).collect();
    if passed.len() > stepped {
        by_ret.clear();
    }
    by_ret
}

/// The same on the other side of the border between two rooms that do not know each other.
fn when(when: gobinary::When) -> When {
    match when {
        gobinary::When::Always => When::Always,
        gobinary::When::Taken(condition) => When::Taken(condition),
        gobinary::When::NotTaken(condition) => When::NotTaken(condition),
    }
}
