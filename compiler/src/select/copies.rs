//! Copies of function literals: a pattern that selects a literal has all its copies.
//!
//! Where a function is inlined, its literals are compiled again, under other names until Go 1.26. Who writes `main.f.func1` means the
//! literal that stands there, and a call of it may be one of any copy. The exact name of a copy selects nothing else.

use gobinary::{Executable, Original};

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
        let is_selected = |index: u32| selected.binary_search(&index).is_ok();
        let is_literal = |index: &u32| {
            let function = catalog.get(*index);
            function.is_some_and(|function| may_be_literal(function.name))
        };
        if !selected.iter().any(is_literal) {
            return this;
        }
        let in_catalog = |function: u32| catalog.index_of(function);
        let found = copies_of(
            catalog.executable,
            |function| in_catalog(function).is_some_and(is_selected),
            |name| pattern.matches(name),
        );
        for (function, is_clear) in found {
            let to = if is_clear {
                &mut this.added
            } else {
                &mut this.unclear
            };
            to.extend(in_catalog(function));
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

/// Could this be the name of a literal? That it is not saves looking for copies.
pub(crate) fn may_be_literal(name: &str) -> bool {
    name.ends_with(|c: char| c.is_ascii_digit())
}

/// The copies of functions that are not among these themselves, and of each whether it is certain that it is one of these. In the table of
/// functions, ascending.
pub(crate) fn copies_of(
    executable: &Executable,
    is_among: impl Fn(u32) -> bool,
    is_named: impl Fn(&str) -> bool,
) -> Vec<(u32, bool)> {
    let is_of = |of: &&Original| match &of.name {
        Some(name) => is_named(name),
        None => is_among(of.function),
    };
    let copies = executable.literals().copies().iter();
    copies
        .filter(|copy| !is_among(copy.function))
        .filter_map(|copy| match copy.of.iter().filter(is_of).count() {
            0 => None,
            count => Some((copy.function, count == copy.of.len())),
        })
        .collect()
}

fn copies(count: usize) -> String {
    match count {
        1 => "1 copy".to_owned(),
        count => format!("{} copies", grouped(count)),
    }
}
