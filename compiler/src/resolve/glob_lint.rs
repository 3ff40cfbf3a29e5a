//! Globs that are written like regular expressions, which `=~` does not take: they match next to nothing, and nobody is told why.

use grammar::ast::{BinaryOperator, Expression, ExpressionKind, Span};

use crate::{
    diagnostics::{codes, diagnostic::Diagnostic, escape::printable},
    resolve::call_name::of_call,
};

/// Looks for such globs in an expression, and for those that have no wildcard.
pub(crate) fn check(expression: &Expression, diagnostics: &mut Vec<Diagnostic>) {
    if let ExpressionKind::Binary {
        operator,
        left,
        right,
    } = &expression.kind
        && operator.node == BinaryOperator::Like
        && let ExpressionKind::String(text) = &right.kind
    {
        let functions = names_function(left);
        if is_regular(text, functions) {
            diagnostics.push(regular(text, &right.span));
        } else if !functions && !text.contains(['*', '?']) {
            diagnostics.push(without_wildcard(text, &operator.span, &right.span));
        }
    }
    for part in expression.parts() {
        check(part, diagnostics);
    }
}

/// Names of functions have dots and brackets of their own.
fn names_function(expression: &Expression) -> bool {
    let name = match &expression.kind {
        ExpressionKind::Name(name) => Some(name.as_str()),
        _ => of_call(expression),
    };
    matches!(name, Some("caller" | "fn"))
}

fn is_regular(text: &str, functions: bool) -> bool {
    let text = &without_escapes(text);
    text.starts_with('^')
        || text.ends_with('$')
        || alternatives(text).is_some()
        || class_by_letter(text)
        || !functions && (dot_star(text) || class(text).is_some())
}

/// With another character for each that a backslash makes mean itself.
fn without_escapes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match chars.peek() {
            Some(next) if c == '\\' && !next.is_alphabetic() => {
                chars.next();
                out.push('_');
            }
            _ => out.push(c),
        }
    }
    out
}

/// `a|b`: all of them, where nothing beside a `|` is a space or missing.
fn alternatives(text: &str) -> Option<Vec<&str>> {
    let all: Vec<&str> = text.split('|').collect();
    let one = |part: &&str| !part.is_empty() && part.trim() == *part;
    (all.len() > 1 && all.iter().all(one)).then_some(all)
}

/// `\d`, `\w`, `\s`
fn class_by_letter(text: &str) -> bool {
    ["\\d", "\\w", "\\s", "\\b"]
        .iter()
        .any(|class| text.contains(class))
}

/// `.*`, where no other `*` tells that globs are known.
fn dot_star(text: &str) -> bool {
    let others = text.replace(".*", "");
    others.len() < text.len() && !others.contains(['*', '?'])
}

/// `[OU]`, `[a-z]`, with its place: no letter comes twice, as one does in most words in brackets.
fn class(text: &str) -> Option<Span> {
    let start = text.find('[')?;
    let length = text.get(start + 1..)?.find(']')?;
    let inner = text.get(start + 1..start + 1 + length)?;
    let letters = inner.strip_prefix('^').unwrap_or(inner);
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
    let mut seen = String::new();
    let once = letters.chars().all(|c| {
        let new = !seen.contains(c);
        seen.push(c);
        plain(c) && (new || c == '-')
    });
    (once && letters.chars().any(char::is_alphabetic) || inner.contains("0-9"))
        .then_some(start..start + length + 2)
}

fn regular(text: &str, span: &Span) -> Diagnostic {
    let diagnostic = Diagnostic::new(
        codes::REGULAR_EXPRESSION,
        "`=~` takes a glob, not a regular expression",
    )
    .at(span, "looks like a regular expression")
    .note(
        "`*` is any text, `?` one character, everything else itself; the whole text has to match",
    );
    match alternatives(text) {
        Some(all) if all.iter().all(|one| is_plain(one)) => diagnostic.help(format!(
            "one of several texts is `in [\"{}\"]`",
            printable(&all.join("\", \""))
        )),
        Some(_) => diagnostic.help("join two tests: `x =~ \"a*\" || x =~ \"b*\"`"),
        None => match glob(text) {
            Some(glob) => diagnostic.help(format!("did you mean \"{}\"?", printable(&glob))),
            None => diagnostic,
        },
    }
}

/// Nothing in it is special in a regular expression.
fn is_plain(text: &str) -> bool {
    !text.contains([
        '^', '$', '.', '*', '+', '?', '(', ')', '[', ']', '{', '}', '\\',
    ])
}

/// The glob that says the same, or nearly.
fn glob(text: &str) -> Option<String> {
    let inner = text.strip_prefix('^').unwrap_or(text);
    let anchored = inner.len() < text.len();
    let whole = inner.strip_suffix('$').unwrap_or(inner);
    let closed = whole.len() < inner.len();
    let mut out = whole.to_owned();
    while let Some(class) = class(&out) {
        out.replace_range(class, "?");
    }
    for (regular, meant) in [
        ("\\d", "?"),
        ("\\w", "?"),
        ("\\s", "?"),
        (".*", "*"),
        (".+", "?*"),
        ("\\.", "."),
        ("?+", "?*"),
    ] {
        out = out.replace(regular, meant);
    }
    if out.contains(['\\', '(', ')', '+', '{', '}', '^', '$']) {
        return None;
    }
    if anchored && !closed && !out.ends_with('*') {
        out.push('*');
    }
    if closed && !anchored && !out.starts_with('*') {
        out.insert(0, '*');
    }
    Some(out)
}

fn without_wildcard(text: &str, operator: &Span, span: &Span) -> Diagnostic {
    Diagnostic::new(
        codes::NO_WILDCARD,
        "a glob without a wildcard is the whole text",
    )
    .at(span, "no `*` or `?`")
    .also_at(operator, "the same as `==`")
    .help(format!(
        "to find it anywhere, write `has \"{}\"`",
        printable(text)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regular_expressions_and_the_globs_they_mean() {
        for (text, glob_meant) in [
            ("^/orders/o.*", Some("/orders/o*")),
            ("^/orders", Some("/orders*")),
            ("x$", Some("*x")),
            ("^x$", Some("x")),
            (".*x", Some("*x")),
            ("P[OU]*", Some("P?*")),
            ("v[0-9]", Some("v?")),
            ("v\\d+", Some("v?*")),
            ("^(a)$", None),
        ] {
            assert!(is_regular(text, false), "{text}");
            assert_eq!(glob(text).as_deref(), glob_meant, "{text}");
        }
        assert!(is_regular("a|b", true));
    }

    #[test]
    fn globs() {
        for text in [
            "SELECT*",
            "*",
            "*.go",
            "*/config.*",
            "[ERROR]*",
            "a | b",
            "*[*]",
            "||",
            "\\^x\\$",
            "v\\.*",
            "cost $ 5*",
            "?.*",
            "",
        ] {
            assert!(!is_regular(text, false), "{text}");
        }
        assert!(!is_regular("main.*", true));
        assert!(!is_regular("main.Map[int]", true));
    }
}
