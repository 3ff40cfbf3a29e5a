//! How grave a diagnostic is: a property of its code, and what decides whether the program runs.

use serde::Serialize;

/// How grave a diagnostic is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Something worth knowing; nothing is wrong.
    Note,
    /// Probably not what was meant; the program runs all the same.
    Warning,
    /// The program cannot run.
    Error,
}
