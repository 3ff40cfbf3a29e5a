//! Patterns and sets of a program, compiled but not yet held against an executable.

use std::collections::HashMap;

use grammar::ast::{Item, Pattern, PatternKind, Program, Span};

use crate::{
    classic::classic_program,
    diagnostics::{
        codes,
        diagnostic::{Diagnostic, Source},
        did_you_mean::nearest_word,
        escape::printable,
    },
    resolve::glob::{Glob, GlobError},
};

/// The sets that every program has, from the executable's build information.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BuiltIn {
    /// The main module's functions.
    Main,
    /// The standard library's.
    Std,
    /// Other modules'.
    Deps,
    /// Those below a vendor directory.
    Vendor,
}

impl BuiltIn {
    const ALL: [(&'static str, Self); 4] = [
        ("main", Self::Main),
        ("std", Self::Std),
        ("deps", Self::Deps),
        ("vendor", Self::Vendor),
    ];

    fn named(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(word, _)| *word == name)
            .map(|(_, set)| *set)
    }
}

/// What a pattern selects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SelectorKind {
    /// Functions by name.
    Name(Glob),
    /// The functions of files.
    File(Glob),
    /// A built-in set.
    BuiltIn(BuiltIn),
    /// A set of the program, an index into [`Sets::sets`].
    Set(usize),
}

/// A pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Selector {
    pub(crate) span: Span,
    /// As written, quotes removed, with its `:` or `@`; control characters escaped.
    pub(crate) text: String,
    pub(crate) kind: SelectorKind,
}

/// A `set` item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeclaredSet {
    name: String,
    span: Span,
    pub(crate) members: Vec<Selector>,
    pub(crate) used: bool,
}

/// The program's sets, and the compiler of patterns.
#[derive(Debug, Default)]
pub(crate) struct Sets {
    /// In source order; never in a cycle once [`Sets::new`] has reported none.
    pub(crate) sets: Vec<DeclaredSet>,
    incomplete: bool,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

impl Sets {
    pub(crate) fn new(program: &Program, incomplete: bool) -> Self {
        let mut this = Self {
            incomplete,
            ..Self::default()
        };
        let declarations: Vec<_> = program
            .items
            .iter()
            .filter_map(|item| match item {
                Item::Set(set) => Some(set),
                _ => None,
            })
            .collect();
        let mut kept = Vec::new();
        for set in declarations {
            let name = &set.name.node;
            if BuiltIn::named(name).is_some() {
                this.diagnostics.push(
                    Diagnostic::new(codes::BUILT_IN_SET, format!("`@{name}` is a built-in set"))
                        .at(&set.name.span, "cannot be declared again")
                        .note("@main, @std, @deps and @vendor come from the executable's build information")
                        .help(format!("choose another name, such as @my_{name}")),
                );
            } else if let Some(first) = this.sets.iter().find(|other| other.name == *name) {
                this.diagnostics.push(
                    Diagnostic::new(
                        codes::DECLARED_TWICE,
                        format!("set `@{name}` is declared twice"),
                    )
                    .at(&set.name.span, "declared again here")
                    .also_at(&first.span, "first declared here"),
                );
            } else {
                kept.push(set);
                let (name, span) = (name.clone(), set.name.span.clone());
                this.sets.push(DeclaredSet {
                    name,
                    span,
                    members: Vec::new(),
                    used: false,
                });
            }
        }
        for (index, set) in kept.into_iter().enumerate() {
            let members = this.compile(&set.patterns);
            if let Some(declared) = this.sets.get_mut(index) {
                declared.members = members;
            }
        }
        this.break_cycles();
        this
    }

    /// Compiles patterns; those that are wrong are reported and left out.
    pub(crate) fn compile(&mut self, patterns: &[Pattern]) -> Vec<Selector> {
        patterns
            .iter()
            .filter_map(|pattern| self.compile_one(pattern))
            .collect()
    }

