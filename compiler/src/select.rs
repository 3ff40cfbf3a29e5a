//! Which functions each trace is about, and what is to be said of patterns that select none.
//!
//! In: patterns, and an executable's functions. Out: a [`Selection`] for each trace.
//!
//! *Invariant*: whether a function can be probed is not asked here, nor what is to be done at it.

pub(crate) mod catalog;
pub(crate) mod copies;
pub(crate) mod matcher;
pub(crate) mod nearest;

use gobinary::{Executable, InlinedAt};

use crate::{
    diagnostics::{
        codes,
        diagnostic::Diagnostic,
        did_you_mean::nearest_word,
        escape::{printable, symbol},
    },
    resolve::{
        Resolved, ResolvedTrace,
        selector::{BuiltIn, Selector, SelectorKind},
    },
};
use catalog::{Because, Catalog};
use matcher::Matcher;

/// Names shown before "and N more".
const SHOWN: usize = 3;

/// What a trace selects: indices into the catalog's functions, ascending.
#[derive(Clone)]
pub(crate) struct Selection {
    /// What each target pattern selects, exclusions taken away.
    pub(crate) by_target: Vec<Vec<u32>>,
    /// Functions that start a graph.
    pub(crate) targets: Vec<u32>,
    /// Functions shown, the targets too.
    pub(crate) shown: Vec<u32>,
}

impl Selection {
    /// Takes functions out.
    pub(crate) fn drop(&mut self, is_dropped: impl Fn(u32) -> bool) {
        self.targets.retain(|index| !is_dropped(*index));
        self.shown.retain(|index| !is_dropped(*index));
    }
}

/// Selects the functions of every trace.
pub(crate) fn select(
    program: &Resolved,
    catalog: &Catalog<'_>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<Selection> {
    let matcher = Matcher::new(catalog, program);
    for set in program.sets.iter().filter(|set| set.used) {
        for member in &set.members {
            if !matches!(member.kind, SelectorKind::Set(_)) && matcher.select(member).is_empty() {
                diagnostics.push(unmatched(catalog, member, "adds nothing to the set"));
            }
            report_copies(&matcher, member, diagnostics);
        }
    }
    diagnostics.extend(modules_by_paths(program, catalog));
    program
        .traces
        .iter()
        .map(|trace| select_trace(trace, &matcher, program.damaged, diagnostics))
        .collect()
}

fn select_trace(
    trace: &ResolvedTrace,
    matcher: &Matcher<'_, '_>,
    damaged: bool,
    diagnostics: &mut Vec<Diagnostic>,
) -> Selection {
    let catalog = matcher.catalog;
    let excluded = matcher.union(&trace.exclude);
    for pattern in &trace.exclude {
        if !matches!(pattern.kind, SelectorKind::BuiltIn(_)) && matcher.select(pattern).is_empty() {
            diagnostics.push(unmatched(catalog, pattern, "excludes nothing"));
        }
        report_copies(matcher, pattern, diagnostics);
    }
    let keep = |mut selected: Vec<u32>| {
        selected.retain(|index| excluded.binary_search(index).is_err());
        selected
    };
    let mut matched_any = false;
    let mut by_target = Vec::with_capacity(trace.targets.len());
    for pattern in &trace.targets {
        let selected = matcher.select(pattern);
        if selected.is_empty() && !is_set_in(damaged, pattern) {
            diagnostics.push(no_target(catalog, pattern));
        }
        report_copies(matcher, pattern, diagnostics);
        matched_any |= !selected.is_empty();
        by_target.push(keep(selected));
    }
    let targets = merged(by_target.iter().flatten().copied().collect());
    if matched_any && targets.is_empty() {
        let mut diagnostic = Diagnostic::new(codes::ALL_EXCLUDED, "`exclude` removes every target")
            .at(&trace.span, "these match, but are never probed");
        if let Some(pattern) = trace.exclude.first() {
            diagnostic = diagnostic.also_at(&pattern.span, "excluded here");
        }
        diagnostics.push(diagnostic.help("narrow `exclude`: it applies to targets too"));
    }
    let mut shown = targets.clone();
    for pattern in &trace.include {
        let selected = matcher.select(pattern);
        if selected.is_empty() && !is_set_in(damaged, pattern) {
            diagnostics.push(unmatched(catalog, pattern, "shows nothing"));
        }
        report_copies(matcher, pattern, diagnostics);
        shown.extend(keep(selected));
    }
    Selection {
        by_target,
        targets,
        shown: merged(shown),
    }
}

