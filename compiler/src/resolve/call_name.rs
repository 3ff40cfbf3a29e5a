//! `call.name`: what is built in, whatever parameters are called.

use grammar::ast::{Expression, ExpressionKind};

/// What a built-in name is looked up in to mean nothing else.
pub(crate) const CALL: &str = "call";

/// `name` in `call.name`.
pub(crate) fn of_call(expression: &Expression) -> Option<&str> {
    match &expression.kind {
        ExpressionKind::Field { of, name } if matches!(&of.kind, ExpressionKind::Name(base) if base == CALL) => {
            Some(&name.node)
        }
        _ => None,
    }
}
