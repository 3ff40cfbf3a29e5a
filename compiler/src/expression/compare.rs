//! Comparisons: what may be compared with what, and how.

use gobinary::Kind;
use grammar::ast::{BinaryOperator, Expression, ExpressionKind, Span};

use super::{
    constant::{Constant, Misfit},
    lower::{Lowering, guarded, join},
    meaning::Value,
    suggest,
    value::{Ty, Typed},
};
use crate::{
    diagnostics::{codes, diagnostic::Diagnostic, escape::printable},
    ir::{Condition, ConditionKind, Relation, Width, Word},
};

/// One side of a comparison.
struct Side<'e> {
    value: Value,
    expression: &'e Expression,
}

impl<'s, 'e> Lowering<'s, 'e> {
    /// `left relation right`
    pub(super) fn compare(
        &mut self,
        relation: Relation,
        left: &Expression,
        right: &Expression,
        span: &Span,
    ) -> Option<Condition> {
        let one = self.value(left);
        let other = self.other_side(one.as_ref(), left, right);
        let one = Side {
            value: one?,
            expression: left,
        };
        let other = Side {
            value: other?,
            expression: right,
        };
        self.compare_values(relation, one, other, span)
    }

    /// `left in [a, b]`
    pub(super) fn is_in(
        &mut self,
        left: &Expression,
        right: &Expression,
        span: &Span,
    ) -> Option<Condition> {
        let ExpressionKind::List(list) = &right.kind else {
            let text = self.text(right);
            return self.fail(
                Diagnostic::new(
                    codes::OPERATOR_MISFIT,
                    "a list is needed on the right of `in`",
                )
                .at(&right.span, "not a list")
                .help(format!("write it in brackets: `[{text}]`")),
            );
        };
        let value = self.value(left)?;
        let mut whole: Option<Condition> = None;
        for element in list {
            let Some(found) = self.other_side(Some(&value), left, element) else {
                continue;
            };
            let one = Side {
                value: value.clone(),
                expression: left,
            };
            let other = Side {
                value: found,
                expression: element,
            };
            let equal = self.compare_values(Relation::Equal, one, other, &element.span);
            whole = match (whole, equal) {
                (None, equal) => equal,
                (whole, None) => whole,
                (Some(whole), Some(equal)) => Some(Condition::new(
                    ConditionKind::Or(whole.into(), equal.into()),
                    span.clone(),
                )),
            };
        }
        if list.is_empty() {
            return self.fail(
                Diagnostic::new(codes::OPERATOR_MISFIT, "nothing is in an empty list")
                    .at(&right.span, "empty"),
            );
        }
        whole
    }

    /// What something is compared with. A text without its quotes reads like a name.
    fn other_side(
        &mut self,
        one: Option<&Value>,
        left: &Expression,
        right: &Expression,
    ) -> Option<Value> {
        let before = self.diagnostics.len();
        let found = self.value(right);
        if found.is_some() {
            return found;
        }
        let text = self.text(right);
        let (is_text, is_function) = match one {
            Some(Value::Typed(value)) => (self.is_text(value, left)?, false),
            Some(Value::Constant(Constant::String(_)) | Value::Caller) => (true, true),
            _ => (false, false),
        };
        let quoted = match &right.kind {
            ExpressionKind::Name(name) => {
                is_text && !name.chars().any(char::is_lowercase) || is_function
            }
            ExpressionKind::Field { .. } => is_function,
            _ => false,
        };
        if let [diagnostic] = self.diagnostics.get_mut(before..)?
            && diagnostic.code == codes::UNKNOWN_NAME.id()
            && (quoted || is_text && diagnostic.help.is_empty())
        {
            diagnostic.help = vec![format!("write a text in quotes: \"{text}\"")];
        }
        None
    }

    /// What to write instead of `0 < i < 2`, or of `i > 0 & i < 2`, which Go reads as such a row.
    fn in_a_row(&self, one: &Expression, other: &Expression) -> Option<String> {
        let (first, last) = match one.span.start < other.span.start {
            true => (one, other),
            false => (other, one),
        };
        let ExpressionKind::Binary {
            operator, right, ..
        } = &first.kind
        else {
            return None;
        };
        if operator.node.precedence() != BinaryOperator::Equal.precedence() {
            return None;
        }
        let source = |span: Span| self.scope.source.get(span);
        let symbol = source(first.span.end..last.span.start)?.trim();
        let (begins, ends) = match &right.kind {
            ExpressionKind::Binary {
                operator,
                left,
                right,
            } if operator.node == BinaryOperator::BitAnd => {
                (source(first.span.start..left.span.end)?, self.text(right))
            }
            _ => (self.text(first), self.text(right)),
        };
        let last = self.text(last);
        Some(format!("write `{begins} && {ends} {symbol} {last}`"))
    }