    fn compile_one(&mut self, pattern: &Pattern) -> Option<Selector> {
        let (text, kind) = match &pattern.kind {
            PatternKind::Name(name) => match Glob::new(name) {
                Ok(glob) => (printable(name), SelectorKind::Name(glob)),
                Err(error) => {
                    self.diagnostics
                        .push(malformed(pattern, &printable(name), error));
                    return None;
                }
            },
            PatternKind::File(file) => (
                format!(":{}", printable(file)),
                SelectorKind::File(Glob::file(file)),
            ),
            PatternKind::Set(name) => (format!("@{name}"), self.set(pattern, name)?),
        };
        Some(Selector {
            span: pattern.span.clone(),
            text,
            kind,
        })
    }

    fn set(&mut self, pattern: &Pattern, name: &str) -> Option<SelectorKind> {
        if let Some(built_in) = BuiltIn::named(name) {
            return Some(SelectorKind::BuiltIn(built_in));
        }
        if let Some(index) = self.sets.iter().position(|set| set.name == name) {
            if let Some(set) = self.sets.get_mut(index) {
                set.used = true;
            }
            return Some(SelectorKind::Set(index));
        }
        if !self.incomplete {
            let names = self.sets.iter().map(|set| set.name.as_str());
            let nearest = nearest_word(
                name,
                names.chain(BuiltIn::ALL.iter().map(|(word, _)| *word)),
            )
            .map(str::to_owned);
            for set in &mut self.sets {
                set.used |= Some(&set.name) == nearest.as_ref();
            }
            self.diagnostics.push(
                Diagnostic::new(codes::UNKNOWN_SET, format!("unknown set `@{name}`"))
                    .at(&pattern.span, "not declared")
                    .help(match nearest {
                        Some(nearest) => format!("did you mean `@{nearest}`?"),
                        None => format!("declare it: set @{name} = PATTERN, …"),
                    }),
            );
        }
        None
    }

    /// Reports each cycle once, at the set that comes first in the source, and cuts it, so that walking the sets ends.
    fn break_cycles(&mut self) {
        #[derive(Clone, Copy, PartialEq)]
        enum State {
            New,
            Open,
            Done,
        }
        let mut state = vec![State::New; self.sets.len()];
        let mut cuts = Vec::new();
        for root in 0..self.sets.len() {
            // A path of (set, next member to look at).
            let mut path = vec![(root, 0_usize)];
            if state.get(root) != Some(&State::New) {
                continue;
            }
            while let Some((set, member)) = path.last_mut() {
                let set = *set;
                if let Some(state) = state.get_mut(set) {
                    *state = State::Open;
                }
                let Some(selector) = self
                    .sets
                    .get(set)
                    .and_then(|declared| declared.members.get(*member))
                else {
                    if let Some(state) = state.get_mut(set) {
                        *state = State::Done;
                    }
                    path.pop();
                    continue;
                };
                let at = *member;
                *member += 1;
                if let SelectorKind::Set(next) = selector.kind {
                    match state.get(next) {
                        Some(State::New) => path.push((next, 0)),
                        Some(State::Open) => {
                            let start = path
                                .iter()
                                .position(|(on_path, _)| *on_path == next)
                                .unwrap_or(0);
                            let cycle = path
                                .iter()
                                .skip(start)
                                .map(|(on_path, _)| *on_path)
                                .collect::<Vec<_>>();
                            cuts.push((set, at, cycle));
                        }
                        _ => {}
                    }
                }
            }
        }
        for (set, member, cycle) in &cuts {
            let name = |index: &usize| {
                self.sets
                    .get(*index)
                    .map(|set| format!("@{}", set.name))
                    .unwrap_or_default()
            };
            let Some(selector) = self.sets.get(*set).and_then(|set| set.members.get(*member))
            else {
                continue;
            };
            let chain: Vec<String> = cycle.iter().chain(cycle.first()).map(name).collect();
            let first = cycle.first().map(name).unwrap_or_default();
            let mut diagnostic =
                Diagnostic::new(codes::SET_CYCLE, format!("set `{first}` contains itself"))
                    .at(&selector.span, "closes the circle");
            if let Some(declared) = cycle.first().and_then(|index| self.sets.get(*index)) {
                diagnostic = diagnostic.also_at(&declared.span, "declared here");
            }
            self.diagnostics.push(diagnostic.note(chain.join(" → ")));
        }
        for (set, member, _) in cuts.into_iter().rev() {
            if let Some(set) = self.sets.get_mut(set)
                && member < set.members.len()
            {
                set.members.remove(member);
            }
        }
    }

