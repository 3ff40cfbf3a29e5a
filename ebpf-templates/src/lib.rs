//! The prebuilt BPF programs and the layouts that they share with user space.
//!
//! The C sources in `bpf/` are compiled ahead of time (`cargo xtask ebpf`) and the objects are embedded, so that a user needs no clang.
//! This crate decides nothing: what is probed, and with which configuration, is the compiler's business.

mod layout;

use std::ffi::CStr;

pub use layout::*;

/// Aligns the embedded object for ELF readers that look at it in place.
#[repr(C, align(8))]
struct Aligned<T: ?Sized>(T);

static PROBE: &Aligned<[u8]> = &Aligned(*include_bytes!("../prebuilt/probe.bpf.o"));
static LIFETIME: &Aligned<[u8]> = &Aligned(*include_bytes!("../prebuilt/lifetime.bpf.o"));
static MAPPED: &Aligned<[u8]> = &Aligned(*include_bytes!("../prebuilt/mapped.bpf.o"));

/// The probe program: an eBPF ELF object with BTF.
#[must_use]
pub fn object() -> &'static [u8] {
    &PROBE.0
}

/// The programs that note when processes end, another such object. Its maps are the probe program's of the same names.
#[must_use]
pub fn lifetime() -> &'static [u8] {
    &LIFETIME.0
}

/// The program that tells which processes have which inodes mapped, one [`Mapped`] after another: another such object, without maps.
#[must_use]
pub fn mapped() -> &'static [u8] {
    &MAPPED.0
}

/// The one program of [`mapped`].
pub const MAPPED_PROGRAM: &str = "mapped";
/// What the kernel calls that which it is run over.
pub const MAPPED_ITERATOR: &str = "bpf_iter_task_vma";

/// What [`lifetime`] holds: programs, and the raw tracepoint of each.
pub const LIFETIME_PROGRAMS: [(&str, &CStr); 2] = [
    ("process_exits", c"sched_process_exit"),
    ("process_execs", c"sched_process_exec"),
];

/// The one program of [`object`].
pub const PROGRAM: &str = "probe";
/// The `.rodata` variable that holds a [`Config`].
pub const CONFIG: &str = "config";
