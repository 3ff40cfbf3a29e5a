//! Clauses that aggregate, as far as they are known without an executable.

use grammar::ast::Span;

/// Keys of an aggregation at most.
pub(crate) const MAX_KEYS: usize = 4;

/// A clause that aggregates, with what is known of it without an executable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Aggregated {
    pub(crate) span: Span,
    pub(crate) clause: grammar::ast::Aggregation,
}