    fn compare_values(
        &mut self,
        relation: Relation,
        left: Side<'_>,
        right: Side<'_>,
        span: &Span,
    ) -> Option<Condition> {
        let equality = matches!(relation, Relation::Equal | Relation::NotEqual);
        match (&left.value, &right.value) {
            (Value::Constant(one), Value::Constant(other)) => match one.compared(relation, other) {
                Some(holds) => Some(Condition::new(ConditionKind::Constant(holds), span.clone())),
                None => self.unlike(&left, &right, span),
            },
            (Value::Caller, Value::Constant(Constant::String(name))) if equality => {
                self.caller_is(relation, name, right.expression, span)
            }
            (Value::Constant(_), Value::Typed(_) | Value::Caller) => {
                self.compare_values(mirrored(relation), right, left, span)
            }
            (Value::Typed(value), Value::Constant(constant)) => {
                let (value, constant) = (value.clone(), constant.clone());
                self.with_constant(relation, value, &constant, &left, &right, span)
            }
            (Value::Typed(one), Value::Typed(other)) => {
                let (one, other) = (one.clone(), other.clone());
                self.both_typed(relation, one, other, &left, &right, span)
            }
            _ => self.unlike(&left, &right, span),
        }
    }

    fn with_constant(
        &mut self,
        relation: Relation,
        value: Typed,
        constant: &Constant,
        left: &Side<'_>,
        right: &Side<'_>,
        span: &Span,
    ) -> Option<Condition> {
        let equality = matches!(relation, Relation::Equal | Relation::NotEqual);
        let at = &left.expression.span;
        let new = |kind| Condition::new(kind, span.clone());
        let condition = match (&value.ty.kind, constant) {
            (
                Kind::Int | Kind::Uint,
                Constant::Integer(_) | Constant::Float(_) | Constant::Duration(_),
            ) => {
                let bits = self.integer(constant, &value.ty, right.expression)?;
                let word = self.reach(value.scalar(at), left.expression)?;
                new(ConditionKind::Compare {
                    relation,
                    signed: value.ty.is_signed(),
                    left: word.into(),
                    right: Word::constant(bits, right.expression.span.clone()).into(),
                })
            }
            (Kind::Float, Constant::Integer(_) | Constant::Float(_)) => {
                let bits = constant.to_float(&value.ty)?;
                let word = self.reach(value.scalar(at), left.expression)?;
                new(ConditionKind::CompareFloats {
                    relation,
                    width: value.ty.width().unwrap_or(Width::Eight),
                    left: word.into(),
                    right: Word::constant(bits, right.expression.span.clone()).into(),
                })
            }
            (Kind::Bool, Constant::Bool(bool)) if equality => {
                let word = self.reach(value.scalar(at), left.expression)?;
                new(ConditionKind::Compare {
                    relation,
                    signed: false,
                    left: word.into(),
                    right: Word::constant((*bool).into(), right.expression.span.clone()).into(),
                })
            }
            (Kind::String, Constant::String(_) | Constant::Bytes(_)) if equality => {
                let text = constant.bytes().unwrap_or_default();
                let is = self.text_is(&value, text, left.expression, right.expression)?;
                negated_unless(relation == Relation::Equal, is, span)
            }
            (_, Constant::Nil) if equality && value.ty.nilable() => {
                let word = self.reach(value.part(0, at), left.expression)?;
                new(ConditionKind::Compare {
                    relation,
                    signed: false,
                    left: word.into(),
                    right: Word::constant(0, right.expression.span.clone()).into(),
                })
            }
            _ => return self.unlike(left, right, span),
        };
        Some(guarded(value.guard, condition))
    }

    fn both_typed(
        &mut self,
        relation: Relation,
        one: Typed,
        other: Typed,
        left: &Side<'_>,
        right: &Side<'_>,
        span: &Span,
    ) -> Option<Condition> {
        let equality = matches!(relation, Relation::Equal | Relation::NotEqual);
        let spans = (&left.expression.span, &right.expression.span);
        let signed = match (&one.ty.kind, &other.ty.kind) {
            (Kind::Int | Kind::Uint, Kind::Int | Kind::Uint) => {
                let alike = one.ty.is_duration() == other.ty.is_duration();
                match comparable(&one.ty, &other.ty) {
                    Some(signed) if alike => signed,
                    _ => return self.unlike(left, right, span),
                }
            }
            (Kind::Bool, Kind::Bool)
            | (
                Kind::Pointer { .. } | Kind::UnsafePointer,
                Kind::Pointer { .. } | Kind::UnsafePointer,
            )
            | (Kind::Chan { .. }, Kind::Chan { .. })
                if equality =>
            {
                false
            }
            (Kind::String, Kind::String) if equality => {
                let (one_text, other_text) = (one.text(spans.0), other.text(spans.1));
                let kind = ConditionKind::Equal {
                    left: self.reach(one_text, left.expression)?,
                    right: self.reach(other_text, right.expression)?,
                };
                let equal = Condition::new(kind, span.clone());
                let condition = negated_unless(relation == Relation::Equal, equal, span);
                return Some(guarded(join(one.guard, other.guard), condition));
            }
            (Kind::Float, Kind::Float) if one.ty.size == other.ty.size => {
                let width = one.ty.width().unwrap_or(Width::Eight);
                let (one_word, other_word) = (one.scalar(spans.0), other.scalar(spans.1));
                let kind = ConditionKind::CompareFloats {
                    relation,
                    width,
                    left: self.reach(one_word, left.expression)?.into(),
                    right: self.reach(other_word, right.expression)?.into(),
                };
                let condition = Condition::new(kind, span.clone());
                return Some(guarded(join(one.guard, other.guard), condition));
            }
            _ => return self.unlike(left, right, span),
        };
        let (one_word, other_word) = (one.scalar(spans.0), other.scalar(spans.1));
        let kind = ConditionKind::Compare {
            relation,
            signed,
            left: self.reach(one_word, left.expression)?.into(),
            right: self.reach(other_word, right.expression)?.into(),
        };
        let condition = Condition::new(kind, span.clone());
        Some(guarded(join(one.guard, other.guard), condition))
    }

