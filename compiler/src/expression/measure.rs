//! Expressions of aggregations: numbers that are added up, bounds of steps, and the keys by which calls are told apart.

use gobinary::Kind;
use grammar::ast::{Expression, ExpressionKind};

use super::{
    constant::Constant,
    lower::Lowering,
    meaning::Value,
    names::built_in,
    scope::Scope,
    value::{Ty, Typed},
};
use crate::{
    diagnostics::{codes, diagnostic::Diagnostic, escape::printable},
    ir::{Condition, ConditionKind, Input, Operator, Relation, Text, Word, WordKind},
};

/// A number that calls have, as a signed word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Measured {
    pub(crate) word: Word,
    /// It is a number of nanoseconds.
    pub(crate) duration: bool,
}

/// Something by which calls are told apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Key {
    Bool(Word),
    Int(Word),
    Uint {
        word: Word,
        hexadecimal: bool,
    },
    Float {
        word: Word,
        width: u8,
    },
    /// Nanoseconds.
    Duration(Word),
    /// A link-time address in a function, behind its first byte.
    Code(Word),
    /// The number of the function in the plan, so that all functions share the code.
    Function(Word),
    String(Text),
}

/// The steps of a linear histogram: the least value that is in one, the least that is above all of them, and how wide one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Steps {
    pub(crate) low: i64,
    pub(crate) high: i64,
    pub(crate) step: u64,
}

/// Steps of a linear histogram at most.
const MAX_STEPS: u128 = 1000;

/// The number that an expression is for the calls of one function.
///
/// # Errors
/// All that is wrong with it.
pub(crate) fn measured(
    scope: Scope<'_, '_>,
    expression: &Expression,
) -> Result<Measured, Vec<Diagnostic>> {
    finished(scope, |lowering| lowering.measured(expression))
}

/// The key that an expression is for the calls of one function.
///
/// # Errors
/// All that is wrong with it.
pub(crate) fn key(scope: Scope<'_, '_>, expression: &Expression) -> Result<Key, Vec<Diagnostic>> {
    finished(scope, |lowering| lowering.key(expression))
}

/// The steps that three expressions say.
///
/// # Errors
/// All that is wrong with them.
pub(crate) fn steps(
    scope: Scope<'_, '_>,
    duration: bool,
    [low, high, step]: [&Expression; 3],
) -> Result<Steps, Vec<Diagnostic>> {
    finished(scope, |lowering| lowering.steps(duration, low, high, step))
}

/// What an expression is that is the same for every call, as it is printed.
pub(crate) fn constant(scope: Scope<'_, '_>, expression: &Expression) -> Option<String> {
    match Lowering::new(scope).value(expression)? {
        Value::Constant(constant) => Some(constant.printed()),
        Value::Typed(_) | Value::Caller => None,
    }
}

fn finished<T>(
    scope: Scope<'_, '_>,
    lower: impl FnOnce(&mut Lowering<'_, '_>) -> Option<T>,
) -> Result<T, Vec<Diagnostic>> {
    let mut lowering = Lowering::new(scope);
    match lower(&mut lowering) {
        Some(value) if lowering.diagnostics.is_empty() => Ok(value),
        _ => Err(lowering.diagnostics),
    }
}

impl Lowering<'_, '_> {
    fn measured(&mut self, expression: &Expression) -> Option<Measured> {
        let value = self.value(expression)?;
        let Value::Typed(value) = &value else {
            return self.not_measured(expression, &value);
        };
        if !value.ty.is_integer() {
            return self.not_measured(expression, &Value::Typed(value.clone()));
        }
        let word = self.scalar(value, expression)?;
        // What is too large for a signed word is not counted at all.
        let word = if value.ty.is_signed() || value.ty.size < 8 {
            word
        } else {
            let kind = ConditionKind::Compare {
                relation: Relation::GreaterOrEqual,
                signed: true,
                left: word.clone().into(),
                right: Word::constant(0, expression.span.clone()).into(),
            };
            checked(Some(Condition::new(kind, expression.span.clone())), word)
        };
        Some(Measured {
            word,
            duration: value.ty.is_duration(),
        })
    }

