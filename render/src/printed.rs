//! The line that `print` writes for a graph.

use std::fmt::Write as _;

use compiler::plan::{Piece, Template};
use graph::{Exit, Graph};

use crate::{
    Symbols,
    duration::duration,
    text::{escape, escaped},
    value::{Unknown, Value, go},
    values::{Values, arguments, results},
};

/// The line. What comes from the target is fit for a terminal; the program's own text is as it was written, tabs and newlines included.
pub(crate) fn line(template: &Template, graph: &Graph, symbols: &dyn Symbols) -> String {
    let root = graph.root();
    let unwound = root.is_some_and(|call| call.exit == Exit::Unwound);
    let values = |values: Option<Values<'_>>| -> Vec<Value> {
        let labelled = values.into_iter().flat_map(Values::labelled);
        labelled.map(|(_, value)| value).collect()
    };
    let arguments = values(arguments(graph, 0, symbols));
    let results = values(results(graph, 0, symbols));
    let mut out = String::new();
    for piece in &template.pieces {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Argument(number) => value(&mut out, arguments.get(*number)),
            Piece::Result(_) if unwound => go::write(&mut out, &Value::Unknown(Unknown::NoReturn)),
            Piece::Result(number) => value(&mut out, results.get(*number)),
            Piece::Duration => match root {
                Some(call) => out.push_str(&duration(call.net_ns())),
                None => value(&mut out, None),
            },
            Piece::SelfTime => match graph.self_times().first() {
                Some(ns) if root.is_some() => out.push_str(&duration(*ns)),
                _ => value(&mut out, None),
            },
            Piece::Goroutine => _ = write!(out, "{}", graph.goroutine),
            Piece::Process => _ = write!(out, "{}", graph.pid),
            Piece::Thread => _ = write!(out, "{}", graph.tid),
            Piece::Function => match root {
                Some(call) => out.push_str(&escape(symbols.function(call.function))),
                None => value(&mut out, None),
            },
            Piece::Caller => match root {
                Some(call) => {
                    let site = symbols.call_site(graph, call.caller_pc);
                    if site.function.is_empty() {
                        _ = write!(out, "0x{:x}", call.caller_pc);
                    } else {
                        out.push_str(&escape(&site.function));
                    }
                }
                None => value(&mut out, None),
            },
        }
    }
    out
}

/// In Go's syntax; a string that is there as a whole without quotes.
fn value(out: &mut String, value: Option<&Value>) {
    match value {
        Some(Value::String(text)) if text.more == 0 => text.plain(out),
        Some(value) => {
            let mut text = String::new();
            go::write(&mut text, value);
            out.push_str(&escaped(text));
        }
        None => go::write(out, &Value::Unknown(Unknown::NotCaptured)),
    }
}
