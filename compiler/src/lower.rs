//! From selected functions to the plan: sites found, cookies packed, everything that cannot be probed named.

use std::collections::{HashMap, HashSet};

use ebpf_templates::{Cookie, SiteKind, When};
use gobinary::{EntryKind, EntrySite, Executable, ExitKind, ExitWays, Function, Sites, Step};
use rayon::prelude::*;

use crate::{
    codes,
    diagnostic::{Diagnostic, printable},
    last_calls::Chains,
    matching::Catalog,
    placement::{self, Leaves, Place, Placed},
    plan::{LastCall, Plan, PlannedFunction, Site, TracePlan},
    preference::Placement,
    probes::{Probe, Probes, offset_in},
    resolve::{Resolved, ResolvedTrace},
    select::{self, Selection, grouped, names_shown, places_shown, times},
    selector::{Selector, SelectorKind},
};

/// Runtime functions probed in every trace, and what is seen there. Both run on the goroutine's own stack in Go 1.19 to 1.27
/// (runtime/panic.go, runtime/proc.go).
const RUNTIME_POINTS: [(&str, SiteKind, &str); 2] = [
    (
        "runtime.deferreturn",
        SiteKind::Unwound,
        "calls unwound by a recovered panic",
    ),
    (
        "runtime.goexit1",
        SiteKind::Exit,
        "calls of a goroutine that ended by runtime.Goexit",
    ),
];

/// Makes the plan for a resolved program. It is complete only if no diagnostic is an error.
pub(crate) fn plan(
    program: &Resolved,
    executable: &Executable,
    placement: Placement,
    without: &[(u32, u32)],
) -> (Plan, Vec<Diagnostic>) {
    let mut diagnostics = Vec::new();
    let catalog = Catalog::new(executable);
    let selections = select::select(program, &catalog, &mut diagnostics);
    let probes = Probes::find(&catalog, &selections, placement);
    for (trace, selection) in program.traces.iter().zip(&selections) {
        report_trace(trace, selection, &catalog, &probes, &mut diagnostics);
    }
    let mut plan = Plan {
        skipped: probes.skipped(&catalog),
        settings: program.settings,
        ..Plan::default()
    };
    match executable.goid_offset() {
        Ok(found) => {
            plan.goid_offset = found.offset;
            plan.goid_evidence = found.evidence.to_string();
        }
        Err(error) => diagnostics.push(
            Diagnostic::new(
                codes::NO_GOID,
                "where the runtime keeps a goroutine's id cannot be established",
            )
            .note(printable(&error.to_string())),
        ),
    }
    let planned: Vec<u32> = probes.usable().map(|(index, _)| index).collect();
    if planned.len() + RUNTIME_POINTS.len() > Cookie::FUNCTIONS as usize {
        let message = format!(
            "{} functions match, more than a plan can hold",
            grouped(planned.len())
        );
        diagnostics.push(
            Diagnostic::new(codes::TOO_MANY_FUNCTIONS, message)
                .note(format!(
                    "a plan holds {}",
                    grouped(Cookie::FUNCTIONS as usize)
                ))
                .help("narrow the patterns"),
        );
        return (plan, diagnostics);
    }
    let ids: HashMap<u32, u32> = planned.iter().copied().zip(0_u32..).collect();
    let mut steps = Vec::with_capacity(planned.len());
    for (index, probe) in probes.usable() {
        if let Some(function) = catalog.get(index) {
            let entry = probe.entry();
            plan.functions
                .push(planned_function(executable, function, entry));
            steps.push(
                (!entry.instruction.emulated)
                    .then(|| executable.entry_step(entry))
                    .flatten(),
            );
        }
    }
    let hidden = hidden_sites(executable, &mut plan, &mut diagnostics);
    let entries: HashMap<u64, u32> = planned
        .iter()
        .filter_map(|index| Some((catalog.get(*index)?.entry, *index)))
        .collect();
    for (number, (trace, mut selection)) in (0..).zip(program.traces.iter().zip(selections)) {
        selection.drop(|index| {
            let id = ids.get(&index).copied();
            id.is_some_and(|id| without.contains(&(number, id)))
        });
        let context = Context {
            executable,
            catalog: &catalog,
            probes: &probes,
            ids: &ids,
            entries: &entries,
            placement,
        };
        plan.traces.push(context.trace(trace, &selection, &hidden));
    }
    carry_out_entries(&mut plan, &steps);
    (plan, diagnostics)
}

