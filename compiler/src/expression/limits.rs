//! What is said of expressions of which the kernel cannot keep enough.

use crate::{
    diagnostics::{codes, diagnostic::Diagnostic},
    ir::{MAX_KEPT, TooManyKept},
};

/// What is wrong with a condition of which too much would have to be kept until the call returns.
#[must_use]
pub fn too_many_kept(error: &TooManyKept) -> Diagnostic {
    Diagnostic::new(codes::TOO_LARGE, "the kernel has no room for this")
        .at(&error.span, "would have to be kept until the call returns")
        .note(format!("at most {MAX_KEPT} values can be kept"))
        .help(
            "join parts about arguments and parts about results with `&&`: then nothing has to be kept",
        )
}
