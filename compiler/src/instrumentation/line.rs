//! A line that stands for a graph, as pieces.

use serde::Serialize;

/// A line that is written for each graph.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Template {
    /// One after another.
    pub pieces: Vec<Piece>,
}

/// A piece of a [`Template`], about the target's call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Piece {
    /// The same each time.
    Text(String),
    /// One of [`crate::shape::ShownCall::arguments`].
    Argument(usize),
    /// One of [`crate::shape::ShownCall::results`].
    Result(usize),
    /// How long it took.
    Duration,
    /// The same without the calls shown inside.
    SelfTime,
    /// Goroutine id.
    Goroutine,
    /// Process id.
    Process,
    /// Thread id.
    Thread,
    /// The function's name.
    Function,
    /// The name of the function that made the call.
    Caller,
}
