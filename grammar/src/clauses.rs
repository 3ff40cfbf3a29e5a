//! Clause lists: what each clause takes, and what is said where it was given something else.

use pest::iterators::Pair;

use crate::{
    ast::{Clause, ClauseKind, Span, Spanned, Value},
    entries::ListWords,
    error::{SyntaxError, code},
    fragments::{Fragment, fragments, misplaced, stray_closer, unclosed, unterminated},
    keywords,
    parser::{Reader, Rule, matches, span},
    pattern_list::Owner,
    values::{value, value_of_fragment},
};

/// What a clause takes.
enum Takes {
    Patterns,
    /// One value of this kind.
    One(&'static str),
    /// Several of this kind.
    Several(&'static str),
    Ratio,
    CountPerTime,
    /// One or none.
    Optional(&'static str),
}

/// What the clauses of this version take, with an example of each.
fn shape(keyword: &str) -> (Takes, &'static str) {
    match keyword {
        "include" => (Takes::Patterns, "include net/http*"),
        "exclude" => (Takes::Patterns, "exclude runtime.*"),
        "depth" => (Takes::One("a number"), "depth 3"),
        "min" => (Takes::One("a duration"), "min 100ms"),
        "max" => (Takes::One("a duration"), "max 5s"),
        "prune" => (Takes::One("a duration"), "prune 1ms"),
        "for" => (Takes::One("a duration"), "for 30s"),
        "pid" => (Takes::Several("a number"), "pid 1234"),
        "goroutine" => (Takes::Several("a number"), "goroutine 18"),
        "comm" => (Takes::Several("a string"), "comm \"server\""),
        "sample" => (Takes::Ratio, "sample 1/100"),
        "limit" => (Takes::CountPerTime, "limit 100 per 1s"),
        "print" => (Takes::One("a string"), "print \"{fn} took {dur}\""),
        _ => (Takes::Optional("a number"), "stack 8"),
    }
}

const LIST: ListWords = ListWords {
    one: "clause",
    list: "clause list",
    empty: "leave it out to trace every call, or write a clause such as `min 100ms`",
};

impl<'i> Reader<'i> {
    /// A clause list, its brackets included.
    pub(crate) fn block(&mut self, block: Pair<'i, Rule>) -> Vec<Clause> {
        let mut clauses: Vec<Clause> = Vec::new();
        self.list(block, &LIST, |reader, pair| {
            let takes_patterns = clauses.last().is_some_and(|clause| {
                matches!(clause.kind, ClauseKind::Include(_) | ClauseKind::Exclude(_))
            });
            clauses.extend(match pair.as_rule() {
                Rule::unknown => reader.unknown(pair),
                Rule::broken_clause => reader.broken_clause(pair),
                Rule::broken_element => {
                    reader.no_clause(pair, takes_patterns);
                    None
                }
                _ => reader.clause(pair),
            });
        });
        clauses
    }

    /// A clause that the grammar found in order.
    fn clause(&mut self, clause: Pair<'i, Rule>) -> Option<Clause> {
        let rule = clause.as_rule();
        if rule == Rule::aggregation {
            return self.aggregation(clause);
        }
        let keyword = leading_word(&clause);
        if matches!(
            rule,
            Rule::where_clause | Rule::until | Rule::args | Rule::results | Rule::print
        ) {
            return self.with_expressions(clause, keyword);
        }
        let start = keyword.span.start;
        let mut end = keyword.span.end;
        let mut values = Vec::new();
        let mut patterns = Vec::new();
        let mut sound = true;
        for pair in clause.into_inner() {
            end = span(&pair).end;
            match pair.as_rule() {
                Rule::patterns => {
                    let written = pair.clone().into_inner().count();
                    patterns = self.patterns(pair);
                    sound &= patterns.len() == written || !patterns.is_empty();
                }
                Rule::values => {
                    let list: Vec<Value> = pair
                        .into_inner()
                        .filter_map(|pair| self.accept(value(&pair)))
                        .collect();
                    sound &= !list.is_empty();
                    values = list;
                }
                _ => match self.accept(value(&pair)) {
                    Some(value) => values.push(value),
                    None => sound = false,
                },
            }
        }
        if !sound {
            return None;
        }
        let kind = match rule {
            Rule::include => ClauseKind::Include(patterns),
            Rule::exclude => ClauseKind::Exclude(patterns),
            Rule::pid => ClauseKind::Pid(values),
            Rule::comm => ClauseKind::Comm(values),
            Rule::goroutine => ClauseKind::Goroutine(values),
            Rule::stack => ClauseKind::Stack(values.pop()),
            _ => {
                let mut values = values.into_iter();
                let first = values.next()?;
                match rule {
                    Rule::depth => ClauseKind::Depth(first),
                    Rule::min => ClauseKind::Min(first),
                    Rule::max => ClauseKind::Max(first),
                    Rule::prune => ClauseKind::Prune(first),
                    Rule::for_clause => ClauseKind::For(first),
                    Rule::sample => ClauseKind::Sample {
                        one: first,
                        of: values.next()?,
                    },
                    Rule::limit => ClauseKind::Limit {
                        count: first,
                        per: values.next(),
                    },
                    _ => return None,
                }
            }
        };
        Some(Clause {
            span: start..end,
            keyword,
            kind,
        })
    }

    /// A clause that takes expressions.
    fn with_expressions(
        &mut self,
        clause: Pair<'i, Rule>,
        keyword: Spanned<String>,
    ) -> Option<Clause> {
        let whole = span(&clause);
        if clause.as_str().starts_with("ret[") {
            self.report(result_as_clause(whole, clause.as_str()));
            return None;
        }
        let kind = match clause.as_rule() {
            Rule::where_clause => ClauseKind::Where(self.condition(clause, &keyword)?),
            Rule::until => ClauseKind::Until(self.condition(clause, &keyword)?),
            Rule::args => ClauseKind::Args(self.shown(clause)?),
            Rule::print => {
                let string = clause.into_inner().next()?;
                ClauseKind::Print(self.template(&string)?)
            }
            _ => ClauseKind::Ret(self.shown(clause)?),
        };
        Some(Clause {
            span: whole,
            keyword,
            kind,
        })
    }

    /// A clause that is left to the compiler; only its brackets and strings are looked at.
    fn unknown(&mut self, clause: Pair<'i, Rule>) -> Option<Clause> {
        let whole = span(&clause);
        let mut keyword = None;
        for pair in clause.into_inner() {
            match pair.as_rule() {
                Rule::keyword => {
                    keyword = Some(Spanned {
                        node: pair.as_str().to_owned(),
                        span: span(&pair),
                    });
                }
                Rule::unknown_body => {
                    for pair in pair.into_inner() {
                        let at = span(&pair);
                        match pair.as_rule() {
                            Rule::broken_string => self.report(unterminated(at)),
                            Rule::loose_open => self.report(unclosed(at, pair.as_str())),
                            Rule::loose_close => self.report(stray_closer(at, pair.as_str())),
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
        }
        keyword.map(|keyword| Clause {
            span: whole,
            keyword,
            kind: ClauseKind::Unknown,
        })
    }

    /// A clause of this version with mistakes in it. What can be told of it is kept.
    fn broken_clause(&mut self, clause: Pair<'i, Rule>) -> Option<Clause> {
        let whole = span(&clause);
        let keyword = leading_word(&clause);
        let (takes, example) = shape(&keyword.node);
        let owner = Owner {
            name: &keyword.node,
            span: keyword.span.clone(),
            example,
            kind: "clause",
            heading: false,
        };
        let pieces = clause
            .into_inner()
            .next()
            .map(fragments)
            .unwrap_or_default();
        let kind = match takes {
            Takes::Patterns => {
                let patterns = self.broken_patterns(&pieces, &owner);
                let kind = if keyword.node == "include" {
                    ClauseKind::Include
                } else {
                    ClauseKind::Exclude
                };
                (!patterns.is_empty()).then(|| kind(patterns))
            }
            Takes::Several(expected) => {
                let values = self.broken_values(&pieces, &owner, expected);
                let kind = match keyword.node.as_str() {
                    "pid" => ClauseKind::Pid,
                    "comm" => ClauseKind::Comm,
                    _ => ClauseKind::Goroutine,
                };
                (!values.is_empty()).then(|| kind(values))
            }
            Takes::One(expected) | Takes::Optional(expected) => {
                // Quotes between braces end the string, which is the better explanation.
                if keyword.node == "print"
                    && let [string, _, ..] = pieces.as_slice()
                    && string.rule() == Rule::string
                    && self.template(&string.pair).is_none()
                {
                    return None;
                }
                if let Some(error) = extreme(&keyword, &pieces) {
                    self.report(error);
                    return None;
                }
                self.broken_value(&pieces, &owner, expected);
                None
            }
            Takes::Ratio => {
                self.report_first_or(&pieces, &owner, "a ratio such as 1/100");
                None
            }
            Takes::CountPerTime => {
                self.broken_limit(&pieces, &owner);
                None
            }
        };
        kind.map(|kind| Clause {
            span: whole,
            keyword,
            kind,
        })
    }

    /// One value was expected.
    pub(crate) fn broken_value(
        &mut self,
        pieces: &[Fragment<'i>],
        owner: &Owner<'_>,
        expected: &str,
    ) {
        let Some((first, rest)) = pieces.split_first() else {
            return self.report(lacks(owner, expected));
        };
        if let Err(error) = value_of_fragment(first, rest, expected) {
            return self.report(error);
        }
        let Some((second, rest)) = rest.split_first() else {
            return;
        };
        self.report(after_value(owner, expected, first, second, rest));
    }

    fn broken_limit(&mut self, pieces: &[Fragment<'i>], owner: &Owner<'_>) {
        let Some((first, rest)) = pieces.split_first() else {
            return self.report(lacks(owner, "a number"));
        };
        if let Some((count, interval)) = first.text.split_once('/') {
            let per = SyntaxError::new(
                code::UNEXPECTED,
                first.span.clone(),
                "an interval is written with `per`",
            );
            return self.report(
                per.label("expected `per` instead of `/`")
                    .help(format!("write `limit {count} per {interval}`")),
            );
        }
        if let Err(error) = value_of_fragment(first, rest, "a number") {
            return self.report(error);
        }
        match rest.split_first() {
            Some((per, rest)) if per.text == "per" => {
                let per = Owner {
                    name: "per",
                    span: per.span.clone(),
                    ..*owner
                };
                self.broken_value(rest, &per, "a duration");
            }
            Some((second, rest)) => {
                self.report(after_value(owner, "a number", first, second, rest));
            }
            None => {}
        }
    }

    /// A clause without pieces lacks something, one with pieces has the wrong ones.
    fn report_first_or(&mut self, pieces: &[Fragment<'i>], owner: &Owner<'_>, expected: &str) {
        let (Some(first), Some(last)) = (pieces.first(), pieces.last()) else {
            return self.report(lacks(owner, expected));
        };
        if let Some(string) = pieces.iter().find(|s| s.rule() == Rule::broken_string) {
            return self.report(unterminated(string.span.clone()));
        }
        let at = first.span.start..last.span.end;
        let found = self.source.get(at.clone()).unwrap_or_default();
        self.report(
            SyntaxError::new(
                code::EXPECTED_VALUE,
                at,
                format!("expected {expected}, found `{found}`"),
            )
            .label(format!("not {expected}"))
            .help(format!("for example `{}`", owner.example)),
        );
    }

    /// Something stands where a clause should begin.
    fn no_clause(&mut self, element: Pair<'i, Rule>, after_patterns: bool) {
        let pieces = fragments(element);
        let Some((first, rest)) = pieces.split_first() else {
            return;
        };
        if let (true, Some(last)) = (first.text.starts_with("ret."), pieces.last()) {
            let whole = first.span.start..last.span.end;
            let text = self.source.get(whole.clone()).unwrap_or_default();
            return self.report(result_as_clause(whole, text));
        }
        let error = SyntaxError::new(
            code::EXPECTED_CLAUSE,
            first.span.clone(),
            format!("expected a clause, found `{}`", first.text),
        )
        .label("not a clause");
        self.report(match first.rule() {
            Rule::name | Rule::file | Rule::set_ref if after_patterns => error.help(format!(
                "patterns are separated by `,`: write `, {}`",
                first.text
            )),
            Rule::name if rest.iter().any(|piece| COMPARISONS.contains(&piece.text)) => {
                error.help("to keep graphs by a condition, write `where` before it")
            }
            Rule::name if first.text.starts_with(|c: char| c.is_ascii_digit()) => {
                error.help("values of one clause are separated by `,`")
            }
            Rule::name | Rule::file | Rule::set_ref => error.help(format!(
                "to show these functions, write `include {}`",
                first.text
            )),
            Rule::string | Rule::variable | Rule::comma => {
                error.help(format!("clauses are {}", keywords::CLAUSES.join(", ")))
            }
            _ => misplaced(first, rest),
        });
    }
}

/// `ret[0]`, `ret.err` where the clause `ret` is meant.
fn result_as_clause(at: Span, text: &str) -> SyntaxError {
    let keyword = match COMPARISONS.iter().any(|mark| text.contains(mark)) {
        true => "where",
        false => "ret",
    };
    SyntaxError::new(
        code::EXPECTED_CLAUSE,
        at,
        "the clause `ret` shows results, and `ret` with a part is one of them",
    )
    .label("a result, and no clause")
    .help(format!("write `{keyword} {text}`"))
}

/// `max(dur)` and `min(dur)`, which aggregate in other languages.
fn extreme(keyword: &Spanned<String>, pieces: &[Fragment<'_>]) -> Option<SyntaxError> {
    let what = match keyword.node.as_str() {
        "max" => "greatest",
        "min" => "least",
        _ => return None,
    };
    let first = pieces.first().filter(|first| first.text.starts_with('('))?;
    let word = &keyword.node;
    let value = if first.text.ends_with(')') {
        first.text
    } else {
        "(dur)"
    };
    Some(
        SyntaxError::new(
            code::EXPECTED_VALUE,
            first.span.clone(),
            format!("`{word}` takes a duration: it keeps graphs by how long they took"),
        )
        .label("not a duration")
        .help(format!("`stats{value}` shows the {what}")),
    )
}

/// Marks that tell a condition from a list of names.
const COMPARISONS: [&str; 6] = ["=", "!", "<=", ">=", "&", "|"];

/// The keyword that a clause begins with.
pub(crate) fn leading_word(clause: &Pair<'_, Rule>) -> Spanned<String> {
    let text = clause.as_str();
    let length = text
        .find(|c: char| !c.is_ascii_lowercase())
        .unwrap_or(text.len());
    let start = clause.as_span().start();
    Spanned {
        node: text.chars().take(length).collect(),
        span: start..start + length,
    }
}

pub(crate) fn lacks(owner: &Owner<'_>, expected: &str) -> SyntaxError {
    SyntaxError::new(
        code::EXPECTED_VALUE,
        owner.span.clone(),
        format!("`{}` needs {expected}", owner.name),
    )
    .label(format!("expected {expected} after this"))
    .help(format!("for example `{}`", owner.example))
}

/// What is wrong with a piece after the one value that a clause or setting takes.
pub(crate) fn after_value(
    owner: &Owner<'_>,
    expected: &str,
    value: &Fragment<'_>,
    second: &Fragment<'_>,
    rest: &[Fragment<'_>],
) -> SyntaxError {
    let joined = format!("{}{}", value.text, second.text);
    let unit = second
        .text
        .starts_with(|c: char| c.is_alphabetic() || c == '%');
    if unit && matches(Rule::only_value, &joined) {
        return SyntaxError::new(
            code::BAD_LITERAL,
            value.span.start..second.span.end,
            "a unit follows its number without a space",
        )
        .label("a space within a value")
        .help(format!("write `{joined}`"));
    }
    match second.rule() {
        Rule::mark | Rule::broken_string | Rule::braces => misplaced(second, rest),
        _ => SyntaxError::new(
            code::TOO_MANY_VALUES,
            second.span.clone(),
            format!("`{}` takes {expected} and no more", owner.name),
        )
        .label("one too many")
        .help(format!("{}s are separated by `;`", owner.kind)),
    }
}
