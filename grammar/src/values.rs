//! Literals and params as the tree holds them.

use pest::{Parser as _, iterators::Pair};

use crate::{
    ast::{Span, Value, ValueKind},
    error::{SyntaxError, code},
    fragments::{Fragment, misplaced},
    literal,
    parser::{Gfg, Rule, span},
};

/// A pair of the grammar's `value` or `share`.
pub(crate) fn value(pair: &Pair<'_, Rule>) -> Result<Value, SyntaxError> {
    value_at(pair, span(pair))
}

fn value_at(pair: &Pair<'_, Rule>, span: Span) -> Result<Value, SyntaxError> {
    let text = pair.as_str();
    let kind = match pair.as_rule() {
        Rule::integer => ValueKind::Integer(literal::integer(text, span.clone())?),
        Rule::duration => ValueKind::Duration(literal::duration(text, span.clone())?),
        Rule::size => ValueKind::Size(literal::size(text, span.clone())?),
        Rule::percent => ValueKind::Percent(literal::percent(text, span.clone())?),
        Rule::bool => ValueKind::Bool(text == "true"),
        Rule::switch => ValueKind::Bool(text == "on"),
        Rule::variable => ValueKind::Param(text.trim_start_matches('$').to_owned()),
        _ => ValueKind::String(literal::string(text, span.clone())?),
    };
    Ok(Value { span, kind })
}

/// The value that a piece is, or what is wrong with it where `expected` ("a duration") belongs.
pub(crate) fn value_of_fragment(
    fragment: &Fragment<'_>,
    rest: &[Fragment<'_>],
    expected: &str,
) -> Result<Value, SyntaxError> {
    match fragment.rule() {
        Rule::string | Rule::variable => value(&fragment.pair),
        Rule::name => {
            let parsed = Gfg::parse(Rule::only_value, fragment.text);
            if let Some(pair) = parsed.into_iter().flatten().next()
                && pair.as_rule() != Rule::EOI
            {
                return value_at(&pair, fragment.span.clone());
            }
            if fragment.text.starts_with(|c: char| c.is_ascii_digit()) {
                return Err(literal::bad(fragment.text, fragment.span.clone()));
            }
            Err(not_a_value(fragment, expected))
        }
        Rule::mark if fragment.text == "-" => Err(SyntaxError::new(
            code::BAD_LITERAL,
            fragment.span.clone(),
            "there are no negative values",
        )
        .label("unexpected sign")),
        Rule::mark | Rule::broken_string | Rule::braces => Err(misplaced(fragment, rest)),
        _ => Err(not_a_value(fragment, expected)),
    }
}

fn not_a_value(fragment: &Fragment<'_>, expected: &str) -> SyntaxError {
    let error = SyntaxError::new(
        code::EXPECTED_VALUE,
        fragment.span.clone(),
        format!("expected {expected}, found `{}`", fragment.text),
    )
    .label(format!("not {expected}"));
    if expected.contains("string") {
        error.help(format!("strings are quoted: \"{}\"", fragment.text))
    } else {
        error
    }
}
