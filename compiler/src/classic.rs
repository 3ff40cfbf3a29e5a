//! The original command line as a program of the language, so that there is one path for everything after it.

use grammar::ast::{Item, PatternKind};

use crate::diagnostic::Source;

/// The program that means what `gofuncgraph [--exclude-vendor] --uprobe-wildcards W… EXECUTABLE [TARGET…]` means.
///
/// With no target every matched function is one, as there.
#[must_use]
pub fn classic_program(
    uprobe_wildcards: &[String],
    targets: &[String],
    exclude_vendor: bool,
) -> Source {
    let (targets, included) = if targets.is_empty() {
        (uprobe_wildcards, [].as_slice())
    } else {
        (targets, uprobe_wildcards)
    };
    let mut clauses = Vec::new();
    if !included.is_empty() {
        clauses.push(format!("include {}", list(included)));
    }
    if exclude_vendor {
        clauses.push("exclude @vendor".to_owned());
    }
    let mut text = format!("trace {}", list(targets));
    if !clauses.is_empty() {
        text.push_str(&format!(" < {} >", clauses.join("; ")));
    }
    Source::new("<command line>", text)
}

fn list(patterns: &[String]) -> String {
    patterns
        .iter()
        .map(|pattern| quoted(pattern))
        .collect::<Vec<_>>()
        .join(", ")
}

/// In quotes unless the grammar reads it as this one pattern without.
fn quoted(pattern: &str) -> String {
    let parsed = grammar::parse(&format!("trace {pattern}"));
    let plain = match (parsed.errors.as_slice(), parsed.program.items.as_slice()) {
        ([], [Item::Trace(trace)]) => match trace.patterns.as_slice() {
            [only] => {
                only.kind == PatternKind::Name(pattern.to_owned()) && trace.clauses.is_empty()
            }
            _ => false,
        },
        _ => false,
    };
    if plain {
        return pattern.to_owned();
    }
    let mut out = String::from('"');
    for c in pattern.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            c if c.is_ascii_control() => out.push_str(&format!("\\x{:02x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(wildcards: &[&str], targets: &[&str], exclude_vendor: bool) -> String {
        let owned = |list: &[&str]| list.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
        classic_program(&owned(wildcards), &owned(targets), exclude_vendor).text
    }

    #[test]
    fn forms() {
        assert_eq!(
            program(&["net/http*", "*/internal/log*"], &["*handleBar"], false),
            "trace *handleBar < include net/http*, */internal/log* >"
        );
        assert_eq!(
            program(&["main.*"], &[], true),
            "trace main.* < exclude @vendor >"
        );
        assert_eq!(program(&[], &["main.f"], false), "trace main.f");
        assert_eq!(
            program(
                &["a b", "trace", "main.(*T).*", "x; y", ":f.go", "@s"],
                &["main.F(n=(+8(%ax)):s64)"],
                false
            ),
            "trace \"main.F(n=(+8(%ax)):s64)\" \
             < include \"a b\", \"trace\", main.(*T).*, \"x; y\", \":f.go\", \"@s\" >"
        );
    }

    #[test]
    fn whatever_is_given_is_one_pattern() {
        for pattern in [
            "",
            "a\"b",
            "a\\b",
            "a\nb\t\u{1b}c",
            "# a",
            "größe",
            "main.(*T",
            "a,b",
            "min",
            "main.F < min 5 >",
        ] {
            let source = classic_program(&[], &[pattern.to_owned()], false);
            let parsed = grammar::parse(&source.text);
            assert!(parsed.errors.is_empty(), "{}", source.text);
            let Some(Item::Trace(trace)) = parsed.program.items.first() else {
                panic!("{}", source.text)
            };
            assert_eq!(trace.patterns.len(), 1);
            assert_eq!(
                trace.patterns[0].kind,
                PatternKind::Name(pattern.to_owned())
            );
        }
    }
}
