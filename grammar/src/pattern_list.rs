//! Lists with commas: patterns, and values of the clauses that take several.

use pest::iterators::Pair;

use crate::{
    ast::{Pattern, PatternKind, Span, Value},
    error::{SyntaxError, code},
    fragments::{Fragment, misplaced},
    keywords, literal,
    parser::{Reader, Rule, span},
    values::value_of_fragment,
};

/// What becomes of one piece of a list.
enum Piece<T> {
    /// It belongs to the list.
    Good(T),
    /// It does not, but what follows its comma may.
    Bad(SyntaxError),
    /// The list ends here by mistake.
    End(SyntaxError),
}

/// Where a list stands.
pub(crate) struct Owner<'a> {
    /// The keyword before it.
    pub(crate) name: &'a str,
    /// Where the keyword is.
    pub(crate) span: Span,
    /// What it begins: "clause", "setting".
    pub(crate) kind: &'static str,
    /// An example of the whole, for the help.
    pub(crate) example: &'a str,
    /// It is the heading of a trace, so clauses may follow it.
    pub(crate) heading: bool,
}

impl<'i> Reader<'i> {
    /// A list that the grammar found in order.
    pub(crate) fn patterns(&mut self, list: Pair<'i, Rule>) -> Vec<Pattern> {
        list.into_inner()
            .filter_map(|pair| {
                let pattern = pattern(pair);
                self.accept(pattern)
            })
            .collect()
    }

