//! Calls of functions and methods, which expressions do not have: what to write instead.

use pest::iterators::Pair;

use crate::{
    ast::{Expression, ExpressionKind, Span},
    error::{SyntaxError, code},
    fragments::unclosed,
    parser::{Reader, Rule, span},
};

/// What `unit.Seconds()` and its like are called.
const UNITS: [&str; 6] = [
    "Hours",
    "Minutes",
    "Seconds",
    "Milliseconds",
    "Microseconds",
    "Nanoseconds",
];

impl<'i> Reader<'i> {
    /// An operand with arguments behind it. Of a row of calls (`time.Since(t).Seconds()`) the last one is told.
    pub(crate) fn called(&mut self, callee: Expression, arguments: Pair<'i, Rule>) -> Expression {
        let opener = span(&arguments).start;
        let whole = callee.span.start..span(&arguments).end;
        let mut parts = arguments.clone().into_inner();
        if parts.any(|part| part.as_rule() == Rule::unclosed) {
            self.report(unclosed(opener..opener + 1, "("));
            return callee;
        }
        let help = instead(self.source, &callee, arguments);
        self.errors
            .retain(|error| error.code != code::CALL || error.span.start != whole.start);
        self.report(
            SyntaxError::new(
                code::CALL,
                whole.clone(),
                "functions and methods cannot be called in expressions",
            )
            .label("a call")
            .help(help),
        );
        Expression {
            span: whole,
            ..callee
        }
    }
}

fn instead(source: &str, callee: &Expression, arguments: Pair<'_, Rule>) -> String {
    let text = |span: &Span| source.get(span.clone()).unwrap_or_default();
    let arguments: Vec<&str> = arguments
        .into_inner()
        .filter(|pair| pair.as_rule() == Rule::expression)
        .map(|pair| pair.as_str())
        .collect();
    let (of, name) = match &callee.kind {
        ExpressionKind::Field { of, name } => (text(&of.span), name.node.as_str()),
        _ => ("", ""),
    };
    match (of, name, arguments.as_slice()) {
        ("strings" | "bytes", "Contains", [whole, part]) => format!("write `{whole} has {part}`"),
        ("strings" | "bytes", "HasPrefix", [whole, part]) if let Some(part) = plain(part) => {
            format!("write `{whole} =~ \"{part}*\"`")
        }
        ("strings" | "bytes", "HasSuffix", [whole, part]) if let Some(part) = plain(part) => {
            format!("write `{whole} =~ \"*{part}\"`")
        }
        ("errors", "Is" | "As", [error, ..]) => looked_into(error),
        (error, "Error", []) if !error.contains('(') => looked_into(error),
        (duration, unit, []) if UNITS.contains(&unit) && !duration.contains('(') => {
            format!("a duration compares with one: `{duration} > 1s`")
        }
        (of, "Len", []) => format!("a length is `len({of})`"),
        _ => "there are `=~`, `has` and `in` for texts, `len(x)` for lengths, and `x.(T).field` for what an interface holds".to_owned(),
    }
}

fn looked_into(error: &str) -> String {
    format!(
        "an error is compared with nil, or looked into: `{error}.(*errors.errorString).s has \"text\"`"
    )
}

/// What a text in quotes says, where it says the same in a glob.
fn plain(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    (!inner.contains(['*', '?', '\\', '"'])).then_some(inner)
}
