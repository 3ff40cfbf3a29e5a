//! The clauses of one trace: each at most once, each value checked, contradictions found.

use std::{collections::HashMap, time::Duration};

use ebpf_templates::{COMM_LEN, MAX_AGGREGATIONS, MAX_FRAMES, MAX_SCOPE, MAX_STACK};
use grammar::{
    ast::{
        Aggregation, Clause, ClauseKind, Expression, ExpressionKind, Shown, Span, Template,
        TemplatePart, Trace, Value,
    },
    keywords::{self, CLAUSES, LATER_CLAUSES},
};

use crate::{
    diagnostics::{codes, diagnostic::Diagnostic, did_you_mean::nearest_word},
    resolve::{
        aggregation::{Aggregated, MAX_KEYS},
        filter::Filter,
        listed::Listed,
        selector::{Selector, Sets},
        values::Values,
    },
};

/// What people write who come from elsewhere, and the clause they mean.
const SYNONYMS: [(&str, &str); 16] = [
    ("ignore", "exclude"),
    ("skip", "exclude"),
    ("without", "exclude"),
    ("only", "include"),
    ("with", "include"),
    ("duration", "min"),
    ("longer", "min"),
    ("shorter", "max"),
    ("timeout", "for"),
    ("goid", "goroutine"),
    ("level", "depth"),
    ("filter", "where"),
    ("average", "avg"),
    ("mean", "avg"),
    ("total", "sum"),
    ("histogram", "hist"),
];

/// Greatest process id of Linux (`PID_MAX_LIMIT`, include/linux/threads.h).
const PID_MAX: u64 = 4 * 1024 * 1024;

/// What a trace's clauses say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Clauses {
    pub(crate) filter: Filter,
    pub(crate) duration: Option<Duration>,
    pub(crate) include: Vec<Selector>,
    pub(crate) exclude: Vec<Selector>,
    pub(crate) condition: Option<Expression>,
    pub(crate) arguments: Option<Listed>,
    pub(crate) results: Option<Listed>,
    pub(crate) until: Option<Expression>,
    pub(crate) print: Option<Template>,
    pub(crate) aggregations: Vec<Aggregated>,
}

/// Checks the clauses of `trace`.
pub(crate) fn check(trace: &Trace, sets: &mut Sets, values: &mut Values) -> Clauses {
    let mut out = Clauses::default();
    let mut first: HashMap<&str, &Clause> = HashMap::new();
    for clause in &trace.clauses {
        let keyword = clause.keyword.node.as_str();
        if matches!(clause.kind, ClauseKind::Unknown) {
            values.diagnostics.push(not_a_clause(clause));
            continue;
        }
        match first.get(keyword) {
            Some(_) if matches!(clause.kind, ClauseKind::Aggregate(_)) => {}
            Some(earlier) => values.diagnostics.push(twice(clause, earlier)),
            None => {
                first.insert(keyword, clause);
            }
        }
        check_one(clause, &mut out, sets, values);
    }
    let span = |keyword: &str| first.get(keyword).map(|clause| clause.span.clone());
    contradictions(&out, span, &mut values.diagnostics);
    without_effect(&out, span, &mut values.diagnostics);
    if out.print.is_some() || !out.aggregations.is_empty() {
        (out.arguments, out.results) = (None, None);
    }
    out
}

