//! Constants: literals and what is computed from nothing else, exactly, and untyped as in Go until they meet a value.

use grammar::ast::{BinaryOperator, ValueKind};

use super::value::Ty;
use crate::ir::Relation;

/// A constant.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Constant {
    Integer(i128),
    Float(f64),
    /// In nanoseconds.
    Duration(i128),
    String(String),
    /// A string that is not UTF-8.
    Bytes(Vec<u8>),
    Bool(bool),
    Nil,
}

impl Constant {
    pub(super) fn of_param(value: &ValueKind) -> Option<Self> {
        Some(match value {
            ValueKind::Integer(value) | ValueKind::Size(value) => Self::Integer((*value).into()),
            ValueKind::Duration(ns) => Self::Duration((*ns).into()),
            ValueKind::String(text) => Self::String(text.clone()),
            ValueKind::Bool(value) => Self::Bool(*value),
            ValueKind::Percent(_) | ValueKind::Param(_) => return None,
        })
    }

    /// With its article.
    pub(super) fn describe(&self) -> &'static str {
        match self {
            Self::Integer(_) | Self::Float(_) => "a number",
            Self::Duration(_) => "a duration",
            Self::String(_) | Self::Bytes(_) => "a string",
            Self::Bool(_) => "a bool",
            Self::Nil => "nil",
        }
    }

    /// As it is printed: strings without quotes, durations as Go writes them, in their largest whole unit.
    pub(super) fn printed(&self) -> String {
        match self {
            Self::Integer(value) => value.to_string(),
            Self::Float(value) => value.to_string(),
            Self::Duration(ns) => {
                let units = [("s", 1_000_000_000), ("ms", 1_000_000), ("µs", 1_000)];
                let mut units = units
                    .iter()
                    .filter(|(_, ratio)| *ns != 0 && ns % ratio == 0);
                match units.next() {
                    Some((unit, ratio)) => format!("{}{unit}", ns / ratio),
                    None => format!("{ns}ns"),
                }
            }
            Self::String(text) => text.clone(),
            Self::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            Self::Bool(value) => value.to_string(),
            Self::Nil => "nil".to_owned(),
        }
    }

    /// Those of a string.
    pub(super) fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::String(text) => Some(text.as_bytes()),
            Self::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// As an integer of a type that is one. A duration goes with durations, other numbers with everything else.
    pub(super) fn to_integer(&self, ty: &Ty) -> Result<u64, Misfit> {
        let value = match self {
            Self::Integer(0) => 0,
            Self::Integer(_) | Self::Float(_) if ty.is_duration() => return Err(Misfit::Unit),
            Self::Integer(value) => *value,
            Self::Float(value) if value.fract() == 0.0 && value.abs() < 1e30 => *value as i128,
            Self::Float(_) => return Err(Misfit::Fraction),
            Self::Duration(ns) if ty.is_duration() => *ns,
            _ => return Err(Misfit::Kind),
        };
        let bits = u32::try_from(ty.size * 8).unwrap_or(64).min(64);
        let (least, greatest) = if ty.is_signed() {
            (-(1_i128 << (bits - 1)), (1_i128 << (bits - 1)) - 1)
        } else {
            (0, (1_i128 << bits) - 1)
        };
        if (least..=greatest).contains(&value) {
            Ok(value as u64)
        } else {
            Err(Misfit::Range(least, greatest))
        }
    }

    /// As the bits of a float.
    pub(super) fn to_float(&self, ty: &Ty) -> Option<u64> {
        let value = match self {
            Self::Integer(value) => *value as f64,
            Self::Float(value) => *value,
            _ => return None,
        };
        Some(match ty.size {
            4 => u64::from((value as f32).to_bits()),
            _ => value.to_bits(),
        })
    }

    pub(super) fn negated(self) -> Option<Self> {
        match self {
            Self::Integer(value) => value.checked_neg().map(Self::Integer),
            Self::Duration(ns) => ns.checked_neg().map(Self::Duration),
            Self::Float(value) => Some(Self::Float(-value)),
            _ => None,
        }
    }

    /// Nothing of anything.
    pub(super) fn is_zero(&self) -> bool {
        matches!(self, Self::Integer(0) | Self::Duration(0))
    }

    /// `self operator other`
    pub(super) fn computed(self, operator: BinaryOperator, other: Self) -> Option<Self> {
        if let (Self::Float(_), Self::Integer(_) | Self::Float(_))
        | (Self::Integer(_), Self::Float(_)) = (&self, &other)
        {
            let (left, right) = (self.as_f64()?, other.as_f64()?);
            let value = match operator {
                BinaryOperator::Add => left + right,
                BinaryOperator::Subtract => left - right,
                BinaryOperator::Multiply => left * right,
                BinaryOperator::Divide if right != 0.0 => left / right,
                _ => return None,
            };
            return value.is_finite().then_some(Self::Float(value));
        }
        let (left, right, duration) = match (self, other) {
            (Self::Integer(left), Self::Integer(right)) => (left, right, false),
            (Self::Duration(left), Self::Duration(right))
                if matches!(operator, BinaryOperator::Add | BinaryOperator::Subtract) =>
            {
                (left, right, true)
            }
            (Self::Duration(left), Self::Duration(right)) if operator == BinaryOperator::Divide => {
                (left, right, false)
            }
            (Self::Duration(left), Self::Duration(right))
                if operator == BinaryOperator::Remainder =>
            {
                (left, right, true)
            }
            (Self::Duration(left), Self::Integer(right))
                if matches!(operator, BinaryOperator::Multiply | BinaryOperator::Divide) =>
            {
                (left, right, true)
            }
            (Self::Integer(left), Self::Duration(right))
                if operator == BinaryOperator::Multiply =>
            {
                (left, right, true)
            }
            _ => return None,
        };
        let value = match operator {
            BinaryOperator::Add => left.checked_add(right),
            BinaryOperator::Subtract => left.checked_sub(right),
            BinaryOperator::Multiply => left.checked_mul(right),
            BinaryOperator::Divide => left.checked_div(right),
            BinaryOperator::Remainder => left.checked_rem(right),
            BinaryOperator::BitAnd => Some(left & right),
            _ => None,
        }?;
        Some(if duration {
            Self::Duration(value)
        } else {
            Self::Integer(value)
        })
    }

    /// Whether `self relation other` holds; nothing where the two cannot be compared.
    pub(super) fn compared(&self, relation: Relation, other: &Self) -> Option<bool> {
        let ordering = match (self, other) {
            (Self::Integer(left), Self::Integer(right))
            | (Self::Duration(left), Self::Duration(right)) => left.cmp(right),
            (Self::String(_) | Self::Bytes(_), Self::String(_) | Self::Bytes(_)) => {
                self.bytes()?.cmp(other.bytes()?)
            }
            (Self::Bool(left), Self::Bool(right))
                if matches!(relation, Relation::Equal | Relation::NotEqual) =>
            {
                left.cmp(right)
            }
            (Self::Integer(_) | Self::Float(_), Self::Integer(_) | Self::Float(_)) => {
                self.as_f64()?.partial_cmp(&other.as_f64()?)?
            }
            _ => return None,
        };
        Some(relation.holds(ordering))
    }

    fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Integer(value) => Some(*value as f64),
            Self::Float(value) => Some(*value),
            _ => None,
        }
    }
}

/// Why a constant is none of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Misfit {
    /// It is not a number, or a duration where none belongs.
    Kind,
    /// It is a number where a duration belongs.
    Unit,
    /// It is not a whole number.
    Fraction,
    /// It is less than the first or greater than the second.
    Range(i128, i128),
}
