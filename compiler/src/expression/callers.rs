//! Callers by their names: which code is meant. All functions of the executable are gone through for it, so what was found for one target is
//! kept for the others.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use gobinary::Executable;

use crate::{resolve::glob::Glob, select::nearest::nearest_functions};

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
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    for function in executable.functions() {
        let is_meant = match pattern {
            Some(glob) => glob.matches(function.name),
            None => function.name == name || function.source_name() == name,
        };
        if !is_meant {
            continue;
        }
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