    fn not_measured<T>(&mut self, expression: &Expression, value: &Value) -> Option<T> {
        let text = self.text(expression);
        let help = match value {
            Value::Constant(_) => Some("to count calls, write `count`".to_owned()),
            Value::Caller => Some("to count calls by caller, write `count by caller`".to_owned()),
            Value::Typed(value) => match value.ty.kind {
                Kind::String | Kind::Slice { .. } | Kind::Map { .. } | Kind::Array { .. } => {
                    Some(format!("its length is one: `len({text})`"))
                }
                Kind::Bool => Some(format!("count by it: `count by {text}`")),
                _ => None,
            },
        };
        let what = match value {
            Value::Typed(value) if matches!(value.ty.kind, Kind::Float | Kind::Complex) => format!(
                "is of type {}, of which the kernel can make no sums",
                printable(&value.ty.short())
            ),
            value => format!("is {}", value.describe()),
        };
        self.fail(
            Diagnostic::new(
                codes::NOT_A_NUMBER,
                format!("`{text}` is no whole number or duration of each call"),
            )
            .at(&expression.span, what)
            .maybe_help(help),
        )
    }

    /// A value's word, which is there only where the value is.
    fn scalar(&mut self, value: &Typed, expression: &Expression) -> Option<Word> {
        let word = self.reach(value.scalar(&expression.span), expression)?;
        Some(checked(value.guard.clone(), word))
    }

    fn key(&mut self, expression: &Expression) -> Option<Key> {
        let span = &expression.span;
        let is_fn = built_in(&self.scope, expression) == Some("fn");
        let value = match self.value(expression)? {
            Value::Typed(value) => value,
            Value::Caller => {
                let input = |input| Word::new(WordKind::Input(input), span.clone()).into();
                let kind = WordKind::Binary {
                    operator: Operator::Subtract,
                    left: input(Input::Caller),
                    right: input(Input::Bias),
                };
                return Some(Key::Code(Word::new(kind, span.clone())));
            }
            Value::Constant(Constant::String(_)) if is_fn => {
                // The aggregation's number is above the function's.
                let numbers = u64::from(ebpf_templates::Cookie::FUNCTIONS) - 1;
                let kind = WordKind::Binary {
                    operator: Operator::And,
                    left: Word::new(WordKind::Input(Input::Function), span.clone()).into(),
                    right: Word::constant(numbers, span.clone()).into(),
                };
                return Some(Key::Function(Word::new(kind, span.clone())));
            }
            Value::Constant(_) => {
                let text = self.text(expression);
                return self.fail(
                    Diagnostic::new(
                        codes::NOT_A_KEY,
                        format!("`{text}` does not distinguish calls"),
                    )
                    .at(span, "is the same for all of them"),
                );
            }
        };
        let integer = value.ty.is_integer();
        Some(match &value.ty.kind {
            Kind::Bool => Key::Bool(self.scalar(&value, expression)?),
            Kind::Int if value.ty.is_duration() => Key::Duration(self.scalar(&value, expression)?),
            Kind::Int => Key::Int(self.scalar(&value, expression)?),
            _ if integer => Key::Uint {
                word: self.scalar(&value, expression)?,
                hexadecimal: value.ty.name == "uintptr",
            },
            Kind::Pointer { .. } | Kind::UnsafePointer | Kind::Chan { .. } => Key::Uint {
                word: self.scalar(&value, expression)?,
                hexadecimal: true,
            },
            Kind::Float => Key::Float {
                word: self.scalar(&value, expression)?,
                width: u8::try_from(value.ty.size).unwrap_or(8),
            },
            Kind::String => {
                let text = self.reach(value.text(span), expression)?;
                Key::String(Text {
                    pointer: checked(value.guard.clone(), *text.pointer).into(),
                    length: text.length,
                })
            }
            _ => return self.not_a_key(expression, &value.ty),
        })
    }

