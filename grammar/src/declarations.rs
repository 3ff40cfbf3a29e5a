//! `target`, `set` and `param`, and what is said where one is not written as it should be.

use pest::iterators::Pair;

use crate::{
    ast::{Item, Param, Set, Span, Spanned, Target},
    error::{SyntaxError, code},
    fragments::{Fragment, misplaced, unterminated},
    items::Parts,
    literal,
    parser::{Reader, Rule, matches, span, spanned},
    pattern_list::Owner,
    values::{value, value_of_fragment},
};

const TARGET_EXAMPLE: &str = "target ./server";
const SET_EXAMPLE: &str = "set @storage = database/sql/..., main.(*DB).*";
const PARAM_EXAMPLE: &str = "param slow: duration = 100ms";

impl<'i> Reader<'i> {
    pub(crate) fn target(&mut self, pair: Pair<'i, Rule>) -> Option<Item> {
        let start = span(&pair).start;
        let inner = pair.into_inner().next()?;
        let at = span(&inner);
        let path = match inner.as_rule() {
            Rule::string => {
                let text = literal::string(inner.as_str(), at.clone());
                self.accept(text)?
            }
            _ => inner.as_str().to_owned(),
        };
        Some(Item::Target(Target {
            span: start..at.end,
            path: Spanned {
                node: path,
                span: at,
            },
        }))
    }

    pub(crate) fn set(&mut self, pair: Pair<'i, Rule>) -> Option<Item> {
        let whole = span(&pair);
        let mut inner = pair.into_inner();
        let name = inner.next()?;
        let patterns = self.patterns(inner.next()?);
        Some(Item::Set(Set {
            span: whole,
            name: set_name(&name),
            patterns,
        }))
    }

    pub(crate) fn param(&mut self, pair: Pair<'i, Rule>) -> Option<Item> {
        let start = span(&pair).start;
        let mut inner = pair.into_inner();
        let name = spanned(&inner.next()?);
        let mut end = name.span.end;
        let mut ty = None;
        let mut default = None;
        for pair in inner {
            end = span(&pair).end;
            match pair.as_rule() {
                Rule::type_name => ty = Some(spanned(&pair)),
                Rule::variable => self.report(
                    SyntaxError::new(
                        code::EXPECTED_VALUE,
                        span(&pair),
                        "a param cannot have another param as its value",
                    )
                    .label("expected a literal")
                    .help(format!("for example `{PARAM_EXAMPLE}`")),
                ),
                _ => default = self.accept(value(&pair)),
            }
        }
        Some(Item::Param(Param {
            span: start..end,
            name,
            ty,
            default,
        }))
    }

    /// The keyword and the fragments of an item with mistakes in it; a clause list is reported.
    fn item_fragments(&mut self, pair: Pair<'i, Rule>, name: &str) -> (Span, Vec<Fragment<'i>>) {
        let start = span(&pair).start;
        let parts = Parts::of(pair);
        if let Some(block) = parts.block {
            self.report(no_clauses(&block, name));
        }
        (start..start + name.len(), parts.pieces.unwrap_or_default())
    }

    pub(crate) fn broken_target(&mut self, pair: Pair<'i, Rule>) -> Option<Item> {
        let (keyword, pieces) = self.item_fragments(pair, "target");
        let (Some(first), Some(last)) = (pieces.first(), pieces.last()) else {
            self.report(incomplete(keyword, "target", "a path", TARGET_EXAMPLE));
            return None;
        };
        if let Some(string) = pieces.iter().find(|s| s.rule() == Rule::broken_string) {
            self.report(unterminated(string.span.clone()));
            return None;
        }
        let at = first.span.start..last.span.end;
        let text = self.source.get(at.clone()).unwrap_or_default();
        if let Some(comma) = pieces.iter().find(|s| s.is_comma()) {
            self.report(
                SyntaxError::new(
                    code::MALFORMED_ITEM,
                    comma.span.clone(),
                    "a program has one executable as its target",
                )
                .label("unexpected `,`")
                .help("a path that holds a `,` has to be quoted"),
            );
        } else if first.span.end == last.span.end {
            // One piece that is no path, or one path and a clause list, which has been reported.
            if matches(Rule::only_path, first.text) {
                return Some(Item::Target(Target {
                    span: keyword.start..at.end,
                    path: Spanned {
                        node: text.to_owned(),
                        span: at,
                    },
                }));
            }
            self.report(misplaced(first, &[]));
        } else {
            self.report(
                SyntaxError::new(
                    code::NEEDS_QUOTES,
                    at,
                    "a path that holds a space has to be quoted",
                )
                .label("more than one word")
                .help(format!("write \"{}\"", text.replace('"', ""))),
            );
        }
        None
    }

