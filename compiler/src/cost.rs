//! What a plan costs whoever is traced, and what to do about it.
//!
//! In: a plan, and prices. Out: what a call costs, what all of them do at the rate at which they come, and which functions to let go.
//!
//! *Invariant*: the plan is only read.

pub mod budget;
mod call_price;

pub use call_price::{CallPrice, call_prices, micros};
