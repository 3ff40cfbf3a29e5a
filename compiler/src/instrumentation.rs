//! What the expressions of a trace come to: conditions and captures for each of its functions.
//!
//! They are lowered before probes are placed, since a function whose arguments or results are looked at has to be watched where these
//! are; the code is made when functions have got their numbers.

pub(crate) mod aggregate;
pub(crate) mod line;
mod print;
pub(crate) mod shadow_lint;

use std::collections::{BTreeMap, BTreeSet};

use gobinary::{Executable, Function, Signature, Types, TypesError};
use grammar::ast::{Expression, Shown, Span};
use rayon::prelude::*;

use crate::{
    capture::{self, Asked, Captured},
    diagnostics::{codes, diagnostic::Diagnostic, escape::printable},
    expression::{self, Callers, Scope, Use},
    ir::{Condition, Item, Kept, Moment, Split},
    resolve::{Resolved, ResolvedTrace, listed::Listed},
    select::{Selection, catalog::Catalog, grouped, names_shown, times},
};
use aggregate::Aggregation;
use line::Template;

/// The expressions of a trace, lowered for its functions. Functions are named by their index in the catalog.
#[derive(Debug, Default)]
pub(crate) struct Instrumentation {
    pub(crate) entry: Vec<(u32, Condition)>,
    pub(crate) exit: Vec<(u32, Condition)>,
    pub(crate) kept: Vec<(u32, Vec<Item>)>,
    pub(crate) shown_arguments: Vec<(u32, Captured)>,
    pub(crate) shown_results: Vec<(u32, Captured)>,
    /// With the index of the aggregation.
    pub(crate) aggregated: Vec<(u32, u32, Vec<Item>)>,
    pub(crate) until: Vec<(u32, Condition)>,
    /// The same for all targets.
    pub(crate) counted: Counted,
    /// Targets for which the expressions mean nothing.
    pub(crate) without: BTreeSet<u32>,
    /// Functions to be entered where their arguments are still in their places.
    pub(crate) arguments: BTreeSet<u32>,
    /// Functions to be left where their results are in their places.
    pub(crate) results: BTreeSet<u32>,
}

/// What expressions are lowered with.
pub(crate) struct Context<'s, 'e> {
    pub(crate) executable: &'e Executable,
    pub(crate) catalog: &'s Catalog<'e>,
    pub(crate) program: &'s Resolved,
    pub(crate) source: &'s str,
    pub(crate) types: &'s Result<Types<'e>, TypesError>,
    pub(crate) callers: Callers,
}

/// What is made of all graphs, and of each in place of its tree.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Counted {
    pub(crate) aggregations: Vec<Aggregation>,
    pub(crate) print: Option<Template>,
}

/// What the expressions of a trace come to for one target.
#[derive(Default)]
struct Lowered {
    entry: Option<Condition>,
    exit: Option<Condition>,
    kept: Vec<Item>,
    arguments: Option<Captured>,
    results: Option<Captured>,
    aggregated: Vec<Vec<Item>>,
    until: Option<Condition>,
    counted: Counted,
}

