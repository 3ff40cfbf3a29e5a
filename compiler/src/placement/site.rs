//! What is probed: a place in a function, and what is known there.

use gobinary::Step;
use serde::Serialize;

/// A function with probe sites.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedFunction {
    /// Full symbol name.
    pub name: String,
    /// Link-time address of its first instruction.
    pub address: u64,
    /// Link-time address of its entry site: subtract it from a chunk's `entry_ip` for the load bias.
    pub entry_site: u64,
    /// What the instruction there does, where the probe program may do it in the processor's stead.
    pub entry_step: Option<Step>,
    /// The entry site is a cheaper one than that where arguments are still in their registers.
    pub entry_moved: bool,
    /// Places into which it was also inlined; those calls are not seen.
    pub inlined_at: u32,
}

/// A place to probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Site {
    /// Link-time address.
    pub address: u64,
    /// Offset in the file, which is what the kernel is given.
    pub file_offset: u64,
    /// An `ebpf_templates::Cookie`, packed.
    pub cookie: u64,
    /// The instruction found there when the plan was made, compared with the file again before attaching.
    pub bytes: [u8; 16],
    /// How many of `bytes` count.
    pub len: u8,
    /// The kernel emulates the instruction instead of single-stepping it.
    pub emulated: bool,
    /// Of a thousand calls, how many pass it: a guess, by which places were chosen and prices are told.
    pub passed: u16,
}

/// A call after which its caller has nothing left to do but return: both return at the same instant, so the caller's `ret` needs no probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct LastCall {
    /// The called function's id.
    pub callee: u32,
    /// Return address minus address of the callee's entry site.
    pub distance: i64,
    /// The calling function's id.
    pub caller: u32,
    /// Bytes from the caller's entry to its `ret`.
    pub offset: u32,
    /// Bytes of stack between the call's return address and the caller's.
    pub released: u32,
}

/// A matched function that is not probed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// Full symbol name.
    pub name: String,
    /// Why, as a clause: "the runtime cannot be probed safely here".
    pub reason: String,
}
