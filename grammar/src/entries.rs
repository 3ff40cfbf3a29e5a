//! What stands between brackets: entries of one kind, clauses or settings, with `;` between them.

use pest::iterators::Pair;

use crate::{
    ast::Span,
    error::{SyntaxError, code},
    fragments::closer_of,
    parser::{Reader, Rule, span},
};

/// What a list and its entries are called.
pub(crate) struct ListWords {
    /// One entry.
    pub(crate) one: &'static str,
    /// The whole.
    pub(crate) list: &'static str,
    /// What to do about a list without entries.
    pub(crate) empty: &'static str,
}

/// The previous piece of a list.
#[derive(PartialEq)]
enum Previous {
    Nothing,
    Entry,
    Broken,
    Separator,
}

impl<'i> Reader<'i> {
    /// A list, its brackets included. Every entry is given to `read`; its brackets and separators are seen to here.
    pub(crate) fn list(
        &mut self,
        list: Pair<'i, Rule>,
        words: &ListWords,
        mut read: impl FnMut(&mut Self, Pair<'i, Rule>),
    ) {
        let whole = span(&list);
        let mut opener: (Span, &str) = (whole.start..whole.start + 1, "<");
        let mut closer: Option<(Span, &str)> = None;
        let mut previous = Previous::Nothing;
        let mut any = false;
        let mut end = opener.0.end;
        let first_error = self.errors.len();
        for pair in list.into_inner() {
            let at = span(&pair);
            let text = pair.as_str();
            match pair.as_rule() {
                Rule::open => opener = (at.clone(), text),
                Rule::close => closer = Some((at.clone(), text)),
                Rule::semicolon => {
                    if previous == Previous::Separator || previous == Previous::Nothing && any {
                        self.report(empty_entry(at.clone(), words));
                    }
                    previous = Previous::Separator;
                }
                Rule::comma => {
                    // A comma that the entry before it did not take stands between two entries.
                    self.report(
                        SyntaxError::new(
                            code::MISSING_SEMICOLON,
                            at.clone(),
                            format!("{}s are separated by `;`, not by `,`", words.one),
                        )
                        .label("expected `;`"),
                    );
                    previous = Previous::Separator;
                }
                _ => {
                    any = true;
                    if previous == Previous::Entry {
                        self.report(missing_semicolon(end, &pair, words));
                    }
                    let errors = self.errors.len();
                    read(self, pair);
                    previous = if self.errors.len() == errors {
                        Previous::Entry
                    } else {
                        Previous::Broken
                    };
                }
            }
            end = at.end;
        }
        self.check_closer(&opener, closer, end, words, first_error);
        if !any && self.errors.len() == first_error {
            self.report(
                SyntaxError::new(
                    code::EMPTY_CLAUSE,
                    whole,
                    format!("this {} is empty", words.list),
                )
                .label(format!("no {}s", words.one))
                .help(words.empty),
            );
        }
    }

    fn check_closer(
        &mut self,
        opener: &(Span, &str),
        closer: Option<(Span, &str)>,
        end: usize,
        words: &ListWords,
        first_error: usize,
    ) {
        let (opened_at, opened) = opener;
        let expected = closer_of(opened);
        let error = match closer {
            Some((_, text)) if text == expected => return,
            Some((at, text)) => SyntaxError::new(
                code::MISMATCHED_CLOSER,
                at,
                format!("`{opened}` is closed by `{text}`"),
            )
            .label(format!("expected `{expected}`")),
            None => {
                let swallowed = self.errors.iter().skip(first_error);
                // A string without an end may have swallowed the closer.
                if swallowed
                    .map(|error| error.code)
                    .any(|code| code == code::UNTERMINATED_STRING)
                {
                    return;
                }
                if let Some(error) = hook_within(self.source, end, expected) {
                    return self.report(error);
                }
                SyntaxError::new(
                    code::MISSING_CLOSER,
                    end..end,
                    format!("this {} is not closed by `{expected}`", words.list),
                )
                .label(format!("expected `{expected}` here"))
            }
        };
        self.report(error.secondary(opened_at.clone(), format!("`{opened}` opens the list here")));
    }
}

/// What is said where a hook stands in a list.
pub(crate) const HOOK_WITHIN: &str = "hooks stand after the trace, outside its clause list";

/// A list that ends at `end` because a hook begins there.
fn hook_within(source: &str, end: usize, closer: &str) -> Option<SyntaxError> {
    let rest = source.get(end..)?;
    let hook = rest.trim_start();
    let word: String = hook.chars().take_while(char::is_ascii_lowercase).collect();
    let start = end + rest.len() - hook.len();
    matches!(word.as_str(), "begin" | "end" | "every").then(|| {
        SyntaxError::new(code::MISSING_CLOSER, start..start + word.len(), HOOK_WITHIN)
            .label(format!("expected `{closer}` before this"))
            .help("for example `trace main.handleBar < count > every 10s { show }`")
    })
}

fn missing_semicolon(end: usize, next: &Pair<'_, Rule>, words: &ListWords) -> SyntaxError {
    let word: String = next
        .as_str()
        .chars()
        .take_while(|c| !c.is_whitespace() && *c != '=')
        .collect();
    SyntaxError::new(
        code::MISSING_SEMICOLON,
        end..end,
        format!("expected `;` before the {} `{word}`", words.one),
    )
    .label("expected `;` here")
    .secondary(
        next.as_span().start()..next.as_span().start() + word.len(),
        format!("this begins another {}", words.one),
    )
}

fn empty_entry(at: Span, words: &ListWords) -> SyntaxError {
    SyntaxError::new(
        code::EMPTY_CLAUSE,
        at,
        format!("there is no {} before this `;`", words.one),
    )
    .label("one `;` too many")
}
