//! The package that a source file belongs to.
//!
//! A function's name says so too, but not that of a literal which was compiled where the function that it is written in was inlined, and the
//! line of a call site may be in one.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::Executable;
use crate::tables::literal::LiteralName;

/// Packages by their folders.
#[derive(Debug, Default)]
pub(crate) struct Folders(HashMap<String, String>);

impl Folders {
    /// Takes the package that most functions of a folder have: a function's first instruction may be an inlined one's.
    pub fn new(executable: &Executable) -> Self {
        let mut counts: HashMap<(&str, &str), usize> = HashMap::new();
        for function in executable.functions() {
            let package = Executable::package(function.name);
            if let Some((folder, _)) = function
                .source_file()
                .and_then(|file| file.rsplit_once('/'))
                && !package.is_empty()
                && LiteralName::parse(function.name).is_none()
            {
                *counts.entry((folder, package)).or_default() += 1;
            }
        }
        let mut most: HashMap<&str, (usize, &str)> = HashMap::new();
        for ((folder, package), count) in counts {
            let best = most.entry(folder).or_default();
            *best = (count, package).max(*best);
        }
        let packages = most.into_iter().map(|(folder, (_, package))| {
            (
                folder.to_owned(),
                Executable::source_name(package).into_owned(),
            )
        });
        Self(packages.collect())
    }
}

impl Executable {
    /// The import path of the package that a function is written in, whose code at some place comes from `file`.
    #[must_use]
    pub fn package_of<'a>(&'a self, function: &'a str, file: &str) -> Cow<'a, str> {
        let folder = file.rsplit_once('/').map(|(folder, _)| folder);
        let known = folder
            .filter(|_| LiteralName::parse(function).is_some())
            .and_then(|folder| self.folders().0.get(folder));
        match known {
            Some(package) => Cow::Borrowed(package),
            None => Self::import_path(function),
        }
    }
}
