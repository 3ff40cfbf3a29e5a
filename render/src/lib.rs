//! Call trees as text and JSON: one file an output format, each pure.
//!
//! A [`Renderer`] is given finished [`Graph`]s and a way to name what they refer to ([`Symbols`]), and writes bytes. It decides nothing
//! about what is traced. Every string that comes from a traced process goes through [`escape`] before it reaches a text format.

use std::{
    io::{self, Write},
    sync::Arc,
};

use compiler::{
    plan::Template,
    shape::{ShownCall, ShownValue},
};
use graph::{Graph, Moment, Totals};
pub use jiff::tz::TimeZone;

mod aggregate;
mod classic;
mod duration;
mod json;
mod narrow;
mod printed;
mod style;
mod summary;
mod text;
mod time;
mod tree;
mod value;
mod values;

pub use aggregate::{Aggregated, Functions};
pub use duration::{duration, slow_mark};
pub use summary::write_summary;
pub use text::{cut, escape, shorten};
pub use time::Clock;
pub use value::runtime_type::{Held, RuntimeType};
pub use values::calls_without_values;

/// Names for what a graph holds as numbers.
pub trait Symbols {
    /// The label of a trace, or its target patterns.
    fn trace_label(&self, trace: u32) -> &str;
    /// The full name of a function of the plan.
    fn function(&self, id: u32) -> &str;
    /// Where the call was made that returns to `address`, an address as the process of `graph` sees it.
    fn call_site(&self, graph: &Graph, address: u64) -> Site;
    /// The instruction `offset` bytes after the entry of a function of the plan.
    fn return_site(&self, function: u32, offset: u32) -> Site;
    /// What is captured of the calls of a function of the plan in a trace.
    fn shown(&self, trace: u32, function: u32) -> Option<&ShownCall>;
    /// In generic code: one of [`Self::shown`] by its true type, of the arguments or of the results the one of this number. The dictionary is
    /// at `dictionary`, as the process of `graph` sees it. `None` where the type is not known.
    fn resolved(
        &self,
        graph: &Graph,
        function: u32,
        value: (Moment, usize),
        dictionary: u64,
    ) -> Option<Arc<ShownValue>>;
    /// The full name of the function whose code begins at `address`, as the process of `graph` sees it.
    fn code(&self, graph: &Graph, address: u64) -> Option<String>;
    /// The type that the runtime describes at `address`, as the process of `graph` sees it.
    fn runtime_type(&self, graph: &Graph, address: u64) -> Option<Arc<RuntimeType>>;
}

/// A place in the code.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Site {
    /// Full function name; empty where it is not known.
    pub function: String,
    /// Bytes from the function's entry.
    pub offset: u64,
    /// Full path of the source file; empty where it is not known.
    pub file: String,
    /// The path as a person would write it: relative to its module.
    pub short_file: String,
    /// Line in the file, from 1; 0 where it is not known.
    pub line: u32,
}

/// Through which C code calls Go, on the stack of a goroutine.
const CALLED_BY_C: &str = "runtime.cgocallback";

/// Where the list of a target's callers leads that does not end: to C code, which keeps no list of its own callers, or nobody knows where.
fn beyond_stack(graph: &Graph, symbols: &dyn Symbols) -> Option<&'static str> {
    let last = graph.stack.last().filter(|_| graph.stack_left)?;
    let by_c = symbols.call_site(graph, *last).function == CALLED_BY_C;
    Some(if by_c { "C" } else { "unknown" })
}

/// An output format in use.
pub trait Renderer {
    /// Writes one graph.
    ///
    /// # Errors
    /// Those of `out`.
    fn graph(
        &mut self,
        out: &mut dyn Write,
        graph: &Graph,
        symbols: &dyn Symbols,
    ) -> io::Result<()>;

    /// Writes the line that stands for a graph.
    ///
    /// # Errors
    /// Those of `out`.
    fn line(
        &mut self,
        out: &mut dyn Write,
        template: &Template,
        graph: &Graph,
        symbols: &dyn Symbols,
    ) -> io::Result<()>;

    /// Writes a text of a hook, which nothing of the target is in.
    ///
    /// # Errors
    /// Those of `out`.
    fn text(&mut self, out: &mut dyn Write, text: &str, now_ns: u64) -> io::Result<()>;

    /// Writes what an aggregation has come to. `now_ns` is CLOCK_MONOTONIC.
    ///
    /// # Errors
    /// Those of `out`.
    fn aggregated(
        &mut self,
        out: &mut dyn Write,
        aggregated: &Aggregated<'_>,
        now_ns: u64,
    ) -> io::Result<()>;

    /// Writes what comes after the last graph: the totals.
    ///
    /// # Errors
    /// Those of `out`.
    fn end(&mut self, out: &mut dyn Write, totals: &Totals) -> io::Result<()>;
}

/// The output formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// A block of indented calls for each graph, to be read by people.
    #[default]
    Graph,
    /// A line for each entry and each return, in the layout of the original system.
    Classic,
    /// JSON lines.
    Json,
}

/// How to write.
#[derive(Debug, Clone)]
pub struct Options {
    /// Write ANSI colours.
    pub color: bool,
    /// Columns of the terminal; `None` where nothing is to be cut, as in a file.
    pub width: Option<usize>,
    /// Full paths and offsets.
    pub verbose: bool,
    /// The wall clock.
    pub clock: Clock,
    /// Time zone of the text formats.
    pub time_zone: TimeZone,
}

/// A renderer for `format`.
#[must_use]
pub fn renderer(format: Format, options: Options) -> Box<dyn Renderer> {
    match format {
        Format::Graph => Box::new(tree::Tree::new(options)),
        Format::Classic => Box::new(classic::Classic::new(options)),
        Format::Json => Box::new(json::Json::new(options)),
    }
}
