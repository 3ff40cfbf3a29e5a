//! `--format json`: JSON lines, one object a graph and a last one with the totals; docs/json.md is the schema.
//!
//! The nesting is written as the tree is walked, so ten thousand levels need no recursion and no copy of the tree; serde writes the
//! pieces. Characters that a terminal would act upon are written as `\u….`, which means the same to a JSON parser.

use std::io::{self, Write};

use compiler::plan::Template;
use graph::{Call, Exit, Graph, Step, Totals};
use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

use crate::{
    Aggregated, Options, Renderer, Symbols, aggregate, beyond_stack,
    printed::line,
    text::{has_unsafe, is_unsafe},
    value::{
        go,
        json::{Json as Value, is_partial},
        kind::type_name,
    },
    values::{Values, arguments, calls_without_values, results},
};

/// The renderer.
pub(crate) struct Json {
    options: Options,
}

impl Json {
    pub(crate) fn new(options: Options) -> Self {
        Self { options }
    }
}

#[derive(Serialize)]
struct Site<'a> {
    function: &'a str,
    offset: u64,
    file: &'a str,
    line: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
}

#[derive(Serialize)]
struct Shown<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    r#type: Option<&'a str>,
    value: Value<'a>,
    text: String,
    #[serde(skip_serializing_if = "is_zero")]
    cut: u64,
    #[serde(skip_serializing_if = "is_false")]
    partial: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

fn is_false(flag: &bool) -> bool {
    !flag
}

/// What `print` has written, for a graph or in a hook.
#[derive(Serialize)]
struct Line<'a> {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    goroutine: Option<u64>,
    time: String,
    text: &'a str,
}

#[derive(Serialize)]
struct End<'a> {
    r#type: &'static str,
    #[serde(flatten)]
    totals: &'a Totals,
}

impl Renderer for Json {
    fn graph(
        &mut self,
        out: &mut dyn Write,
        graph: &Graph,
        symbols: &dyn Symbols,
    ) -> io::Result<()> {
        write!(out, "{{\"type\":\"graph\",\"trace\":")?;
        value(out, symbols.trace_label(graph.trace))?;
        let Graph {
            pid,
            tid,
            goroutine,
            complete,
            open,
            lost_calls,
            missing_calls,
            ..
        } = graph;
        let start = self.options.clock.wall(graph.start_ns);
        write!(
            out,
            ",\"pid\":{pid},\"tid\":{tid},\"goroutine\":{goroutine},\"start\":\"{start:.9}\""
        )?;
        write!(
            out,
            ",\"complete\":{complete},\"open\":{open},\"lost_calls\":{lost_calls},\"missing_calls\":{missing_calls}"
        )?;
        if graph.lost_values > 0 {
            let calls = calls_without_values(graph, symbols);
            write!(out, ",\"lost_values\":{calls}")?;
        }
        if !graph.dropped.is_empty() {
            let names = graph.dropped.iter();
            let names: Vec<&str> = names
                .map(|dropped| symbols.function(dropped.function))
                .collect();
            write!(out, ",\"dropped_functions\":")?;
            value(out, &names)?;
        }
        if !graph.stack.is_empty() {
            write!(out, ",\"stack\":")?;
            let mut before = '[';
            for address in &graph.stack {
                write!(out, "{before}")?;
                call_site(out, graph, *address, symbols)?;
                before = ',';
            }
            write!(out, "]")?;
        }
        if let Some(beyond) = beyond_stack(graph, symbols) {
            write!(out, ",\"stack_beyond\":")?;
            value(out, beyond)?;
        }
        write!(out, ",\"root\":")?;
        let lost_root = graph.root().is_none();
        if lost_root {
            // The address of an instruction of the target, made to look like a return address.
            let target = symbols
                .call_site(graph, graph.entry_ip.saturating_add(1))
                .function;
            let duration_ns = graph.calls.iter().map(Call::end_ns).max().unwrap_or(0);
            write!(out, "{{\"function\":")?;
            value(out, target.as_str())?;
            write!(
                out,
                ",\"caller\":null,\"return\":null,\"start_ns\":0,\"duration_ns\":{duration_ns}"
            )?;
            write!(out, ",\"exit\":\"open\",\"lost\":true,\"calls\":[")?;
        }
        let self_times = graph.compensated.then(|| graph.self_times());
        let self_ns = |index: usize| self_times.as_ref()?.get(index).copied();
        let mut after_sibling = false;
        for step in graph.events() {
            match step {
                Step::Enter(index) => {
                    if after_sibling {
                        write!(out, ",")?;
                    }
                    enter(out, graph, index, self_ns(index), symbols)?;
                    after_sibling = false;
                }
                Step::Leave(_) => {
                    write!(out, "]}}")?;
                    after_sibling = true;
                }
            }
        }
        if lost_root {
            write!(out, "]}}")?;
        }
        writeln!(out, "}}")
    }

