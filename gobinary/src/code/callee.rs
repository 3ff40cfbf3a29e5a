//! What is known of a called function by its name: enough to tell what a call may do to its caller.

use iced_x86::{Code, Instruction as Decoded};

use crate::Executable;
use crate::code::policy;
use crate::code::survey::never_returns;
use crate::tables::function::Function;

/// What a direct call leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Callee {
    /// The collector's write barrier: it does not fault where the compiler calls it (behind a nil check), calls no function that can
    /// be probed, does not move the stack and leaves all registers as they are but R11, which holds a pointer afterwards
    /// (`runtime.gcWriteBarrier1` to `8`, from Go 1.21).
    WriteBarrier,
    /// The older one, which leaves R11 too (`runtime.gcWriteBarrier` and the same with a register's name).
    OldWriteBarrier,
    /// The middle of `runtime.duffzero`: it fills memory at RDI.
    Zeroes,
    /// The middle of `runtime.duffcopy`: it copies memory from RSI to RDI.
    Copies,
    /// A function of the runtime whose first result, in RAX, is a pointer and never nil.
    Allocates,
    /// A function that has to do with deferred calls: after a panic the runtime may go on at its call or behind it.
    Defers,
    /// A function that may be probed, by its entry.
    Function(u64),
    /// Anything else.
    Unknown,
}

/// Beginnings of the names of functions that allocate, or give the address of an element of a map or of a zero value.
const ALLOCATES: [&str; 10] = [
    "newobject",
    "mallocgc",
    "makeslice",
    "growslice",
    "makechan",
    "makemap",
    "mapassign",
    "mapaccess1",
    "mapaccess2",
    "convT",
];

impl Executable {
    /// What a call instruction calls.
    pub(crate) fn callee(&self, call: &Decoded) -> Callee {
        let target = call.near_branch_target();
        let Some(function) = self.called(call) else {
            return self.callee_elsewhere(call);
        };
        match function.name.strip_prefix("runtime.") {
            // These are entered in their middle.
            Some("duffzero") => Callee::Zeroes,
            Some("duffcopy") => Callee::Copies,
            _ if function.entry != target => Callee::Unknown,
            Some(name) => of_runtime(name),
            None if policy::denied(self, &function).is_none() => Callee::Function(target),
            None => Callee::Unknown,
        }
    }

    /// Does a call instruction call a function that never returns?
    pub(crate) fn is_panic(&self, call: &Decoded) -> bool {
        let (entries, target) = (&self.survey().panics, call.near_branch_target());
        call.code() == Code::Call_rel32_64
            && (entries.binary_search(&target).is_ok()
                || self.bound_by_stub(target).is_some_and(never_returns))
    }

    /// What a call of a function in another file calls. The dynamic linker may run in between, which leaves less as it was than the
    /// functions that compilers know.
    fn callee_elsewhere(&self, call: &Decoded) -> Callee {
        let name = (call.code() == Code::Call_rel32_64)
            .then(|| self.bound_by_stub(call.near_branch_target()))
            .flatten();
        match name
            .and_then(|name| name.strip_prefix("runtime."))
            .map(of_runtime)
        {
            Some(known @ (Callee::Defers | Callee::Allocates)) => known,
            _ => Callee::Unknown,
        }
    }

    fn called(&self, call: &Decoded) -> Option<Function<'_>> {
        let target = call.near_branch_target();
        (call.code() == Code::Call_rel32_64)
            .then(|| self.function_at(target))
            .flatten()
    }
}

fn of_runtime(name: &str) -> Callee {
    match name.strip_prefix("gcWriteBarrier") {
        Some("1" | "2" | "3" | "4" | "5" | "6" | "7" | "8") => return Callee::WriteBarrier,
        Some("" | "CX" | "DX" | "BX" | "BP" | "SI" | "R8" | "R9") => {
            return Callee::OldWriteBarrier;
        }
        _ => {}
    }
    match name {
        name if name.starts_with("defer") => Callee::Defers,
        name if ALLOCATES
            .iter()
            .any(|allocates| name.starts_with(allocates)) =>
        {
            Callee::Allocates
        }
        _ => Callee::Unknown,
    }
}
