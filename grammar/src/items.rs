//! Items: traces, and what stands where an item should.

use pest::iterators::{Pair, Pairs};

use crate::{
    ast::{Clause, Item, Pattern, Span, Spanned, Trace},
    config,
    entries::HOOK_WITHIN,
    error::{SyntaxError, code},
    fragments::{Fragment, fragments, stray_closer, unterminated},
    keywords,
    parser::{Reader, Rule, span, spanned},
    pattern_list::Owner,
};

const TRACE_EXAMPLE: &str = "trace main.handleBar < min 100ms >";

/// What follows the keyword of a trace, or of a declaration with mistakes in it.
#[derive(Default)]
pub(crate) struct Parts<'i> {
    pub(crate) label: Option<Spanned<String>>,
    pub(crate) patterns: Option<Pair<'i, Rule>>,
    pub(crate) pieces: Option<Vec<Fragment<'i>>>,
    pub(crate) block: Option<Pair<'i, Rule>>,
    pub(crate) end: Option<usize>,
}

impl<'i> Parts<'i> {
    pub(crate) fn of(pair: Pair<'i, Rule>) -> Self {
        let mut parts = Self::default();
        for pair in pair.into_inner() {
            if !pair.as_str().is_empty() {
                parts.end = Some(span(&pair).end);
            }
            match pair.as_rule() {
                Rule::label => parts.label = Some(spanned(&pair)),
                Rule::patterns => parts.patterns = Some(pair),
                Rule::fragments | Rule::stray_fragments => parts.pieces = Some(fragments(pair)),
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
        // What follows a condition outside brackets belongs to it, as does the closer behind a hook within brackets.
        let (mut torn, mut unclosed) = (false, false);
        for pair in program.flat_map(Pair::into_inner) {
            let errors = self.errors.len();
            match pair.as_rule() {
                Rule::stray | Rule::stray_closer if torn => continue,
                Rule::stray_closer if std::mem::take(&mut unclosed) => continue,
                _ => torn = false,
            }
            match pair.as_rule() {
                Rule::trace => items.push(Item::Trace(self.trace(pair))),
                Rule::target => items.extend(self.target(pair)),
                Rule::set => items.extend(self.set(pair)),
                Rule::param => items.extend(self.param(pair)),
                Rule::config => items.extend(self.config(pair)),
                Rule::hook => items.extend(self.hook(pair)),
                Rule::broken_hook => self.broken_hook(pair),
                Rule::broken_config => items.extend(self.broken_config(pair)),
                Rule::broken_target => items.extend(self.broken_target(pair)),
                Rule::broken_set => items.extend(self.broken_set(pair)),
                Rule::broken_param => self.broken_param(pair),
                Rule::later => self.later(pair),
                Rule::stray_closer => {
                    let at = span(&pair);
                    let mut error = stray_closer(at.clone(), pair.as_str());
                    let before = self.source.get(..at.start).unwrap_or_default();
                    if pair.as_str() == ">" && before.trim_end().ends_with('>') {
                        error = error.help(
                            "where the `>` before it compares, a value is missing: `limit > 100 >`",
                        );
                    }
                    self.report(error);
                }
                Rule::stray => items.extend(self.stray(pair)),
                _ => {}
            }
            for error in self.errors.iter().skip(errors) {
                let word = self.source.get(error.span.clone());
                torn |=
                    error.code == code::CLAUSE_OUTSIDE && matches!(word, Some("where" | "until"));
                unclosed |= error.code == code::MISSING_CLOSER && error.message == HOOK_WITHIN;
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
            kind: "item",
            heading: true,
        };
        let patterns: Vec<Pattern> = match (parts.patterns, parts.pieces) {
            (Some(list), _) => self.patterns(list),
            (None, pieces) => self.broken_patterns(&pieces.unwrap_or_default(), &owner),
        };
        let errors = self.errors.len();
        let clauses: Vec<Clause> = match parts.block {
            Some(block) => self.block(block),
            None => Vec::new(),
        };
        let outside = self.errors.iter().take(errors).next_back();
        if outside.is_some_and(|error| {
            error.code == code::CLAUSE_OUTSIDE && error.span.start > keyword.start
        }) {
            // Its bracket may be a sign that compares.
            self.errors.truncate(errors);
        }
        Trace {
            span: keyword.start..parts.end.unwrap_or(keyword.end),
            label: parts.label,
            patterns,
            clauses,
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
            _ => "there are no macros",
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
        if let Some(error) = misspelt_before_braces(&parts) {
            self.report(error);
            return None;
        }
        let first: Option<(String, Span, bool)> =
            match (&parts.label, &parts.patterns, &parts.pieces) {
                (Some(_), _, _) => None,
                (None, Some(list), _) => list.clone().into_inner().next().map(|pair| {
                    (
                        pair.as_str().to_owned(),
                        span(&pair),
                        pair.as_rule() == Rule::name,
                    )
                }),
                (None, None, Some(pieces)) => pieces.first().map(|fragment| {
                    (
                        fragment.text.to_owned(),
                        fragment.span.clone(),
                        fragment.rule() == Rule::name,
                    )
                }),
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
                let pieces = parts.pieces.take().into_iter().flatten();
                let mut pieces: Vec<Fragment<'_>> = pieces.skip(1).collect();
                if let [label, colon, ..] = pieces.as_slice()
                    && label.rule() == Rule::name
                    && colon.text == ":"
                {
                    parts.label = Some(spanned(&label.pair));
                    pieces.drain(..2);
                }
                parts.pieces = Some(pieces);
                return Some(Item::Trace(self.trace_of(at.clone(), parts)));
            }
            if keywords::CLAUSES.contains(&word.as_str())
                || keywords::LATER_CLAUSES.contains(&word.as_str())
            {
                self.report(
                    SyntaxError::new(
                        code::CLAUSE_OUTSIDE,
                        at.clone(),
                        format!("the clause `{word}` is outside a clause list"),
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
            .find(|fragment| fragment.rule() == Rule::broken_string)
        {
            let error = unterminated(string.span.clone());
            self.report(error);
            return None;
        }
        let error = SyntaxError::new(
            code::EXPECTED_ITEM,
            at.clone(),
            format!("expected an item: {}", keywords::items()),
        );
        if !named {
            let error = error.label("no item begins like this");
            self.report(match first {
                Some((name, _, true)) if name.contains(['.', '/', '*']) => {
                    error.help(format!("a trace begins with its keyword: `trace {name}`"))
                }
                Some((name, _, true)) if keywords::setting(&name).is_some() => error.help(format!(
                    "write settings in a `config`: `{}`",
                    config::EXAMPLE
                )),
                Some((_, _, true)) => error.help(format!("a trace is written `{TRACE_EXAMPLE}`")),
                _ => error,
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

/// `confg { budget = 5% }` and `bgin { show }` read like a pattern with clauses.
fn misspelt_before_braces(parts: &Parts<'_>) -> Option<SyntaxError> {
    let list = parts.patterns.clone().filter(|_| parts.label.is_none())?;
    parts.block.as_ref()?;
    let mut patterns = list.into_inner();
    let (Some(word), None) = (patterns.next(), patterns.next()) else {
        return None;
    };
    let meant = keywords::nearest(word.as_str(), &["config", "begin", "end"])?;
    Some(
        SyntaxError::new(
            code::MISSPELT_ITEM,
            span(&word),
            format!("`{}` is not a keyword", word.as_str()),
        )
        .label("unknown keyword")
        .help(format!("did you mean `{meant}`?")),
    )
}
