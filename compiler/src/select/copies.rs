//! Copies of function literals: a pattern that selects a literal has all its copies.
//!
//! Where a function is inlined, its literals are compiled again, under other names until Go 1.26. Who writes `main.f.func1` means the
//! literal that stands there, and a call of it may be one of any copy. The exact name of a copy selects nothing else.

use gobinary::Original;

use crate::{
    diagnostics::{codes, diagnostic::Diagnostic, escape::symbol},
    resolve::{glob::Glob, selector::Selector},
    select::{catalog::Catalog, grouped, names_shown},
};

/// What copies do to a selection.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Copies {
    /// Copies of what is selected that the pattern itself does not name, ascending.
    pub(crate) added: Vec<u32>,
    /// Copies of which nothing tells whether they are copies of what is selected or of something else.
    unclear: Vec<u32>,
}

impl Copies {
    /// The copies of what a pattern selects; indices are those of the catalog, ascending.
    pub(crate) fn of(catalog: &Catalog<'_>, pattern: &Glob, selected: &[u32]) -> Self {
        let mut this = Self::default();
        let is_literal = |index: &u32| {
            catalog
                .get(*index)
                .is_some_and(|function| function.name.ends_with(|c: char| c.is_ascii_digit()))
        };
        if !selected.iter().any(is_literal) {
            return this;
        }
        let is_selected = |index: u32| selected.binary_search(&index).is_ok();
        for copy in catalog.executable.literals().copies() {
            let Some(index) = catalog.index_of(copy.function) else {
                continue;
            };
            if is_selected(index) {
                continue;
            }
            let is_of = |of: &&Original| match &of.name {
                Some(name) => pattern.matches(name),
                None => catalog.index_of(of.function).is_some_and(is_selected),
            };
            match copy.of.iter().filter(is_of).count() {
                0 => {}
                count if count == copy.of.len() => this.added.push(index),
                _ => this.unclear.push(index),
            }
        }
        this
    }

    /// What there is to say of them where the pattern stands.
    pub(crate) fn report(&self, catalog: &Catalog<'_>, pattern: &Selector) -> Vec<Diagnostic> {
        let names = |indices: &[u32]| -> Vec<&str> {
            indices
                .iter()
                .filter_map(|index| catalog.get(*index))
                .map(|function| function.name)
                .collect()
        };
        let mut diagnostics = Vec::new();
        let added = names(&self.added);
        if !added.is_empty() {
            let message = format!(
                "`{}` has {} under other names: {}",
                pattern.text,
                copies(added.len()),
                names_shown(&added)
            );
            diagnostics.push(
                Diagnostic::new(codes::COPIES, message)
                    .at(&pattern.span, "selects them too")
                    .note("where a function is inlined, its function literals are compiled again"),
            );
        }
        let unclear = names(&self.unclear);
        if let Some(first) = unclear.first() {
            let message = format!(
                "{} of function literals may or may not be of `{}`: not selected",
                copies(unclear.len()),
                pattern.text,
            );
            diagnostics.push(
                Diagnostic::new(codes::UNCLEAR_COPIES, message)
                    .at(&pattern.span, names_shown(&unclear))
                    .note("two literals on one line are compiled to the same code, and nothing tells whose copies these are")
                    .help(format!("select them by name as well: {}", symbol(first)))
                    .help("or put each literal on a line of its own and build again"),
            );
        }
        diagnostics
    }
}

fn copies(count: usize) -> String {
    match count {
        1 => "1 copy".to_owned(),
        count => format!("{} copies", grouped(count)),
    }
}
