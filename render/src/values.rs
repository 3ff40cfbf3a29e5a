//! What calls were given and gave back, with labels: `sql="SELECT …"+212, limit=500`, and ` = (n=3, err=nil)`.

use std::{ops::Deref, sync::Arc};

use compiler::shape::{Shape, ShownCall, ShownValue};
use graph::{Exit, Graph, Moment};

use crate::{
    Symbols,
    text::{columns, escaped},
    value::{
        Unknown, Value,
        decode::{decode, word},
        fit, go,
    },
};

/// Arguments, or results, of a call.
pub(crate) struct Values<'a> {
    moment: Moment,
    shown: Vec<Shown<'a>>,
    captured: Result<Vec<Value>, Unknown>,
}

/// How a value is read.
pub(crate) enum Shown<'a> {
    /// As at every call.
    Planned(&'a ShownValue),
    /// By the types that one call was made with.
    Resolved(Arc<ShownValue>),
}

impl Deref for Shown<'_> {
    type Target = ShownValue;

    fn deref(&self) -> &ShownValue {
        match self {
            Self::Planned(value) => value,
            Self::Resolved(value) => value,
        }
    }
}

/// The arguments of a call; `None` where none are shown.
pub(crate) fn arguments<'a>(
    graph: &Graph,
    index: usize,
    symbols: &'a dyn Symbols,
) -> Option<Values<'a>> {
    let call = graph.calls.get(index)?;
    let shown = symbols.shown(graph.trace, call.function)?;
    values(shown, graph, index, Moment::Arguments, symbols)
}

/// The results of a call; `None` where none are shown, and where it did not return.
pub(crate) fn results<'a>(
    graph: &Graph,
    index: usize,
    symbols: &'a dyn Symbols,
) -> Option<Values<'a>> {
    let call = graph.calls.get(index)?;
    let shown = symbols.shown(graph.trace, call.function)?;
    if call.exit != Exit::Return {
        return None;
    }
    values(shown, graph, index, Moment::Results, symbols)
}

fn values<'a>(
    call: &'a ShownCall,
    graph: &Graph,
    index: usize,
    moment: Moment,
    symbols: &dyn Symbols,
) -> Option<Values<'a>> {
    let planned = match moment {
        Moment::Arguments => &call.arguments,
        Moment::Results => &call.results,
    };
    if planned.is_empty() {
        return None;
    }
    let dictionary = || {
        let at_entry = graph.captured.of(index, Moment::Arguments)?;
        word(call.dictionary?, at_entry)
    };
    let dictionary = (planned.iter().any(|value| value.derived.is_some()))
        .then(dictionary)
        .flatten();
    let resolved = |number: usize, value: &ShownValue| {
        value.derived.as_ref()?;
        let function = graph.calls.get(index)?.function;
        symbols.resolved(graph, function, (moment, number), dictionary?)
    };
    let shown: Vec<Shown<'a>> = planned
        .iter()
        .enumerate()
        .map(|(number, value)| match resolved(number, value) {
            Some(value) => Shown::Resolved(value),
            None => Shown::Planned(value),
        })
        .collect();
    let decoded = |captured: &[u8]| {
        shown
            .iter()
            .map(|value| decode(&value.shape, captured, graph, symbols))
            .collect()
    };
    let captured = match graph.captured.of(index, moment) {
        Some(captured) => Ok(decoded(captured)),
        // Nothing needs to be captured.
        None if shown.iter().all(|value| is_fixed(&value.shape)) => Ok(decoded(&[])),
        None if graph.lost_values > 0 => Err(Unknown::Lost),
        None => Err(Unknown::NotCaptured),
    };
    Some(Values {
        moment,
        shown,
        captured,
    })
}

fn is_fixed(shape: &Shape) -> bool {
    matches!(shape, Shape::Missing(_) | Shape::Constant(_))
}

impl<'a> Values<'a> {
    /// One after the other.
    pub(crate) fn labelled(self) -> impl Iterator<Item = (Shown<'a>, Value)> {
        let values = self
            .captured
            .unwrap_or_else(|unknown| vec![Value::Unknown(unknown); self.shown.len()]);
        self.shown.into_iter().zip(values)
    }

    /// What stands between the parentheses of a call, or after them or its end: ` = nil`, ` = (3, nil)`, ` = (n=3, err=nil)`. Where
    /// `room` is less than that takes, values are shortened to so many columns, if they can be.
    pub(crate) fn text(&self, room: Option<usize>) -> String {
        let (before, after) = match self.moment {
            Moment::Arguments => ("", ""),
            Moment::Results if self.is_bare() => (" = ", ""),
            Moment::Results => (" = (", ")"),
        };
        let room = room.map(|room| room.saturating_sub(before.len() + after.len()));
        format!("{before}{}{after}", escaped(self.list(room)))
    }

    /// Results that are written without parentheses.
    fn is_bare(&self) -> bool {
        match self.shown.as_slice() {
            [one] if one.label.is_empty() => true,
            _ => self.captured.is_err(),
        }
    }

    fn list(&self, room: Option<usize>) -> String {
        let values = match &self.captured {
            Ok(values) => values,
            Err(unknown) => {
                let mut out = String::new();
                go::write(&mut out, &Value::Unknown(*unknown));
                return out;
            }
        };
        let labels = self.shown.iter().map(|shown| shown.label.as_str());
        let texts: Vec<String> = labels
            .clone()
            .zip(values)
            .map(|(label, value)| labelled(label, value))
            .collect();
        let Some(room) = room else {
            return texts.join(SEPARATOR);
        };
        let widths: Vec<usize> = texts.iter().map(|text| columns(text)).collect();
        let separators = SEPARATOR.len() * texts.len().saturating_sub(1);
        let shares = fit::shares(&widths, room.saturating_sub(separators));
        let texts: Vec<String> = labels
            .zip(values)
            .zip(shares)
            .map(|((label, value), share)| {
                let room = share.saturating_sub(columns(&labelled(label, &NOTHING)));
                labelled(label, &fit::fit(value, room))
            })
            .collect();
        texts.join(SEPARATOR)
    }
}

const SEPARATOR: &str = ", ";
const NOTHING: Value = Value::Constant(String::new());

/// `n=3`, `3`
fn labelled(label: &str, value: &Value) -> String {
    let mut out = String::from(label);
    if !label.is_empty() {
        out.push('=');
    }
    go::write(&mut out, value);
    out
}
