//! What calls were given and gave back, with labels: `sql="SELECT …"+212, limit=500`, and ` = (n=3, err=nil)`.

use std::{borrow::Cow, ops::Deref, sync::Arc};

use compiler::shape::{Shape, ShownCall, ShownValue};
use graph::{Exit, Graph, Moment};

use crate::{
    Symbols,
    text::escaped,
    value::{
        Unknown, Value,
        decode::{decode, word},
        go,
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

/// Calls of a graph whose arguments, or results, or both, are lost.
#[must_use]
pub fn calls_without_values(graph: &Graph, symbols: &dyn Symbols) -> u64 {
    if graph.lost_values == 0 {
        return 0;
    }
    let is_lost = |values: Option<Values<'_>>| {
        values.is_some_and(|values| matches!(values.captured, Err(Unknown::Lost)))
    };
    let lost = (0..graph.calls.len()).filter(|&index| {
        is_lost(arguments(graph, index, symbols)) || is_lost(results(graph, index, symbols))
    });
    lost.count() as u64
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

    /// What stands between the parentheses of a call, or after them or its end: ` = nil`, ` = (3, nil)`, ` = (n=3, err=nil)`.
    pub(crate) fn text(&self) -> String {
        let (before, after) = self.around();
        let texts: Vec<String> = (self.items())
            .map(|(label, value)| labelled(label, &value))
            .collect();
        format!("{before}{}{after}", escaped(texts.join(SEPARATOR)))
    }

    /// What stands before and after all of them.
    pub(crate) fn around(&self) -> (&'static str, &'static str) {
        match self.moment {
            Moment::Arguments => ("", ""),
            Moment::Results if self.is_bare() => (" = ", ""),
            Moment::Results => (" = (", ")"),
        }
    }

    /// Results that are written without parentheses.
    fn is_bare(&self) -> bool {
        match self.shown.as_slice() {
            [one] if one.label.is_empty() => true,
            _ => self.captured.is_err(),
        }
    }

    /// Labels and values; why there are none stands once for all of them.
    pub(crate) fn items(&self) -> impl Iterator<Item = (&str, Cow<'_, Value>)> {
        let labels = self.shown.iter().map(|shown| shown.label.as_str());
        let values = self.captured.as_deref().unwrap_or_default();
        let unknown = self.captured.as_ref().err();
        let unknown = unknown.map(|unknown| ("", Cow::Owned(Value::Unknown(*unknown))));
        labels.zip(values.iter().map(Cow::Borrowed)).chain(unknown)
    }
}

/// Between two values.
pub(crate) const SEPARATOR: &str = ", ";

/// `n=3`, `3`
pub(crate) fn labelled(label: &str, value: &Value) -> String {
    let mut out = String::from(label);
    if !label.is_empty() {
        out.push('=');
    }
    go::write(&mut out, value);
    out
}
