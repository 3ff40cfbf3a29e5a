//! What is known of a called function by its name: enough to tell what a call may do to its caller.

use iced_x86::{Code, Instruction as Decoded};

use crate::Executable;
use crate::policy;

/// What a direct call leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Callee {
    /// The collector's write barrier, which leaves all registers but R11 as they are, does not fault, calls no function that can be
    /// probed and does not move the stack (`runtime.gcWriteBarrier1` to `8`, which return a pointer in R11; Go 1.21).
    WriteBarrier,
    /// A function that never returns: nothing belongs behind its call (`BlockExit` in cmd/compile/internal/ssagen/ssa.go; of the
    /// runtime's functions whose names begin with `panic` only `panicCheck1` and `2` return, from Go 1.19 to 1.27).
    Panic,
    /// A function that may be probed, by its entry.
    Function(u64),
    /// Anything else.
    Unknown,
}

impl Executable {
    /// What a call instruction calls.
    pub(crate) fn callee(&self, call: &Decoded) -> Callee {
        let target = call.near_branch_target();
        let function = (call.code() == Code::Call_rel32_64)
            .then(|| self.function_at(target))
            .flatten();
        let Some(function) = function.filter(|function| function.entry == target) else {
            return Callee::Unknown;
        };
        match function.name.strip_prefix("runtime.") {
            Some(name) => of_runtime(name),
            None if policy::denied(self, &function).is_none() => Callee::Function(target),
            None => Callee::Unknown,
        }
    }
}

fn of_runtime(name: &str) -> Callee {
    match name {
        "gcWriteBarrier1" | "gcWriteBarrier2" | "gcWriteBarrier3" | "gcWriteBarrier4"
        | "gcWriteBarrier5" | "gcWriteBarrier6" | "gcWriteBarrier7" | "gcWriteBarrier8" => {
            Callee::WriteBarrier
        }
        "gopanic" | "block" => Callee::Panic,
        name if name.starts_with("panic") && !name.starts_with("panicCheck") => Callee::Panic,
        _ => Callee::Unknown,
    }
}
