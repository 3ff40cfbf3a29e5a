//! Go's own tables, which stripping leaves in place.
//!
//! In: the image. Out: functions with their lines, what was inlined into them, and whom they belong to.
//!
//! *Invariant*: no instruction is decoded here.

pub(crate) mod folders;
pub(crate) mod function;
pub(crate) mod inline;
pub(crate) mod literal;
pub(crate) mod moduledata;
mod origin;
pub(crate) mod pclntab;

pub use function::Function;
pub use inline::{InlineFrame, InlineIndex, InlinedAt};
pub use origin::Origin;
