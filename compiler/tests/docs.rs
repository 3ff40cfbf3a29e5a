//! The documentation is right: every code has its section, and every example does what its page says.
//!
//! Blocks are ```` ```gfg ````, with words after commas: `error` has to fail, `-D name=value` is given to it, `typed` is about the
//! functions of `tests/typed` and checked against that executable.

mod support;

use std::path::Path;

use compiler::{
    Severity, Source, check,
    diagnostics::{codes::CODES, report},
};

/// A ```` ```gfg ```` block.
struct Example {
    /// The heading above it.
    section: String,
    /// Line of the page.
    line: usize,
    /// It has to fail.
    error: bool,
    /// It is about the functions of the test program.
    typed: bool,
    defines: Vec<(String, String)>,
    text: String,
}

fn page(name: &str) -> String {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    std::fs::read_to_string(docs.join(name)).expect("the page is there")
}

fn examples(page: &str) -> Vec<Example> {
    let mut out: Vec<Example> = Vec::new();
    let (mut section, mut inside, mut other) = (String::new(), false, false);
    for (number, line) in page.lines().enumerate() {
        if let Some(info) = line.strip_prefix("```") {
            if inside || other {
                (inside, other) = (false, false);
            } else if let Some(info) = info.strip_prefix("gfg") {
                inside = true;
                let words = || info.split(',').map(str::trim);
                out.push(Example {
                    section: section.clone(),
                    line: number + 1,
                    error: words().any(|word| word == "error"),
                    typed: words().any(|word| word == "typed"),
                    defines: words()
                        .filter_map(|word| word.strip_prefix("-D ")?.split_once('='))
                        .map(|(name, value)| (name.to_owned(), value.to_owned()))
                        .collect(),
                    text: String::new(),
                });
            } else {
                other = true;
            }
        } else if inside {
            let example = out.last_mut().expect("a block was begun");
            example.text += line;
            example.text += "\n";
        } else if line.starts_with('#') && !other {
            section = line.trim_start_matches('#').trim().to_owned();
        }
    }
    out
}

fn checked(example: &Example) -> (Vec<&'static str>, bool, String) {
    let source = Source::new(format!("line {}", example.line), example.text.as_str());
    let executable = example.typed.then(support::typed).flatten();
    let diagnostics = check(&source, &example.defines, executable).diagnostics;
    let codes = diagnostics
        .iter()
        .map(|diagnostic| diagnostic.code)
        .collect();
    let wrong = diagnostics
        .iter()
        .any(|diagnostic| diagnostic.severity == Severity::Error);
    (codes, wrong, report(&source, &diagnostics, false))
}

#[test]
fn every_code_has_its_section() {
    let page = page("diagnostics.md");
    let mut documented: Vec<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix("### "))
        .collect();
    documented.sort_unstable();
    let is_own = |heading: &&str| !heading.starts_with("E01");
    let mut own: Vec<String> = CODES
        .iter()
        .map(|code| format!("{} {}", code.id(), code.title()))
        .collect();
    own.sort_unstable();
    assert_eq!(
        documented
            .iter()
            .copied()
            .filter(is_own)
            .collect::<Vec<_>>(),
        own
    );
    let syntax: Vec<&str> = documented
        .iter()
        .filter(|heading| !is_own(heading))
        .filter_map(|heading| heading.get(..5))
        .collect();
    let known: Vec<&str> = grammar::code::ALL.iter().map(|(code, _)| *code).collect();
    assert_eq!(syntax, known);
}

#[test]
fn the_examples_of_mistakes_are_those_mistakes() {
    let examples = examples(&page("diagnostics.md"));
    assert!(examples.len() > 50);
    for example in &examples {
        let (codes, wrong, report) = checked(example);
        if example.error {
            let code = example.section.split(' ').next().unwrap_or_default();
            assert!(
                codes.contains(&code),
                "line {}: no {code}, but\n{report}",
                example.line
            );
        } else {
            assert!(!wrong, "line {}:\n{report}", example.line);
        }
    }
}

#[test]
fn the_examples_of_the_language_are_the_language() {
    let examples = examples(&page("language.md"));
    assert!(examples.iter().filter(|example| !example.error).count() > 10);
    for example in &examples {
        let (codes, wrong, report) = checked(example);
        assert_eq!(wrong, example.error, "line {}:\n{report}", example.line);
        assert!(
            example.error || codes.is_empty(),
            "line {}:\n{report}",
            example.line
        );
    }
}
