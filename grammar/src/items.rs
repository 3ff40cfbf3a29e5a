//! Items: traces and settings, and what stands where an item should.

use pest::iterators::{Pair, Pairs};

use crate::{
    ast::{Clause, Item, Param, Pattern, Set, Span, Spanned, Target, Trace},
    error::{SyntaxError, code},
    keywords, literal,
    parser::{Reader, Rule, matches, span, spanned},
    pattern_list::Owner,
    scraps::{Scrap, misplaced, scraps, stray_closer, unterminated},
    values::{value, value_of_scrap},
};

const TRACE_EXAMPLE: &str = "trace main.handleBar < min 100ms >";
const TARGET_EXAMPLE: &str = "target ./server";
const SET_EXAMPLE: &str = "set @storage = database/sql/..., main.(*DB).*";
const PARAM_EXAMPLE: &str = "param slow: duration = 100ms";

/// What a trace consists of after its keyword.
#[derive(Default)]
struct Parts<'i> {
    label: Option<Spanned<String>>,
    patterns: Option<Pair<'i, Rule>>,
    pieces: Option<Vec<Scrap<'i>>>,
    block: Option<Pair<'i, Rule>>,
    end: Option<usize>,
}

impl<'i> Parts<'i> {
    fn of(pair: Pair<'i, Rule>) -> Self {
        let mut parts = Self::default();
        for pair in pair.into_inner() {
            if !pair.as_str().is_empty() {
                parts.end = Some(span(&pair).end);
            }
            match pair.as_rule() {
                Rule::label => parts.label = Some(spanned(&pair)),
                Rule::patterns => parts.patterns = Some(pair),
                Rule::scraps | Rule::stray_scraps => parts.pieces = Some(scraps(pair)),
                Rule::block => parts.block = Some(pair),
                _ => {}
            }
        }
        parts
    }
}

impl<'i> Reader<'i> {
    /// The items of a program.
    pub(crate) fn items(&mut self, program: Pairs<'i, Rule>) -> Vec<Item> {
        let mut items = Vec::new();
        for pair in program.flat_map(Pair::into_inner) {
            match pair.as_rule() {
                Rule::trace => items.push(Item::Trace(self.trace(pair))),
                Rule::target => items.extend(self.target(pair)),
                Rule::set => items.extend(self.set(pair)),
                Rule::param => items.extend(self.param(pair)),
                Rule::broken_target => items.extend(self.broken_target(pair)),
                Rule::broken_set => items.extend(self.broken_set(pair)),
                Rule::broken_param => self.broken_param(pair),
                Rule::later => self.later(pair),
                Rule::stray_closer => {
                    let error = stray_closer(span(&pair), pair.as_str());
                    self.report(error);
                }
                Rule::stray => items.extend(self.stray(pair)),
                _ => {}
            }
        }
        items
    }

    fn trace(&mut self, pair: Pair<'i, Rule>) -> Trace {
        let start = span(&pair).start;
        let parts = Parts::of(pair);
        self.trace_of(start..start + "trace".len(), parts)
    }

    fn trace_of(&mut self, keyword: Span, parts: Parts<'i>) -> Trace {
        let owner = Owner {
            name: "trace",
            span: keyword.clone(),
            example: TRACE_EXAMPLE,
            heading: true,
        };
        let patterns: Vec<Pattern> = match (parts.patterns, parts.pieces) {
            (Some(list), _) => self.patterns(list),
            (None, pieces) => self.broken_patterns(&pieces.unwrap_or_default(), &owner),
        };
        let clauses: Vec<Clause> = match parts.block {
            Some(block) => self.block(block),
            None => Vec::new(),
        };
        Trace {
            span: keyword.start..parts.end.unwrap_or(keyword.end),
            label: parts.label,
            patterns,
            clauses,
        }
    }

