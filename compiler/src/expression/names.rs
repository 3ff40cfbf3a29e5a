//! What names stand for: parameters and results of the function, and what is built in.

use gobinary::{Kind, Signature, TypeId, Types, TypesError, Variable};
use grammar::ast::{Expression, ExpressionKind, Span, Spanned, ValueKind};

use super::{
    constant::Constant,
    lower::Lowering,
    meaning::Value,
    scope::{Scope, Use},
    suggest,
    value::{DURATION, Location, Ty, Typed},
};
use crate::{
    diagnostics::{
        codes,
        diagnostic::Diagnostic,
        did_you_mean::nearest_word,
        escape::{printable, symbol},
    },
    ir::{Extension, Input, Moment, Width, WordKind},
    resolve::call_name::{CALL, of_call},
};

/// Names that are built in and are numbers, and what they are.
const BUILT_IN: [(&str, Input, Number); 7] = [
    ("dur", Input::Duration, Number::Duration),
    ("self", Input::SelfTime, Number::Duration),
    ("depth", Input::Depth, Number::Int),
    ("g", Input::Goroutine, Number::Int),
    ("goid", Input::Goroutine, Number::Int),
    ("pid", Input::Process, Number::Int),
    ("tid", Input::Thread, Number::Int),
];

/// Names of the language that this version has nothing for.
const LATER: [&str; 2] = ["comm", "blocked"];

#[derive(Clone, Copy)]
enum Number {
    Int,
    Duration,
}

impl Number {
    fn ty(self) -> Ty {
        match self {
            Self::Int => Ty::int(),
            Self::Duration => Ty::built_in(DURATION, 8, Kind::Int),
        }
    }
}

/// All names that are built in.
fn built_in_names() -> impl Iterator<Item = &'static str> {
    let numbers = BUILT_IN.iter().map(|(word, ..)| *word);
    ["caller", "fn"].into_iter().chain(numbers)
}

/// Whether something is built in under this name.
pub(crate) fn is_built_in(name: &str) -> bool {
    built_in_names().any(|word| word == name)
}

/// The built-in name that an expression means at calls of a function: `call.dur`, or `dur` where no parameter is called so.
pub(crate) fn built_in<'a>(scope: &Scope<'_, '_>, expression: &'a Expression) -> Option<&'a str> {
    let name = match &expression.kind {
        ExpressionKind::Name(name) if !is_parameter(scope, name) => name,
        _ => of_call(expression)?,
    };
    is_built_in(name).then_some(name)
}

fn is_parameter(scope: &Scope<'_, '_>, name: &str) -> bool {
    scope
        .types
        .is_ok_and(|(_, signature)| signature.parameter(name).is_some())
}

impl<'s, 'e> Lowering<'s, 'e> {
    /// `$name`
    pub(super) fn param(&mut self, name: &str, span: &Span) -> Option<Value> {
        // That it is not declared is said elsewhere.
        let value: ValueKind = (self.scope.param)(name)?;
        match Constant::of_param(&value) {
            Some(constant) => Some(Value::Constant(constant)),
            None => self.fail(
                Diagnostic::new(
                    codes::OPERATOR_MISFIT,
                    format!("`${name}` cannot be used in an expression"),
                )
                .at(span, "is a percentage"),
            ),
        }
    }

    /// A name that stands alone.
    pub(super) fn name(&mut self, name: &str, span: &Span) -> Option<Value> {
        if let Ok((_, signature)) = self.scope.types {
            if self.scope.usage == Use::Ret
                && let Some(result) = signature.result(name)
            {
                return self.variable(result, Moment::Return, span);
            }
            if let Some(parameter) = signature.parameter(name) {
                return self.parameter(parameter, span);
            }
        }
        if name == "ret" {
            return self.only_result(span);
        }
        if is_built_in(name) {
            return self.built_in(name, span);
        }
        if LATER.contains(&name) {
            return self.fail(
                Diagnostic::new(
                    codes::UNKNOWN_NAME,
                    format!("`{name}` is not available in expressions in this version"),
                )
                .at(span, "not available"),
            );
        }
        self.unknown_name(name, span)
    }