fn check_one(clause: &Clause, out: &mut Clauses, sets: &mut Sets, values: &mut Values) {
    let keyword = clause.keyword.node.as_str();
    let filter = &mut out.filter;
    match &clause.kind {
        ClauseKind::Include(patterns) => out.include.extend(sets.compile(patterns)),
        ClauseKind::Exclude(patterns) => out.exclude.extend(sets.compile(patterns)),
        ClauseKind::Depth(value) => {
            filter.depth = values
                .integer(keyword, value, 0..=MAX_FRAMES as u64)
                .and_then(|n| u32::try_from(n).ok());
        }
        ClauseKind::Min(value) => {
            filter.min = values.duration(keyword, value, 0).map(Duration::from_nanos)
        }
        ClauseKind::Max(value) => {
            filter.max = values.duration(keyword, value, 1).map(Duration::from_nanos)
        }
        ClauseKind::Prune(value) => {
            filter.prune = values.duration(keyword, value, 0).map(Duration::from_nanos)
        }
        ClauseKind::Pid(list) => {
            let pids = scope(clause, list, values, |values, value| {
                values.integer("pid", value, 1..=PID_MAX)
            });
            filter.pids = pids
                .into_iter()
                .filter_map(|pid| u32::try_from(pid).ok())
                .collect();
        }
        ClauseKind::Comm(list) => filter.comms = scope(clause, list, values, comm),
        ClauseKind::Goroutine(list) => {
            filter.goroutines = scope(clause, list, values, |values, value| {
                values.integer("goroutine", value, 1..=u64::MAX)
            });
        }
        ClauseKind::Sample { one, of } => {
            let numerator = values.integer(keyword, one, 0..=u64::MAX);
            let of_value = values.integer(keyword, of, 1..=u64::MAX);
            match numerator {
                Some(1) | None => filter.sample = of_value,
                Some(numerator) => {
                    let help = of_value.zip(Some(numerator)).and_then(|(of, numerator)| {
                        let nearest = of.checked_add(numerator / 2)?.checked_div(numerator)?;
                        (nearest > 0).then(|| format!("sample 1/{nearest} keeps about as many"))
                    });
                    values.diagnostics.push(
                        Diagnostic::new(
                            codes::SAMPLE_NUMERATOR,
                            "`sample` keeps one graph of every N",
                        )
                        .at(&one.span, format!("this has to be 1, not {numerator}"))
                        .maybe_help(help),
                    );
                }
            }
        }
        ClauseKind::Limit { count, per } => {
            filter.limit = values.integer(keyword, count, 1..=u64::MAX);
            filter.limit_per = per
                .as_ref()
                .and_then(|per| values.duration("limit … per", per, 1))
                .map(Duration::from_nanos);
        }
        ClauseKind::For(value) => {
            out.duration = values.duration(keyword, value, 1).map(Duration::from_nanos)
        }
        ClauseKind::Stack(None) => filter.stack = u32::try_from(MAX_STACK).ok(),
        ClauseKind::Stack(Some(value)) => {
            filter.stack = values
                .integer(keyword, value, 1..=MAX_STACK as u64)
                .and_then(|n| u32::try_from(n).ok());
        }
        ClauseKind::Where(condition) => {
            values.check_expression(condition);
            out.condition = Some(condition.clone());
        }
        ClauseKind::Args(shown) => out.arguments = Some(listed(clause, shown, values)),
        ClauseKind::Ret(shown) => out.results = Some(listed(clause, shown, values)),
        ClauseKind::Until(condition) => {
            values.check_expression(condition);
            out.until = Some(condition.clone());
        }
        ClauseKind::Print(template) => {
            for part in &template.parts {
                if let TemplatePart::Expression(expression) = part {
                    values.check_expression(expression);
                }
            }
            out.print = Some(template.clone());
        }
        ClauseKind::Aggregate(aggregation) => {
            aggregated(clause, aggregation, out.aggregations.len(), values);
            out.aggregations.push(Aggregated {
                span: clause.span.clone(),
                clause: aggregation.clone(),
            });
        }
        ClauseKind::Unknown => {}
    }
}

fn aggregated(clause: &Clause, aggregation: &Aggregation, before: usize, values: &mut Values) {
    for argument in &aggregation.arguments {
        values.check_expression(argument);
    }
    for key in &aggregation.keys {
        values.check_expression(&key.expression);
    }
    if before == MAX_AGGREGATIONS {
        values.diagnostics.push(
            Diagnostic::new(
                codes::TOO_MANY_VALUES,
                format!("a trace has at most {MAX_AGGREGATIONS} aggregations"),
            )
            .at(&clause.span, "one too many")
            .help("give another trace the same targets"),
        );
    }
    if let Some(key) = aggregation.keys.get(MAX_KEYS) {
        values.diagnostics.push(
            Diagnostic::new(
                codes::TOO_MANY_VALUES,
                format!("an aggregation has at most {MAX_KEYS} keys"),
            )
            .at(&key.span, "one too many"),
        );
    }
}

