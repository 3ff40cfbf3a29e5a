//! From the syntax tree to a program whose every name and value is known.
//!
//! In: what the grammar parsed. Out: [`Resolved`], and a diagnostic for each name and value that is none.
//!
//! *Invariant*: no executable is needed here.

pub(crate) mod aggregation;
pub(crate) mod call_name;
mod clauses;
pub(crate) mod filter;
pub(crate) mod glob;
mod glob_lint;
pub(crate) mod hooks;
pub(crate) mod listed;
pub(crate) mod selector;
pub(crate) mod settings;
pub(crate) mod values;

use std::{collections::HashMap, time::Duration};

use ebpf_templates::MAX_TRACES;
use grammar::ast::{Expression, Item, Program, Span, Template, Trace, ValueKind};

use crate::diagnostics::{
    codes,
    diagnostic::{Diagnostic, Source},
};
use aggregation::Aggregated;
use filter::Filter;
use hooks::Hook;
use listed::Listed;
use selector::{DeclaredSet, Labels, Selector, Sets, as_written};
use settings::Configs;
use settings::Settings;
use values::Values;

/// A checked program: sets and parameters resolved, values in range, patterns compiled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    pub(crate) target: Option<String>,
    pub(crate) settings: Settings,
    pub(crate) sets: Vec<DeclaredSet>,
    pub(crate) traces: Vec<ResolvedTrace>,
    pub(crate) hooks: Vec<Hook>,
    /// The values of the program's parameters.
    pub(crate) params: HashMap<String, ValueKind>,
    /// There were errors, so patterns may be missing from it: that a set is empty says nothing then.
    pub(crate) damaged: bool,
}

impl Resolved {
    /// Labels of the traces in source order; the target patterns as written for a trace without one.
    pub fn labels(&self) -> impl Iterator<Item = &str> {
        self.traces.iter().map(|trace| trace.label.as_str())
    }
}

/// A checked trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ResolvedTrace {
    /// Its target patterns in the source.
    pub(crate) span: Span,
    pub(crate) label: String,
    pub(crate) targets: Vec<Selector>,
    pub(crate) include: Vec<Selector>,
    pub(crate) exclude: Vec<Selector>,
    pub(crate) filter: Filter,
    pub(crate) duration: Option<Duration>,
    /// `where`
    pub(crate) condition: Option<Expression>,
    /// `args`
    pub(crate) arguments: Option<Listed>,
    /// `ret`
    pub(crate) results: Option<Listed>,
    /// `until`
    pub(crate) until: Option<Expression>,
    /// `print`
    pub(crate) print: Option<Template>,
    /// `count`, `hist` and so on.
    pub(crate) aggregations: Vec<Aggregated>,
}

impl ResolvedTrace {
    /// Does it say anything of calls' values?
    pub(crate) fn has_expressions(&self) -> bool {
        let conditions = self.condition.is_some() || self.until.is_some();
        let shown = self.arguments.is_some() || self.results.is_some() || self.print.is_some();
        conditions || shown || !self.aggregations.is_empty()
    }
}

/// Resolves `program`. With `incomplete`, parts of it are missing because of syntax errors, so names that are not declared say nothing.
pub(crate) fn resolve(
    source: &Source,
    program: &Program,
    defines: &[(String, String)],
    incomplete: bool,
) -> (Resolved, Vec<Diagnostic>) {
    let mut values = Values::new(program, defines, incomplete);
    let mut sets = Sets::new(program, incomplete);
    let mut labels = Labels::default();
    let mut configs = Configs::default();
    let mut diagnostics = Vec::new();
    let mut traces = Vec::new();
    let mut target: Option<(&str, &Span)> = None;
    for item in &program.items {
        match item {
            Item::Trace(trace) => {
                if let Some(label) = &trace.label {
                    diagnostics.extend(labels.declare(&label.node, &label.span));
                }
                traces.push(resolve_trace(source, trace, &mut sets, &mut values));
                if traces.len() == MAX_TRACES + 1 {
                    diagnostics.push(
                        Diagnostic::new(
                            codes::TOO_MANY_TRACES,
                            format!("a program has at most {MAX_TRACES} traces"),
                        )
                        .at(&trace.span, "one too many")
                        .help("traces with the same clauses can be one: trace A, B < … >"),
                    );
                }
            }
            Item::Target(item) => match target {
                Some((_, first)) => diagnostics.push(
                    Diagnostic::new(codes::TARGET_TWICE, "`target` is given twice")
                        .at(&item.span, "given again here")
                        .also_at(first, "first given here")
                        .help("a program traces one executable: delete one of the two"),
                ),
                None => target = Some((&item.path.node, &item.span)),
            },
            Item::Config(config) => configs.check(config, &mut values),
            // They speak of traces that may come later.
            Item::Hook(_) | Item::Set(_) | Item::Param(_) => {}
        }
    }
    if traces.is_empty() && !incomplete {
        let end = source.text.trim_end().len();
        diagnostics.push(
            Diagnostic::new(codes::NOTHING_TO_TRACE, "the program traces nothing")
                .at(&(end..end), "no `trace` up to here")
                .help("add one: trace main.*"),
        );
    }
    let mut names = hooks::Names::default();
    for (number, trace) in (0..).zip(&traces) {
        names.declare(number, &trace.aggregations, &mut diagnostics);
    }
    let hooks = program.items.iter().filter_map(|item| match item {
        Item::Hook(hook) => Some(hook),
        _ => None,
    });
    let hooks = hooks::resolve(hooks, &names, incomplete, &mut values);
    let target = target.map(|(path, _)| path.to_owned());
    let params = values.known();
    diagnostics.extend(values.finish());
    let (sets, from_sets) = sets.finish();
    diagnostics.extend(from_sets);
    (
        Resolved {
            target,
            settings: configs.finish(),
            sets,
            traces,
            hooks,
            params,
            damaged: false,
        },
        diagnostics,
    )
}

fn resolve_trace(
    source: &Source,
    trace: &Trace,
    sets: &mut Sets,
    values: &mut Values,
) -> ResolvedTrace {
    let written = as_written(source, &trace.patterns);
    let start = trace
        .patterns
        .first()
        .map_or(trace.span.start, |pattern| pattern.span.start);
    let end = trace
        .patterns
        .last()
        .map_or(trace.span.end, |pattern| pattern.span.end);
    let targets = sets.compile(&trace.patterns);
    let clauses = clauses::check(trace, sets, values);
    ResolvedTrace {
        span: start..end,
        label: trace
            .label
            .as_ref()
            .map_or(written, |label| label.node.clone()),
        targets,
        include: clauses.include,
        exclude: clauses.exclude,
        filter: clauses.filter,
        duration: clauses.duration,
        condition: clauses.condition,
        arguments: clauses.arguments,
        results: clauses.results,
        until: clauses.until,
        print: clauses.print,
        aggregations: clauses.aggregations,
    }
}