/// Built-in sets of an executable that does not say which module is whose; said once.
fn modules_by_paths(program: &Resolved, catalog: &Catalog<'_>) -> Option<Diagnostic> {
    let how = told_by_paths(catalog.executable)?;
    let in_sets = program.sets.iter().filter(|set| set.used);
    let in_traces = program
        .traces
        .iter()
        .flat_map(|trace| [&trace.targets, &trace.include, &trace.exclude]);
    let first = in_traces
        .chain(in_sets.map(|set| &set.members))
        .flatten()
        .find(|pattern| matches!(pattern.kind, SelectorKind::BuiltIn(_)))?;
    let diagnostic = Diagnostic::new(codes::MODULES_BY_PATH, how);
    Some(diagnostic.at(&first.span, "decided by package paths"))
}

/// How functions come into the built-in sets, where the build information names no main module.
pub(crate) fn told_by_paths(executable: &Executable) -> Option<String> {
    let root = match executable.build_info() {
        Some(info) if info.main.is_some() => return None,
        Some(info) => info.main_root(),
        None => {
            return Some(
                "no build information: package paths tell which module a function belongs to"
                    .to_owned(),
            );
        }
    };
    Some(match root {
        "" => "the build information names no module: package paths tell which one a function belongs to".to_owned(),
        root => format!(
            "the build information names no module: `{}`, after the main package's path, is taken for the main one",
            printable(root)
        ),
    })
}

fn report_copies(matcher: &Matcher<'_, '_>, pattern: &Selector, diagnostics: &mut Vec<Diagnostic>) {
    let copies = matcher.copies(pattern, &matcher.named(pattern));
    diagnostics.extend(copies.report(matcher.catalog, pattern));
}

/// The pattern is a set of a program with errors, in which members may be missing.
fn is_set_in(damaged: bool, pattern: &Selector) -> bool {
    damaged && matches!(pattern.kind, SelectorKind::Set(_))
}

fn merged(mut indices: Vec<u32>) -> Vec<u32> {
    indices.sort_unstable();
    indices.dedup();
    indices
}

/// A target pattern selects nothing: without it the trace shows less than was asked for, so this is an error.
fn no_target(catalog: &Catalog<'_>, pattern: &Selector) -> Diagnostic {
    if let Some(diagnostic) = inlined_away(catalog, pattern) {
        return diagnostic;
    }
    let message = match &pattern.kind {
        SelectorKind::File(_) => format!(
            "no function comes from a file `{}`",
            pattern.text.trim_start_matches(':')
        ),
        SelectorKind::Name(glob) if glob.is_exact() => {
            format!("no function is called `{}`", pattern.text)
        }
        SelectorKind::Name(_) => format!("no function matches `{}`", pattern.text),
        SelectorKind::BuiltIn(_) | SelectorKind::Set(_) => {
            format!("`{}` holds no function", pattern.text)
        }
    };
    explain_nothing(
        catalog,
        pattern,
        Diagnostic::new(codes::MATCHED_NOTHING, message),
    )
}

/// A pattern that only adds or takes away selects nothing.
fn unmatched(catalog: &Catalog<'_>, pattern: &Selector, consequence: &str) -> Diagnostic {
    let message = format!("`{}` matches nothing and {consequence}", pattern.text);
    if let Some(mut diagnostic) = inlined_away(catalog, pattern) {
        let warning = Diagnostic::new(codes::UNMATCHED, diagnostic.message);
        diagnostic.severity = warning.severity;
        diagnostic.code = warning.code;
        diagnostic.message = warning.message;
        return diagnostic;
    }
    explain_nothing(catalog, pattern, Diagnostic::new(codes::UNMATCHED, message))
}

fn explain_nothing(
    catalog: &Catalog<'_>,
    pattern: &Selector,
    diagnostic: Diagnostic,
) -> Diagnostic {
    let count = grouped(catalog.functions.len());
    match &pattern.kind {
        SelectorKind::Name(glob) => {
            let diagnostic = diagnostic.at(&pattern.span, format!("none of {count} functions"));
            let (near, because) = catalog.nearest(&pattern.text, SHOWN);
            let help = match near.as_slice() {
                [] => "`gofuncgraph list EXECUTABLE '*PART*'` shows the names there are".to_owned(),
                near => format!("did you mean {}?", near.join(" or ")),
            };
            let note = match because {
                Because::Elsewhere => Some(
                    "the function around this literal was inlined everywhere, so the literal is named after the functions that now contain it",
                ),
                Because::Like if glob.is_exact() => Some(
                    "a function that nothing calls, or that was inlined everywhere, is not in the executable",
                ),
                Because::Same | Because::Like => None,
            };
            match note {
                Some(note) => diagnostic.note(note),
                None => diagnostic,
            }
            .help(help)
        }
        SelectorKind::File(_) => {
            let files = catalog.files();
            let wanted = pattern
                .text
                .trim_start_matches(':')
                .rsplit('/')
                .next()
                .unwrap_or_default();
            let near = nearest_word(wanted, files.iter().copied());
            diagnostic
                .at(
                    &pattern.span,
                    format!("none of {} source files", grouped(files.len())),
                )
                .maybe_help(near.map(|near| format!("did you mean `:{}`?", printable(near))))
        }
        SelectorKind::BuiltIn(set) => {
            let fact = match set {
                BuiltIn::Main => "none belongs to the main module",
                BuiltIn::Std => "none belongs to the standard library",
                BuiltIn::Deps => "none belongs to another module",
                BuiltIn::Vendor => "none is vendored",
            };
            diagnostic.at(&pattern.span, format!("{fact}, of {count} functions"))
        }
        SelectorKind::Set(_) => {
            diagnostic.at(&pattern.span, format!("none of {count} functions is in it"))
        }
    }
}

