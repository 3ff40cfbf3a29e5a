//! From the functions of a trace to its probe sites, with their cookies, and to the calls that stand for returns.

use std::collections::{BTreeMap, HashMap, HashSet};

use ebpf_templates::{Cookie, SiteKind};
use gobinary::{Executable, ExitKind, Function};
use rayon::prelude::*;

use crate::{
    instrumentation::Instrumentation,
    placement::{
        self, Leaves, Place, Placed,
        last_calls::Chains,
        preference::Placement,
        probes::{Probe, Probes, offset_in},
        site::{LastCall, Site},
    },
    resolve::ResolvedTrace,
    select::{Selection, catalog::Catalog},
};

/// What is known of all traces' functions.
pub(crate) struct Found<'a, 'e> {
    pub executable: &'e Executable,
    pub catalog: &'a Catalog<'e>,
    pub probes: &'a Probes,
    /// From catalog index to plan id.
    pub ids: &'a HashMap<u32, u32>,
    /// From entry address to catalog index, of planned functions.
    pub entries: &'a HashMap<u64, u32>,
    pub placement: Placement,
}

/// A function of a trace, and where it is watched.
struct Shown<'a> {
    index: u32,
    id: u32,
    function: &'a Function<'a>,
    probe: &'a Probe,
    placed: Placed,
}

/// What is probed for a trace.
pub(crate) struct TraceSites {
    /// Functions that start a graph, by their ids.
    pub targets: Vec<u32>,
    /// Functions shown inside a graph, the targets too.
    pub included: Vec<u32>,
    /// By ascending address.
    pub sites: Vec<Site>,
    /// Calls with which their callers' frames end too.
    pub last_calls: Vec<LastCall>,
}

impl Found<'_, '_> {
    /// Places the probes of a trace of the functions that are `left` of those selected.
    ///
    /// Where functions were dropped, no call stands for a return that did not stand for it before: calls that are open while one
    /// plan takes the place of the other are then closed by either.
    pub fn trace(
        &self,
        trace: &ResolvedTrace,
        selection: &Selection,
        left: &Selection,
        hidden: &[Site],
        instrumentation: &Instrumentation,
    ) -> TraceSites {
        let mut shown: Vec<Shown<'_>> = selection
            .shown
            .par_iter()
            .filter_map(|index| self.shown(*index, instrumentation))
            .collect();
        let is_left = |index: &u32| left.shown.binary_search(index).is_ok();
        let mut callees = HashSet::new();
        if trace.filter.depth.is_none() {
            let mut last_calls = self.last_calls(&shown, selection, instrumentation);
            last_calls.retain(|_, called| called.iter().all(is_left));
            for caller in &mut shown {
                let stands = |ret| last_calls.get(&(caller.index, ret));
                let exits = &caller.probe.cheaper.exits;
                if exits.iter().any(|exit| stands(exit.ret).is_some()) {
                    caller.placed = placement::place(caller.probe, self.placement, |exit| {
                        stands(exit.ret).is_some()
                    });
                }
            }
            callees.extend(last_calls.into_values().flatten());
        }
        shown.retain(|shown| is_left(&shown.index));
        let mut sites: Vec<Site> = shown
            .par_iter()
            .flat_map_iter(|shown| self.sites(shown, left, &callees))
            .collect();
        sites.extend(hidden);
        sites.sort_unstable_by_key(|site| site.address);
        let ids = |indices: &[u32]| {
            indices
                .iter()
                .filter_map(|index| self.ids.get(index).copied())
                .collect()
        };
        TraceSites {
            targets: ids(&left.targets),
            included: ids(&left.shown),
            sites,
            last_calls: shown
                .iter()
                .flat_map(|caller| self.planned_last_calls(caller))
                .collect(),
        }
    }