    fn built_in(&mut self, name: &str, span: &Span) -> Option<Value> {
        if name == "caller" {
            return Some(Value::Caller);
        }
        if name == "fn" {
            let name = self.scope.function.name.to_owned();
            return Some(Value::Constant(Constant::String(name)));
        }
        let (_, input, number) = BUILT_IN.iter().find(|(word, ..)| *word == name)?;
        if matches!(input, Input::Duration | Input::SelfTime) && self.scope.usage == Use::Args {
            return self.fail(known_at_return(name, span));
        }
        let kind = WordKind::Input(*input);
        Some(Value::Typed(Typed::word(number.ty(), kind, span)))
    }

    /// `call.name`; nothing where `base` is a value and `name` its field.
    pub(super) fn of_no_value(
        &mut self,
        base: &str,
        name: &Spanned<String>,
        span: &Span,
    ) -> Option<Option<Value>> {
        if base == CALL && is_built_in(&name.node) {
            return self.built_in(&name.node, span).map(Some);
        }
        let known = |(_, signature): (_, &Signature)| {
            let is_result = signature.result(base).is_some();
            (is_result && (self.scope.usage == Use::Ret || base != CALL))
                || signature.parameter(base).is_some()
        };
        let reserved = matches!(base, "ret" | "arg" | "reg") || is_built_in(base);
        if reserved || self.scope.types.is_ok_and(known) {
            return Some(None);
        }
        if base != CALL {
            let is_package =
                self.scope.types.is_ok() && suggest::is_package(base, self.scope.executable);
            return if is_package {
                self.fail(of_a_package(base, span))
            } else {
                Some(None)
            };
        }
        let known: Vec<&str> = built_in_names().collect();
        let nearest = nearest_word(&name.node, known.iter().copied());
        let help = match nearest {
            Some(nearest) => format!("did you mean `call.{nearest}`?"),
            None => format!("of a call there are {}", known.join(", ")),
        };
        self.fail(
            Diagnostic::new(
                codes::UNKNOWN_NAME,
                format!("nothing is built in as `{}`", name.node),
            )
            .at(&name.span, "unknown name")
            .help(help),
        )
    }

    fn unknown_name(&mut self, name: &str, span: &Span) -> Option<Value> {
        let (_, signature) = self.signature(span)?;
        let function = symbol(self.scope.function.name);
        if self.scope.usage == Use::Ret && !signature.results.is_empty() {
            return self.unknown_result(name, &signature.results, span);
        }
        let diagnostic = Diagnostic::new(
            codes::UNKNOWN_NAME,
            format!("{function} has no parameter `{name}`"),
        )
        .at(span, "unknown name");
        let names = names(&signature.parameters);
        let built_in = BUILT_IN.iter().map(|(word, ..)| *word);
        let known = names.iter().map(String::as_str);
        let nearest = nearest_word(name, known.chain(built_in).chain(["caller", "ret"]));
        let help = if signature.result(name).is_some() {
            Some(format!("a result is written with `ret`: ret.{name}"))
        } else {
            let nearest = nearest.map(|nearest| format!("did you mean `{}`?", printable(nearest)));
            nearest
                .or_else(|| suggest::register(name))
                .or_else(|| suggest::error_result(name, &self.described(&signature.results)))
        };
        let note = if names.is_empty() {
            "it has no parameters with names".to_owned()
        } else {
            format!("its parameters are {}", names.join(", "))
        };
        self.fail(diagnostic.note(note).maybe_help(help))
    }

