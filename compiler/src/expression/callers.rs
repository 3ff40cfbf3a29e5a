//! Callers by their names: which code is meant, that of copies of function literals with it. All functions of the executable are gone through for it, so what was found for one target is
//! kept for the others.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use gobinary::Executable;

use crate::{
    resolve::glob::Glob,
    select::{
        copies::{copies_of, may_be_literal},
        nearest::nearest_functions,
    },
};

/// What the names of callers in a program stand for, as far as that was asked.
#[derive(Default)]
pub struct Callers(Mutex<HashMap<(String, bool), Arc<Found>>>);

/// What a name or pattern stands for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Runs of code, by ascending address: the first byte, and the one after the last.
    Code(Vec<(u64, u64)>),
    /// Nothing; the function whose name is most like it, if one is.
    Nothing(Option<String>),
}

impl Callers {
    /// What the name, or all that the pattern matches, stands for in an executable, which is always the same one.
    pub(super) fn find(
        &self,
        name: &str,
        pattern: Option<&Glob>,
        executable: &Executable,
    ) -> Arc<Found> {
        self.known(name, pattern.is_some(), || {
            search(name, pattern, executable)
        })
    }

    fn known(&self, name: &str, is_pattern: bool, search: impl FnOnce() -> Found) -> Arc<Found> {
        let key = (name.to_owned(), is_pattern);
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = lock().get(&key) {
            return Arc::clone(found);
        }
        // Not under the lock: the search may be divided among threads that come here too.
        let found = Arc::new(search());
        Arc::clone(lock().entry(key).or_insert(found))
    }
}

fn search(name: &str, pattern: Option<&Glob>, executable: &Executable) -> Found {
    let is_meant = |seen: &str| match pattern {
        Some(glob) => glob.matches(seen),
        None => seen == name || Executable::source_name(seen) == name,
    };
    let functions = executable.functions();
    let mut meant: BTreeSet<u32> = functions
        .filter(|function| is_meant(function.name))
        .map(|function| function.index)
        .collect();
    let is_literal = |index: &u32| {
        let function = executable.function(*index);
        function.is_some_and(|function| may_be_literal(function.name))
    };
    if meant.iter().any(is_literal) {
        let copies = copies_of(executable, |index| meant.contains(&index), is_meant);
        let certain = copies.into_iter().filter(|(_, is_clear)| *is_clear);
        meant.extend(certain.map(|(index, _)| index).collect::<Vec<_>>());
    }
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    for function in meant.iter().filter_map(|index| executable.function(*index)) {
        match ranges.last_mut() {
            Some((_, end)) if *end == function.entry => *end = function.end,
            _ => ranges.push((function.entry, function.end)),
        }
    }
    if !ranges.is_empty() {
        return Found::Code(ranges);
    }
    let names: Vec<&str> = executable.functions().map(|f| f.name).collect();
    let nearest = nearest_functions(name, &names, 1);
    Found::Nothing(nearest.first().map(|name| (*name).to_owned()))
}

#[cfg(test)]
mod tests {
    use super::{Callers, Found};

    #[test]
    fn each_name_is_searched_for_once() {
        let callers = Callers::default();
        let mut searched = Vec::new();
        for (name, is_pattern) in [
            ("main.*", true),
            ("main.*", true),
            ("main.*", false),
            ("main.f", false),
            ("main.f", false),
        ] {
            let found = callers.known(name, is_pattern, || {
                searched.push((name, is_pattern));
                Found::Nothing(Some(format!("{name} {is_pattern}")))
            });
            assert_eq!(*found, Found::Nothing(Some(format!("{name} {is_pattern}"))));
        }
        assert_eq!(
            searched,
            [("main.*", true), ("main.*", false), ("main.f", false)]
        );
    }
}
