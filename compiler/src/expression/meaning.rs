//! What an expression stands for.

use super::{constant::Constant, value::Typed};
use crate::diagnostics::escape::printable;

/// What an expression is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Constant(Constant),
    Typed(Typed),
    /// The function that has made the call.
    Caller,
}

impl Value {
    /// Whether it is a constant or other `time.Duration`.
    pub(super) fn is_duration(&self) -> bool {
        match self {
            Self::Constant(constant) => matches!(constant, Constant::Duration(_)),
            Self::Typed(value) => value.ty.is_duration(),
            Self::Caller => false,
        }
    }

    /// With its article or name, for messages.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Constant(constant) => constant.describe().to_owned(),
            Self::Typed(value) => format!("of type {}", printable(&value.ty.short())),
            Self::Caller => "the name of a function".to_owned(),
        }
    }
}
