//! Where what a session finds goes.

use compiler::plan::Template;
use graph::{Graph, Totals};
use render::{Aggregated, Symbols};

/// Takes what a session finds, in the order in which it happened. An error ends the session; a reader that goes away is no error, but makes
/// the sink closed.
pub trait Sink {
    /// A graph. Where its trace has `print`, `line` stands for it.
    ///
    /// # Errors
    /// It cannot be written.
    fn graph(
        &mut self,
        graph: &Graph,
        line: Option<&Template>,
        symbols: &dyn Symbols,
    ) -> anyhow::Result<()>;

    /// A text of a hook. `now_ns` is CLOCK_MONOTONIC.
    ///
    /// # Errors
    /// It cannot be written.
    fn text(&mut self, text: &str, now_ns: u64) -> anyhow::Result<()>;

    /// What an aggregation has come to. `now_ns` is CLOCK_MONOTONIC.
    ///
    /// # Errors
    /// It cannot be written.
    fn aggregated(&mut self, aggregated: &Aggregated<'_>, now_ns: u64) -> anyhow::Result<()>;

    /// A line for whoever runs the session. Whether anybody reads it is no concern of the session.
    fn notice(&mut self, text: &str);

    /// Nothing follows for a moment: what was taken should be seen now.
    ///
    /// # Errors
    /// It cannot be written.
    fn flush(&mut self) -> anyhow::Result<()>;

    /// Nobody takes anything any more.
    fn is_closed(&self) -> bool;

    /// The session is over.
    ///
    /// # Errors
    /// It cannot be written.
    fn end(&mut self, totals: &Totals) -> anyhow::Result<()>;
}
