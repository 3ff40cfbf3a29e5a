//! Clauses that aggregate: `[name:] hist(E) by K, …`.

use pest::iterators::Pair;

use crate::{
    ast::{AggregateFunction, Aggregation, Clause, ClauseKind, Expression, Shown, Span, Spanned},
    error::{SyntaxError, code},
    parser::{Reader, Rule, matches, span, spanned},
};

impl<'i> Reader<'i> {
    /// An aggregation; nothing where it has mistakes, which are reported.
    pub(crate) fn aggregation(&mut self, clause: Pair<'i, Rule>) -> Option<Clause> {
        let errors = self.errors.len();
        let whole = span(&clause);
        self.check_size(&clause)?;
        let mut name = None;
        let mut keyword: Option<Spanned<String>> = None;
        let mut function = AggregateFunction::Count;
        let mut given = None;
        let mut arguments = Vec::new();
        let mut keys = Vec::new();
        for pair in clause.into_inner() {
            match pair.as_rule() {
                Rule::label => name = Some(spanned(&pair)),
                Rule::aggregate_word => {
                    let word = pair.as_str();
                    let mut functions = AggregateFunction::ALL.into_iter();
                    function = functions.find(|function| function.word() == word)?;
                    keyword = Some(spanned(&pair));
                }
                Rule::given => {
                    given = Some(span(&pair));
                    arguments = self.bracketed(pair, "(");
                }
                Rule::shown if begins_aggregation(pair.as_str()) => {
                    let before = self.source.get(..span(&pair).start).unwrap_or_default();
                    let end = before.trim_end().len();
                    self.report(comma_between(end.saturating_sub(1)..end));
                }
                Rule::shown => keys.extend(self.one_shown(pair)),
                _ if self.errors.len() == errors
                    && let Some(error) = self.misread(&pair, keyword.as_ref(), &keys) =>
                {
                    self.report(error);
                    return None;
                }
                _ => {
                    if let Some(keyword) = &keyword
                        && given.is_none()
                        && function.arguments() > 0
                    {
                        self.report(lacks_parentheses(function, keyword));
                    }
                    self.leftover(&pair, errors, true);
                }
            }
        }
        let keyword = keyword?;
        if self.errors.len() == errors
            && let Some(error) = miscounted(function, &keyword, given, &arguments)
        {
            self.report(error);
        }
        (self.errors.len() == errors).then_some(Clause {
            span: whole,
            keyword,
            kind: ClauseKind::Aggregate(Aggregation {
                name,
                function,
                arguments,
                keys,
            }),
        })
    }
}

impl Reader<'_> {
    /// A name behind an aggregation, or a comma between two.
    fn misread(
        &self,
        leftover: &Pair<'_, Rule>,
        keyword: Option<&Spanned<String>>,
        keys: &[Shown],
    ) -> Option<SyntaxError> {
        let rest = leftover.as_str().trim_start();
        let start = span(leftover).end - rest.len();
        if rest.starts_with(',') {
            let next = self.source.get(start + 1..)?.trim_start();
            let counts = next.strip_prefix("count").is_some_and(|rest| {
                !rest.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '.'))
            });
            return (counts || begins_aggregation(next)).then(|| comma_between(start..start + 1));
        }
        let name = rest.strip_prefix("as")?;
        let name = name.trim_start().trim_end();
        let whole = self.source.get(keyword?.span.start..start)?.trim_end();
        (keys.is_empty() && matches(Rule::only_ident, name)).then(|| {
            SyntaxError::new(
                code::UNEXPECTED,
                start..start + 2,
                "the name of an aggregation stands before it",
            )
            .label("names keys only")
            .help(format!("write `{name}: {whole}`"))
        })
    }
}

/// Whether a text begins like a clause that aggregates something: `hist(`.
fn begins_aggregation(text: &str) -> bool {
    AggregateFunction::ALL.into_iter().any(|function| {
        let rest = text.strip_prefix(function.word());
        function.arguments() > 0 && rest.is_some_and(|rest| rest.trim_start().starts_with('('))
    })
}

fn comma_between(at: Span) -> SyntaxError {
    SyntaxError::new(
        code::MISSING_SEMICOLON,
        at,
        "clauses are separated by `;`, not by `,`",
    )
    .label("expected `;`")
}

/// How an aggregation is written.
fn example(function: AggregateFunction) -> &'static str {
    match function {
        AggregateFunction::Count => "count by caller",
        AggregateFunction::Sum => "sum(dur)",
        AggregateFunction::Average => "avg(dur)",
        AggregateFunction::Stats => "stats(dur)",
        AggregateFunction::Histogram => "hist(dur)",
        AggregateFunction::Linear => "lhist(dur, 0ms, 100ms, 10ms)",
    }
}

fn lacks_parentheses(function: AggregateFunction, keyword: &Spanned<String>) -> SyntaxError {
    let word = &keyword.node;
    let what = match function {
        AggregateFunction::Linear => "a value, bounds and a step",
        _ => "a value",
    };
    SyntaxError::new(
        code::EXPECTED_VALUE,
        keyword.span.clone(),
        format!("`{word}` needs {what} in parentheses"),
    )
    .label("expected `(` after this")
    .help(format!("for example `{}`", example(function)))
}

/// What is wrong with the number of arguments.
fn miscounted(
    function: AggregateFunction,
    keyword: &Spanned<String>,
    given: Option<Span>,
    arguments: &[Expression],
) -> Option<SyntaxError> {
    let wanted = function.arguments();
    let word = &keyword.node;
    let for_example = format!("for example `{}`", example(function));
    let Some(given) = given else {
        return (wanted > 0).then(|| lacks_parentheses(function, keyword));
    };
    if wanted == 0 {
        let message = format!("`{word}` takes nothing in parentheses");
        let error = SyntaxError::new(code::TOO_MANY_VALUES, given, message);
        return Some(error.label("nothing to be given").help(for_example));
    }
    if let Some(extra) = arguments.get(wanted) {
        let message = match function {
            AggregateFunction::Linear => format!("`{word}` takes four arguments and no more"),
            _ => format!("`{word}` takes one argument and no more"),
        };
        let error = SyntaxError::new(code::TOO_MANY_VALUES, extra.span.clone(), message);
        return Some(error.label("one too many").help(match function {
            AggregateFunction::Linear => for_example,
            _ => format!("`{word}(…) by …` splits it by another value"),
        }));
    }
    if arguments.len() < wanted {
        let next = match (function, arguments.len()) {
            (AggregateFunction::Linear, 1) => "the lower bound",
            (AggregateFunction::Linear, 2) => "the upper bound",
            (AggregateFunction::Linear, 3) => "the step",
            _ => "a value",
        };
        let closer = given.end.saturating_sub(1)..given.end;
        let message = format!("`{word}` lacks {next}");
        let error = SyntaxError::new(code::EXPECTED_VALUE, closer, message);
        return Some(
            error
                .label(format!("expected {next} before this"))
                .help(for_example),
        );
    }
    None
}