    /// Warns of sets that nothing used; to be called last. Returns the sets and what there is to say of them.
    pub(crate) fn finish(mut self) -> (Vec<DeclaredSet>, Vec<Diagnostic>) {
        for unused in self.sets.iter().filter(|set| !set.used) {
            self.diagnostics.push(
                Diagnostic::new(
                    codes::UNUSED,
                    format!("set `@{}` is never used", unused.name),
                )
                .at(&unused.span, "declared here"),
            );
        }
        (self.sets, self.diagnostics)
    }
}

fn malformed(pattern: &Pattern, name: &str, error: GlobError) -> Diagnostic {
    match error {
        GlobError::Empty => Diagnostic::new(codes::MALFORMED_PATTERN, "empty pattern")
            .at(&pattern.span, "no function has an empty name")
            .help("`*` matches every function"),
        GlobError::Dots => {
            let package = name
                .split("...")
                .next()
                .unwrap_or(name)
                .trim_end_matches('/');
            let diagnostic = Diagnostic::new(codes::MALFORMED_PATTERN, format!("misplaced `...` in `{name}`"))
                .at(&pattern.span, "`...` stands after the last `/` of a package path, or in brackets")
                .note("net/http/... is the package net/http and all below it; main.Map[...] is every instance of main.Map");
            match package {
                "" => diagnostic.help("`*` matches every function"),
                package => diagnostic.help(format!("write {package}/... or {package}*")),
            }
        }
        GlobError::Brackets => Diagnostic::new(
            codes::MALFORMED_PATTERN,
            format!("unbalanced brackets in `{name}`"),
        )
        .at(&pattern.span, "a `[` or `]` without its partner")
        .help("main.Map[...] stands for every instance of main.Map"),
        GlobError::ArgumentList => {
            let help = match classic_program(&[], &[name.to_owned()], false) {
                Ok(program) if program.text.contains(" < args ") => {
                    format!("write it as `{}`", program.text)
                }
                _ => "in a program, `args` says what is shown of a call".to_owned(),
            };
            Diagnostic::new(
                codes::ARGUMENT_LIST,
                "register expressions belong to the original command line",
            )
            .at(&pattern.span, "a function's name does not end in `)`")
            .help(help)
        }
    }
}

/// The patterns as written, white space folded: the label of a trace that has none.
pub(crate) fn as_written(source: &Source, patterns: &[Pattern]) -> String {
    let start = patterns.first().map_or(0, |pattern| pattern.span.start);
    let end = patterns.last().map_or(0, |pattern| pattern.span.end);
    let text = source.text.get(start..end).unwrap_or_default();
    text.split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .replace('"', "")
}

/// Labels of traces, each used once.
#[derive(Default)]
pub(crate) struct Labels(HashMap<String, Span>);

impl Labels {
    /// Reports a label that an earlier trace has.
    pub(crate) fn declare(&mut self, label: &str, span: &Span) -> Option<Diagnostic> {
        match self.0.get(label) {
            Some(first) => Some(
                Diagnostic::new(
                    codes::DECLARED_TWICE,
                    format!("two traces are called `{label}`"),
                )
                .at(span, "used again here")
                .also_at(first, "first used here"),
            ),
            None => {
                self.0.insert(label.to_owned(), span.clone());
                None
            }
        }
    }
}