    fn not_a_key(&mut self, expression: &Expression, ty: &Ty) -> Option<Key> {
        let text = self.text(expression);
        let help = match ty.kind {
            Kind::Slice { .. } | Kind::Map { .. } | Kind::Array { .. } => {
                format!("its length is one: `by len({text})`")
            }
            Kind::Interface { .. } | Kind::Func => {
                format!("whether there is one is: `by {text} != nil`")
            }
            _ => "keys are numbers, bools, strings, durations, addresses and functions".to_owned(),
        };
        self.fail(
            Diagnostic::new(codes::NOT_A_KEY, format!("`{text}` cannot be a key"))
                .at(
                    &expression.span,
                    format!("is of type {}", printable(&ty.short())),
                )
                .help(help),
        )
    }

    fn steps(
        &mut self,
        duration: bool,
        low: &Expression,
        high: &Expression,
        step: &Expression,
    ) -> Option<Steps> {
        let bounds = (
            self.bound(duration, low),
            self.bound(duration, high),
            self.bound(duration, step),
        );
        let (Some(from), Some(to), Some(width)) = bounds else {
            return None;
        };
        if from >= to {
            return self.fail(
                Diagnostic::new(
                    codes::UNSUITABLE_STEPS,
                    "no value lies between these bounds",
                )
                .at(&high.span, "the upper bound")
                .also_at(&low.span, "is not below the lower one"),
            );
        }
        let Some(width) = u64::try_from(width).ok().filter(|width| *width > 0) else {
            return self.fail(
                Diagnostic::new(codes::UNSUITABLE_STEPS, "steps have to be larger than 0")
                    .at(&step.span, "the size of a step"),
            );
        };
        let distance = to.abs_diff(from);
        let steps = u128::from(distance.div_ceil(width));
        if steps > MAX_STEPS {
            return self.fail(
                Diagnostic::new(
                    codes::UNSUITABLE_STEPS,
                    format!("a histogram has at most {MAX_STEPS} steps"),
                )
                .at(&step.span, format!("makes {steps} of them")),
            );
        }
        Some(Steps {
            low: from,
            high: to,
            step: width,
        })
    }

    /// A constant of the value's kind.
    fn bound(&mut self, duration: bool, expression: &Expression) -> Option<i64> {
        let value = self.value(expression)?;
        let text = self.text(expression);
        let Value::Constant(constant) = &value else {
            return self.fail(
                Diagnostic::new(
                    codes::UNSUITABLE_STEPS,
                    format!("`{text}` is not the same for every call"),
                )
                .at(&expression.span, "has to be a constant"),
            );
        };
        let ty = if duration {
            Ty::built_in(super::value::DURATION, 8, Kind::Int)
        } else {
            Ty::int()
        };
        match (constant, constant.to_integer(&ty)) {
            (_, Ok(bits)) => Some(bits.cast_signed()),
            (Constant::Integer(number), Err(_)) if duration => {
                let label = match &expression.kind {
                    ExpressionKind::Integer(_) => "a bare number".to_owned(),
                    _ => format!("is the bare number {number}"),
                };
                self.fail(
                    Diagnostic::new(codes::MISSING_UNIT, "this needs a unit of time")
                        .at(&expression.span, label)
                        .help(format!("give a unit: {number}ms (units: ns us ms s m h)")),
                )
            }
            (constant, Err(_)) => self.fail(
                Diagnostic::new(
                    codes::UNSUITABLE_STEPS,
                    format!(
                        "`{text}` is no bound of {}",
                        if duration {
                            "durations"
                        } else {
                            "whole numbers"
                        }
                    ),
                )
                .at(&expression.span, format!("is {}", constant.describe())),
            ),
        }
    }
}

/// A word that is there only where the condition holds.
fn checked(guard: Option<Condition>, word: Word) -> Word {
    let Some(condition) = guard else {
        return word;
    };
    let span = word.span.clone();
    let kind = WordKind::Checked {
        condition: condition.into(),
        value: word.into(),
    };
    Word::new(kind, span)
}
