//! A running trace, from records to a reader: what the command line, and any other front end, drives.
//!
//! A [`Session`] takes a plan and a [`Source`] of records (the kernel, or a list of records) to a [`Sink`]: graphs, aggregations, and whatever
//! is to be said to a person meanwhile. It keeps the budget, looks after processes that end, and gives everything back.
//!
//! *Invariant*: no arguments, no terminal, no exit codes, and nothing is written but through the sink.

mod compensation;
mod dynamic;
mod hindrances;
mod hooks;
mod loading;
mod neighbours;
mod overhead;
pub mod prices;
mod remains;
mod rendered;
mod session;
mod sink;
mod source;
mod started;
mod surroundings;
mod symbols;
mod traced;
mod words;

pub use compensation::Compensation;
pub use hindrances::Hindrances;
pub use loading::Loading;
pub use overhead::Overhead;
pub use rendered::{Rendered, Streams};
pub use session::{Session, Until};
pub use sink::Sink;
pub use source::Source;
pub use started::Started;
pub use surroundings::Surroundings;
pub use symbols::{BinarySymbols, Names, short_file};
pub use traced::Traced;
pub use words::typed;
