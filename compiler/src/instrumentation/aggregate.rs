//! Aggregations: from clauses to what the kernel captures of a call to count it, and to how that is read.
//!
//! What is captured of a call for one aggregation is its value, if it has one, and its keys. There is room for so much; what of a string
//! does not fit is cut, and its length tells so.

use grammar::ast::{AggregateFunction, Shown, Span};

use serde::Serialize;

use crate::{
    diagnostics::{codes, diagnostic::Diagnostic, escape::symbol},
    expression::{self, Key, Scope},
    ir::{Item, Kept, Layout, Moment, TooManyKept},
    resolve::aggregation::Aggregated,
    shape::{Run, Shape, ShownValue, Slot},
};

/// What the kernel makes of all kept graphs of a trace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Aggregation {
    /// Its name, or as it is written.
    pub label: String,
    /// Its name, where it has one.
    pub name: Option<String>,
    /// What is made of them.
    pub kind: AggregationKind,
    /// How the value is read: a signed number or a duration. Nothing is measured where there is none.
    pub value: Option<Shape>,
    /// By what calls are told apart. They are read as captured values are, but code is at link-time addresses: an address that is
    /// in a function or right behind it, as return addresses are.
    pub keys: Vec<ShownValue>,
    /// It looks at registers of the return.
    pub needs_results: bool,
}

/// What is made of calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AggregationKind {
    /// How many there are.
    Count,
    /// The sum of their values.
    Sum,
    /// The mean.
    Average,
    /// How many, sum, mean, least and greatest.
    Stats,
    /// How many, by powers of two.
    Histogram,
    /// How many, by steps.
    Linear {
        /// The least value that is not below all steps.
        low: i64,
        /// The least above all of them.
        high: i64,
        /// How wide one is.
        step: u64,
    },
}

/// Bytes of a string in a key at most.
const TEXT: u16 = 32;

/// An aggregation for the calls of one target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lowered {
    pub(crate) items: Vec<Item>,
    pub(crate) plan: Aggregation,
}

/// Lowers an aggregation for one target. What it needs from the target's entry comes to `kept`.
///
/// # Errors
/// All that is wrong with it.
pub(crate) fn lower(
    scope: Scope<'_, '_>,
    aggregated: &Aggregated,
    kept: &mut Kept,
) -> Result<Lowered, Vec<Diagnostic>> {
    let clause = &aggregated.clause;
    let mut diagnostics = Vec::new();
    let measured = clause.arguments.first().and_then(|value| {
        expression::measured(scope, value)
            .map_err(|found| diagnostics.extend(found))
            .ok()
    });
    let mut keys = Vec::with_capacity(clause.keys.len());
    for key in &clause.keys {
        match expression::key(scope, &key.expression) {
            Ok(key) => keys.push(key),
            Err(found) => diagnostics.extend(found),
        }
    }
    let kind = match (clause.function, clause.arguments.as_slice()) {
        (AggregateFunction::Count, _) => Some(AggregationKind::Count),
        (AggregateFunction::Sum, _) => Some(AggregationKind::Sum),
        (AggregateFunction::Average, _) => Some(AggregationKind::Average),
        (AggregateFunction::Stats, _) => Some(AggregationKind::Stats),
        (AggregateFunction::Histogram, _) => Some(AggregationKind::Histogram),
        (AggregateFunction::Linear, [_, low, high, step]) => {
            let duration = measured.as_ref().map(|measured| measured.duration);
            duration.and_then(|duration| {
                let steps = expression::steps(scope, duration, [low, high, step]);
                let steps = steps.map_err(|found| diagnostics.extend(found)).ok()?;
                Some(AggregationKind::Linear {
                    low: steps.low,
                    high: steps.high,
                    step: steps.step,
                })
            })
        }
        (AggregateFunction::Linear, _) => None,
    };
    let Some(kind) = kind.filter(|_| diagnostics.is_empty()) else {
        return Err(diagnostics);
    };
    let too_many = |error: TooManyKept| vec![expression::too_many_kept(&error)];
    let mut items = Vec::with_capacity(1 + keys.len());
    let duration = measured.as_ref().map(|measured| measured.duration);
    if let Some(measured) = measured {
        items.push(Item::Word(kept.word(measured.word).map_err(too_many)?));
    }
    let most = text_room(items.len(), &keys);
    for (key, shown) in keys.iter().cloned().zip(&clause.keys) {
        let item = match key {
            Key::Bool(word)
            | Key::Int(word)
            | Key::Uint { word, .. }
            | Key::Float { word, .. }
            | Key::Duration(word)
            | Key::Code(word)
            | Key::Function(word) => kept.word(word).map(Item::Word),
            Key::String(text) => kept.bytes(text, most, shown.expression.span.clone()),
        };
        items.push(item.map_err(too_many)?);
    }
    let layout = Layout::new(&items);
    let slot = |item: usize| Slot {
        item: u8::try_from(item).unwrap_or(u8::MAX),
        at: layout
            .offsets
            .get(item)
            .and_then(|at| u16::try_from(*at).ok())
            .unwrap_or(u16::MAX),
    };
    let first_key = usize::from(duration.is_some());
    let keys = keys.iter().zip(&clause.keys).enumerate();
    let plan = Aggregation {
        needs_results: items.iter().any(|item| item.looks_at(Moment::Return)),
        label: own_label(scope.source, clause),
        name: clause.name.as_ref().map(|name| name.node.clone()),
        kind,
        value: duration.map(|duration| match duration {
            true => Shape::Duration(slot(0)),
            false => Shape::Int {
                slot: slot(0),
                width: 8,
            },
        }),
        keys: keys
            .map(|(number, (key, shown))| ShownValue {
                derived: None,
                label: label(scope.source, shown),
                ty: None,
                shape: shape(key, slot(first_key + number), most),
            })
            .collect(),
    };
    Ok(Lowered { items, plan })
}

