//! What the expressions of a trace come to: conditions and captures for each of its functions.
//!
//! They are lowered before probes are placed, since a function whose arguments or results are looked at has to be watched where these
//! are; the code is made when functions have got their numbers.

mod code;

use std::collections::BTreeSet;

use gobinary::{Executable, Function, Signature, Types, TypesError};
use grammar::ast::{Expression, Shown};
use rayon::prelude::*;

use crate::{
    codes,
    diagnostic::{Diagnostic, printable},
    expression::{self, Scope, Use},
    listed::Listed,
    matching::Catalog,
    predicate::{
        Item, Kept, Split,
        ir::{Condition, Moment},
    },
    resolve::{Resolved, ResolvedTrace},
    select::{Selection, grouped, names_shown, times},
    shown::{self, Asked, Captured},
};

/// The expressions of a trace, lowered for its functions. Functions are named by their index in the catalog.
#[derive(Debug, Default)]
pub(crate) struct Instructed {
    entry: Vec<(u32, Condition)>,
    exit: Vec<(u32, Condition)>,
    kept: Vec<(u32, Vec<Item>)>,
    shown_arguments: Vec<(u32, Captured)>,
    shown_results: Vec<(u32, Captured)>,
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
}

/// What the expressions of a trace come to for one target.
#[derive(Default)]
struct Lowered {
    entry: Option<Condition>,
    exit: Option<Condition>,
    kept: Vec<Item>,
    arguments: Option<Captured>,
    results: Option<Captured>,
}

impl Instructed {
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
        for (index, lowered) in lowered {
            match lowered {
                Ok(lowered) => this.add(index, lowered),
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
                    Diagnostic::new(codes::NO_TYPES, "which values there are is not known")
                        .at(&listed.span, "needs their types")
                        .note(error.to_string())
                        .help("build it without -ldflags=-s and -w, or name registers: args reg.ax, mem(reg.bx, reg.cx) as text"),
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
                let signature = types.signature(function).ok()?;
                let captured = shown::all(types, &signature, moment, limits, &listed.span);
                Some((*index, captured))
            })
            .filter(|(_, captured)| !captured.values.is_empty())
            .collect();
        for (index, captured) in all {
            self.show(index, captured, moment);
        }
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
                .then(|| format!("so it is with all {} targets of the trace", grouped(count)));
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
            diagnostic = diagnostic.note(format!("of the first: {}", printable(&why.message)));
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
        lowered.kept = kept.finish([]);
        if diagnostics.is_empty() {
            Ok(lowered)
        } else {
            Err(diagnostics)
        }
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
                expression::shown(scope, &one.expression)
            });
            match value {
                Ok(value) => asked.push(Asked {
                    label: match &one.name {
                        Some(name) => name.node.clone(),
                        None => text.clone(),
                    },
                    span: one.expression.span.clone(),
                    value,
                    text,
                }),
                Err(found) => diagnostics.extend(found),
            }
        }
        if !diagnostics.is_empty() {
            return Err(diagnostics);
        }
        let types = self.types.as_ref().ok();
        Ok(shown::some(types, asked, &self.program.settings.values))
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
            function: *function,
            types,
            usage,
            source: self.source,
            param: &param,
        })
    }
}
