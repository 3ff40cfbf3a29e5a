//! The gofuncgraph language: syntax tree, parser, printer and formatter.
//!
//! ```
//! let parsed = grammar::parse("trace main.handleBar < include net/http*; min 100ms >");
//! assert!(parsed.errors.is_empty());
//! assert_eq!(parsed.program.items.len(), 1);
//! ```
//!
//! The grammar itself, `gfg.pest`, is written to be read. It accepts every text: what is not the language is read by rules of its own,
//! so that one run finds all mistakes of a program and still returns the tree of all that is in order. What a name or a value *means* is
//! for the compiler to check.
//!
//! The crate does no I/O and knows no executables.

#![expect(
    clippy::result_large_err,
    reason = "errors are rare, and all of them end up in one list"
)]

pub mod ast;
pub mod error;
pub mod keywords;

mod aggregations;
mod call_expression;
mod clauses;
mod config;
mod declarations;
mod entries;
mod expressions;
mod format;
mod fragments;
mod hooks;
mod items;
mod layout;
mod literal;
mod parser;
mod pattern_list;
mod print;
mod templates;
mod token;
mod values;

pub use error::{SyntaxError, code};
pub use format::format;
pub use parser::{Parsed, parse};
pub use print::print;