/// The pattern names only functions that went into their callers.
fn inlined_away(catalog: &Catalog<'_>, pattern: &Selector) -> Option<Diagnostic> {
    let SelectorKind::Name(glob) = &pattern.kind else {
        return None;
    };
    let names = catalog.only_inlined(glob);
    let name = *names.first()?;
    let executable = catalog.executable;
    let places = executable.inlined().places(name);
    let mut callers: Vec<&str> = places
        .iter()
        .filter_map(|place| executable.function(place.function))
        .filter(|function| executable.sites(function).is_ok())
        .map(|function| function.name)
        .collect();
    callers.sort_unstable();
    callers.dedup();
    let message = match names.len() {
        1 => format!(
            "`{}` was inlined away: it has no code of its own",
            symbol(name)
        ),
        count => format!(
            "`{}` matches {} functions, all inlined away",
            pattern.text,
            grouped(count)
        ),
    };
    let label = match names.len() {
        1 => format!("inlined in {}", times(places.len(), "place")),
        _ => names_shown(&names),
    };
    let mut diagnostic = Diagnostic::new(codes::INLINED_AWAY, message).at(&pattern.span, label);
    for line in places_shown(executable, name, places) {
        diagnostic = diagnostic.note(line);
    }
    let callers: Vec<String> = callers.into_iter().take(SHOWN).map(symbol).collect();
    if !callers.is_empty() {
        diagnostic = diagnostic.help(format!(
            "trace what holds its code: trace {}",
            callers.join(", ")
        ));
    }
    let build = "write //go:noinline above the function and build again";
    let or = if callers.is_empty() { "" } else { "or " };
    Some(diagnostic.help(format!("{or}{build}")))
}

/// One line for each of the first places into which `name` was inlined, and how many more there are.
pub(crate) fn places_shown(
    executable: &Executable,
    name: &str,
    places: &[InlinedAt],
) -> Vec<String> {
    let mut lines: Vec<String> = places
        .iter()
        .take(SHOWN)
        .filter_map(|place| {
            let holder = executable.function(place.function)?.name;
            let at = executable.position(place.address).map(|position| {
                let mut tail = position.file.rsplitn(3, '/');
                let (file, folder) = (tail.next().unwrap_or_default(), tail.next());
                let folder = folder
                    .map(|folder| format!("{folder}/"))
                    .unwrap_or_default();
                format!(" at {folder}{file}:{}", position.line)
            });
            Some(format!(
                "{} went into {}{}",
                symbol(name),
                symbol(holder),
                printable(&at.unwrap_or_default())
            ))
        })
        .collect();
    if let Some(more) = places
        .len()
        .checked_sub(lines.len())
        .filter(|more| *more > 0 && !lines.is_empty())
    {
        lines.push(format!("and {} more", times(more, "place")));
    }
    lines
}

/// `a, b, c and 7 more`
pub(crate) fn names_shown(names: &[&str]) -> String {
    let shown: Vec<String> = names.iter().take(SHOWN).map(|name| symbol(name)).collect();
    match names.len() - shown.len() {
        0 => shown.join(", "),
        more => format!("{} and {} more", shown.join(", "), grouped(more)),
    }
}

/// `1 place`, `2 places`
pub(crate) fn times(count: usize, noun: &str) -> String {
    format!(
        "{} {noun}{}",
        grouped(count),
        if count == 1 { "" } else { "s" }
    )
}

/// `20,486`
#[must_use]
pub fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        assert_eq!(grouped(7), "7");
        assert_eq!(grouped(1_000), "1,000");
        assert_eq!(grouped(20_486_123), "20,486,123");
        assert_eq!(times(1, "place"), "1 place");
        assert_eq!(times(0, "place"), "0 places");
    }
}
