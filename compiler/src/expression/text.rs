//! Tests of strings and of callers by their names.

use gobinary::Kind;
use grammar::ast::{Expression, Span};

use super::{
    callers::Found,
    constant::Constant,
    lower::{Lowering, guarded},
    meaning::Value,
    scope::Scope,
    value::Typed,
};
use crate::{
    diagnostics::{
        codes,
        diagnostic::Diagnostic,
        escape::{printable, symbol as shown_symbol},
    },
    ir::{
        Condition, ConditionKind, Input, Operator, Pattern, PatternTooLong, Relation, Word,
        WordKind,
    },
    resolve::glob::Glob,
};

/// Runs of code that callers by name may be in.
const MAX_RANGES: usize = 32;

impl<'s, 'e> Lowering<'s, 'e> {
    /// `left =~ "glob"`
    pub(super) fn like(
        &mut self,
        left: &Expression,
        right: &Expression,
        span: &Span,
    ) -> Option<Condition> {
        let (value, text) = (self.value(left), self.constant_text("=~", right));
        match (value?, text?) {
            (Value::Caller, Constant::String(glob)) => self.caller_matches(&glob, right, span),
            (Value::Constant(Constant::String(text)), Constant::String(glob)) => {
                match Glob::new(&glob) {
                    Ok(glob) => Some(Condition::new(
                        ConditionKind::Constant(glob.matches(&text)),
                        span.clone(),
                    )),
                    Err(_) => self.bad_name(&glob, right),
                }
            }
            (value, glob) => {
                let pattern = Pattern::glob(glob.bytes().unwrap_or_default());
                self.matches("=~", value, pattern, left, right, span)
            }
        }
    }

    /// `left has "text"`
    pub(super) fn has(
        &mut self,
        left: &Expression,
        right: &Expression,
        span: &Span,
    ) -> Option<Condition> {
        let (value, text) = (self.value(left), self.constant_text("has", right));
        match (value?, text?) {
            (Value::Constant(Constant::String(whole)), Constant::String(part)) => Some(
                Condition::new(ConditionKind::Constant(whole.contains(&part)), span.clone()),
            ),
            (value, part) => {
                let pattern = Pattern::contains(part.bytes().unwrap_or_default());
                self.matches("has", value, pattern, left, right, span)
            }
        }
    }

    /// A string equals a constant.
    pub(super) fn text_is(
        &mut self,
        value: &Typed,
        text: &[u8],
        left: &Expression,
        right: &Expression,
    ) -> Option<Condition> {
        let pattern = self.pattern(Pattern::equal(text), right)?;
        let at = self.reach(value.text(&left.span), left)?;
        let kind = ConditionKind::Matches { text: at, pattern };
        Some(Condition::new(kind, left.span.start..right.span.end))
    }

    fn matches(
        &mut self,
        symbol: &str,
        value: Value,
        pattern: Result<Pattern, PatternTooLong>,
        left: &Expression,
        right: &Expression,
        span: &Span,
    ) -> Option<Condition> {
        let value = match value {
            Value::Typed(value) if self.is_text(&value, left)? => value,
            other => return self.misfit(symbol, left, Some(&other)),
        };
        let pattern = self.pattern(pattern, right)?;
        let text = self.reach(value.text(&left.span), left)?;
        let kind = ConditionKind::Matches { text, pattern };
        Some(guarded(value.guard, Condition::new(kind, span.clone())))
    }

    /// Whether it is a string or bytes.
    pub(super) fn is_text(&mut self, value: &Typed, expression: &Expression) -> Option<bool> {
        Some(match value.ty.kind {
            Kind::String => true,
            Kind::Slice { element } => {
                let element = self.ty(element, &expression.span)?;
                element.kind == Kind::Uint && element.size == 1
            }
            _ => false,
        })
    }

    fn pattern(
        &mut self,
        pattern: Result<Pattern, PatternTooLong>,
        expression: &Expression,
    ) -> Option<Pattern> {
        match pattern {
            Ok(pattern) => Some(pattern),
            Err(PatternTooLong { length, most }) => self.fail(
                Diagnostic::new(codes::TOO_LARGE, "this text is too long to be compared")
                    .at(&expression.span, format!("{length} bytes, at most {most}")),
            ),
        }
    }

