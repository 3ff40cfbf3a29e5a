//! The formatter: the program's own words and comments, laid out anew.

use crate::{error::SyntaxError, layout::Layout, parser::parse};

/// Lays a program out: one item after another, one line for a short clause list (`< … >`), one line a clause for a list that spans lines
/// or is too long (`{ … }`). Comments stay beside what they stand beside, literals stay as they are written, and of several blank lines one
/// stays. Formatting the result changes nothing.
///
/// # Errors
///
/// A program with mistakes is not touched; the mistakes are returned, in source order.
pub fn format(source: &str) -> Result<String, Vec<SyntaxError>> {
    let parsed = parse(source);
    if parsed.errors.is_empty() {
        Ok(Layout::new(Some(source)).program(&parsed.program))
    } else {
        Err(parsed.errors)
    }
}
