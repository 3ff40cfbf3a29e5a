//! The functions of an executable that can be named, and those that somebody may have meant.

use std::collections::{BTreeSet, HashSet};

use gobinary::{Executable, Function, Origin};
use rayon::prelude::*;

use super::nearest::{instances, nearest_functions, nearest_package};
use crate::{
    diagnostics::escape::symbol,
    resolve::{glob::Glob, selector::BuiltIn},
};

/// The functions of an executable that can be named: each name's own code, without the wrappers between calling conventions.
pub(crate) struct Catalog<'e> {
    pub(crate) executable: &'e Executable,
    /// By ascending address.
    pub(crate) functions: Vec<Function<'e>>,
}

impl<'e> Catalog<'e> {
    pub(crate) fn new(executable: &'e Executable) -> Self {
        let functions = executable
            .functions()
            .filter(|function| !function.name.is_empty() && !function.is_abi_wrapper())
            .collect();
        Self {
            executable,
            functions,
        }
    }

    pub(crate) fn get(&self, index: u32) -> Option<&Function<'e>> {
        self.functions.get(index as usize)
    }

    /// Where the function with this index in the executable is here.
    pub(crate) fn index_of(&self, function: u32) -> Option<u32> {
        let by_index = |other: &Function<'_>| other.index.cmp(&function);
        let index = self.functions.binary_search_by(by_index).ok()?;
        u32::try_from(index).ok()
    }

    fn names(&self) -> impl Iterator<Item = &'e str> {
        self.functions.iter().map(|function| function.name)
    }

    /// What a pattern that matches nothing may have meant, ready to be shown, and why it may have.
    pub(crate) fn nearest(&self, pattern: &str, most: usize) -> (Vec<String>, Because) {
        let names: Vec<&str> = self.names().collect();
        let packages: HashSet<&str> = names.iter().copied().map(Executable::package).collect();
        if let Some(package) = nearest_package(pattern, packages) {
            return (
                vec![format!("package `{}`", symbol(package))],
                Because::Like,
            );
        }
        let literals = self
            .executable
            .literals_written_in(pattern.trim_end_matches('*'));
        let (near, because) = if literals.is_empty() {
            let near = nearest_functions(pattern, &names, most);
            let same = !instances(pattern, &near).is_empty();
            (near, if same { Because::Same } else { Because::Like })
        } else {
            let literals = literals.iter().map(|literal| literal.name).take(most);
            (literals.collect(), Because::Elsewhere)
        };
        let near = near.into_iter().map(|name| format!("`{}`", symbol(name)));
        (near.collect(), because)
    }

    /// Base names of all source files.
    pub(crate) fn files(&self) -> BTreeSet<&'e str> {
        let files: HashSet<&str> = self
            .functions
            .par_iter()
            .filter_map(Function::source_file)
            .collect();
        files
            .into_iter()
            .map(|path| path.rsplit('/').next().unwrap_or(path))
            .collect()
    }

    pub(super) fn filter(&self, select: impl Fn(&Function<'e>) -> bool + Sync) -> Vec<u32> {
        self.functions
            .par_iter()
            .enumerate()
            .filter(|(_, function)| select(function))
            .filter_map(|(index, _)| u32::try_from(index).ok())
            .collect()
    }

    pub(super) fn built_in(&self, set: BuiltIn) -> Vec<u32> {
        self.filter(|function| {
            let origin = self.executable.origin(function);
            match set {
                BuiltIn::Main => origin == Origin::Main,
                BuiltIn::Std => origin == Origin::Std,
                BuiltIn::Deps => matches!(origin, Origin::Dep | Origin::Vendor),
                BuiltIn::Vendor => origin == Origin::Vendor,
            }
        })
    }

    /// Names that match but were inlined wherever they are called, sorted.
    pub(crate) fn only_inlined(&self, glob: &Glob) -> Vec<&'e str> {
        let mut names: Vec<&str> = self
            .executable
            .inlined()
            .names()
            .par_bridge()
            .filter(|name| glob.matches(name))
            .collect();
        if !names.is_empty() {
            let own: HashSet<&str> = self.names().collect();
            names.retain(|name| !own.contains(name));
        }
        names.sort_unstable();
        names
    }
}

/// Why a name is near to another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Because {
    /// It is the same function, of other types.
    Same,
    /// It is a literal of that function, which is compiled elsewhere.
    Elsewhere,
    /// It looks like it.
    Like,
}
