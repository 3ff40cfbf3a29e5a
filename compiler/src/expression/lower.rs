//! Expressions to values and conditions.

use gobinary::Kind;
use grammar::ast::{BinaryOperator, Expression, ExpressionKind, Span, Spanned, UnaryOperator};

use super::{
    constant::Constant,
    meaning::Value,
    scope::Scope,
    suggest,
    value::{Location, Ty, Typed, Unreachable, not_zero},
};
use crate::{
    diagnostics::{codes, diagnostic::Diagnostic, escape::symbol},
    ir::{Condition, ConditionKind, Extension, Input, Operator, Relation, Width, Word, WordKind},
};

/// The condition of a `where` for one function.
///
/// # Errors
/// All that is wrong with it.
pub fn condition(
    scope: Scope<'_, '_>,
    expression: &Expression,
) -> Result<Condition, Vec<Diagnostic>> {
    let mut lowering = Lowering::new(scope);
    match lowering.condition(expression) {
        Some(condition) if lowering.diagnostics.is_empty() => Ok(condition),
        _ => Err(lowering.diagnostics),
    }
}

/// What an expression of `args` or `ret` stands for in one function; `None` where it is the same for every call, as written.
///
/// # Errors
/// All that is wrong with it.
pub fn shown(
    scope: Scope<'_, '_>,
    expression: &Expression,
) -> Result<Option<Typed>, Vec<Diagnostic>> {
    let mut lowering = Lowering::new(scope);
    let shown = lowering.value(expression).map(|value| match value {
        Value::Typed(value) => Some(value),
        Value::Constant(_) => None,
        Value::Caller => Some(Typed::word(
            Ty::built_in("uintptr", 8, Kind::Uint),
            WordKind::Input(Input::Caller),
            &expression.span,
        )),
    });
    shown
        .filter(|_| lowering.diagnostics.is_empty())
        .ok_or(lowering.diagnostics)
}

pub(super) struct Lowering<'s, 'e> {
    pub(super) scope: Scope<'s, 'e>,
    pub(super) diagnostics: Vec<Diagnostic>,
}

impl<'s, 'e> Lowering<'s, 'e> {
    pub(super) fn new(scope: Scope<'s, 'e>) -> Self {
        Self {
            scope,
            diagnostics: Vec::new(),
        }
    }

    /// Reports a mistake. Nothing comes of it.
    pub(super) fn fail<T>(&mut self, diagnostic: Diagnostic) -> Option<T> {
        self.diagnostics.push(diagnostic);
        None
    }