    /// Whether it is a slice, but not one of bytes.
    fn is_list(&mut self, value: &Value, expression: &Expression) -> Option<bool> {
        match value {
            Value::Typed(value) if matches!(value.ty.kind, Kind::Slice { .. }) => {
                Some(!self.is_text(value, expression)?)
            }
            _ => Some(false),
        }
    }

    /// Two things that cannot be compared.
    fn unlike(&mut self, left: &Side<'_>, right: &Side<'_>, span: &Span) -> Option<Condition> {
        let texts = (self.text(left.expression), self.text(right.expression));
        let listed = self.is_list(&left.value, left.expression)?;
        let row = self.in_a_row(left.expression, right.expression);
        let help = (listed && matches!(right.value, Value::Constant(Constant::String(_))))
            .then(|| format!("compare its elements: {}[0]", texts.0))
            .or(row)
            .or_else(|| suggest::comparison(&left.value, texts.0, &right.value, texts.1))
            .or_else(|| suggest::comparison(&right.value, texts.1, &left.value, texts.0))
            .or_else(|| {
                let converts = is_plain_integer(&left.value) && is_plain_integer(&right.value);
                converts.then(|| suggest::CONVERT.to_owned())
            });
        self.fail(
            Diagnostic::new(
                codes::UNLIKE_TYPES,
                format!("`{}` cannot be compared with `{}`", texts.0, texts.1),
            )
            .at(span, "")
            .also_at(
                &left.expression.span,
                format!("is {}", left.value.describe()),
            )
            .also_at(
                &right.expression.span,
                format!("is {}", right.value.describe()),
            )
            .maybe_help(help),
        )
    }

    /// A constant as an integer of a type that is one.
    pub(super) fn integer(
        &mut self,
        constant: &Constant,
        ty: &Ty,
        expression: &Expression,
    ) -> Option<u64> {
        let misfit = match constant.to_integer(ty) {
            Ok(bits) => return Some(bits),
            Err(misfit) => misfit,
        };
        let text = self.text(expression);
        let name = printable(&ty.short());
        let span = &expression.span;
        self.fail(match misfit {
            Misfit::Unit => Diagnostic::new(codes::MISSING_UNIT, "a duration needs a unit")
                .at(span, "no unit")
                .help(format!("give a unit: {text}ms")),
            Misfit::Fraction => Diagnostic::new(
                codes::CONSTANT_MISFIT,
                format!("`{text}` is not a whole number"),
            )
            .at(span, format!("does not fit into {name}")),
            Misfit::Range(least, greatest) => Diagnostic::new(
                codes::CONSTANT_MISFIT,
                format!("`{text}` does not fit into {name}"),
            )
            .at(span, format!("its values are {least} to {greatest}")),
            Misfit::Kind => Diagnostic::new(
                codes::UNLIKE_TYPES,
                format!("`{text}` is not of type {name}"),
            )
            .at(span, format!("is {}", constant.describe()))
            .maybe_help(match constant {
                Constant::Duration(ns) => Some(format!("as a number it is {ns}")),
                _ => None,
            }),
        })
    }
}

fn is_plain_integer(value: &Value) -> bool {
    matches!(value, Value::Typed(value) if value.ty.is_integer() && !value.ty.is_duration())
}

/// Whether integers of the two types are compared as signed words; nothing where neither way is right.
fn comparable(one: &Ty, other: &Ty) -> Option<bool> {
    match (one.is_signed(), other.is_signed()) {
        (true, true) => Some(true),
        (false, false) => Some(false),
        // A narrower unsigned number is not negative as a signed word.
        (true, false) if other.size < 8 => Some(true),
        (false, true) if one.size < 8 => Some(true),
        _ => None,
    }
}

/// What holds of the two where `relation` holds of them the other way round.
fn mirrored(relation: Relation) -> Relation {
    match relation {
        Relation::Equal | Relation::NotEqual => relation,
        Relation::Less => Relation::Greater,
        Relation::LessOrEqual => Relation::GreaterOrEqual,
        Relation::Greater => Relation::Less,
        Relation::GreaterOrEqual => Relation::LessOrEqual,
    }
}

fn negated_unless(plain: bool, condition: Condition, span: &Span) -> Condition {
    if plain {
        condition
    } else {
        Condition::new(ConditionKind::Not(condition.into()), span.clone())
    }
}