/// Lets the probe program carry out stepped entry instructions. One program does it for all, and the others would see the registers
/// that it has changed: so only for functions that a single trace probes.
fn carry_out_entries(plan: &mut Plan, steps: &[Option<Step>]) {
    let mut traces = vec![0_usize; plan.functions.len()];
    for id in plan.traces.iter().flat_map(|trace| &trace.included) {
        if let Some(count) = traces.get_mut(*id as usize) {
            *count += 1;
        }
    }
    for site in plan.traces.iter_mut().flat_map(|trace| &mut trace.sites) {
        let Some(cookie) = Cookie::unpack(site.cookie) else {
            continue;
        };
        let id = cookie.function as usize;
        let enters = matches!(cookie.kind, SiteKind::Enter | SiteKind::EnterLastCall);
        if enters
            && cookie.when == When::Always
            && traces.get(id) == Some(&1)
            && let Some(step) = steps.get(id).copied().flatten()
            && let Some(function) = plan.functions.get_mut(id)
        {
            function.entry_step = Some(step);
            let when = When::CarryOut;
            site.cookie = Cookie { when, ..cookie }.pack();
        }
    }
}

fn planned_function(
    executable: &Executable,
    function: &Function<'_>,
    entry: &EntrySite,
) -> PlannedFunction {
    let places = executable.inlined().places(function.name).len();
    PlannedFunction {
        name: function.name.to_owned(),
        address: function.entry,
        entry_site: entry.address,
        entry_step: None,
        entry_moved: entry.kind == EntryKind::Later,
        inlined_at: u32::try_from(places).unwrap_or(u32::MAX),
    }
}

