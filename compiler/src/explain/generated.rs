//! What is decided and captured by generated code: in short how much of it there is, in full what it was made from.

use std::{collections::BTreeMap, fmt::Write as _};

use ebpf_templates::Cookie;
use grammar::ast::Span;

use super::{items, line};
use crate::{
    codegen::{Code, ListedArm, ListedPart},
    diagnostics::{diagnostic::Source, escape::printable},
    plan::{Plan, TracePlan},
    select::times,
    shape::{Missing, Shape, ShownCall, ShownValue},
};

/// Characters of an expression that are shown.
const WIDEST: usize = 60;

const AGGREGATES: &str = "aggregates";
const ARGUMENTS: &str = "args";

/// What a generated function is for.
struct Purpose<'p> {
    title: &'static str,
    code: &'p Code,
    aggregates: bool,
    /// The values that its items are for.
    values: Option<fn(&ShownCall) -> &Vec<ShownValue>>,
}

/// One line for each generated function; with `verbose` also what it was made from, and for what in the program text its instructions are.
pub(super) fn describe(
    out: &mut String,
    plan: &Plan,
    trace: &TracePlan,
    source: &Source,
    verbose: bool,
) {
    for purpose in purposes(trace) {
        let code = purpose.code;
        line!(
            out,
            "  {}: {}, {} of stack",
            purpose.title,
            times(code.instructions.len(), "instruction"),
            times(code.stack, "byte")
        );
        if !verbose {
            continue;
        }
        for arm in &code.arms {
            describe_arm(out, plan, trace, &purpose, arm, source);
        }
        line!(out, "    instructions by place in the program");
        for (span, count) in code.by_span() {
            let text = if span.is_empty() {
                "to find the function, and to answer".to_owned()
            } else {
                quoted(source, &span)
            };
            line!(out, "    {count:>6}  {text}");
        }
    }
}

fn purposes(trace: &TracePlan) -> impl Iterator<Item = Purpose<'_>> {
    let code = &trace.code;
    let decides = |title, code| (title, code, None);
    [
        decides("where, at entry", &code.where_entry),
        decides("kept from entry to return", &code.keep),
        decides("where, at return", &code.where_return),
        (
            ARGUMENTS,
            &code.arguments,
            Some((|call| &call.arguments) as fn(&ShownCall) -> &Vec<ShownValue>),
        ),
        ("ret", &code.results, Some(|call| &call.results)),
        decides(AGGREGATES, &code.aggregate),
        decides("until", &code.until),
    ]
    .into_iter()
    .filter_map(|(title, code, values)| {
        let code = code.as_ref()?;
        Some(Purpose {
            title,
            code,
            aggregates: title == AGGREGATES,
            values,
        })
    })
}

fn describe_arm(
    out: &mut String,
    plan: &Plan,
    trace: &TracePlan,
    purpose: &Purpose<'_>,
    arm: &ListedArm,
    source: &Source,
) {
    let name = |id: &u32| {
        // Code of aggregations has arms for each, which are told by the bits above a function's.
        let (id, aggregation) = (id % Cookie::FUNCTIONS, id / Cookie::FUNCTIONS);
        let function = plan.functions.get(id as usize)?;
        let name = printable(&function.name);
        let aggregation = trace.aggregations.get(aggregation as usize);
        Some(match aggregation.filter(|_| purpose.aggregates) {
            Some(aggregation) => format!("{} of {name}", printable(&aggregation.label)),
            None => name,
        })
    };
    let mut names: Vec<String> = arm.functions.iter().filter_map(name).collect();
    if names.is_empty() {
        names.push("all other functions".to_owned());
    }
    line!(out, "    {}", names.join(", "));
    let shown = arm.functions.first().and_then(|id| trace.shown.get(id));
    match (purpose.values, shown) {
        (Some(values), Some(shown)) => {
            for value in values(shown) {
                describe_value(out, value, &arm.parts);
            }
            let dictionary = shown.dictionary.filter(|_| purpose.title == ARGUMENTS);
            let at = dictionary.and_then(|slot| arm.parts.get(usize::from(slot.item)));
            if let Some(at) = at {
                line!(
                    out,
                    "      (types of generic code): {}",
                    printable(&at.text)
                );
            }
        }
        _ => {
            for part in &arm.parts {
                line!(out, "      {}", quoted(source, &part.span));
                line!(out, "        {}", printable(&part.text));
            }
        }
    }
}

/// A value's name, and where what is captured of it lies.
fn describe_value(out: &mut String, value: &ShownValue, parts: &[ListedPart]) {
    let mut at = BTreeMap::new();
    items::visit(&value.shape, &mut |item| {
        if let Some(part) = parts.get(usize::from(item)) {
            at.insert(item, printable(&part.text));
        }
    });
    let label = match value.label.as_str() {
        "" => "(without a name)".to_owned(),
        label => printable(label),
    };
    let at = match &value.shape {
        Shape::Missing(missing) => format!("not captured: {}", why(missing)),
        Shape::Constant(text) => format!("always {}", printable(text)),
        _ if at.is_empty() => "nothing to capture".to_owned(),
        _ => at.into_values().collect::<Vec<_>>().join(", "),
    };
    line!(out, "      {label}: {at}");
}

fn why(missing: &Missing) -> String {
    match missing {
        Missing::Vector(number) => format!("in X{number}, a register that probes cannot read"),
        Missing::NotDescribed => "the executable does not describe it".to_owned(),
        Missing::OptimisedAway => "the compiler left it out".to_owned(),
        Missing::NoRoom => "no room".to_owned(),
        Missing::UnknownType => "its type cannot be read".to_owned(),
    }
}

/// A piece of the program on one line, the middle left out where it is long.
fn quoted(source: &Source, span: &Span) -> String {
    let text = source.text.get(span.clone()).unwrap_or_default();
    let text = printable(&text.split_whitespace().collect::<Vec<_>>().join(" "));
    let count = text.chars().count();
    if count <= WIDEST {
        return text;
    }
    let half = WIDEST / 2;
    let start: String = text.chars().take(half).collect();
    let end: String = text.chars().skip(count - half).collect();
    let mut out = start;
    let _ = write!(out, "…{end}");
    out
}