impl Instrumentation {
    /// Lowers the expressions of a trace.
    pub(crate) fn new(
        trace: &ResolvedTrace,
        selection: &Selection,
        context: &Context<'_, '_>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Self {
        let mut this = Self::default();
        if let Ok(types) = context.types {
            let functions = selection.shown.iter();
            let functions = functions.filter_map(|index| context.catalog.get(*index).copied());
            types.prepare(&functions.collect::<Vec<_>>());
        }
        let lowered: Vec<(u32, Result<Lowered, Vec<Diagnostic>>)> = selection
            .targets
            .par_iter()
            .filter_map(|index| {
                let function = context.catalog.get(*index)?;
                Some((*index, context.lower(trace, function)))
            })
            .collect();
        let mut refused = Vec::new();
        let mut first: Option<u32> = None;
        for (index, lowered) in lowered {
            match lowered {
                Ok(lowered) => match first {
                    Some(first) if lowered.counted != this.counted => {
                        let found = context.differs(trace, [index, first], &lowered, &this);
                        refused.push((index, vec![found]));
                    }
                    _ => {
                        first.get_or_insert(index);
                        this.add(index, lowered);
                    }
                },
                Err(found) => refused.push((index, found)),
            }
        }
        this.report(trace, selection, refused, context, diagnostics);
        for (listed, moment) in [
            (&trace.arguments, Moment::Entry),
            (&trace.results, Moment::Return),
        ] {
            if let Some(listed) = listed
                && listed.shown.is_empty()
            {
                this.add_all(listed, moment, selection, context, diagnostics);
            }
        }
        this.add_dictionaries(context);
        this
    }

    fn add(&mut self, index: u32, lowered: Lowered) {
        if let Some(condition) = lowered.entry {
            if condition.looks_at(Moment::Entry) {
                self.arguments.insert(index);
            }
            self.entry.push((index, condition));
        }
        if let Some(condition) = lowered.exit {
            if condition.looks_at(Moment::Return) {
                self.results.insert(index);
            }
            self.exit.push((index, condition));
        }
        if !lowered.kept.is_empty() {
            self.arguments.insert(index);
            self.kept.push((index, lowered.kept));
        }
        if let Some(condition) = lowered.until {
            if condition.looks_at(Moment::Return) {
                self.results.insert(index);
            }
            self.until.push((index, condition));
        }
        for (number, items) in (0..).zip(lowered.aggregated) {
            if items.iter().any(|item| item.looks_at(Moment::Return)) {
                self.results.insert(index);
            }
            self.aggregated.push((index, number, items));
        }
        self.counted = lowered.counted;
        if let Some(captured) = lowered.arguments {
            self.show(index, captured, Moment::Entry);
        }
        if let Some(captured) = lowered.results {
            self.show(index, captured, Moment::Return);
        }
    }

    fn show(&mut self, index: u32, captured: Captured, moment: Moment) {
        let (shown, in_place) = match moment {
            Moment::Entry => (&mut self.shown_arguments, &mut self.arguments),
            Moment::Return => (&mut self.shown_results, &mut self.results),
        };
        if captured.items.iter().any(|item| item.looks_at(moment)) {
            in_place.insert(index);
        }
        shown.push((index, captured));
    }

    /// All arguments, or results, of all functions shown.
    fn add_all(
        &mut self,
        listed: &Listed,
        moment: Moment,
        selection: &Selection,
        context: &Context<'_, '_>,
        diagnostics: &mut Vec<Diagnostic>,
    ) {
        let types = match context.types {
            Ok(types) => types,
            Err(error) => {
                diagnostics.push(
                    Diagnostic::new(codes::NO_TYPES, "the values of a call are not known")
                        .at(&listed.span, "needs their types")
                        .note(error.to_string())
                        .help(match error {
                            TypesError::LinkedShared => "build it without -linkshared, or name registers: args reg.ax, mem(reg.bx, reg.cx) as text",
                            TypesError::Separate(_) => "put that file beside the executable, or name it: --debug-file FILE",
                            _ => "build it without -ldflags=-s and -w, or name registers: args reg.ax, mem(reg.bx, reg.cx) as text",
                        }),
                );
                return;
            }
        };
        let limits = &context.program.settings.values;
        let all: Vec<(u32, Captured)> = selection
            .shown
            .par_iter()
            .filter_map(|index| {
                let function = context.catalog.get(*index)?;
                let captured = match types.signature(function) {
                    Ok(signature) => capture::all(types, &signature, moment, limits, &listed.span),
                    Err(_) => capture::undescribed(types, function, moment, limits, &listed.span),
                };
                Some((*index, captured))
            })
            .filter(|(_, captured)| !captured.values.is_empty())
            .collect();
        for (index, captured) in all {
            self.show(index, captured, moment);
        }
    }

    /// Has the address of the dictionary captured at entry where types are looked up in it, of arguments or of results.
    fn add_dictionaries(&mut self, context: &Context<'_, '_>) {
        let Ok(types) = context.types else {
            return;
        };
        let shown = self.shown_arguments.iter().chain(&self.shown_results);
        let derived: BTreeMap<u32, Span> = shown
            .filter(|(_, captured)| captured.is_derived())
            .map(|(index, captured)| {
                let span = captured.items.first().map(|item| item.span().clone());
                (*index, span.unwrap_or_default())
            })
            .collect();
        let arguments = std::mem::take(&mut self.shown_arguments);
        let mut arguments: BTreeMap<u32, Captured> = arguments.into_iter().collect();
        for (index, span) in derived {
            let known = arguments.get(&index).and_then(|known| known.dictionary);
            let address = || {
                let signature = types.signature(context.catalog.get(index)?).ok()?;
                capture::dictionary(&signature, &span)
            };
            if known.is_none()
                && let Some(address) = address()
            {
                arguments.entry(index).or_default().add_dictionary(address);
                self.arguments.insert(index);
            }
        }
        self.shown_arguments = arguments.into_iter().collect();
    }

    /// Where expressions fit some of the targets, the others are left out; where they fit none, that is an error.
    fn report(
        &mut self,
        trace: &ResolvedTrace,
        selection: &Selection,
        refused: Vec<(u32, Vec<Diagnostic>)>,
        context: &Context<'_, '_>,
        diagnostics: &mut Vec<Diagnostic>,
    ) {
        let all = selection.targets.len();
        let names: Vec<&str> = refused
            .iter()
            .filter_map(|(index, _)| Some(context.catalog.get(*index)?.name))
            .collect();
        let count = refused.len();
        self.without = refused.iter().map(|(index, _)| *index).collect();
        let Some((_, first)) = refused.into_iter().next() else {
            return;
        };
        if count == all {
            let others = (count > 1)
                .then(|| format!("the expressions of the trace fit none of its {} targets; the error is that of the first", grouped(count)));
            diagnostics.extend(first.into_iter().map(|diagnostic| match &others {
                Some(others) => diagnostic.note(others.clone()),
                None => diagnostic,
            }));
            return;
        }
        let message = format!(
            "{} of {} left out: the expressions of the trace do not fit",
            grouped(count),
            times(all, "target"),
        );
        let mut diagnostic = Diagnostic::new(codes::TARGETS_LEFT_OUT, message)
            .at(&trace.span, "selects them")
            .note(names_shown(&names));
        if let Some(why) = first.first() {
            diagnostic = diagnostic.note(format!("for the first one: {}", printable(&why.message)));
        }
        diagnostics.push(diagnostic);
    }
}

impl Context<'_, '_> {
    fn lower(
        &self,
        trace: &ResolvedTrace,
        function: &Function<'_>,
    ) -> Result<Lowered, Vec<Diagnostic>> {
        let mut lowered = Lowered::default();
        let mut kept = Kept::default();
        let mut diagnostics = Vec::new();
        if let Some(condition) = &trace.condition {
            match self.condition(function, condition, &mut kept) {
                Ok(split) => (lowered.entry, lowered.exit) = (split.entry, split.exit),
                Err(found) => diagnostics.extend(found),
            }
        }
        for (listed, usage, captured) in [
            (&trace.arguments, Use::Args, &mut lowered.arguments),
            (&trace.results, Use::Ret, &mut lowered.results),
        ] {
            match listed {
                Some(listed) if !listed.shown.is_empty() => {
                    match self.shown(function, usage, &listed.shown) {
                        Ok(found) => *captured = Some(found),
                        Err(found) => diagnostics.extend(found),
                    }
                }
                _ => {}
            }
        }
        if let Some(until) = &trace.until {
            let until = self.with_scope(function, Use::Where, |scope| {
                expression::condition(scope, until)
            });
            let until = until.and_then(|until| {
                let kept = kept.condition(until);
                kept.map_err(|error| vec![expression::too_many_kept(&error)])
            });
            match until {
                Ok(until) => lowered.until = Some(until),
                Err(found) => diagnostics.extend(found),
            }
        }
        for aggregated in &trace.aggregations {
            let found = self.with_scope(function, Use::Where, |scope| {
                aggregate::lower(scope, aggregated, &mut kept)
            });
            match found {
                Ok(found) => {
                    lowered.aggregated.push(found.items);
                    lowered.counted.aggregations.push(found.plan);
                }
                Err(found) => diagnostics.extend(found),
            }
        }
        if let Some(template) = &trace.print {
            let printed = self.with_scope(function, Use::Where, |scope| {
                print::lower(scope, template, &mut kept)
            });
            match printed {
                Ok(printed) => {
                    let captured = |asked: Vec<Asked>| {
                        let types = self.types.as_ref().ok();
                        let limits = &self.program.settings.values;
                        (!asked.is_empty()).then(|| capture::some(types, asked, limits))
                    };
                    lowered.arguments = captured(printed.arguments);
                    lowered.results = captured(printed.results);
                    lowered.counted.print = Some(printed.template);
                }
                Err(found) => diagnostics.extend(found),
            }
        }
        lowered.kept = kept.finish(lowered.aggregated.iter_mut().flatten());
        if diagnostics.is_empty() {
            Ok(lowered)
        } else {
            Err(diagnostics)
        }
    }

