//! The original command line as a program of the language, so that there is one path for everything after it.

mod registers;

use grammar::ast::{Item, PatternKind};
use registers::Pattern;

pub use self::registers::ClassicError;
use crate::diagnostics::diagnostic::Source;

/// The program that means what `gofuncgraph [--exclude-vendor] --uprobe-wildcards W… EXECUTABLE [TARGET…]` means.
///
/// A wildcard may be several, with commas between them. With no target every matched function is one, as there. Targets of which
/// nothing or the same is read are one trace; others have traces of their own, since what a trace shows of arguments it shows of all
/// its targets.
///
/// # Errors
/// [`ClassicError`] for a register expression that is none.
pub fn classic_program(
    uprobe_wildcards: &[String],
    targets: &[String],
    exclude_vendor: bool,
) -> Result<Source, ClassicError> {
    let wildcards: Vec<String> = uprobe_wildcards
        .iter()
        .flat_map(|list| split_at_commas(list))
        .map(str::to_owned)
        .collect();
    let (targets, included) = if targets.is_empty() {
        (wildcards.as_slice(), [].as_slice())
    } else {
        (targets, wildcards.as_slice())
    };
    let mut traces: Vec<(String, Vec<String>)> = Vec::new();
    for target in targets {
        let pattern = Pattern::parse(target)?;
        let shown = args(&pattern);
        let function = pattern.functions.to_owned();
        match traces.iter_mut().find(|(other, _)| *other == shown) {
            Some((_, functions)) => functions.push(function),
            None => traces.push((shown, vec![function])),
        }
    }
    let mut common = Vec::new();
    if !included.is_empty() {
        common.push(format!("include {}", list(included)));
    }
    if exclude_vendor {
        common.push("exclude @vendor".to_owned());
    }
    let traces = traces.into_iter().map(|(shown, functions)| {
        let shown = (!shown.is_empty()).then_some(shown);
        let clauses: Vec<String> = common.iter().cloned().chain(shown).collect();
        if clauses.is_empty() {
            format!("trace {}", list(&functions))
        } else {
            format!("trace {} < {} >", list(&functions), clauses.join("; "))
        }
    });
    let text = traces.collect::<Vec<_>>().join("\n");
    Ok(Source::new("<command line>", text))
}

/// Commas within brackets belong to a name, as in `main.Map[go.shape.int,go.shape.string]`.
fn split_at_commas(list: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_usize;
    list.split(move |c| {
        match c {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    })
    .map(str::trim)
}

/// The clause that shows what a pattern reads, or nothing.
fn args(pattern: &Pattern<'_>) -> String {
    let shown = pattern.arguments.iter().map(|argument| {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let name = match argument.name {
            name if name.starts_with(|c: char| c.is_ascii_digit()) => string(name),
            name if name.chars().all(plain) => name.to_owned(),
            name => string(name),
        };
        format!("{} as {name}", argument.expression)
    });
    match shown.collect::<Vec<_>>().join(", ") {
        none if none.is_empty() => none,
        shown => format!("args {shown}"),
    }
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
    string(pattern)
}

/// A string of the language.
pub(crate) fn string(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
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
        classic_program(&owned(wildcards), &owned(targets), exclude_vendor)
            .expect("a program")
            .text
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
                &["main.*, net/http*", "main.Map[int,string],main.g"],
                &["main.f"],
                false
            ),
            "trace main.f < include main.*, net/http*, main.Map[int,string], main.g >"
        );
        assert_eq!(
            program(
                &["a b", "trace", "main.(*T).*", "x; y", ":f.go", "@s"],
                &["main.F"],
                false
            ),
            "trace main.F \
             < include \"a b\", \"trace\", main.(*T).*, \"x; y\", \":f.go\", \"@s\" >"
        );
    }

    #[test]
    fn register_expressions() {
        assert_eq!(
            program(
                &["main.*"],
                &["main.(*T).F(s.name=(*+0(%ax)):c64, n=(+8(%ax)):s64)"],
                false
            ),
            "trace main.(*T).F < include main.*; args mem(u64(reg.ax), 8) as \"s.name\", s64(reg.ax + 8) as n >"
        );
        assert_eq!(
            program(
                &[],
                &[
                    "main.F(n=%ax:u64)",
                    "main.G",
                    "main.H(n=(%rax):u64)",
                    "main.I()"
                ],
                true
            ),
            "trace main.F, main.H < exclude @vendor; args reg.ax as n >\n\
             trace main.G, main.I < exclude @vendor >"
        );
        assert!(classic_program(&[], &["main.F(n=%xx:u64)".to_owned()], false).is_err());
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
            let source = classic_program(&[], &[pattern.to_owned()], false).expect("a program");
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
