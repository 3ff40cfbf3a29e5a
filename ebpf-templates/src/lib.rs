//! The prebuilt probe program and the layouts that it shares with user space.
//!
//! The C sources in `bpf/` are compiled ahead of time (`cargo xtask ebpf`) and the object is embedded, so that a user needs no clang.
//! This crate decides nothing: what is probed, and with which configuration, is the compiler's business.

mod layout;

pub use layout::*;

/// Aligns the embedded object for ELF readers that look at it in place.
#[repr(C, align(8))]
struct Aligned<T: ?Sized>(T);

static ALIGNED: &Aligned<[u8]> = &Aligned(*include_bytes!("../prebuilt/probe.bpf.o"));

/// The probe program: an eBPF ELF object with BTF.
#[must_use]
pub fn object() -> &'static [u8] {
    &ALIGNED.0
}

/// The object's one program.
pub const PROGRAM: &str = "probe";
/// The `.rodata` variable that holds a [`Config`].
pub const CONFIG: &str = "config";