    fn shown(&self, index: u32, instrumentation: &Instrumentation) -> Option<Shown<'_>> {
        let probe = self.probes.get(index)?.as_ref().ok()?;
        Some(Shown {
            index,
            id: *self.ids.get(&index)?,
            function: self.catalog.get(index)?,
            probe,
            placed: placement::place(
                probe,
                if instrumentation.results.contains(&index) {
                    Placement::Returns
                } else {
                    self.placement
                },
                |_| false,
            ),
        })
    }

    /// The `ret`s whose callers' calls stand for them, by function and address, each with the functions called.
    fn last_calls(
        &self,
        shown: &[Shown<'_>],
        selection: &Selection,
        instrumentation: &Instrumentation,
    ) -> BTreeMap<(u32, u64), Vec<u32>> {
        // Functions whose every way out closes their frame, and whose entry has no other part to play.
        let closes = |shown: &&Shown<'_>| {
            let mut exits = shown.probe.sites.exits.iter();
            shown.placed.leaves == Leaves::Never
                && exits.len() > 0
                && exits.all(|exit| exit.kind == ExitKind::Ret)
        };
        let callees: HashSet<u32> = shown.iter().filter(closes).map(|s| s.index).collect();
        // One that others jump into ends together with these, and not with what it calls.
        let jumped_into: HashSet<u32> = shown
            .iter()
            .flat_map(|shown| &shown.probe.sites.exits)
            .filter_map(|exit| match exit.kind {
                ExitKind::TailJump { target } => self.entries.get(&target?).copied(),
                ExitKind::Ret => None,
            })
            .collect();
        let mut chains = Chains::default();
        let mut last_calls = BTreeMap::new();
        for caller in shown {
            let target = selection.targets.binary_search(&caller.index).is_ok();
            if target
                || jumped_into.contains(&caller.index)
                || instrumentation.results.contains(&caller.index)
            {
                continue;
            }
            let entry = caller.probe.entry().address;
            for exit in &caller.probe.cheaper.exits {
                let called = exit.calls.iter().map(|call| {
                    let callee = self.entries.get(&call.callee)?;
                    callees.contains(callee).then_some(*callee)
                });
                if let Some(called) = called.collect::<Option<Vec<u32>>>()
                    && !called.is_empty()
                    && exit.edges.iter().all(|edge| edge.site != entry)
                    && chains.take(caller.index, called.iter().copied())
                {
                    last_calls.insert((caller.index, exit.ret), called);
                }
            }
        }
        last_calls
    }

    fn planned_last_calls(&self, caller: &Shown<'_>) -> impl Iterator<Item = LastCall> {
        caller.placed.last_calls.iter().filter_map(|(ret, call)| {
            let index = self.entries.get(&call.callee)?;
            let probe = self.probes.get(*index)?.as_ref().ok()?;
            Some(LastCall {
                callee: *self.ids.get(index)?,
                distance: call
                    .return_address
                    .wrapping_sub(probe.entry().address)
                    .cast_signed(),
                caller: caller.id,
                offset: offset_in(caller.function, *ret)?,
                // The call pushes its return address.
                released: call.depth + 8,
            })
        })
    }

    fn sites(&self, shown: &Shown<'_>, left: &Selection, callees: &HashSet<u32>) -> Vec<Site> {
        let target = left.targets.binary_search(&shown.index).is_ok();
        let place = |place: &Place, kind| {
            site(
                self.executable,
                shown.function,
                shown.id,
                target,
                place,
                kind,
            )
        };
        let exit_kind = |kind: ExitKind| self.exit_kind(kind, left);
        let entry = &shown.placed.entry;
        let kind = match (shown.placed.leaves, entry.exit.map(exit_kind)) {
            (Leaves::Always, Some(SiteKind::TailInto)) => SiteKind::EnterTailInto,
            (Leaves::Always, _) => SiteKind::EnterReturn,
            (Leaves::Sometimes, _) => SiteKind::EnterReturnIf,
            (Leaves::Never, _) if callees.contains(&shown.index) => SiteKind::EnterLastCall,
            (Leaves::Never, _) => SiteKind::Enter,
        };
        let exits = shown.placed.exits.iter();
        let exits = exits.filter_map(|exit| place(exit, exit_kind(exit.exit?)));
        place(entry, kind).into_iter().chain(exits).collect()
    }

    fn exit_kind(&self, kind: ExitKind, left: &Selection) -> SiteKind {
        match kind {
            ExitKind::Ret => SiteKind::Return,
            ExitKind::TailJump { target } => {
                let probed = target
                    .and_then(|address| self.entries.get(&address))
                    .is_some_and(|index| left.shown.binary_search(index).is_ok());
                if probed {
                    SiteKind::TailInto
                } else {
                    SiteKind::TailOut
                }
            }
        }
    }
}

/// A site of a function.
pub(crate) fn site(
    executable: &Executable,
    function: &Function<'_>,
    id: u32,
    target: bool,
    place: &Place,
    kind: SiteKind,
) -> Option<Site> {
    let cookie = Cookie {
        function: id,
        stepped: !place.instruction.emulated,
        offset: offset_in(function, place.way_out)?,
        kind,
        target,
        g_from_tls: place.g_from_tls,
        when: place.when,
        released: place.released,
    };
    Some(Site {
        address: place.address,
        file_offset: executable.file_offset(place.address)?,
        cookie: cookie.pack(),
        bytes: place.instruction.bytes,
        len: place.instruction.len,
        emulated: place.instruction.emulated,
        passed: (place.share * 1e3).round() as u16,
    })
}
