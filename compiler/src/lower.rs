//! From selected functions to the plan: sites found, cookies packed, everything that cannot be probed named.

use std::{
    cell::OnceCell,
    collections::{BTreeSet, HashMap, HashSet},
    path::PathBuf,
};

use ebpf_templates::{Cookie, SiteKind, When};
use gobinary::{EntryKind, EntrySite, Executable, ExitKind, Function, Sites, Step};

use crate::{
    diagnostics::{
        codes,
        diagnostic::Diagnostic,
        escape::{printable, symbol},
    },
    expression::Callers,
    instrumentation::{Context, Instrumentation, shadow_lint},
    placement::preference::Placement,
    placement::{
        self,
        probes::Probes,
        sites::{self, Found},
    },
    plan::{Callback, Plan, PlannedFunction, Site, TracePlan},
    resolve::settings::Overrides,
    resolve::{
        Resolved, ResolvedTrace,
        selector::{Selector, SelectorKind},
    },
    select::{self, Selection, catalog::Catalog, grouped, names_shown, places_shown, times},
};

/// What is probed of the runtime in every trace. All of it runs on the goroutine's own stack in Go 1.19 to 1.27 (runtime/panic.go,
/// runtime/proc.go, runtime/coro.go).
struct RuntimePoint {
    /// Functions of which each that is there is probed.
    names: &'static [&'static str],
    kind: SiteKind,
    /// What is seen there.
    what: &'static str,
    /// Without this function there is nothing to be seen.
    of: Option<&'static str>,
}

const RUNTIME_POINTS: [RuntimePoint; 3] = [
    RuntimePoint {
        names: &["runtime.deferreturn"],
        kind: SiteKind::Unwound,
        what: "calls unwound by a recovered panic",
        of: None,
    },
    RuntimePoint {
        names: &["runtime.goexit1"],
        kind: SiteKind::Exit,
        what: "calls of a goroutine that ended by runtime.Goexit",
        of: None,
    },
    // A coroutine ends in a deferred call. The compiler inlines that into what it makes of the `defer` statement.
    RuntimePoint {
        names: &["runtime.corostart.deferwrap1", "runtime.coroexit"],
        kind: SiteKind::Exit,
        what: "calls of a coroutine that ended by runtime.Goexit",
        of: Some("runtime.corostart"),
    },
];

/// Most functions of [`RUNTIME_POINTS`].
const RUNTIME_FUNCTIONS: usize = 4;

/// Where C calls Go, if it can.
fn callback(executable: &Executable) -> Option<Callback> {
    let callback = executable.function_named("runtime.cgocallback")?;
    // Goroutines return to the function's second byte (newproc1 and oneNewExtraM, runtime/proc.go).
    let outermost = executable.function_named("runtime.goexit")?.entry + 1;
    Some(Callback {
        distance: callback.entry.wrapping_sub(outermost) as i64,
        size: callback.size(),
    })
}

/// What compiling needs to know beside program and executable.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// Where the executable is: copied into the plan, never opened.
    pub executable: PathBuf,
    /// Where returns are probed.
    pub placement: Placement,
    /// Functions that a trace does without, though it selects them: index of the trace, id of the function in the plan. Ids stay what
    /// they are without this.
    pub without: Vec<(u32, u32)>,
    /// What goes before the program's settings.
    pub overrides: Overrides,
    /// How often the kernel has refused the code as too large for its verifier: each time there is a quarter less of it for values. How
    /// many of its steps an instruction takes differs from one kernel to the next.
    pub too_large: u32,
}

