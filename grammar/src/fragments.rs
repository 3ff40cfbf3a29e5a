//! The pieces of something broken, and what can be said of a piece wherever it stands.

use pest::iterators::Pair;

use crate::{
    ast::Span,
    error::{SyntaxError, code},
    parser::{Rule, matches, span},
};

/// A piece as the grammar's `fragment` found it.
#[derive(Debug, Clone)]
pub(crate) struct Fragment<'i> {
    pub(crate) pair: Pair<'i, Rule>,
    pub(crate) text: &'i str,
    pub(crate) span: Span,
}

impl Fragment<'_> {
    pub(crate) fn rule(&self) -> Rule {
        self.pair.as_rule()
    }

    pub(crate) fn is_comma(&self) -> bool {
        self.rule() == Rule::comma
    }
}

/// The pieces of a pair whose rule is one of the grammar's `…fragments`, or begins with a piece and goes on with those.
pub(crate) fn fragments(pair: Pair<'_, Rule>) -> Vec<Fragment<'_>> {
    let mut pieces = Vec::new();
    for pair in pair.into_inner() {
        if matches!(
            pair.as_rule(),
            Rule::clause_fragments | Rule::setting_fragments | Rule::action_fragments
        ) {
            pieces.extend(fragments(pair));
        } else {
            pieces.push(Fragment {
                text: pair.as_str(),
                span: span(&pair),
                pair,
            });
        }
    }
    pieces
}

/// A string that does not end on its line.
pub(crate) fn unterminated(at: Span) -> SyntaxError {
    SyntaxError::new(
        code::UNTERMINATED_STRING,
        at,
        "this string does not end on its line",
    )
    .label("a `\"` opens it, and no other closes it")
    .help("write \\\" for a quote within a string")
}

/// A bracket that nothing closes.
pub(crate) fn unclosed(at: Span, opener: &str) -> SyntaxError {
    let closer = closer_of(opener);
    SyntaxError::new(
        code::MISSING_CLOSER,
        at,
        format!("this `{opener}` is never closed"),
    )
    .label(format!("no `{closer}` belongs to it"))
}

/// A closing bracket that nothing opened.
pub(crate) fn stray_closer(at: Span, closer: &str) -> SyntaxError {
    let opener = match closer {
        ")" => "(",
        "]" => "[",
        "}" => "{",
        _ => "<",
    };
    SyntaxError::new(
        code::STRAY_CLOSER,
        at,
        format!("this `{closer}` closes nothing"),
    )
    .label(format!("no `{opener}` is open here"))
}

/// The bracket that closes `opener`.
pub(crate) fn closer_of(opener: &str) -> &'static str {
    match opener {
        "(" => ")",
        "[" => "]",
        "{" => "}",
        _ => ">",
    }
}

/// What is wrong with a piece that has no meaning at its place. `rest` are the pieces after it.
pub(crate) fn misplaced(fragment: &Fragment<'_>, rest: &[Fragment<'_>]) -> SyntaxError {
    let at = fragment.span.clone();
    let unexpected = |what: String| SyntaxError::new(code::UNEXPECTED, at.clone(), what);
    match (fragment.rule(), fragment.text) {
        (Rule::broken_string, _) => unterminated(at),
        (Rule::spaced_name, name) => needs_quotes(at, name),
        (Rule::braces, _) => unexpected("a clause list cannot stand within a clause".to_owned())
            .label("unexpected list"),
        (Rule::mark, opener @ ("(" | "[" | "{")) => {
            let closer = closer_of(opener);
            if rest.iter().any(|fragment| fragment.text == closer) {
                unexpected(format!("unexpected `{opener}`"))
                    .label("no bracket can stand here")
                    .help("write clauses between `<` and `>`, or between `{` and `}`")
            } else {
                unclosed(at, opener)
            }
        }
        (Rule::mark, closer @ (")" | "]")) => stray_closer(at, closer),
        (Rule::mark, quote) if quote.starts_with(FOREIGN_QUOTES) => {
            unexpected(format!("unexpected `{quote}`"))
                .label("not a quote of this language")
                .help("strings and names are quoted with \"")
        }
        (Rule::mark, ":") => unexpected("unexpected `:`".to_owned())
            .label("no file name follows")
            .help("`:server.go` stands for the functions of a file"),
        (Rule::mark, "@") => unexpected("unexpected `@`".to_owned())
            .label("no name follows")
            .help("`@name` stands for a set of functions"),
        (Rule::mark, "$") => unexpected("unexpected `$`".to_owned())
            .label("no name follows")
            .help("`$name` stands for a param"),
        (Rule::mark, text) if text.chars().any(|c| c.is_control() || (c.is_whitespace())) => {
            let c = text.chars().next().unwrap_or(' ');
            let name = if c.is_control() {
                "control character"
            } else {
                "unusual space"
            };
            unexpected(format!("unexpected {name} U+{:04X}", u32::from(c))).label("invisible here")
        }
        (_, text) => unexpected(format!("unexpected `{text}`")).label("is not allowed here"),
    }
}

/// A name with a character that ends unquoted names.
pub(crate) fn needs_quotes(at: Span, name: &str) -> SyntaxError {
    let unspaced: String = name.split_whitespace().collect();
    SyntaxError::new(
        code::NEEDS_QUOTES,
        at,
        "a name that holds a space or a character of the language has to be quoted",
    )
    .label("has to be quoted")
    .help(if matches(Rule::only_name, &unspaced) {
        format!("Go writes this name without spaces: {unspaced}")
    } else {
        format!("write \"{name}\"")
    })
}

const FOREIGN_QUOTES: [char; 8] = [
    '\'', '`', '\u{2018}', '\u{2019}', '\u{201C}', '\u{201D}', '\u{AB}', '\u{BB}',
];
