//! Selectors held against a catalog: which functions each one selects.

use gobinary::Executable;

use super::{catalog::Catalog, copies::Copies};
use crate::resolve::{
    Resolved,
    selector::{Selector, SelectorKind},
};

/// Evaluates selectors of one program, each set once.
pub(crate) struct Matcher<'c, 'e> {
    pub(crate) catalog: &'c Catalog<'e>,
    /// What each declared set selects, ascending.
    sets: Vec<Vec<u32>>,
}

impl<'c, 'e> Matcher<'c, 'e> {
    pub(crate) fn new(catalog: &'c Catalog<'e>, program: &Resolved) -> Self {
        let mut this = Self {
            catalog,
            sets: vec![Vec::new(); program.sets.len()],
        };
        let mut done = vec![false; program.sets.len()];
        // Sets are in no cycle, so each round completes at least one; the bound only guards against a mistake in that.
        for _ in 0..program.sets.len() {
            for (index, set) in program.sets.iter().enumerate() {
                let ready = set.members.iter().all(|member| match member.kind {
                    SelectorKind::Set(other) => done.get(other) == Some(&true),
                    _ => true,
                });
                if ready && done.get(index) == Some(&false) {
                    let selected = this.union(&set.members);
                    if let (Some(slot), Some(done)) =
                        (this.sets.get_mut(index), done.get_mut(index))
                    {
                        *slot = selected;
                        *done = true;
                    }
                }
            }
        }
        this
    }

    /// Indices into [`Catalog::functions`] of what `selector` selects, ascending.
    pub(crate) fn select(&self, selector: &Selector) -> Vec<u32> {
        let mut selected = self.named(selector);
        let added = self.copies(selector, &selected).added;
        if !added.is_empty() {
            selected.extend(added);
            selected.sort_unstable();
        }
        selected
    }

    /// The copies of literals that `selector` names.
    pub(crate) fn copies(&self, selector: &Selector, named: &[u32]) -> Copies {
        match &selector.kind {
            SelectorKind::Name(glob) => Copies::of(self.catalog, glob, named),
            _ => Copies::default(),
        }
    }

    /// What `selector` selects by its own words, ascending.
    pub(crate) fn named(&self, selector: &Selector) -> Vec<u32> {
        match &selector.kind {
            SelectorKind::Name(glob) => self.catalog.filter(|function| {
                glob.matches(function.name)
                    || Executable::literal_of_shape(function.name)
                        .is_some_and(|name| glob.matches(&name))
            }),
            SelectorKind::File(glob) => self.catalog.filter(|function| {
                function
                    .source_file()
                    .is_some_and(|path| glob.matches_path(path))
            }),
            SelectorKind::BuiltIn(set) => self.catalog.built_in(*set),
            SelectorKind::Set(index) => self.sets.get(*index).cloned().unwrap_or_default(),
        }
    }

    /// What any of `selectors` selects, ascending.
    pub(crate) fn union(&self, selectors: &[Selector]) -> Vec<u32> {
        let mut all: Vec<u32> = selectors
            .iter()
            .flat_map(|selector| self.select(selector))
            .collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}
