//! Records from the ring buffer become call trees.
//!
//! The probe program sends a call when it ends, so a graph arrives in post-order, in one record or in several. A [`Builder`] gathers
//! the records of each goroutine and hands out a [`Graph`] when its last one has come. The crate does no I/O and reads no clock: the
//! same records always give the same trees.

mod attach;
mod builder;
mod captured;
mod costs;
mod malformed;
mod order;
mod packed;
mod totals;
mod tree;

pub use builder::Builder;
pub use captured::Captured;
pub use costs::ProbeCosts;
pub use ebpf_templates::Moment;
pub use malformed::Malformed;
pub use totals::{Cost, Totals};
pub use tree::{Call, Dropped, Events, Exit, Graph, Step};