    /// The types, or a mistake that says why there are none.
    pub(super) fn signature(&mut self, span: &Span) -> Option<(&'s Types<'e>, &'s Signature)> {
        match self.scope.types {
            Ok((types, signature)) => Some((types, signature)),
            Err(error) => {
                let function = symbol(self.scope.function.name);
                self.fail(
                    Diagnostic::new(
                        codes::NO_TYPES,
                        format!("the parameters of {function} are not known"),
                    )
                    .at(span, "needs them")
                    .note(error.to_string())
                    .help(match error {
                        TypesError::Assembly => "its arguments are on the stack, the first one at s64(reg.sp + 8)",
                        TypesError::NoDwarf => "build it without -ldflags=-s and -w, or name registers: reg.ax, s64(reg.bx + 8), mem(reg.ax, reg.bx)",
                        TypesError::LinkedShared => "build it without -linkshared, or name registers: reg.ax, s64(reg.bx + 8), mem(reg.ax, reg.bx)",
                        TypesError::Separate(_) => "put that file beside the executable, or name it: --debug-file FILE",
                        _ => "name registers or memory: reg.ax, s64(reg.bx + 8), mem(reg.ax, reg.bx)",
                    }),
                )
            }
        }
    }

    pub(super) fn ty(&mut self, id: TypeId, span: &Span) -> Option<Ty> {
        let (types, _) = self.signature(span)?;
        match types.get(id) {
            Ok(ty) => Some(Ty::new(&ty)),
            Err(error) => self.fail(
                Diagnostic::new(codes::NO_TYPES, "its type cannot be read")
                    .at(span, "of an unknown type")
                    .note(error.to_string()),
            ),
        }
    }

    /// `arg.name`
    pub(super) fn argument(&mut self, name: &str, span: &Span) -> Option<Value> {
        let (_, signature) = self.signature(span)?;
        match signature.parameter(name).cloned() {
            Some(parameter) => self.parameter(&parameter, span),
            None => self.unknown_name(name, span),
        }
    }

    fn parameter(&mut self, parameter: &Variable, span: &Span) -> Option<Value> {
        if self.scope.usage == Use::Ret {
            let name = parameter.name.as_deref().unwrap_or_default();
            let built_in = is_built_in(name).then(|| format!("the built-in name is `call.{name}`"));
            return self.fail(
                Diagnostic::new(
                    codes::OUT_OF_REACH,
                    format!("`{}` is a parameter", printable(name)),
                )
                .at(span, "`ret` shows what is known at return")
                .help("show it with `args`")
                .maybe_help(built_in),
            );
        }
        self.variable(parameter, Moment::Entry, span)
    }

    fn variable(&mut self, variable: &Variable, moment: Moment, span: &Span) -> Option<Value> {
        let ty = self.ty(variable.ty, span)?.derived_from(variable);
        let at = Location::Pieces {
            place: variable.place.clone(),
            moment,
            offset: 0,
        };
        let at = if variable.by_reference {
            let part = at.part(0, Width::Eight, Extension::Zero, span);
            let expression = grammar::ast::Expression {
                span: span.clone(),
                kind: grammar::ast::ExpressionKind::Nil,
            };
            Location::Memory {
                pointer: self.reach(part, &expression)?.into(),
                offset: 0,
            }
        } else {
            at
        };
        let guard = None;
        Some(Value::Typed(Typed { ty, at, guard }))
    }

    /// `ret` of a function with one result.
    fn only_result(&mut self, span: &Span) -> Option<Value> {
        let results = self.results(span)?;
        match results.as_slice() {
            [result] => self.variable(result, Moment::Return, span),
            several => {
                let function = symbol(self.scope.function.name);
                let results = suggest::results(&self.described(several));
                self.fail(
                    Diagnostic::new(
                        codes::UNKNOWN_NAME,
                        format!("{function} has {} results", several.len()),
                    )
                    .at(span, "which one?")
                    .help(format!("say which: {results}")),
                )
            }
        }
    }

    /// `ret.name`. A function with one result without a name: that result's field.
    pub(super) fn named_result(&mut self, name: &str, span: &Span) -> Option<Option<Value>> {
        let results = self.results(span)?;
        let found = results
            .iter()
            .find(|result| result.name.as_deref() == Some(name));
        if let Some(result) = found {
            return self.variable(result, Moment::Return, span).map(Some);
        }
        if results.len() == 1 {
            return Some(None);
        }
        self.unknown_result(name, &results, span)
    }

