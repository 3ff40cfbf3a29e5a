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
//! *Invariant*: no system calls, no files, no terminal. Text and a [`gobinary::Executable`] go in, plain data comes out, so that the
//! command line and an editor share everything here.

mod aggregate;
pub mod budget;
mod classic;
mod clauses;
pub mod codes;
mod compile;
mod copies;
mod diagnostic;
mod escape;
mod explain;
pub mod expression;
mod find;
mod glob;
mod hooks;
mod instructed;
mod last_calls;
mod listed;
mod lower;
mod matching;
mod nearest;
mod placement;
pub mod plan;
pub mod predicate;
mod preference;
mod prices;
mod print;
mod probes;
mod regular;
mod report;
mod resolve;
mod select;
mod selector;
mod settings;
mod severity;
mod shadowed;
pub mod shape;
pub mod shown;
mod sites;
mod values;

pub use classic::{ClassicError, classic_program};
pub use compile::{Checked, Options, check, compile};
pub use diagnostic::{Diagnostic, Label, Source, has_errors};
pub use escape::{escape, escape_character, escape_path, has_unsafe, is_unsafe};
pub use explain::{explain, explain_json};
pub use find::{find, patterns_program};
pub use glob::{Glob, GlobError};
pub use plan::{Budget, Limits, Plan, Settings};
pub use preference::Placement;
pub use prices::{CallPrice, Prices, call_prices, micros};
pub use report::{report, report_json};
pub use resolve::Resolved;
pub use select::grouped;
pub use settings::Overrides;
pub use severity::Severity;
