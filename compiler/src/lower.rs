//! From selected functions to the plan: sites found, cookies packed, everything that cannot be probed named.

use std::collections::{HashMap, HashSet};

use ebpf_templates::{Cookie, SiteKind, When};
use gobinary::{EntryKind, EntrySite, Executable, ExitKind, Function, Instruction, Sites, Step};
use rayon::prelude::*;

use crate::{
    codes,
    diagnostic::{Diagnostic, printable},
    matching::Catalog,
    placement::{self, Placement},
    plan::{Plan, PlannedFunction, Site, Skipped, TracePlan},
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
) -> (Plan, Vec<Diagnostic>) {
    let mut diagnostics = Vec::new();
    let catalog = Catalog::new(executable);
    let selections = select::select(program, &catalog, &mut diagnostics);
    let probes = Probes::find(&catalog, &selections);
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
    let planned: Vec<u32> = probes
        .found
        .iter()
        .filter(|(_, found)| found.is_ok())
        .map(|(index, _)| *index)
        .collect();
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
    for index in &planned {
        if let (Some(function), Some(Ok(sites))) = (catalog.get(*index), probes.get(*index)) {
            plan.functions
                .push(planned_function(executable, function, &sites.entry));
            steps.push(
                (!sites.entry.instruction.emulated)
                    .then(|| executable.entry_step(&sites.entry))
                    .flatten(),
            );
        }
    }
    let hidden = hidden_sites(executable, &mut plan, &mut diagnostics);
    let entries: HashMap<u64, u32> = planned
        .iter()
        .filter_map(|index| Some((catalog.get(*index)?.entry, *index)))
        .collect();
    for (trace, selection) in program.traces.iter().zip(&selections) {
        let context = Context {
            executable,
            catalog: &catalog,
            probes: &probes,
            ids: &ids,
            entries: &entries,
            placement,
        };
        plan.traces.push(context.trace(trace, selection, &hidden));
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
                let site = entry_site(executable, &function, &entry, kind, id, false)?;
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

/// What was found in each selected function.
struct Probes {
    /// By index into the catalog's functions, ascending.
    found: Vec<(u32, Result<Sites, String>)>,
}

impl Probes {
    /// Disassembles all selected functions.
    fn find(catalog: &Catalog<'_>, selections: &[Selection]) -> Self {
        let mut selected: Vec<u32> = selections
            .iter()
            .flat_map(|selection| &selection.shown)
            .copied()
            .collect();
        selected.sort_unstable();
        selected.dedup();
        let mut found: Vec<(u32, Result<Sites, String>)> = selected
            .into_par_iter()
            .filter_map(|index| {
                let function = catalog.get(index)?;
                let sites = catalog
                    .executable
                    .sites(function)
                    .map_err(|reason| reason.to_string());
                Some((
                    index,
                    sites.and_then(|sites| usable(catalog.executable, function, sites)),
                ))
            })
            .collect();
        // A damaged table may give two functions the same code; a site belongs to one.
        let mut taken = HashSet::new();
        for (_, result) in &mut found {
            if let Ok(sites) = result {
                let addresses: Vec<u64> = sites
                    .exits
                    .iter()
                    .map(|exit| exit.address)
                    .chain([sites.entry.address])
                    .collect();
                if addresses.iter().any(|address| taken.contains(address)) {
                    *result = Err("its code is also another function's".to_owned());
                } else {
                    taken.extend(addresses);
                }
            }
        }
        Self { found }
    }

    fn get(&self, index: u32) -> Option<&Result<Sites, String>> {
        let at = self
            .found
            .binary_search_by_key(&index, |(index, _)| *index)
            .ok()?;
        self.found.get(at).map(|(_, found)| found)
    }

    fn skipped(&self, catalog: &Catalog<'_>) -> Vec<Skipped> {
        self.found
            .iter()
            .filter_map(|(index, found)| {
                let reason = found.as_ref().err()?.clone();
                Some(Skipped {
                    name: catalog.get(*index)?.name.to_owned(),
                    reason,
                })
            })
            .collect()
    }
}

/// Checks what packing a cookie and attaching need of every site.
fn usable(executable: &Executable, function: &Function<'_>, sites: Sites) -> Result<Sites, String> {
    let addresses = sites.exits.iter().map(|exit| exit.address);
    if addresses.clone().collect::<HashSet<u64>>().len() != sites.exits.len() {
        return Err("it is left twice at one instruction".to_owned());
    }
    for address in addresses.chain([sites.entry.address]) {
        if offset_in(function, address).is_none() {
            return Err("it is too large".to_owned());
        }
        if executable.file_offset(address).is_none() {
            return Err("its code is not in the file".to_owned());
        }
    }
    Ok(sites)
}

fn offset_in(function: &Function<'_>, address: u64) -> Option<u32> {
    let offset = address
        .checked_sub(function.entry)
        .and_then(|offset| u32::try_from(offset).ok())?;
    (offset < Cookie::OFFSETS).then_some(offset)
}

fn entry_site(
    executable: &Executable,
    function: &Function<'_>,
    entry: &EntrySite,
    kind: SiteKind,
    id: u32,
    target: bool,
) -> Option<Site> {
    let cookie = Cookie {
        function: id,
        stepped: !entry.instruction.emulated,
        offset: offset_in(function, entry.address)?,
        kind,
        target,
        g_from_tls: entry.g_from_tls,
        when: match entry.kind {
            // jbe: the stack is large enough when it is not taken.
            EntryKind::Jbe => When::NotTaken(6),
            EntryKind::FirstIsRet => When::CarryOut,
            EntryKind::AfterCheck | EntryKind::First => When::Always,
        },
        released: 0,
    };
    site(executable, entry.address, cookie, &entry.instruction)
}

fn site(
    executable: &Executable,
    address: u64,
    cookie: Cookie,
    instruction: &Instruction,
) -> Option<Site> {
    Some(Site {
        address,
        file_offset: executable.file_offset(address)?,
        cookie: cookie.pack(),
        bytes: instruction.bytes,
        len: instruction.len,
        emulated: instruction.emulated,
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

impl Context<'_, '_> {
    fn trace(&self, trace: &ResolvedTrace, selection: &Selection, hidden: &[Site]) -> TracePlan {
        let mut sites: Vec<Site> = selection
            .shown
            .par_iter()
            .flat_map_iter(|index| self.function_sites(*index, selection))
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
            last_calls: Vec::new(),
        }
    }

    fn function_sites(&self, index: u32, selection: &Selection) -> Vec<Site> {
        let (Some(function), Some(Ok(sites)), Some(&id)) = (
            self.catalog.get(index),
            self.probes.get(index),
            self.ids.get(&index),
        ) else {
            return Vec::new();
        };
        let target = selection.targets.binary_search(&index).is_ok();
        // A function that leaves through its first instruction has one site for both.
        let at_entry = sites
            .exits
            .iter()
            .find(|exit| exit.address == sites.entry.address);
        let kind = match (
            sites.entry.kind,
            at_entry.map(|exit| self.exit_kind(exit.kind, selection)),
        ) {
            (_, Some(SiteKind::TailInto)) => SiteKind::EnterTailInto,
            (EntryKind::FirstIsRet, _) | (_, Some(_)) => SiteKind::EnterReturn,
            (EntryKind::AfterCheck | EntryKind::Jbe | EntryKind::First, None) => SiteKind::Enter,
        };
        let entry = entry_site(self.executable, function, &sites.entry, kind, id, target);
        let exits = placement::exits(self.executable, function, sites, self.placement)
            .into_iter()
            .filter(|exit| exit.address != sites.entry.address)
            .filter_map(|exit| {
                let cookie = Cookie {
                    function: id,
                    stepped: !exit.instruction.emulated,
                    offset: offset_in(function, exit.way_out)?,
                    kind: self.exit_kind(exit.kind, selection),
                    target,
                    g_from_tls: exit.g_from_tls,
                    when: exit.when,
                    released: exit.released,
                };
                site(self.executable, exit.address, cookie, &exit.instruction)
            });
        entry.into_iter().chain(exits).collect()
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
                    && let (Some(function), Some(Ok(sites))) =
                        (catalog.get(*index), probes.get(*index))
                {
                    report_function(pattern, function, sites, catalog, selection, diagnostics);
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