    fn unknown_result<T>(&mut self, name: &str, results: &[Variable], span: &Span) -> Option<T> {
        let function = symbol(self.scope.function.name);
        let known = names(results);
        let nearest = nearest_word(name, known.iter().map(String::as_str))
            .map(|nearest| format!("did you mean `ret.{nearest}`?"));
        let described = self.described(results);
        let built_in = BUILT_IN.iter().map(|(word, ..)| *word);
        let nearest = nearest
            .or_else(|| nearest_word(name, built_in).map(|word| format!("did you mean `{word}`?")))
            .or_else(|| suggest::register(name))
            .or_else(|| suggest::error_result(name, &described));
        let note = format!("its results are {}", suggest::results(&described));
        self.fail(
            Diagnostic::new(
                codes::UNKNOWN_NAME,
                format!("{function} has no result `{name}`"),
            )
            .at(span, "unknown result")
            .note(note)
            .maybe_help(nearest),
        )
    }

    /// `ret[number]`
    pub(super) fn numbered_result(&mut self, number: u64, span: &Span) -> Option<Value> {
        let results = self.results(span)?;
        let result = usize::try_from(number).ok().and_then(|n| results.get(n));
        match result {
            Some(result) => self.variable(result, Moment::Return, span),
            None => {
                let function = symbol(self.scope.function.name);
                let count = match results.len() {
                    1 => "1 result".to_owned(),
                    count => format!("{count} results"),
                };
                let results = suggest::results(&self.described(&results));
                self.fail(
                    Diagnostic::new(codes::UNKNOWN_NAME, format!("{function} has {count}"))
                        .at(span, "there is no such result")
                        .note(format!("they are {results}")),
                )
            }
        }
    }

    /// Results with their types in short.
    fn described(&self, results: &[Variable]) -> Vec<(Variable, String)> {
        let types = self.scope.types.ok().map(|(types, _)| types);
        let ty = |result: &Variable| types.and_then(|types| types.short_type(result.ty).ok());
        let results = results.iter();
        results
            .map(|result| (result.clone(), ty(result).unwrap_or_default()))
            .collect()
    }

    /// The results, where there are any and this is the place for them.
    fn results(&mut self, span: &Span) -> Option<Vec<Variable>> {
        let (_, signature) = self.signature(span)?;
        let results = signature.results.clone();
        if self.scope.usage == Use::Args {
            return self.fail(known_at_return("ret", span));
        }
        if signature.results_left_out {
            let function = symbol(self.scope.function.name);
            return self.fail(
                Diagnostic::new(
                    codes::NO_TYPES,
                    format!("the results of {function} are not known"),
                )
                .at(span, "needs them")
                .note("the DWARF leaves out results of functions that return from inside a loop over a function")
                .help("show what registers hold then: ret reg.ax, reg.bx"),
            );
        }
        if results.is_empty() {
            let function = symbol(self.scope.function.name);
            return self.fail(
                Diagnostic::new(codes::UNKNOWN_NAME, format!("{function} has no results"))
                    .at(span, "returns nothing"),
            );
        }
        Some(results)
    }

    /// Is there a parameter of this name, which goes before what is built in?
    pub(super) fn is_parameter(&self, name: &str) -> bool {
        is_parameter(&self.scope, name)
    }
}

fn of_a_package(package: &str, span: &Span) -> Diagnostic {
    Diagnostic::new(
        codes::UNKNOWN_NAME,
        "package variables and constants are not known here",
    )
    .at(span, format!("`{package}` is a package"))
    .help("write a constant's value itself: `== 3`, `== \"text\"`")
    .help("an error is compared with nil, or looked into: `err.(*errors.errorString).s == \"EOF\"`")
}

fn known_at_return(name: &str, span: &Span) -> Diagnostic {
    Diagnostic::new(
        codes::OUT_OF_REACH,
        format!("`{name}` is not known before the call returns"),
    )
    .at(span, "`args` shows what is known at entry")
    .help("show it with `ret`")
}

fn names(variables: &[Variable]) -> Vec<String> {
    let names = variables
        .iter()
        .filter_map(|variable| variable.name.as_deref());
    names.map(printable).collect()
}
