//! From tree to text, without a source to look at.

use crate::{ast::Program, layout::Layout};

/// Writes a program as the formatter would lay it out. Reading the result gives the same tree again, spans aside.
///
/// Of a clause that the tree knows as [`crate::ast::ClauseKind::Unknown`] only the keyword is there to be written.
pub fn print(program: &Program) -> String {
    Layout::new(None).program(program)
}