    pub(crate) fn broken_set(&mut self, pair: Pair<'i, Rule>) -> Option<Item> {
        let (keyword, pieces) = self.item_fragments(pair, "set");
        let bad = |at: Span, message: &str| {
            SyntaxError::new(code::MALFORMED_ITEM, at, message)
                .help(format!("for example `{SET_EXAMPLE}`"))
        };
        let Some((name, rest)) = pieces.split_first() else {
            self.report(incomplete(
                keyword,
                "set",
                "a name and patterns",
                SET_EXAMPLE,
            ));
            return None;
        };
        if name.rule() != Rule::set_ref {
            self.report(if name.rule() == Rule::name {
                bad(name.span.clone(), "the name of a set begins with `@`")
                    .label(format!("write `@{}`", name.text))
            } else {
                bad(name.span.clone(), "expected the name of a set").label("expected `@name`")
            });
            return None;
        }
        let Some((equals, rest)) = rest.split_first() else {
            self.report(
                bad(name.span.clone(), "this set has no members").label("expected `=` after this"),
            );
            return None;
        };
        if equals.text != "=" {
            self.report(
                bad(equals.span.clone(), "expected `=` after the name of a set")
                    .label("expected `=` before this"),
            );
            return None;
        }
        let owner = Owner {
            name: "=",
            span: equals.span.clone(),
            example: SET_EXAMPLE,
            kind: "item",
            heading: false,
        };
        let patterns = self.broken_patterns(rest, &owner);
        let end = rest.last().map_or(equals.span.end, |last| last.span.end);
        Some(Item::Set(Set {
            span: keyword.start..end,
            name: Spanned {
                node: name.text.trim_start_matches('@').to_owned(),
                span: name.span.clone(),
            },
            patterns,
        }))
    }

    pub(crate) fn broken_param(&mut self, pair: Pair<'i, Rule>) {
        let (keyword, pieces) = self.item_fragments(pair, "param");
        let bad = |at: Span, message: String| {
            SyntaxError::new(code::MALFORMED_ITEM, at, message)
                .help(format!("for example `{PARAM_EXAMPLE}`"))
        };
        let Some((name, mut rest)) = pieces.split_first() else {
            return self.report(incomplete(keyword, "param", "a name", PARAM_EXAMPLE));
        };
        if name.rule() != Rule::name {
            return self.report(match name.rule() {
                Rule::variable => bad(
                    name.span.clone(),
                    "a param is declared without `$`".to_owned(),
                )
                .label(format!("write `{}`", name.text.trim_start_matches('$'))),
                _ => bad(name.span.clone(), "expected the name of a param".to_owned())
                    .label("not a name"),
            });
        }
        // `name:type` without a space looks like a file pattern.
        match rest {
            [file, tail @ ..] if file.rule() == Rule::file => rest = tail,
            [colon, ty, tail @ ..] if colon.text == ":" && ty.rule() == Rule::name => rest = tail,
            [colon, ..] if colon.text == ":" => {
                return self.report(
                    bad(
                        colon.span.clone(),
                        "expected a type after this `:`".to_owned(),
                    )
                    .label("types are int, duration, size, string and bool"),
                );
            }
            _ => {}
        }
        let Some((equals, rest)) = rest.split_first() else {
            if !matches(Rule::only_ident, name.text) {
                self.report(
                    bad(
                        name.span.clone(),
                        format!("`{}` cannot be the name of a param", name.text),
                    )
                    .label("a name has letters, digits and `_` only"),
                );
            }
            return;
        };
        if equals.text != "=" {
            return self.report(
                bad(
                    equals.span.clone(),
                    format!("expected `:` or `=`, found `{}`", equals.text),
                )
                .label("is not allowed here"),
            );
        }
        let owner = Owner {
            name: "=",
            span: equals.span.clone(),
            example: PARAM_EXAMPLE,
            kind: "item",
            heading: false,
        };
        match rest.split_first() {
            None => self.report(
                SyntaxError::new(
                    code::EXPECTED_VALUE,
                    owner.span.clone(),
                    "expected a literal after this `=`",
                )
                .label("nothing follows")
                .help(format!("for example `{PARAM_EXAMPLE}`")),
            ),
            Some((first, rest)) => match value_of_fragment(first, rest, "a literal") {
                Err(error) => self.report(error),
                Ok(_) => match rest.first() {
                    Some(second) => self.report(
                        SyntaxError::new(
                            code::UNEXPECTED,
                            second.span.clone(),
                            "a param has one value",
                        )
                        .label("unexpected"),
                    ),
                    None => self.report(
                        bad(
                            name.span.clone(),
                            format!("`{}` cannot be the name of a param", name.text),
                        )
                        .label("a name has letters, digits and `_` only"),
                    ),
                },
            },
        }
    }
}

/// The name of a set, its span with the `@` before it.
fn set_name(name: &Pair<'_, Rule>) -> Spanned<String> {
    let at = span(name);
    Spanned {
        node: name.as_str().to_owned(),
        span: at.start.saturating_sub(1)..at.end,
    }
}

fn incomplete(keyword: Span, name: &str, lacks: &str, example: &str) -> SyntaxError {
    SyntaxError::new(
        code::MALFORMED_ITEM,
        keyword,
        format!("`{name}` needs {lacks}"),
    )
    .label(format!("expected {lacks} after this"))
    .help(format!("for example `{example}`"))
}

fn no_clauses(block: &Pair<'_, Rule>, item: &str) -> SyntaxError {
    SyntaxError::new(
        code::UNEXPECTED,
        span(block),
        format!("a {item} has no clauses"),
    )
    .label("clauses belong to a trace")
}
