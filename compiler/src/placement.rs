//! Where a function's calls are watched: at its first instruction and each `ret`, or at cheaper instructions that are passed as often.
//!
//! The kernel single-steps a `ret`, which costs several times as much as an instruction that it emulates, ten times and more in virtual
//! machines. Where every way to a `ret` passes exactly one emulated instruction after the function's last other work (an *exit edge*), or
//! ends in a call that is probed itself (a *last call*), that serves instead. A conditional jump is passed also by calls that do not
//! leave there, so edges pay only where they are few.

use std::collections::{HashMap, HashSet};

use ebpf_templates::{Cookie, When};
use gobinary::{EntryKind, EntrySite, ExitEdge, ExitKind, ExitWays, Instruction, LastCall};

use crate::probes::Probe;

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

/// Where a function is watched.
pub(crate) struct Placed {
    pub entry: Place,
    pub leaves: Leaves,
    /// By ascending address of their probes; what the entry's probe sees is not among them.
    pub exits: Vec<Place>,
    /// Calls that end a call of this function too, with the `ret` behind each.
    pub last_calls: Vec<(u64, LastCall)>,
}

/// Whether a call that begins at an entry site also ends there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leaves {
    Never,
    /// If the jump goes one way.
    Sometimes,
    Always,
}

/// Where one thing is watched.
pub(crate) struct Place {
    /// Where the probe goes.
    pub address: u64,
    pub instruction: Instruction,
    pub g_from_tls: bool,
    /// Which hits count. Where the entry site leaves sometimes, those that leave.
    pub when: When,
    /// Bytes of stack released between the probe and the way out.
    pub released: u32,
    /// The instruction through which the function is left, or the entry site.
    pub way_out: u64,
    /// How it is left from here.
    pub exit: Option<ExitKind>,
}

/// Places a function's probes. `last_calls` tells of a `ret` to which calls lead whether they can all stand for it.
pub(crate) fn place(
    probe: &Probe,
    placement: Placement,
    last_calls: impl Fn(&ExitWays) -> bool,
) -> Placed {
    let stepped = match placement {
        Placement::Returns => 0,
        Placement::Edges { stepped } => stepped,
    };
    let chosen = choose(probe, stepped, last_calls);
    let mut exits: Vec<Place> = Vec::with_capacity(probe.sites.exits.len());
    for exit in &probe.sites.exits {
        match chosen.get(&exit.address) {
            Some(ways) => exits.extend(ways.edges.iter().map(|edge| Place {
                address: edge.site,
                instruction: edge.instruction,
                g_from_tls: exit.g_from_tls,
                when: when(edge.when),
                released: edge.depth,
                way_out: ways.ret,
                exit: Some(exit.kind),
            })),
            None => exits.push(Place {
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
                exit: Some(exit.kind),
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
    let address = probe.entry().address;
    let at_entry = exits.iter().find(|exit| exit.address == address);
    let mut entry = entry(probe.entry(), at_entry);
    let leaves = match at_entry {
        None => Leaves::Never,
        Some(exit) if matches!(exit.when, When::Always | When::CarryOut) => Leaves::Always,
        Some(exit) if exit.when == entry.when => Leaves::Always,
        Some(exit) => {
            entry.when = exit.when;
            Leaves::Sometimes
        }
    };
    exits.retain(|exit| exit.address != address);
    let calls = chosen.values().flat_map(|ways| {
        let calls = ways.calls.iter();
        calls.map(|call| (ways.ret, *call))
    });
    let mut last_calls: Vec<_> = calls.collect();
    last_calls.sort_unstable_by_key(|(_, call)| call.return_address);
    Placed {
        entry,
        leaves,
        exits,
        last_calls,
    }
}

/// An entry site, through which calls may also leave.
pub(crate) fn entry(entry: &EntrySite, exit: Option<&Place>) -> Place {
    Place {
        address: entry.address,
        instruction: entry.instruction,
        g_from_tls: entry.g_from_tls,
        when: match entry.kind {
            // jbe: the stack is large enough when it is not taken.
            EntryKind::Jbe => When::NotTaken(6),
            EntryKind::FirstIsRet => When::CarryOut,
            EntryKind::AfterCheck | EntryKind::First | EntryKind::Later => When::Always,
        },
        released: 0,
        way_out: exit.map_or(entry.address, |exit| exit.way_out),
        exit: exit.and_then(|exit| exit.exit),
    }
}

/// The `ret`s whose ways are probed instead: as far as they can be told to the probe program, and are worth it.
fn choose(
    probe: &Probe,
    stepped: usize,
    last_calls: impl Fn(&ExitWays) -> bool,
) -> HashMap<u64, &ExitWays> {
    let entry = probe.entry().address;
    let exits = probe.cheaper.exits.iter();
    let exits = exits.filter(|exit| exit.calls.is_empty() || last_calls(exit));
    let mut chosen: HashMap<u64, &ExitWays> = exits.map(|exit| (exit.ret, exit)).collect();
    // A site holds one cookie: it stands for one way out, or for both ways of a jump with as much stack to release on each.
    let mut at_site: HashMap<u64, Vec<(gobinary::When, u32)>> = HashMap::new();
    for edge in chosen.values().flat_map(|exit| &exit.edges) {
        at_site
            .entry(edge.site)
            .or_default()
            .push((edge.when, edge.depth));
    }
    let representable = |edge: &ExitEdge| {
        edge.depth < Cookie::RELEASED
            && edge.depth.is_multiple_of(8)
            && match at_site.get(&edge.site).map(Vec::as_slice) {
                Some([_]) => true,
                Some([(a, released), (b, also)]) => a != b && released == also,
                _ => false,
            }
    };
    chosen.retain(|_, exit| exit.edges.iter().all(representable));
    let edges = chosen.values().flat_map(|exit| &exit.edges);
    // The entry is probed anyway.
    let passed: HashSet<u64> = edges
        .map(|edge| edge.site)
        .filter(|site| *site != entry)
        .collect();
    if passed.len() > stepped {
        chosen.clear();
    }
    chosen
}

/// The same on the other side of the border between two rooms that do not know each other.
fn when(when: gobinary::When) -> When {
    match when {
        gobinary::When::Always => When::Always,
        gobinary::When::Taken(condition) => When::Taken(condition),
        gobinary::When::NotTaken(condition) => When::NotTaken(condition),
    }
}