    /// What an expression is called in messages: its own text.
    pub(super) fn text(&self, expression: &Expression) -> &'s str {
        self.scope
            .source
            .get(expression.span.clone())
            .unwrap_or("this")
    }

    /// A part of a value, or why it cannot be read.
    pub(super) fn reach<T>(
        &mut self,
        part: Result<T, Unreachable>,
        expression: &Expression,
    ) -> Option<T> {
        let text = self.text(expression);
        let (why, help) = match part {
            Ok(part) => return Some(part),
            Err(Unreachable::Vector(number)) => (
                format!("it is in X{number}, a register that probes cannot read"),
                Some("floats can be tested where they lie in memory: in what a pointer leads to, in a slice".to_owned()),
            ),
            Err(Unreachable::Absent) => {
                let name = symbol(self.scope.function.name);
                let why = format!(
                    "it is not there at the probe of {name}, or the executable does not say where"
                );
                (why, None)
            }
        };
        self.fail(
            Diagnostic::new(
                codes::OUT_OF_REACH,
                format!("the value of `{text}` cannot be read"),
            )
            .at(&expression.span, why)
            .maybe_help(help),
        )
    }

    /// An expression that holds or does not.
    pub(super) fn condition(&mut self, expression: &Expression) -> Option<Condition> {
        let span = &expression.span;
        let new = |kind| Some(Condition::new(kind, span.clone()));
        match &expression.kind {
            ExpressionKind::Parentheses(inner) => self.condition(inner),
            ExpressionKind::Unary {
                operator:
                    Spanned {
                        node: UnaryOperator::Not,
                        ..
                    },
                operand,
            } => {
                let operand = self.condition(operand)?;
                new(ConditionKind::Not(operand.into()))
            }
            ExpressionKind::Binary {
                operator,
                left,
                right,
            } => match operator.node {
                BinaryOperator::And | BinaryOperator::Or => {
                    // Mistakes on both sides are told.
                    let (left, right) = (self.condition(left), self.condition(right));
                    let (left, right) = (left?.into(), right?.into());
                    new(if operator.node == BinaryOperator::And {
                        ConditionKind::And(left, right)
                    } else {
                        ConditionKind::Or(left, right)
                    })
                }
                BinaryOperator::Like => self.like(left, right, span),
                BinaryOperator::Has => self.has(left, right, span),
                BinaryOperator::In => self.is_in(left, right, span),
                node => match relation(node) {
                    Some(relation) => self.compare(relation, left, right, span),
                    None => self.truth(expression),
                },
            },
            _ => self.truth(expression),
        }
    }

    /// A value that has to be a bool.
    fn truth(&mut self, expression: &Expression) -> Option<Condition> {
        let span = &expression.span;
        let value = self.value(expression)?;
        match &value {
            Value::Constant(Constant::Bool(value)) => {
                return Some(Condition::new(
                    ConditionKind::Constant(*value),
                    span.clone(),
                ));
            }
            Value::Typed(value) if value.ty.kind == Kind::Bool => {
                let word = self.reach(value.scalar(span), expression)?;
                let holds = match word.kind {
                    WordKind::Truth(condition) => *condition,
                    _ => not_zero(word),
                };
                return Some(guarded(value.guard.clone(), holds));
            }
            _ => {}
        }
        let text = self.text(expression);
        let instead = match &value {
            Value::Typed(value) if value.ty.kind == Kind::String => Some(format!("{text} != \"\"")),
            Value::Typed(value) if value.ty.is_duration() => Some(format!("{text} > 0s")),
            Value::Typed(value) if value.ty.is_integer() => Some(format!("{text} != 0")),
            Value::Typed(value) if value.ty.nilable() => Some(format!("{text} != nil")),
            _ => None,
        };
        self.fail(
            Diagnostic::new(
                codes::NOT_A_CONDITION,
                format!("`{text}` is not a condition"),
            )
            .at(span, format!("is {}, not a bool", value.describe()))
            .maybe_help(instead.map(|instead| format!("compare it: `{instead}`"))),
        )
    }

    /// An expression's value.
    pub(super) fn value(&mut self, expression: &Expression) -> Option<Value> {
        let span = &expression.span;
        let constant = |constant| Some(Value::Constant(constant));
        match &expression.kind {
            ExpressionKind::Integer(value) | ExpressionKind::Size(value) => {
                constant(Constant::Integer((*value).into()))
            }
            ExpressionKind::Float(bits) => constant(Constant::Float(f64::from_bits(*bits))),
            ExpressionKind::String(text) => constant(Constant::String(text.clone())),
            ExpressionKind::Bytes(bytes) => constant(Constant::Bytes(bytes.clone())),
            ExpressionKind::Duration(ns) => constant(Constant::Duration((*ns).into())),
            ExpressionKind::Bool(value) => constant(Constant::Bool(*value)),
            ExpressionKind::Nil => constant(Constant::Nil),
            ExpressionKind::Param(name) => self.param(name, span),
            ExpressionKind::Name(name) => self.name(name, span),
            ExpressionKind::Parentheses(inner) => self.value(inner),
            ExpressionKind::List(_) => self.fail(
                Diagnostic::new(
                    codes::OPERATOR_MISFIT,
                    "a list is needed on the right of `in`",
                )
                .at(span, "no value"),
            ),
            ExpressionKind::Field { of, name } => self.field(of, name),
            ExpressionKind::Index { of, index } => self.index(of, index, span),
            ExpressionKind::Assertion { of, ty } => self.assertion(of, ty),
            ExpressionKind::Call {
                function,
                arguments,
            } => self.call(function, arguments, span),
            ExpressionKind::Unary { operator, operand } => match operator.node {
                UnaryOperator::Not => self.as_value(expression),
                UnaryOperator::Negate => self.negate(operand, span),
                UnaryOperator::Dereference => self.dereference(operand),
            },
            ExpressionKind::Binary {
                operator,
                left,
                right,
            } => match arithmetic(operator.node) {
                Some(ir) => self.binary(operator, ir, left, right, span),
                None => self.as_value(expression),
            },
        }
    }

    /// A condition as a bool.
    fn as_value(&mut self, expression: &Expression) -> Option<Value> {
        let condition = self.condition(expression)?;
        let kind = WordKind::Truth(condition.into());
        Some(Value::Typed(Typed::word(
            Ty::bool(),
            kind,
            &expression.span,
        )))
    }

    fn negate(&mut self, operand: &Expression, span: &Span) -> Option<Value> {
        match self.value(operand)? {
            Value::Constant(constant) => match constant.negated() {
                Some(negated) => Some(Value::Constant(negated)),
                None => self.misfit("-", operand, None),
            },
            Value::Typed(value) if value.ty.is_integer() => {
                let word = self.reach(value.scalar(&operand.span), operand)?;
                let kind = WordKind::Negate(word.into());
                Some(Value::Typed(wrapped(value, kind, span)))
            }
            other => self.misfit("-", operand, Some(&other)),
        }
    }

    fn dereference(&mut self, operand: &Expression) -> Option<Value> {
        match self.value(operand)? {
            Value::Typed(value) if matches!(value.ty.kind, Kind::Pointer { .. }) => {
                self.followed(value, operand).map(Value::Typed)
            }
            other => self.misfit("*", operand, Some(&other)),
        }
    }

    fn binary(
        &mut self,
        operator: &Spanned<BinaryOperator>,
        ir: Ir,
        left: &Expression,
        right: &Expression,
        span: &Span,
    ) -> Option<Value> {
        let symbol = operator.node.symbol();
        let (left_value, right_value) = (self.value(left), self.value(right));
        let (left_value, right_value) = (left_value?, right_value?);
        if let (Value::Constant(one), Value::Constant(other)) = (&left_value, &right_value) {
            let by_zero = matches!(ir, Ir::Divide | Ir::Remainder) && other.is_zero();
            return match one.clone().computed(operator.node, other.clone()) {
                Some(value) => Some(Value::Constant(value)),
                None if by_zero => self.fail(division_by_zero(right)),
                None => self.fail(
                    Diagnostic::new(
                        codes::OPERATOR_MISFIT,
                        format!("`{symbol}` cannot be applied to these"),
                    )
                    .at(span, format!("{} and {}", one.describe(), other.describe())),
                ),
            };
        }
        // What the other one is says what a constant is.
        let ty = match (&left_value, &right_value) {
            (Value::Typed(value), _) | (_, Value::Typed(value)) => value.ty.clone(),
            _ => return self.misfit(symbol, left, Some(&left_value)),
        };
        let scales = matches!(
            operator.node,
            BinaryOperator::Multiply | BinaryOperator::Divide | BinaryOperator::Remainder
        );
        for (value, expression) in [(&left_value, left), (&right_value, right)] {
            match value {
                Value::Typed(value) if value.ty.is_integer() => {}
                Value::Constant(_) => {}
                other => return self.misfit(symbol, expression, Some(other)),
            }
        }
        let plain = if scales { Ty::int() } else { ty.clone() };
        let durations = [&left_value, &right_value].map(Value::is_duration);
        let (one, first) = self.operand(left_value, left, &ty, &plain)?;
        let (other, second) = self.operand(right_value, right, &ty, &plain)?;
        let signed = ty.is_signed();
        if let (Some(one), Some(other)) = (&first, &second)
            && one.ty.is_signed() != other.ty.is_signed()
        {
            return self.fail(
                Diagnostic::new(
                    codes::UNLIKE_TYPES,
                    format!("`{symbol}` of a signed and an unsigned number"),
                )
                .at(&left.span, format!("of type {}", one.ty.short()))
                .also_at(&right.span, format!("of type {}", other.ty.short()))
                .help(suggest::CONVERT),
            );
        }
        if let (Ir::Divide | Ir::Remainder, WordKind::Constant(0)) = (ir, &other.kind) {
            return self.fail(division_by_zero(right));
        }
        let kind = WordKind::Binary {
            operator: ir.operator(signed),
            left: one.into(),
            right: other.into(),
        };
        // The wider type of the two; how often a duration goes into another one is a number.
        let ty = match (&first, &second) {
            _ if ir == Ir::Divide && durations == [true, true] => Ty::int(),
            (_, Some(other)) if ir == Ir::Multiply && durations == [false, true] => {
                other.ty.clone()
            }
            (Some(one), Some(other)) if other.ty.size > one.ty.size => other.ty.clone(),
            _ => ty,
        };
        let guard = join(
            first.and_then(|value| value.guard),
            second.and_then(|value| value.guard),
        );
        let mut value = wrapped(
            Typed {
                ty,
                at: Location::Word(Word::constant(0, span.clone()).into()),
                guard: None,
            },
            kind,
            span,
        );
        value.guard = guard;
        Some(Value::Typed(value))
    }

    /// An operand of arithmetic as a word; a constant as one of type `ty`, or `plain` where a number without a unit will do.
    fn operand(
        &mut self,
        value: Value,
        expression: &Expression,
        ty: &Ty,
        plain: &Ty,
    ) -> Option<(Word, Option<Typed>)> {
        match value {
            Value::Typed(value) => {
                let word = self.reach(value.scalar(&expression.span), expression)?;
                Some((word, Some(value)))
            }
            Value::Constant(constant) => {
                let ty = match constant {
                    Constant::Integer(_) if ty.is_duration() => plain,
                    _ => ty,
                };
                let bits = self.integer(&constant, ty, expression)?;
                Some((Word::constant(bits, expression.span.clone()), None))
            }
            Value::Caller => None,
        }
    }

    /// An operator is applied to something that it is not for.
    pub(super) fn misfit<T>(
        &mut self,
        symbol: &str,
        operand: &Expression,
        value: Option<&Value>,
    ) -> Option<T> {
        let text = self.text(operand);
        let what = value.map_or_else(|| "no number".to_owned(), Value::describe);
        let help = suggest::operand(symbol, text, value);
        self.fail(
            Diagnostic::new(
                codes::OPERATOR_MISFIT,
                format!("`{symbol}` cannot be applied to `{text}`"),
            )
            .at(&operand.span, format!("is {what}"))
            .maybe_help(help),
        )
    }
}