fn listed(clause: &Clause, shown: &[Shown], values: &mut Values) -> Listed {
    for one in shown {
        values.check_expression(&one.expression);
        let found = shown_constant(clause, &one.expression);
        values.diagnostics.extend(found);
    }
    Listed {
        span: clause.span.clone(),
        shown: shown.to_vec(),
    }
}

/// A warning where what is shown is no value of a call.
fn shown_constant(clause: &Clause, expression: &Expression) -> Option<Diagnostic> {
    let help = match (&expression.kind, &clause.kind) {
        (ExpressionKind::Integer(0), ClauseKind::Ret(_)) => {
            Some("`ret[0]` is the first result".to_owned())
        }
        (ExpressionKind::Integer(number), ClauseKind::Ret(_)) => {
            Some(format!("`ret[{number}]` is a result, by its number from 0"))
        }
        (ExpressionKind::Integer(_), _) => Some("arguments are shown by their names".to_owned()),
        (ExpressionKind::String(_) | ExpressionKind::Bytes(_), _) => {
            Some("write names without quotes".to_owned())
        }
        (
            ExpressionKind::Float(_)
            | ExpressionKind::Duration(_)
            | ExpressionKind::Size(_)
            | ExpressionKind::Bool(_)
            | ExpressionKind::Nil,
            _,
        ) => None,
        _ => return None,
    };
    let message = format!("`{}` shows a constant", clause.keyword.node);
    Some(
        Diagnostic::new(codes::SHOWN_CONSTANT, message)
            .at(&expression.span, "the same for every call")
            .maybe_help(help),
    )
}

fn comm(values: &mut Values, value: &Value) -> Option<String> {
    const LONGEST: usize = COMM_LEN - 1;
    let text = values.string("comm", value)?;
    if text.is_empty() {
        values.diagnostics.push(
            Diagnostic::new(codes::OUT_OF_RANGE, "empty thread name")
                .at(&value.span, "no thread has an empty name"),
        );
        return None;
    }
    if text.len() > LONGEST {
        let cut = (0..=LONGEST)
            .rev()
            .find_map(|end| text.get(..end))
            .unwrap_or_default();
        values.diagnostics.push(
            Diagnostic::new(
                codes::COMM_TOO_LONG,
                format!("a thread name has at most {LONGEST} bytes"),
            )
            .at(&value.span, format!("this has {}", text.len()))
            .help(format!("Linux cuts longer names: comm {cut:?}")),
        );
        return None;
    }
    Some(text)
}

/// The values of a scope clause, each once.
fn scope<T: PartialEq>(
    clause: &Clause,
    list: &[Value],
    values: &mut Values,
    mut check: impl FnMut(&mut Values, &Value) -> Option<T>,
) -> Vec<T> {
    let mut out = Vec::with_capacity(list.len().min(MAX_SCOPE));
    for value in list {
        if let Some(checked) = check(values, value)
            && !out.contains(&checked)
        {
            out.push(checked);
        }
    }
    if out.len() > MAX_SCOPE {
        let keyword = &clause.keyword.node;
        let extra = list
            .get(MAX_SCOPE)
            .map_or(&clause.span, |value| &value.span);
        values.diagnostics.push(
            Diagnostic::new(
                codes::TOO_MANY_VALUES,
                format!("`{keyword}` takes at most {MAX_SCOPE} values"),
            )
            .at(extra, format!("there are {}", out.len()))
            .help("spread them over several traces"),
        );
    }
    out
}

fn twice(clause: &Clause, earlier: &Clause) -> Diagnostic {
    let keyword = &clause.keyword.node;
    let help = match clause.kind {
        ClauseKind::Include(_)
        | ClauseKind::Exclude(_)
        | ClauseKind::Pid(_)
        | ClauseKind::Comm(_)
        | ClauseKind::Goroutine(_) => format!("put all into one `{keyword}`, separated by commas"),
        _ => format!("delete one `{keyword}`"),
    };
    Diagnostic::new(codes::CLAUSE_TWICE, format!("`{keyword}` is given twice"))
        .at(&clause.keyword.span, "given again here")
        .also_at(&earlier.keyword.span, "first given here")
        .help(help)
}

