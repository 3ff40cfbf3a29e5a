//! What is wrong with a program, as values, and how it is told.
//!
//! In: spans and words from every other stage. Out: [`Diagnostic`]s, and reports made of them as text or JSON.
//!
//! *Invariant*: nothing here looks at a program or an executable by itself.

pub mod codes;
pub(crate) mod diagnostic;
pub(crate) mod did_you_mean;
pub(crate) mod escape;
mod report;
pub(crate) mod severity;

pub use diagnostic::{Diagnostic, Label, Source, has_errors};
pub use escape::{escape, escape_character, escape_path, has_unsafe, is_unsafe};
pub use report::{report, report_json};
pub use severity::Severity;