fn division_by_zero(divisor: &Expression) -> Diagnostic {
    Diagnostic::new(codes::OPERATOR_MISFIT, "division by zero").at(&divisor.span, "is always 0")
}

/// Arithmetic operators, before it is known what they are applied to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ir {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    And,
}

impl Ir {
    fn operator(self, signed: bool) -> Operator {
        match self {
            Self::Add => Operator::Add,
            Self::Subtract => Operator::Subtract,
            Self::Multiply => Operator::Multiply,
            Self::Divide => Operator::Divide { signed },
            Self::Remainder => Operator::Remainder { signed },
            Self::And => Operator::And,
        }
    }
}

fn arithmetic(operator: BinaryOperator) -> Option<Ir> {
    Some(match operator {
        BinaryOperator::Add => Ir::Add,
        BinaryOperator::Subtract => Ir::Subtract,
        BinaryOperator::Multiply => Ir::Multiply,
        BinaryOperator::Divide => Ir::Divide,
        BinaryOperator::Remainder => Ir::Remainder,
        BinaryOperator::BitAnd => Ir::And,
        _ => return None,
    })
}

fn relation(operator: BinaryOperator) -> Option<Relation> {
    Some(match operator {
        BinaryOperator::Equal => Relation::Equal,
        BinaryOperator::NotEqual => Relation::NotEqual,
        BinaryOperator::Less => Relation::Less,
        BinaryOperator::LessOrEqual => Relation::LessOrEqual,
        BinaryOperator::Greater => Relation::Greater,
        BinaryOperator::GreaterOrEqual => Relation::GreaterOrEqual,
        _ => return None,
    })
}

/// A number computed from `value`, wrapped to its type as Go does.
fn wrapped(value: Typed, kind: WordKind, span: &Span) -> Typed {
    let extension = if value.ty.is_signed() {
        Extension::Sign
    } else {
        Extension::Zero
    };
    let word = Word::new(kind, span.clone());
    let word = match value.ty.width() {
        None | Some(Width::Eight) => word,
        Some(width) => Word::new(
            WordKind::Extend {
                value: word.into(),
                width,
                extension,
            },
            span.clone(),
        ),
    };
    Typed {
        at: Location::Word(word.into()),
        ..value
    }
}

/// What has to hold for both.
pub(crate) fn join(one: Option<Condition>, other: Option<Condition>) -> Option<Condition> {
    match (one, other) {
        (Some(one), Some(other)) => Some(guarded(Some(one), other)),
        (one, other) => one.or(other),
    }
}

/// `condition` where `guard` holds.
pub(super) fn guarded(guard: Option<Condition>, condition: Condition) -> Condition {
    match guard {
        None => condition,
        Some(guard) => {
            let span = condition.span.clone();
            Condition::new(ConditionKind::And(guard.into(), condition.into()), span)
        }
    }
}
