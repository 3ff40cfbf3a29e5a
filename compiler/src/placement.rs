//! Where a function's calls are watched: at its first instruction and each `ret`, or at cheaper instructions that are passed as often.
//!
//! The kernel single-steps a `ret`, which costs several times as much as an instruction that it emulates, ten times and more in virtual
//! machines. Where every way to a `ret` passes exactly one emulated instruction after the function's last other work (an *exit edge*), or
//! ends in a call that is probed itself (a *last call*), that serves instead. A conditional jump is passed also by calls that do not
//! leave there, so edges pay only where not too many calls pass them.
//!
//! In: the functions selected, and what has to be seen of their calls. Out: probe sites with cookies, where they cost least.
//!
//! *Invariant*: nothing here decides what is captured.

mod last_calls;
pub(crate) mod preference;
pub(crate) mod prices;
pub(crate) mod probes;
pub(crate) mod site;
pub(crate) mod sites;

use std::collections::HashMap;

use ebpf_templates::{Cookie, When};
use gobinary::{EntryKind, EntrySite, ExitEdge, ExitKind, ExitWays, Instruction, LastCall};

use preference::Placement;
use prices::Prices;
use probes::Probe;

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
    /// Of all calls, the share that passes it, by a guess.
    pub share: f32,
}

/// Places a function's probes. `last_calls` tells of a `ret` to which calls lead whether they can all stand for it.
pub(crate) fn place(
    probe: &Probe,
    placement: Placement,
    last_calls: impl Fn(&ExitWays) -> bool,
) -> Placed {
    let chosen = match placement {
        Placement::Returns => HashMap::new(),
        Placement::Cheapest(prices) => choose(probe, &prices, last_calls),
    };
    let mut exits: Vec<Place> = Vec::with_capacity(probe.sites.exits.len());
    let guessed: HashMap<u64, f32> = probe
        .cheaper
        .exits
        .iter()
        .map(|ways| (ways.ret, ways.share))
        .collect();
    // Where nothing is known, as many leave through each of the others.
    let others = probe.sites.exits.len().saturating_sub(guessed.len()).max(1);
    let known: f32 = probe.cheaper.exits.iter().map(|ways| ways.share).sum();
    let other = (1.0 - known).max(0.0) / others as f32;
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
                share: edge.share,
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
                share: guessed.get(&exit.address).copied().unwrap_or(other),
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
        when: match (entry.kind, exit.map(|exit| exit.when)) {
            // jbe: the stack is large enough when it is not taken.
            (EntryKind::Jbe, _) => When::NotTaken(6),
            // It is a `ret`.
            (_, Some(When::CarryOut)) => When::CarryOut,
            _ => When::Always,
        },
        released: 0,
        way_out: exit.map_or(entry.address, |exit| exit.way_out),
        exit: exit.and_then(|exit| exit.exit),
        share: 1.0,
    }
}

/// The `ret`s whose ways are probed instead: as far as they can be told to the probe program, and cost less.
fn choose<'a>(
    probe: &'a Probe,
    prices: &Prices,
    last_calls: impl Fn(&ExitWays) -> bool,
) -> HashMap<u64, &'a ExitWays> {
    let entry = probe.entry().address;
    let exits = probe.cheaper.exits.iter();
    let mut chosen: HashMap<u64, &ExitWays> = exits
        .filter(|exit| exit.ret != entry && (exit.calls.is_empty() || last_calls(exit)))
        .map(|exit| (exit.ret, exit))
        .collect();
    let sites = sites_of(&chosen);
    // A site holds one cookie: it stands for one way out, or for both ways of a jump with as much stack to release on each.
    let representable = |edge: &ExitEdge| {
        edge.depth < Cookie::RELEASED
            && edge.depth.is_multiple_of(8)
            && match sites.get(&edge.site).map(Vec::as_slice) {
                Some([_]) => true,
                Some([a, b]) => a.when != b.when && a.depth == b.depth,
                _ => false,
            }
    };
    chosen.retain(|_, exit| exit.edges.iter().all(representable));
    // Whoever costs more than its `ret` goes; then a site that two shared is the other's alone.
    loop {
        let sites = sites_of(&chosen);
        let loss = |exit: &ExitWays| {
            let edges = exit.edges.iter();
            let own = edges.filter(|edge| {
                // The entry is probed anyway.
                edge.site != entry && sites.get(&edge.site).is_none_or(|edges| edges.len() < 2)
            });
            let passed: f32 = own.map(|edge| edge.share).sum();
            passed * prices.emulated_ns as f32 - exit.share * prices.carried_out_ns as f32
        };
        let worst = chosen
            .values()
            .map(|exit| (loss(exit), exit.ret))
            .max_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        match worst {
            Some((loss, ret)) if loss > 0.0 => chosen.remove(&ret),
            _ => return chosen,
        };
    }
}

/// The edges that leave at each site.
fn sites_of<'a>(chosen: &HashMap<u64, &'a ExitWays>) -> HashMap<u64, Vec<&'a ExitEdge>> {
    let mut sites: HashMap<u64, Vec<&ExitEdge>> = HashMap::new();
    for edge in chosen.values().flat_map(|exit| &exit.edges) {
        sites.entry(edge.site).or_default().push(edge);
    }
    sites
}

/// The same on the other side of the border between two rooms that do not know each other.
fn when(when: gobinary::When) -> When {
    match when {
        gobinary::When::Always => When::Always,
        gobinary::When::Taken(condition) => When::Taken(condition),
        gobinary::When::NotTaken(condition) => When::NotTaken(condition),
    }
}