/// What a value is called: its name, or as it is written.
pub(crate) fn label(source: &str, shown: &Shown) -> String {
    match &shown.name {
        Some(name) => name.node.clone(),
        None => source
            .get(shown.expression.span.clone())
            .unwrap_or_default()
            .to_owned(),
    }
}

/// The name of an aggregation, or how it is written, without its keys.
fn own_label(source: &str, clause: &grammar::ast::Aggregation) -> String {
    if let Some(name) = &clause.name {
        return name.node.clone();
    }
    let word = clause.function.word();
    let arguments = clause.arguments.iter();
    let arguments: Vec<&str> = arguments
        .map(|argument| source.get(argument.span.clone()).unwrap_or_default())
        .collect();
    if arguments.is_empty() {
        word.to_owned()
    } else {
        format!("{word}({})", arguments.join(", "))
    }
}

/// How much of each string there is room for beside words.
fn text_room(values: usize, keys: &[Key]) -> u16 {
    let texts = keys
        .iter()
        .filter(|key| matches!(key, Key::String(_)))
        .count();
    let words = 1 + values + keys.len();
    let left = ebpf_templates::AGGREGATE_KEY.saturating_sub(8 * words);
    let each = left.checked_div(texts).unwrap_or(0) / 8 * 8;
    u16::try_from(each).map_or(TEXT, |each| each.min(TEXT))
}

fn shape(key: &Key, slot: Slot, most: u16) -> Shape {
    match key {
        Key::Bool(_) => Shape::Bool(slot),
        Key::Int(_) => Shape::Int { slot, width: 8 },
        Key::Uint { hexadecimal, .. } => Shape::Uint {
            slot,
            width: 8,
            hexadecimal: *hexadecimal,
        },
        Key::Float { width, .. } => Shape::Float {
            slot,
            width: *width,
        },
        Key::Duration(_) => Shape::Duration(slot),
        Key::Code(_) => Shape::Code(slot),
        Key::Function(_) => Shape::Function(slot),
        Key::String(_) => Shape::String(Run {
            item: slot.item,
            at: slot.at,
            most,
        }),
    }
}

/// Says that something is another thing for one target than for the first, with which it is counted or printed.
pub(crate) fn differs(span: &Span, function: &str, first: &str) -> Diagnostic {
    let (function, first) = (symbol(function), symbol(first));
    Diagnostic::new(
        codes::KEYS_DIFFER,
        "values of different types cannot be combined",
    )
    .at(
        span,
        format!("of other types in {function} than in {first}"),
    )
    .help("give each of them a trace of its own")
}