fn not_a_clause(clause: &Clause) -> Diagnostic {
    let keyword = clause.keyword.node.as_str();
    let span = &clause.keyword.span;
    if LATER_CLAUSES.contains(&keyword) {
        return not_available(clause);
    }
    let meant = SYNONYMS
        .iter()
        .find(|(word, _)| *word == keyword)
        .map(|(_, clause)| *clause)
        .or_else(|| nearest_word(keyword, CLAUSES.iter().chain(LATER_CLAUSES).copied()));
    let diagnostic = Diagnostic::new(codes::UNKNOWN_CLAUSE, format!("unknown clause `{keyword}`"))
        .at(span, "not a clause");
    if let Some(setting) = keywords::setting(keyword) {
        return diagnostic.help(format!(
            "`{keyword}` is a setting of the program: config {{ {} }}",
            setting.example
        ));
    }
    if is_quantile(keyword) {
        return diagnostic.help("`hist(dur)` shows how values are spread");
    }
    match meant {
        Some(meant) => diagnostic.help(format!("did you mean `{meant}`?")),
        None => diagnostic.help(format!("the clauses are {}", CLAUSES.join(", "))),
    }
}

/// `p99`, `median`
fn is_quantile(word: &str) -> bool {
    let digits = word.strip_prefix('p').unwrap_or_default();
    let numbered = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    numbered || matches!(word, "median" | "percentile" | "quantile")
}

fn not_available(clause: &Clause) -> Diagnostic {
    let keyword = &clause.keyword;
    Diagnostic::new(
        codes::CLAUSE_NOT_AVAILABLE,
        format!("`{}` is not available in this version", keyword.node),
    )
    .at(
        &keyword.span,
        "a clause of the language that cannot run yet",
    )
    .note(format!("available are {}", CLAUSES.join(", ")))
}

/// What is not seen because no tree is drawn.
fn without_effect(
    out: &Clauses,
    span: impl Fn(&str) -> Option<Span>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let (words, why): (&[&str], &str) = match (&out.print, out.aggregations.as_slice()) {
        (Some(_), _) => (&["args", "ret"], "`print` writes one line for each graph"),
        (None, [_, ..]) => (
            &["args", "ret", "stack"],
            "graphs that are counted are not shown; `print` shows a line of each",
        ),
        (None, []) => return,
    };
    for word in words {
        if let Some(at) = span(word) {
            diagnostics.push(
                Diagnostic::new(codes::SHOWS_NOTHING, format!("`{word}` shows nothing here"))
                    .at(&at, "there is no tree to show it in")
                    .note(why)
                    .help(format!("delete `{word}`")),
            );
        }
    }
}

fn contradictions(
    out: &Clauses,
    span: impl Fn(&str) -> Option<Span>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let filter = &out.filter;
    if let (Some(min), Some(max)) = (filter.min, filter.max)
        && min > max
        && let (Some(min_span), Some(max_span)) = (span("min"), span("max"))
    {
        diagnostics.push(
            Diagnostic::new(
                codes::MIN_ABOVE_MAX,
                "no call can take at least `min` and at most `max`",
            )
            .at(&min_span, format!("{min:?} or longer"))
            .also_at(&max_span, format!("{max:?} or shorter"))
            .help(format!("swap them: min {max:?}; max {min:?}").replace('µ', "u")),
        );
    }
    if let (Some(prune), Some(max)) = (filter.prune, filter.max)
        && prune > max
        && let (Some(prune_span), Some(max_span)) = (span("prune"), span("max"))
    {
        diagnostics.push(
            Diagnostic::new(
                codes::PRUNES_EVERYTHING,
                "`prune` drops every call below the target",
            )
            .at(
                &prune_span,
                format!("calls shorter than {prune:?} are dropped"),
            )
            .also_at(
                &max_span,
                format!("no call of a kept graph takes longer than {max:?}"),
            ),
        );
    }
    if filter.depth == Some(0)
        && !out.include.is_empty()
        && let (Some(depth), Some(include)) = (span("depth"), span("include"))
    {
        diagnostics.push(
            Diagnostic::new(codes::INCLUDE_UNSEEN, "`include` shows nothing at depth 0")
                .at(&depth, "only the target itself is shown")
                .also_at(&include, "so these never are")
                .help("delete one of the two"),
        );
    }
}