    /// Why a target cannot be counted together with the first.
    fn differs(
        &self,
        trace: &ResolvedTrace,
        targets: [u32; 2],
        lowered: &Lowered,
        this: &Instrumentation,
    ) -> Diagnostic {
        let [name, first] = targets.map(|index| {
            let function = self.catalog.get(index);
            function.map_or("", |function| function.name)
        });
        let (these, those) = (&lowered.counted.aggregations, &this.counted.aggregations);
        let mut aggregations = trace.aggregations.iter().zip(these.iter().zip(those));
        let aggregation = aggregations.find(|(_, (these, those))| these != those);
        let span = match (aggregation, &trace.print) {
            (Some((aggregated, _)), _) => &aggregated.span,
            (None, Some(print)) => &print.span,
            (None, None) => &trace.span,
        };
        aggregate::differs(span, name, first)
    }

    fn condition(
        &self,
        function: &Function<'_>,
        condition: &Expression,
        kept: &mut Kept,
    ) -> Result<Split, Vec<Diagnostic>> {
        let condition = self.with_scope(function, Use::Where, |scope| {
            expression::condition(scope, condition)
        })?;
        Split::new(condition, kept).map_err(|error| vec![expression::too_many_kept(&error)])
    }

    fn shown(
        &self,
        function: &Function<'_>,
        usage: Use,
        list: &[Shown],
    ) -> Result<Captured, Vec<Diagnostic>> {
        let mut asked = Vec::with_capacity(list.len());
        let mut diagnostics = Vec::new();
        for one in list {
            let text = self.source.get(one.expression.span.clone());
            let text = text.unwrap_or_default().to_owned();
            let value = self.with_scope(function, usage, |scope| {
                let value = expression::shown(scope, &one.expression);
                value.map(|value| (value, expression::constant(scope, &one.expression)))
            });
            match value {
                Ok((value, constant)) => asked.push(Asked {
                    label: match &one.name {
                        Some(name) => name.node.clone(),
                        None => text.clone(),
                    },
                    span: one.expression.span.clone(),
                    value,
                    text: constant.unwrap_or(text),
                }),
                Err(found) => diagnostics.extend(found),
            }
        }
        if !diagnostics.is_empty() {
            return Err(diagnostics);
        }
        let types = self.types.as_ref().ok();
        Ok(capture::some(types, asked, &self.program.settings.values))
    }

    /// Calls `f` with what can be named at calls of a function.
    fn with_scope<R>(
        &self,
        function: &Function<'_>,
        usage: Use,
        f: impl FnOnce(Scope<'_, '_>) -> R,
    ) -> R {
        let signature: Result<Signature, TypesError> = match self.types {
            Ok(types) => types.signature(function),
            Err(error) => Err(error.clone()),
        };
        let types = match (self.types, &signature) {
            (Ok(types), Ok(signature)) => Ok((types, signature)),
            (Err(error), _) | (_, Err(error)) => Err(error),
        };
        let param = |name: &str| self.program.params.get(name).cloned();
        f(Scope {
            executable: self.executable,
            callers: &self.callers,
            function: *function,
            types,
            usage,
            source: self.source,
            param: &param,
        })
    }
}