    /// A list with mistakes in it.
    pub(crate) fn broken_patterns(
        &mut self,
        fragments: &[Fragment<'i>],
        owner: &Owner<'_>,
    ) -> Vec<Pattern> {
        let expected = "a pattern";
        self.broken_list(fragments, owner, expected, code::EXPECTED_PATTERN, |at| {
            let fragment = &fragments[at];
            match fragment.rule() {
                Rule::name if keywords::is_reserved(fragment.text) => reserved(fragments, at, owner),
                Rule::name if opens_next(fragments, at) => Piece::End(misplaced(
                    &fragments[at + 1],
                    fragments.get(at + 2..).unwrap_or_default(),
                )),
                Rule::name | Rule::string | Rule::file | Rule::set_ref => {
                    match pattern(fragment.pair.clone()) {
                        Ok(pattern) => Piece::Good(pattern),
                        Err(error) => Piece::Bad(error),
                    }
                }
                Rule::variable => Piece::Bad(
                    SyntaxError::new(
                        code::EXPECTED_PATTERN,
                        fragment.span.clone(),
                        format!("expected a pattern, found the param `{}`", fragment.text),
                    )
                    .label("a param stands for a value")
                    .help("a named group of functions is a set: `set @name = main.*`, used as `@name`"),
                ),
                Rule::mark if matches!(fragment.text, "(" | "[" | "{") => {
                    Piece::End(misplaced(fragment, &fragments[at + 1..]))
                }
                _ => Piece::Bad(misplaced(fragment, &fragments[at + 1..])),
            }
        })
    }

    /// Values with mistakes among them; `expected` is what one of them is ("a number").
    pub(crate) fn broken_values(
        &mut self,
        fragments: &[Fragment<'i>],
        owner: &Owner<'_>,
        expected: &str,
    ) -> Vec<Value> {
        self.broken_list(fragments, owner, expected, code::EXPECTED_VALUE, |at| {
            let fragment = &fragments[at];
            match value_of_fragment(fragment, &fragments[at + 1..], expected) {
                Ok(value) => Piece::Good(value),
                Err(error) if fragment.rule() == Rule::mark => Piece::End(error),
                Err(error) => Piece::Bad(error),
            }
        })
    }

    fn broken_list<T>(
        &mut self,
        fragments: &[Fragment<'i>],
        owner: &Owner<'_>,
        expected: &str,
        code: &'static str,
        read: impl Fn(usize) -> Piece<T>,
    ) -> Vec<T> {
        let mut list = Vec::new();
        // The comma after which a piece has to come, unless the list has just begun.
        let mut comma: Option<Span> = None;
        let mut wanted = true;
        let mut sound = true;
        for (at, fragment) in fragments.iter().enumerate() {
            if fragment.is_comma() {
                if wanted {
                    self.report(
                        SyntaxError::new(
                            code,
                            fragment.span.clone(),
                            format!("expected {expected}, found `,`"),
                        )
                        .label(format!("{expected} is missing before this")),
                    );
                    sound = false;
                } else {
                    sound = true;
                }
                wanted = true;
                comma = Some(fragment.span.clone());
                continue;
            }
            match read(at) {
                Piece::Good(piece) => {
                    if !wanted && sound {
                        self.report(missing_comma(self.source, fragment, owner));
                        sound = false;
                    }
                    list.push(piece);
                }
                Piece::Bad(error) => {
                    // After one mistake, what stands before the next comma is not judged.
                    if wanted || sound {
                        self.report(error);
                    }
                    sound = false;
                }
                Piece::End(error) => {
                    if wanted || sound {
                        self.report(error);
                    }
                    return list;
                }
            }
            wanted = false;
        }
        if wanted && sound {
            self.report(match comma {
                Some(comma) => {
                    SyntaxError::new(code, comma, format!("expected {expected} after this `,`"))
                        .label("nothing follows")
                }
                None => SyntaxError::new(
                    code,
                    owner.span.clone(),
                    format!("`{}` needs {expected}", owner.name),
                )
                .label(format!("expected {expected} after this"))
                .help(format!("for example `{}`", owner.example)),
            });
        }
        list
    }
}

/// The pattern of one of the grammar's alternatives for it.
fn pattern(pair: Pair<'_, Rule>) -> Result<Pattern, SyntaxError> {
    let span = span(&pair);
    let kind = match pair.as_rule() {
        Rule::file => PatternKind::File(match pair.into_inner().next() {
            Some(inner) => text_of(&inner)?,
            None => String::new(),
        }),
        Rule::set_ref => PatternKind::Set(pair.as_str().trim_start_matches('@').to_owned()),
        _ => PatternKind::Name(text_of(&pair)?),
    };
    Ok(Pattern { span, kind })
}

/// Whether the name goes on with a bracket that did not fit into it.
fn opens_next(fragments: &[Fragment<'_>], at: usize) -> bool {
    match fragments.get(at..at + 2) {
        Some([name, next]) => {
            next.span.start == name.span.end && matches!(next.text, "(" | "[" | "{")
        }
        _ => false,
    }
}

/// A string's value, anything else as it stands.
fn text_of(pair: &Pair<'_, Rule>) -> Result<String, SyntaxError> {
    match pair.as_rule() {
        Rule::string => literal::string(pair.as_str(), span(pair)),
        _ => Ok(pair.as_str().to_owned()),
    }
}

/// A word of the language where a pattern belongs.
fn reserved<T>(fragments: &[Fragment<'_>], at: usize, owner: &Owner<'_>) -> Piece<T> {
    let fragment = &fragments[at];
    let word = fragment.text;
    let clause = keywords::CLAUSES.contains(&word) || keywords::LATER_CLAUSES.contains(&word);
    if clause && owner.heading {
        return Piece::End(
            SyntaxError::new(
                code::CLAUSE_OUTSIDE,
                fragment.span.clone(),
                format!("the clause `{word}` is outside a clause list"),
            )
            .label("expected `<` before this")
            .help(format!(
                "write the clauses between `<` and `>`: {}",
                owner.example
            )),
        );
    }
    Piece::Bad(
        SyntaxError::new(
            code::EXPECTED_PATTERN,
            fragment.span.clone(),
            format!("expected a pattern, found the keyword `{word}`"),
        )
        .label("a word of the language")
        .help(format!(
            "a function of this name has to be quoted: \"{word}\""
        )),
    )
}

fn missing_comma(source: &str, fragment: &Fragment<'_>, owner: &Owner<'_>) -> SyntaxError {
    let error = SyntaxError::new(
        code::MISSING_COMMA,
        fragment.span.clone(),
        format!("expected `,` before `{}`", fragment.text),
    )
    .label("expected `,` before this");
    let line_start = source
        .get(..fragment.span.start)
        .is_some_and(|before| before.trim_end_matches([' ', '\t', '\r']).ends_with('\n'));
    if owner.heading && line_start {
        error.help(format!(
            "a trace of its own begins with its keyword: `trace {}`",
            fragment.text
        ))
    } else {
        error
    }
}
