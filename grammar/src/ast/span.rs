//! Places in the text.

/// A half-open range of byte offsets into the source text.
pub type Span = std::ops::Range<usize>;

/// A value and where it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spanned<T> {
    /// What was written.
    pub node: T,
    /// Where.
    pub span: Span,
}
