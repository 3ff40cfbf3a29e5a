//! What calls were given and gave back, with labels: `sql="SELECT …"+212, limit=500`, and ` = (n=3, err=nil)`.

use compiler::shape::{Shape, ShownValue};
use graph::{Exit, Graph, Moment};

use crate::{
    Symbols,
    text::escaped,
    value::{Unknown, Value, decode::decode, go},
};

/// Arguments, or results, of a call.
pub(crate) struct Values<'a> {
    shown: &'a [ShownValue],
    captured: Result<Vec<Value>, Unknown>,
}

/// A value and what is known of it beside.
pub(crate) struct Labelled<'a> {
    /// Empty where it has none.
    pub label: &'a str,
    pub ty: Option<&'a str>,
    pub shape: &'a Shape,
    pub value: Value,
}

/// The arguments of a call; `None` where none are shown.
pub(crate) fn arguments<'a>(
    graph: &Graph,
    index: usize,
    symbols: &'a dyn Symbols,
) -> Option<Values<'a>> {
    let call = graph.calls.get(index)?;
    let shown = &symbols.shown(graph.trace, call.function)?.arguments;
    values(shown, graph, index, Moment::Arguments, symbols)
}

/// The results of a call; `None` where none are shown, and where it did not return.
pub(crate) fn results<'a>(
    graph: &Graph,
    index: usize,
    symbols: &'a dyn Symbols,
) -> Option<Values<'a>> {
    let call = graph.calls.get(index)?;
    let shown = &symbols.shown(graph.trace, call.function)?.results;
    if call.exit != Exit::Return {
        return None;
    }
    values(shown, graph, index, Moment::Results, symbols)
}

fn values<'a>(
    shown: &'a [ShownValue],
    graph: &Graph,
    index: usize,
    moment: Moment,
    symbols: &dyn Symbols,
) -> Option<Values<'a>> {
    if shown.is_empty() {
        return None;
    }
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
    Some(Values { shown, captured })
}

fn is_fixed(shape: &Shape) -> bool {
    matches!(shape, Shape::Missing(_) | Shape::Constant(_))
}

impl<'a> Values<'a> {
    /// One after the other.
    pub(crate) fn labelled(self) -> impl Iterator<Item = Labelled<'a>> {
        let values = self
            .captured
            .unwrap_or_else(|unknown| vec![Value::Unknown(unknown); self.shown.len()]);
        self.shown
            .iter()
            .zip(values)
            .map(|(shown, value)| Labelled {
                label: &shown.label,
                ty: shown.ty.as_deref(),
                shape: &shown.shape,
                value,
            })
    }

    /// What stands between the parentheses of a call.
    pub(crate) fn arguments_text(&self) -> String {
        escaped(self.list())
    }

    /// What stands after the parentheses of a call that has returned: ` = nil`, ` = (3, nil)`, ` = (n=3, err=nil)`.
    pub(crate) fn results_text(&self) -> String {
        let list = escaped(self.list());
        match self.shown {
            [ShownValue { label, .. }] if label.is_empty() => format!(" = {list}"),
            _ if self.captured.is_err() => format!(" = {list}"),
            _ => format!(" = ({list})"),
        }
    }

    fn list(&self) -> String {
        let mut out = String::new();
        let values = match &self.captured {
            Ok(values) => values,
            Err(unknown) => {
                go::write(&mut out, &Value::Unknown(*unknown));
                return out;
            }
        };
        for (shown, value) in self.shown.iter().zip(values) {
            if !out.is_empty() {
                out.push_str(", ");
            }
            if !shown.label.is_empty() {
                out.push_str(&shown.label);
                out.push('=');
            }
            go::write(&mut out, value);
        }
        out
    }
}