/// Makes the plan for a resolved program. It is complete only if no diagnostic is an error.
pub(crate) fn plan(
    program: &Resolved,
    source: &str,
    executable: &Executable,
    options: &Options,
) -> (Plan, Vec<Diagnostic>) {
    let placement = options.placement;
    let mut diagnostics = Vec::new();
    let catalog = Catalog::new(executable);
    let mut selections = select::select(program, &catalog, &mut diagnostics);
    let instrumentation = instruct(program, source, &catalog, &mut selections, &mut diagnostics);
    let in_place = instrumentation.iter().flat_map(|trace| &trace.arguments);
    let in_place: BTreeSet<u32> = in_place.copied().collect();
    let probes = Probes::find(&catalog, &selections, placement, &in_place);
    for (trace, selection) in program.traces.iter().zip(&selections) {
        report_trace(trace, selection, &catalog, &probes, &mut diagnostics);
    }
    let mut plan = Plan {
        skipped: probes.skipped(&catalog),
        settings: program.settings,
        hooks: program.hooks.clone(),
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
    match executable.tls_slot() {
        Ok(slot) => {
            plan.tls_place = Some(slot.place);
            plan.tls_evidence = slot.evidence;
        }
        Err(error) => plan.tls_evidence = error.why,
    }
    plan.callback = callback(executable);
    let planned: Vec<u32> = probes.usable().map(|(index, _)| index).collect();
    if planned.len() + RUNTIME_FUNCTIONS > Cookie::FUNCTIONS as usize {
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
    let found = Found {
        executable,
        catalog: &catalog,
        probes: &probes,
        ids: &ids,
        entries: &entries,
        placement,
    };
    let traces = program.traces.iter().zip(&selections).zip(&instrumentation);
    for (number, ((trace, selection), instrumentation)) in (0..).zip(traces) {
        let mut left = selection.clone();
        left.drop(|index| {
            let id = ids.get(&index).copied();
            id.is_some_and(|id| options.without.contains(&(number, id)))
        });
        let placed = found.trace(trace, selection, &left, &hidden, instrumentation);
        let (code, shown) = instrumentation.code(&ids, options.too_large, &mut diagnostics);
        let counted = instrumentation.counted.clone();
        plan.traces.push(TracePlan {
            label: trace.label.clone(),
            filter: trace.filter.clone(),
            duration: trace.duration,
            targets: placed.targets,
            included: placed.included,
            sites: placed.sites,
            last_calls: placed.last_calls,
            code,
            shown,
            keeps_graphs: !counted.aggregations.is_empty() && counted.print.is_none(),
            aggregations: counted.aggregations,
            print: counted.print,
        });
    }
    carry_out_entries(&mut plan, &steps);
    (plan, diagnostics)
}

/// Lowers the expressions of all traces, and takes targets out of the selections for which they mean nothing.
fn instruct(
    program: &Resolved,
    source: &str,
    catalog: &Catalog<'_>,
    selections: &mut [Selection],
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<Instrumentation> {
    let mut context = None;
    let mut all = Vec::with_capacity(selections.len());
    let types = OnceCell::new();
    for (trace, selection) in program.traces.iter().zip(selections) {
        if !trace.has_expressions() {
            all.push(Instrumentation::default());
            continue;
        }
        let context = context.get_or_insert_with(|| Context {
            executable: catalog.executable,
            catalog,
            program,
            source,
            types: types.get_or_init(|| catalog.executable.types()),
            callers: Callers::default(),
        });
        shadow_lint::report(trace, &selection.targets, context, diagnostics);
        let instrumentation = Instrumentation::new(trace, selection, context, diagnostics);
        selection
            .targets
            .retain(|index| !instrumentation.without.contains(index));
        all.push(instrumentation);
    }
    all
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
    let places = executable.inlined_places(function).len();
    PlannedFunction {
        name: function.source_name().into_owned(),
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
    for point in RUNTIME_POINTS {
        if point
            .of
            .is_some_and(|of| executable.function_named(of).is_none())
        {
            continue;
        }
        let before = sites.len();
        for name in point.names {
            let site = executable
                .runtime_point(name)
                .and_then(|(function, entry)| {
                    let id = u32::try_from(plan.functions.len()).ok()?;
                    let place = placement::entry(&entry, None);
                    let site = sites::site(executable, &function, id, false, &place, point.kind)?;
                    plan.functions
                        .push(planned_function(executable, &function, &entry));
                    Some(site)
                });
            sites.extend(site);
        }
        if sites.len() == before {
            let name = point.names.join("` or `");
            diagnostics.push(no_unwind_point(executable, &name, point.what));
        }
    }
    sites
}

fn no_unwind_point(executable: &Executable, name: &str, what: &str) -> Diagnostic {
    let message = if executable.shares_runtime() {
        format!("`{name}` is in another file")
    } else {
        format!("`{name}` cannot be probed in this executable")
    };
    let diagnostic = Diagnostic::new(codes::NO_UNWIND_POINT, message).note(format!(
        "{what} are seen to end only when the goroutine's next probed function is reached"
    ));
    if !executable.shares_runtime() {
        return diagnostic;
    }
    let needed: Vec<String> = executable.needed().map(printable).collect();
    diagnostic.note(format!(
        "built with -linkshared: it has no runtime of its own, and needs {}",
        needed.join(", ")
    ))
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
    let also: Vec<(&str, usize)> = selection
        .shown
        .iter()
        .filter(|index| !exact.contains(index) && matches!(probes.get(**index), Some(Ok(_))))
        .filter_map(|index| catalog.get(*index))
        .map(|function| {
            (
                function.name,
                catalog.executable.inlined_places(function).len(),
            )
        })
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
        [(name, _)] => format!("`{}` cannot be probed", symbol(name)),
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
            diagnostic = diagnostic.note(format!("{}: {}", symbol(name), printable(reason)));
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
    let name = symbol(function.name);
    let places = catalog.executable.inlined_places(function);
    if !places.is_empty() {
        let message = format!(
            "`{name}` was also inlined at {}: those calls are not seen",
            times(places.len(), "place")
        );
        let mut diagnostic = Diagnostic::new(codes::PARTLY_INLINED, message)
            .at(&pattern.span, "only calls of its own code are seen");
        for line in places_shown(catalog.executable, function.name, &places) {
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
            Some(next) => format!("`{name}` leaves by a jump to `{}`", symbol(next)),
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
            diagnostic = diagnostic.help(format!("include {} to see it", symbol(next)));
        }
        diagnostics.push(diagnostic);
    }
}