    fn line(
        &mut self,
        out: &mut dyn Write,
        template: &Template,
        graph: &Graph,
        symbols: &dyn Symbols,
    ) -> io::Result<()> {
        let start = self.options.clock.wall(graph.start_ns);
        let line = Line {
            r#type: "print",
            trace: Some(symbols.trace_label(graph.trace)),
            pid: Some(graph.pid),
            goroutine: Some(graph.goroutine),
            time: format!("{start:.9}"),
            text: &line(template, graph, symbols),
        };
        value(out, &line)?;
        writeln!(out)
    }

    fn text(&mut self, out: &mut dyn Write, text: &str, now_ns: u64) -> io::Result<()> {
        let line = Line {
            r#type: "print",
            trace: None,
            pid: None,
            goroutine: None,
            time: format!("{:.9}", self.options.clock.wall(now_ns)),
            text,
        };
        value(out, &line)?;
        writeln!(out)
    }

    fn aggregated(
        &mut self,
        out: &mut dyn Write,
        aggregated: &Aggregated<'_>,
        now_ns: u64,
    ) -> io::Result<()> {
        let time = format!("{:.9}", self.options.clock.wall(now_ns));
        value(out, &aggregate::json::object(aggregated, time))?;
        writeln!(out)
    }

    fn end(&mut self, out: &mut dyn Write, totals: &Totals) -> io::Result<()> {
        let end = End {
            r#type: "end",
            totals,
        };
        value(out, &end)?;
        writeln!(out)
    }
}

/// Writes a call up to the `[` of its calls; its time without the probes where `self_ns` is known.
fn enter(
    out: &mut dyn Write,
    graph: &Graph,
    index: usize,
    self_ns: Option<u64>,
    symbols: &dyn Symbols,
) -> io::Result<()> {
    let Some(call) = graph.calls.get(index) else {
        return Ok(());
    };
    write!(out, "{{\"function\":")?;
    value(out, symbols.function(call.function))?;
    write!(out, ",\"caller\":")?;
    call_site(out, graph, call.caller_pc, symbols)?;
    write!(out, ",\"return\":")?;
    match call.return_offset {
        Some(offset) => {
            let site = symbols.return_site(call.function, offset);
            write!(out, "{{\"offset\":{offset},\"file\":")?;
            value(out, site.file.as_str())?;
            write!(out, ",\"line\":{}}}", site.line)?;
        }
        None => write!(out, "null")?,
    }
    let exit = match call.exit {
        Exit::Return => "return",
        Exit::Unwound => "unwound",
        Exit::Open => "open",
        Exit::Exec => "exec",
    };
    write!(
        out,
        ",\"start_ns\":{},\"duration_ns\":{}",
        call.start_ns, call.duration_ns
    )?;
    if let Some(self_ns) = self_ns {
        let probe_ns = call.probe_ns;
        write!(out, ",\"probe_ns\":{probe_ns},\"self_ns\":{self_ns}")?;
    }
    write!(out, ",\"exit\":\"{exit}\"")?;
    if call.missing > 0 {
        write!(out, ",\"missing_calls\":{}", call.missing)?;
    }
    if let Some(arguments) = arguments(graph, index, symbols) {
        write!(out, ",\"args\":")?;
        all(out, arguments)?;
    }
    if let Some(results) = results(graph, index, symbols) {
        write!(out, ",\"results\":")?;
        all(out, results)?;
    }
    write!(out, ",\"calls\":[")
}

fn all(out: &mut dyn Write, values: Values<'_>) -> io::Result<()> {
    let mut before = '[';
    for (planned, shown) in values.labelled() {
        write!(out, "{before}")?;
        let mut text = String::new();
        go::write(&mut text, &shown);
        let error = shown.unknown();
        let shown = Shown {
            name: &planned.label,
            r#type: (planned.ty.as_deref()).or_else(|| type_name(&planned.shape)),
            value: Value(&shown),
            text,
            cut: shown.left_out(),
            partial: error.is_none() && is_partial(&shown),
            error: error.map(|unknown| unknown.to_string()),
        };
        value(out, &shown)?;
        before = ',';
    }
    write!(out, "]")
}

fn call_site(
    out: &mut dyn Write,
    graph: &Graph,
    address: u64,
    symbols: &dyn Symbols,
) -> io::Result<()> {
    let site = symbols.call_site(graph, address);
    let unnamed = site.function.is_empty();
    let site = Site {
        function: &site.function,
        offset: site.offset,
        file: &site.file,
        line: site.line,
        address: unnamed.then(|| format!("0x{address:x}")),
    };
    value(out, &site)
}

fn value<T: Serialize + ?Sized>(out: &mut dyn Write, value: &T) -> io::Result<()> {
    value.serialize(&mut Serializer::with_formatter(out, Safe))?;
    Ok(())
}

/// Compact JSON without characters that a terminal would act upon.
struct Safe;

impl Formatter for Safe {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        out: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        if !has_unsafe(fragment) {
            return out.write_all(fragment.as_bytes());
        }
        let mut rest = fragment;
        while let Some(at) = rest.find(is_unsafe) {
            let (plain, tail) = rest.split_at(at);
            out.write_all(plain.as_bytes())?;
            let mut characters = tail.chars();
            if let Some(character) = characters.next() {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    write!(out, "\\u{unit:04x}")?;
                }
            }
            rest = characters.as_str();
        }
        out.write_all(rest.as_bytes())
    }
}
