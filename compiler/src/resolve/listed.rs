//! What a clause lists to be shown.

use grammar::ast::{Shown, Span};

/// A list of expressions; where it is empty, everything is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    /// Of the clause.
    pub(crate) span: Span,
    pub(crate) shown: Vec<Shown>,
}
