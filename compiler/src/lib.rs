//! From a program and an executable to a probe plan.
//!
//! Names become functions, functions become probe sites with cookies, clauses become filters; whatever is wrong becomes a diagnostic at
//! its place, all of a program in one run.
//!
//! ```
//! let source = compiler::Source::new("<command line>", "trace main.handleBar < min 5 >");
//! let checked = compiler::check(&source, &[], None);
//! assert_eq!(checked.diagnostics[0].code, "E0303");
//! assert!(compiler::report(&source, &checked.diagnostics, false).contains("give a unit: 5ms"));
//! ```
//!
//! # Stages
//!
//! In the order in which a program passes them; what is further down is used by nothing further up.
//!
//! | folder | in | out |
//! |---|---|---|
//! | `diagnostics` | spans and words of every other stage | errors, warnings and notes as values, and reports of them |
//! | `resolve` | the syntax tree | names, values and patterns of the program, with no executable |
//! | `select` | patterns, an executable's functions | which functions each trace is about |
//! | `expression` | expressions, one function's types | typed words and conditions, in [`ir`] |
//! | `capture` | values to be shown | which bytes are taken ([`ir`]), and how they are read back ([`shape`]) |
//! | `instrumentation` | a trace, its functions | what is to be tested, captured and counted at each of their calls |
//! | `placement` | functions, and what has to be seen of their calls | probe sites, and what they cost |
//! | `codegen` | instrumentation, for functions with numbers | eBPF, and an interpreter that it is tested against |
//! | `cost` | a plan, prices | what calls cost, and which functions to let go |
//!
//! [`ir`] and [`shape`] are what stages hand on, [`plan`] is what `codegen` and all before it have come to: data, and no decisions. `compile`, `find` and `classic` are the ways in, `lower` is
//! the way through, and `explain` tells what came out.
//!
//! *Invariant*: no system calls, no files, no terminal. Text and a [`gobinary::Executable`] go in, plain data comes out, so that the
//! command line and an editor share everything here.

pub mod capture;
pub mod codegen;
mod cost;
pub mod diagnostics;
pub mod expression;
mod instrumentation;
mod placement;
mod resolve;
mod select;

mod classic;
mod compile;
mod explain;
mod find;
mod lower;

pub mod ir;
pub mod plan;
pub mod shape;

pub use classic::{ClassicError, classic_program};
pub use compile::{Checked, check, compile};
pub use cost::{CallPrice, budget, call_prices, micros};
pub use diagnostics::{
    Diagnostic, Label, Severity, Source, codes, escape, escape_character, escape_path, has_errors,
    has_unsafe, is_unsafe, report, report_json,
};
pub use explain::{explain, explain_json};
pub use find::{find, patterns_program};
pub use lower::Options;
pub use placement::{preference::Placement, prices::Prices};
pub use plan::{Budget, Limits, Plan, Settings};
pub use resolve::{
    Resolved,
    glob::{Glob, GlobError},
    settings::Overrides,
};
pub use select::grouped;