    fn target(&mut self, pair: Pair<'i, Rule>) -> Option<Item> {
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

    fn set(&mut self, pair: Pair<'i, Rule>) -> Option<Item> {
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

    fn param(&mut self, pair: Pair<'i, Rule>) -> Option<Item> {
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

    fn broken_target(&mut self, pair: Pair<'i, Rule>) -> Option<Item> {
        let start = span(&pair).start;
        let keyword = start..start + "target".len();
        let parts = Parts::of(pair);
        if let Some(block) = parts.block {
            self.report(no_clauses(&block, "target"));
        }
        let pieces = parts.pieces.unwrap_or_default();
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
                    code::BAD_SETTING,
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
                    span: start..at.end,
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

    fn broken_set(&mut self, pair: Pair<'i, Rule>) -> Option<Item> {
        let start = span(&pair).start;
        let keyword = start..start + "set".len();
        let parts = Parts::of(pair);
        if let Some(block) = parts.block {
            self.report(no_clauses(&block, "set"));
        }
        let pieces = parts.pieces.unwrap_or_default();
        let bad = |at: Span, message: &str| {
            SyntaxError::new(code::BAD_SETTING, at, message).help(format!("for example `{SET_EXAMPLE}`"))
        };
        let Some((name, rest)) = pieces.split_first() else {
            self.report(incomplete(keyword, "set", "a name and patterns", SET_EXAMPLE));
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
            heading: false,
        };
        let patterns = self.broken_patterns(rest, &owner);
        let end = rest.last().map_or(equals.span.end, |last| last.span.end);
        Some(Item::Set(Set {
            span: start..end,
            name: Spanned {
                node: name.text.trim_start_matches('@').to_owned(),
                span: name.span.clone(),
            },
            patterns,
        }))
    }

    fn broken_param(&mut self, pair: Pair<'i, Rule>) {
        let start = span(&pair).start;
        let keyword = start..start + "param".len();
        let parts = Parts::of(pair);
        if let Some(block) = parts.block {
            self.report(no_clauses(&block, "param"));
        }
        let pieces = parts.pieces.unwrap_or_default();
        let bad = |at: Span, message: String| {
            SyntaxError::new(code::BAD_SETTING, at, message)
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
                    bad(colon.span.clone(), "expected a type after this `:`".to_owned())
                        .label("types are int, duration, size, string and bool"),
                );
            }
            _ => {}
        }
        let Some((equals, rest)) = rest.split_first() else {
            if parts.end.is_some() && !matches(Rule::only_ident, name.text) {
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
                .label("has no place here"),
            );
        }
        let owner = Owner {
            name: "=",
            span: equals.span.clone(),
            example: PARAM_EXAMPLE,
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
            Some((first, rest)) => match value_of_scrap(first, rest, "a literal") {
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

    /// An item of the language that this version does not have.
    fn later(&mut self, pair: Pair<'i, Rule>) {
        let Some(word) = pair
            .into_inner()
            .find(|pair| pair.as_rule() == Rule::later_item)
        else {
            return;
        };
        let keyword = word.as_str();
        let what = match keyword {
            "import" => "programs cannot import others",
            "macro" => "there are no macros",
            _ => "there are no hooks",
        };
        self.report(
            SyntaxError::new(
                code::LATER_ITEM,
                span(&word),
                format!("`{keyword}` is not in this version: {what} yet"),
            )
            .label("not in this version")
            .help(format!("this version has {}", keywords::ITEMS.join(", "))),
        );
    }

    /// Something that no item begins with. Read as the trace that was probably meant.
    fn stray(&mut self, pair: Pair<'i, Rule>) -> Option<Item> {
        let whole = span(&pair);
        let mut parts = Parts::of(pair);
        let first: Option<(String, Span, bool)> = match (&parts.label, &parts.patterns, &parts.pieces) {
            (Some(_), _, _) => None,
            (None, Some(list), _) => list.clone().into_inner().next().map(|pair| {
                (pair.as_str().to_owned(), span(&pair), pair.as_rule() == Rule::name)
            }),
            (None, None, Some(pieces)) => pieces
                .first()
                .map(|scrap| (scrap.text.to_owned(), scrap.span.clone(), scrap.rule() == Rule::name)),
            (None, None, None) => None,
        };
        if let Some((word, at, true)) = &first {
            if let Some(keyword) = self.meant(word, &parts) {
                self.report(
                    SyntaxError::new(
                        code::MISSPELT_ITEM,
                        at.clone(),
                        format!("`{word}` is not a keyword"),
                    )
                    .label("unknown keyword")
                    .help(format!("did you mean `{keyword}`?")),
                );
                if keyword != "trace" {
                    return None;
                }
                parts.pieces = parts.pieces.map(|pieces| pieces.into_iter().skip(1).collect());
                return Some(Item::Trace(self.trace_of(at.clone(), parts)));
            }
            if keywords::CLAUSES.contains(&word.as_str())
                || keywords::LATER_CLAUSES.contains(&word.as_str())
            {
                self.report(
                    SyntaxError::new(
                        code::CLAUSE_OUTSIDE,
                        at.clone(),
                        format!("the clause `{word}` stands outside a clause list"),
                    )
                    .label("not within `<` and `>`")
                    .help(format!(
                        "write clauses between `<` and `>` after the patterns of a trace: {TRACE_EXAMPLE}"
                    )),
                );
                return None;
            }
        }
        let heading_end = parts
            .block
            .as_ref()
            .map_or(whole.end, |block| span(block).start);
        let heading = self
            .source
            .get(whole.start..heading_end)
            .unwrap_or_default()
            .trim_end();
        if heading.is_empty() {
            self.report(
                SyntaxError::new(
                    code::EXPECTED_ITEM,
                    whole.clone(),
                    "this clause list belongs to no trace",
                )
                .label("expected `trace` and patterns before this")
                .help(format!("for example `{TRACE_EXAMPLE}`")),
            );
            if let Some(block) = parts.block {
                self.block(block);
            }
            return None;
        }
        let at = whole.start..whole.start + heading.len();
        let named = parts.patterns.is_some();
        if let Some(string) = parts
            .pieces
            .iter()
            .flatten()
            .find(|scrap| scrap.rule() == Rule::broken_string)
        {
            let error = unterminated(string.span.clone());
            self.report(error);
            return None;
        }
        let error = SyntaxError::new(
            code::EXPECTED_ITEM,
            at.clone(),
            "expected an item: trace, target, set or param",
        );
        if !named {
            let first_is_name = first.is_some_and(|(_, _, name)| name);
            self.report(if first_is_name {
                error
                    .label("no item begins like this")
                    .help(format!("a trace is written `{TRACE_EXAMPLE}`"))
            } else {
                error.label("no item begins like this")
            });
            if let Some(block) = parts.block {
                self.block(block);
            }
            return None;
        }
        let written = self.source.get(whole.clone()).unwrap_or(heading);
        let shown = if written.contains('\n') || written.len() > 60 {
            heading
        } else {
            written
        };
        self.report(
            error
                .label("expected `trace` before this")
                .help(format!("write `trace {shown}`")),
        );
        let start = at.start..at.start;
        Some(Item::Trace(self.trace_of(start, parts)))
    }

    /// The item keyword that `word` was meant to be, if more follows it as it follows a keyword.
    fn meant(&self, word: &str, parts: &Parts<'i>) -> Option<&'static str> {
        let pieces = parts.pieces.as_ref()?;
        let second = pieces.get(1)?;
        if second.is_comma() {
            return None;
        }
        let all: Vec<&'static str> = keywords::ITEMS
            .iter()
            .chain(keywords::LATER_ITEMS)
            .copied()
            .collect();
        keywords::nearest(word, &all)
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
        code::BAD_SETTING,
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
