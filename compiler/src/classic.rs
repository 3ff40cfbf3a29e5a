//! The original command line as a program of the language, so that there is one path for everything after it.

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

/// In quotes unless it reads the same without.
fn quoted(pattern: &str) -> String {
    let plain = pattern.starts_with(|c: char| c.is_ascii_alphabetic() || c == '*' || c == '_')
        && pattern
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_./*()".contains(&byte))
        && !pattern.ends_with(')');
    if plain {
        return pattern.to_owned();
    }
    format!("\"{}\"", pattern.replace('\\', "\\\\").replace('"', "\\\""))
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
            program(&["a b"], &["main.F(n=(+8(%ax)):s64)"], false),
            "trace \"main.F(n=(+8(%ax)):s64)\" < include \"a b\" >"
        );
    }
}
