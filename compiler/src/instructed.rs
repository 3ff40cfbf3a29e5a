//! What the expressions of a trace come to: conditions and captures for each of its functions, and the code that is made of them.
//!
//! It is done in two steps. The expressions are lowered before probes are placed, since a function whose arguments or results are looked
//! at has to be watched where these are; the code is made when functions have got their numbers.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use gobinary::{Executable, Function, Signature, Types, TypesError};
use grammar::ast::Expression;

use crate::{
    codes,
    diagnostic::{Diagnostic, printable},
    expression::{self, Scope, Use},
    matching::Catalog,
    plan::{NeedsResults, TraceCode},
    predicate::{
        Arm, CaptureArm, Code, Item, Limits, Split, TooLarge, generate, generate_capture,
        ir::{Condition, Input, Moment},
    },
    resolve::{Resolved, ResolvedTrace},
    select::{Selection, grouped, names_shown, times},
    shape::ShownCall,
};

/// What the probe program has room for. Jumps reach 32,767 instructions far.
const ROOM: Limits = Limits {
    instructions: 32_000,
    stack: ebpf_templates::STACK_ROOM,
    searches: 60,
};

/// The expressions of a trace, lowered for its functions. Functions are named by their index in the catalog.
#[derive(Debug, Default)]
pub(crate) struct Instructed {
    entry: Vec<(u32, Condition)>,
    exit: Vec<(u32, Condition)>,
    kept: Vec<(u32, Vec<Item>)>,
    /// Targets for which the expressions mean nothing.
    pub(crate) without: BTreeSet<u32>,
    /// Functions to be entered where their arguments are still in their places.
    pub(crate) arguments: BTreeSet<u32>,
    /// Functions to be left where their results are in their places.
    pub(crate) results: BTreeSet<u32>,
}

/// The types of an executable, asked for when an expression needs them.
pub(crate) struct Context<'s, 'e> {
    pub(crate) executable: &'e Executable,
    pub(crate) catalog: &'s Catalog<'e>,
    pub(crate) program: &'s Resolved,
    pub(crate) source: &'s str,
    pub(crate) types: &'s Result<Types<'e>, TypesError>,
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
        if trace.condition.is_none() {
            return this;
        }
        let mut refused: Vec<(u32, Vec<Diagnostic>)> = Vec::new();
        for index in &selection.targets {
            let Some(function) = context.catalog.get(*index) else {
                continue;
            };
            if let Err(found) = this.target(trace, *index, function, context) {
                refused.push((*index, found));
            }
        }
        this.report(trace, selection, refused, context, diagnostics);
        this
    }

    fn target(
        &mut self,
        trace: &ResolvedTrace,
        index: u32,
        function: &Function<'_>,
        context: &Context<'_, '_>,
    ) -> Result<(), Vec<Diagnostic>> {
        let mut kept: Vec<Item> = Vec::new();
        if let Some(condition) = &trace.condition {
            let condition = context.condition(function, condition)?;
            let split =
                Split::new(condition).map_err(|error| vec![expression::too_many_kept(&error)])?;
            kept.extend(split.kept);
            if let Some(entry) = split.entry {
                if entry.looks_at(Moment::Entry) {
                    self.arguments.insert(index);
                }
                self.entry.push((index, entry));
            }
            if let Some(exit) = split.exit {
                if exit.looks_at(Moment::Return) {
                    self.results.insert(index);
                }
                self.exit.push((index, exit));
            }
        }
        if !kept.is_empty() {
            self.arguments.insert(index);
            self.kept.push((index, kept));
        }
        Ok(())
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
            diagnostics.extend(first.into_iter().map(|mut diagnostic| {
                if let Some(others) = &others {
                    diagnostic = diagnostic.note(others.clone());
                }
                diagnostic
            }));
            return;
        }
        let message = format!(
            "{} of {} left out: the expressions of the trace do not fit",
            grouped(count),
            times(all, "target"),
        );
        let why = first.first().map(|diagnostic| diagnostic.message.clone());
        let mut diagnostic = Diagnostic::new(codes::TARGETS_LEFT_OUT, message)
            .at(&trace.span, "selects them")
            .note(names_shown(&names));
        if let Some(why) = why {
            diagnostic = diagnostic.note(format!("of the first: {}", printable(&why)));
        }
        diagnostics.push(diagnostic);
    }

    /// Makes the code. `ids` are the numbers of planned functions.
    pub(crate) fn code(
        &self,
        ids: &HashMap<u32, u32>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> (TraceCode, BTreeMap<u32, ShownCall>) {
        let number = |index: &u32| ids.get(index).copied();
        let conditions = |list: &[(u32, Condition)]| {
            Arm::grouped(
                list.iter()
                    .filter_map(|(index, condition)| Some((number(index)?, condition.clone()))),
            )
        };
        let captures = |list: &[(u32, Vec<Item>)]| {
            let mut arms: HashMap<&[Item], Vec<u32>> = HashMap::new();
            for (index, items) in list {
                if let Some(id) = number(index) {
                    arms.entry(items).or_default().push(id);
                }
            }
            let arms = arms.into_iter();
            let mut arms: Vec<CaptureArm> = arms
                .map(|(items, functions)| CaptureArm {
                    functions,
                    items: items.to_vec(),
                })
                .collect();
            arms.sort_by(|a, b| a.functions.cmp(&b.functions));
            arms
        };
        let (entry, exit) = (conditions(&self.entry), conditions(&self.exit));
        let kept = captures(&self.kept);
        let looks_for = |input: Input| {
            let mut arms = entry.iter().chain(&exit);
            arms.any(|arm| arm.condition.uses(input))
                || kept
                    .iter()
                    .flat_map(|arm| &arm.items)
                    .any(|item| item.uses(input))
        };
        let mut made = |code: Result<Code, TooLarge>| match code {
            Ok(code) => Some(code),
            Err(error) => {
                diagnostics.push(expression::too_large(&error));
                None
            }
        };
        let code = TraceCode {
            needs_caller: looks_for(Input::Caller),
            needs_bias: looks_for(Input::Bias),
            where_entry: (!entry.is_empty())
                .then(|| made(generate(&entry, ROOM)))
                .flatten(),
            where_return: (!exit.is_empty())
                .then(|| made(generate(&exit, ROOM)))
                .flatten(),
            keep: (!kept.is_empty())
                .then(|| made(generate_capture(&kept, ROOM, ebpf_templates::KEEP_MAX)))
                .flatten(),
            needs_results: NeedsResults {
                where_return: exit
                    .iter()
                    .any(|arm| arm.condition.looks_at(Moment::Return)),
                ..NeedsResults::default()
            },
            ..TraceCode::default()
        };
        (code, BTreeMap::new())
    }
}

impl Context<'_, '_> {
    fn condition(
        &self,
        function: &Function<'_>,
        condition: &Expression,
    ) -> Result<Condition, Vec<Diagnostic>> {
        self.with_scope(function, Use::Where, |scope| {
            expression::condition(scope, condition)
        })
    }

    /// Calls `f` with what can be named at calls of a function.
    pub(crate) fn with_scope<R>(
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
