//! What is said of code that the kernel has no room for, or refuses.

use grammar::ast::Span;

use super::{Resource, TooLarge};
use crate::diagnostics::{codes, diagnostic::Diagnostic, escape::printable};

/// What is wrong with an expression for which no code could be generated.
#[must_use]
pub fn too_large(error: &TooLarge) -> Diagnostic {
    let TooLarge {
        span,
        resource,
        needed,
        room,
    } = error;
    let (what, help) = match resource {
        Resource::Instructions => (
            "instructions",
            "test fewer things, or of fewer functions: functions whose arguments are in the same places share their code",
        ),
        Resource::Stack => ("bytes of stack", "test fewer things within one another"),
        Resource::Searches => (
            "searches for a text (a long one counts as several)",
            "test how a text begins or ends instead of what it holds",
        ),
        Resource::Items => ("values", "show fewer"),
        Resource::Captured => ("bytes of captured values", "show fewer"),
    };
    Diagnostic::new(codes::TOO_LARGE, "the kernel has no room for this")
        .at(span, "does not fit any more")
        .note(format!("it needs {needed} {what}; there are {room}"))
        .help(help)
}

/// What is wrong with an expression whose code the kernel's verifier has refused, by the end of its log.
#[must_use]
pub fn refused(span: &Span, log: &str) -> Diagnostic {
    let reason =
        log.lines().rev().map(str::trim).find(|line| {
            !line.is_empty() && !line.starts_with("processed ") && !line.starts_with(';')
        });
    let diagnostic = Diagnostic::new(codes::TOO_LARGE, "the kernel refuses the code of this")
        .at(span, "refused here")
        .help("write it in a simpler way, or leave it out");
    match reason {
        Some(reason) => diagnostic.note(printable(&format!("its verifier says: {reason}"))),
        None => diagnostic,
    }
}