/// The runtime's own points, with the functions that they add to the plan.
fn hidden_sites(
    executable: &Executable,
    plan: &mut Plan,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<Site> {
    let mut sites = Vec::new();
    for (name, kind, what) in RUNTIME_POINTS {
        let site = executable
            .runtime_point(name)
            .and_then(|(function, entry)| {
                let id = u32::try_from(plan.functions.len()).ok()?;
                let site = point_site(executable, &function, &entry, kind, id)?;
                plan.functions
                    .push(planned_function(executable, &function, &entry));
                Some(site)
            });
        match site {
            Some(site) => sites.push(site),
            None => diagnostics.push(
                Diagnostic::new(codes::NO_UNWIND_POINT, format!("`{name}` cannot be probed in this executable"))
                    .note(format!("{what} are seen to end only when the goroutine's next probed function is reached")),
            ),
        }
    }
    sites
}

/// The site of a runtime point.
fn point_site(
    executable: &Executable,
    function: &Function<'_>,
    entry: &EntrySite,
    kind: SiteKind,
    id: u32,
) -> Option<Site> {
    let entry = placement::entry(entry, None);
    site(executable, function, id, false, &entry, kind)
}

fn site(
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

/// What lowering a trace looks things up in.
struct Context<'a, 'e> {
    executable: &'e Executable,
    catalog: &'a Catalog<'e>,
    probes: &'a Probes,
    /// From catalog index to plan id.
    ids: &'a HashMap<u32, u32>,
    /// From entry address to catalog index, of planned functions.
    entries: &'a HashMap<u64, u32>,
    placement: Placement,
}

/// A function of a trace, and where it is watched.
struct Shown<'a> {
    index: u32,
    id: u32,
    function: &'a Function<'a>,
    probe: &'a Probe,
    placed: Placed,
}

impl Context<'_, '_> {
    fn trace(&self, trace: &ResolvedTrace, selection: &Selection, hidden: &[Site]) -> TracePlan {
        let mut shown: Vec<Shown<'_>> = selection
            .shown
            .par_iter()
            .filter_map(|index| self.shown(*index))
            .collect();
        let mut chains = Chains::default();
        if trace.filter.depth.is_none() {
            self.place_last_calls(&mut shown, selection, &mut chains);
        }
        let mut sites: Vec<Site> = shown
            .par_iter()
            .flat_map_iter(|shown| self.function_sites(shown, selection, &chains))
            .collect();
        sites.extend(hidden);
        sites.sort_unstable_by_key(|site| site.address);
        let ids = |indices: &[u32]| {
            indices
                .iter()
                .filter_map(|index| self.ids.get(index).copied())
                .collect()
        };
        TracePlan {
            label: trace.label.clone(),
            filter: trace.filter.clone(),
            duration: trace.duration,
            targets: ids(&selection.targets),
            included: ids(&selection.shown),
            sites,
            last_calls: shown
                .iter()
                .flat_map(|caller| self.last_calls(caller))
                .collect(),
            ..TracePlan::default()
        }
    }

    fn shown(&self, index: u32) -> Option<Shown<'_>> {
        let probe = self.probes.get(index)?.as_ref().ok()?;
        Some(Shown {
            index,
            id: *self.ids.get(&index)?,
            function: self.catalog.get(index)?,
            probe,
            placed: placement::place(probe, self.placement, |_| false),
        })
    }

    /// Lets calls that are probed stand for their callers' returns.
    fn place_last_calls(
        &self,
        shown: &mut [Shown<'_>],
        selection: &Selection,
        chains: &mut Chains,
    ) {
        let jumps = |shown: &Shown<'_>| {
            let exits = shown.probe.sites.exits.iter();
            exits.clone().any(|exit| exit.kind != ExitKind::Ret)
        };
        // Functions whose every way out closes their frame, and whose entry has no other part to play.
        let callees: HashSet<u32> = shown
            .iter()
            .filter(|shown| {
                let exits = &shown.probe.sites.exits;
                !exits.is_empty() && !jumps(shown) && shown.placed.leaves == Leaves::Never
            })
            .map(|shown| shown.index)
            .collect();
        // One that others jump into ends together with these, and not with what it calls.
        let jumped_into: HashSet<u32> = shown
            .iter()
            .flat_map(|shown| &shown.probe.sites.exits)
            .filter_map(|exit| match exit.kind {
                ExitKind::TailJump { target } => self.entries.get(&target?).copied(),
                ExitKind::Ret => None,
            })
            .collect();
        for caller in shown.iter_mut() {
            let target = selection.targets.binary_search(&caller.index).is_ok();
            if target || jumped_into.contains(&caller.index) {
                continue;
            }
            let entry = caller.probe.entry().address;
            let mut taken = HashSet::new();
            for exit in &caller.probe.cheaper.exits {
                let called = exit.calls.iter().map(|call| {
                    let callee = self.entries.get(&call.callee)?;
                    callees.contains(callee).then_some(*callee)
                });
                if let Some(called) = called.collect::<Option<Vec<u32>>>()
                    && !called.is_empty()
                    && exit.edges.iter().all(|edge| edge.site != entry)
                    && chains.take(caller.index, called)
                {
                    taken.insert(exit.ret);
                }
            }
            if !taken.is_empty() {
                let taken = |exit: &ExitWays| taken.contains(&exit.ret);
                caller.placed = placement::place(caller.probe, self.placement, taken);
            }
        }
    }

    fn last_calls(&self, caller: &Shown<'_>) -> impl Iterator<Item = LastCall> {
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

    fn function_sites(
        &self,
        shown: &Shown<'_>,
        selection: &Selection,
        chains: &Chains,
    ) -> Vec<Site> {
        let target = selection.targets.binary_search(&shown.index).is_ok();
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
        let exit_kind = |kind: ExitKind| self.exit_kind(kind, selection);
        let entry = &shown.placed.entry;
        let kind = match (shown.placed.leaves, entry.exit.map(exit_kind)) {
            (Leaves::Always, Some(SiteKind::TailInto)) => SiteKind::EnterTailInto,
            (Leaves::Always, _) => SiteKind::EnterReturn,
            (Leaves::Sometimes, _) => SiteKind::EnterReturnIf,
            (Leaves::Never, _) if chains.is_callee(shown.index) => SiteKind::EnterLastCall,
            (Leaves::Never, _) => SiteKind::Enter,
        };
        let exits = shown.placed.exits.iter();
        let exits = exits.filter_map(|exit| place(exit, exit_kind(exit.exit?)));
        place(entry, kind).into_iter().chain(exits).collect()
    }

    fn exit_kind(&self, kind: ExitKind, selection: &Selection) -> SiteKind {
        match kind {
            ExitKind::Ret => SiteKind::Return,
            ExitKind::TailJump { target } => {
                let probed = target
                    .and_then(|address| self.entries.get(&address))
                    .is_some_and(|index| selection.shown.binary_search(index).is_ok());
                if probed {
                    SiteKind::TailInto
                } else {
                    SiteKind::TailOut
                }
            }
        }
    }
}

/// What there is to say of a trace's functions once their sites are known.
fn report_trace(
    trace: &ResolvedTrace,
    selection: &Selection,
    catalog: &Catalog<'_>,
    probes: &Probes,
    diagnostics: &mut Vec<Diagnostic>,
) {
    for (pattern, selected) in trace.targets.iter().zip(&selection.by_target) {
        let refused: Vec<(&str, &str)> = selected
            .iter()
            .filter_map(|index| {
                Some((
                    catalog.get(*index)?.name,
                    probes.get(*index)?.as_ref().err()?.as_str(),
                ))
            })
            .collect();
        if !selected.is_empty() && refused.len() == selected.len() {
            diagnostics.push(not_probeable(pattern, &refused));
        }
    }
    let patterns = trace.targets.iter().chain(&trace.include);
    let mut exact: HashSet<u32> = HashSet::new();
    for pattern in patterns {
        if let SelectorKind::Name(glob) = &pattern.kind
            && glob.is_exact()
        {
            let own = selection.shown.iter().filter(|index| {
                catalog
                    .get(**index)
                    .is_some_and(|function| glob.matches(function.name))
            });
            for index in own {
                if exact.insert(*index)
                    && let (Some(function), Some(Ok(probe))) =
                        (catalog.get(*index), probes.get(*index))
                {
                    report_function(
                        pattern,
                        function,
                        &probe.sites,
                        catalog,
                        selection,
                        diagnostics,
                    );
                }
            }
        }
    }
    let inlined = catalog.executable.inlined();
    let also: Vec<(&str, usize)> = selection
        .shown
        .iter()
        .filter(|index| !exact.contains(index) && matches!(probes.get(**index), Some(Ok(_))))
        .filter_map(|index| catalog.get(*index))
        .map(|function| (function.name, inlined.places(function.name).len()))
        .filter(|(_, places)| *places > 0)
        .collect();
    if !also.is_empty() {
        let places: usize = also.iter().map(|(_, places)| places).sum();
        let message = format!(
            "{} of {} {} also inlined, at {}: those calls are not seen",
            grouped(also.len()),
            times(selection.shown.len(), "function"),
            if also.len() == 1 { "was" } else { "were" },
            times(places, "place"),
        );
        let names: Vec<&str> = also.iter().map(|(name, _)| *name).collect();
        diagnostics.push(
            Diagnostic::new(codes::SOME_INLINED, message)
                .at(&trace.span, "this trace")
                .note(names_shown(&names)),
        );
    }
}

fn not_probeable(pattern: &Selector, refused: &[(&str, &str)]) -> Diagnostic {
    let message = match refused {
        [(name, _)] => format!("`{}` cannot be probed", printable(name)),
        many => format!(
            "none of the {} functions that `{}` matches can be probed",
            grouped(many.len()),
            pattern.text
        ),
    };
    let mut reasons: Vec<&str> = refused.iter().map(|(_, reason)| *reason).collect();
    reasons.sort_unstable();
    reasons.dedup();
    let label = match reasons.as_slice() {
        [reason] => (*reason).to_owned(),
        many => format!("{} reasons", many.len()),
    };
    let mut diagnostic = Diagnostic::new(codes::NOT_PROBEABLE, message).at(&pattern.span, label);
    if refused.len() > 1 {
        for (name, reason) in refused.iter().take(3) {
            diagnostic = diagnostic.note(printable(&format!("{name}: {reason}")));
        }
        if refused.len() > 3 {
            diagnostic =
                diagnostic.note(format!("and {} more", times(refused.len() - 3, "function")));
        }
    }
    diagnostic.help("trace the functions that call it")
}

/// Notes on a function that the program names.
fn report_function(
    pattern: &Selector,
    function: &Function<'_>,
    sites: &Sites,
    catalog: &Catalog<'_>,
    selection: &Selection,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let name = printable(function.name);
    let places = catalog.executable.inlined().places(function.name).len();
    if places > 0 {
        let message = format!(
            "`{name}` was also inlined at {}: those calls are not seen",
            times(places, "place")
        );
        let mut diagnostic = Diagnostic::new(codes::PARTLY_INLINED, message)
            .at(&pattern.span, "only calls of its own code are seen");
        for line in places_shown(catalog.executable, function.name) {
            diagnostic = diagnostic.note(line);
        }
        diagnostics.push(diagnostic);
    }
    if sites.never_returns {
        diagnostics.push(
            Diagnostic::new(codes::NEVER_RETURNS, format!("`{name}` never returns"))
                .at(
                    &pattern.span,
                    "has no way out but a panic, Goexit or the end of the process",
                )
                .note("its calls are shown once they are unwound, or as open when tracing stops"),
        );
    }
    let jumps: Vec<Option<u64>> = sites
        .exits
        .iter()
        .filter_map(|exit| match exit.kind {
            ExitKind::TailJump { target } => Some(target),
            ExitKind::Ret => None,
        })
        .collect();
    if let Some(first) = jumps.first() {
        let next = first
            .and_then(|address| catalog.executable.function_at(address))
            .map(|next| next.name);
        let message = match next {
            Some(next) => format!("`{name}` leaves by a jump to `{}`", printable(next)),
            None => format!("`{name}` leaves by a jump to another function"),
        };
        let probed = next.is_some_and(|next| {
            selection.shown.iter().any(|index| {
                catalog
                    .get(*index)
                    .is_some_and(|function| function.name == next)
            })
        });
        let consequence = if probed {
            "that function is shown as called by it"
        } else {
            "its call ends at the jump: the time in that function is not counted"
        };
        let mut diagnostic =
            Diagnostic::new(codes::TAIL_CALLS, message).at(&pattern.span, consequence);
        if let (false, Some(next)) = (probed, next) {
            diagnostic = diagnostic.help(format!("include {} to see it", printable(next)));
        }
        diagnostics.push(diagnostic);
    }
}