    /// The right side of a test, which has to be known now.
    fn constant_text(&mut self, symbol: &str, expression: &Expression) -> Option<Constant> {
        match self.value(expression)? {
            Value::Constant(text) if text.bytes().is_some() => Some(text),
            other => {
                let what = other.describe();
                let text = self.text(expression);
                let help = match other {
                    Value::Constant(_) => format!("write it in quotes: \"{text}\""),
                    _ => {
                        "the text to look for has to be a constant: a text in quotes, or a `param`"
                            .to_owned()
                    }
                };
                self.fail(
                    Diagnostic::new(
                        codes::OPERATOR_MISFIT,
                        format!("a text is needed on the right of `{symbol}`"),
                    )
                    .at(&expression.span, format!("is {what}"))
                    .help(help),
                )
            }
        }
    }

    /// `caller == "name"`, `caller != "name"`
    pub(super) fn caller_is(
        &mut self,
        relation: Relation,
        name: &str,
        expression: &Expression,
        span: &Span,
    ) -> Option<Condition> {
        let found = self.caller_in(name, expression, span, None)?;
        Some(match relation {
            Relation::NotEqual => Condition::new(ConditionKind::Not(found.into()), span.clone()),
            _ => found,
        })
    }

    fn caller_matches(
        &mut self,
        text: &str,
        expression: &Expression,
        span: &Span,
    ) -> Option<Condition> {
        match Glob::new(text) {
            Ok(glob) => self.caller_in(text, expression, span, Some(&glob)),
            Err(_) => self.bad_name(text, expression),
        }
    }

    fn bad_name<T>(&mut self, text: &str, expression: &Expression) -> Option<T> {
        self.fail(
            Diagnostic::new(
                codes::MALFORMED_PATTERN,
                format!("`{}` is no pattern of function names", printable(text)),
            )
            .at(&expression.span, "malformed"),
        )
    }

    /// The return address is in one of the functions that are meant.
    fn caller_in(
        &mut self,
        name: &str,
        expression: &Expression,
        span: &Span,
        pattern: Option<&Glob>,
    ) -> Option<Condition> {
        let Scope {
            callers,
            executable,
            ..
        } = self.scope;
        let found = callers.find(name, pattern, executable);
        let ranges = match &*found {
            Found::Code(ranges) => ranges.as_slice(),
            Found::Nothing(nearest) => {
                let help = nearest
                    .as_ref()
                    .map(|name| format!("did you mean \"{}\"?", shown_symbol(name)));
                return self.fail(
                    Diagnostic::new(codes::MATCHED_NOTHING, "no function has this name")
                        .at(&expression.span, "matches nothing")
                        .maybe_help(help),
                );
            }
        };
        if ranges.len() > MAX_RANGES {
            return self.fail(
                Diagnostic::new(codes::TOO_LARGE, "too many functions may be the caller").at(
                    &expression.span,
                    format!(
                        "in {} places of the executable, at most {MAX_RANGES}",
                        ranges.len()
                    ),
                ),
            );
        }
        let word = |kind| Word::new(kind, span.clone());
        let subtract = |left: Word, right: Word| {
            word(WordKind::Binary {
                operator: Operator::Subtract,
                left: left.into(),
                right: right.into(),
            })
        };
        let within = |&(start, end): &(u64, u64)| {
            let address = subtract(
                word(WordKind::Input(Input::Caller)),
                word(WordKind::Input(Input::Bias)),
            );
            // A return address is after its call, which may be the last instruction.
            let kind = ConditionKind::Compare {
                relation: Relation::Less,
                signed: false,
                left: subtract(address, word(WordKind::Constant(start.wrapping_add(1)))).into(),
                right: word(WordKind::Constant(end.wrapping_sub(start))).into(),
            };
            Condition::new(kind, span.clone())
        };
        let within = ranges.iter().map(within);
        within.reduce(|whole, range| {
            let kind = ConditionKind::Or(whole.into(), range.into());
            Condition::new(kind, span.clone())
        })
    }
}
