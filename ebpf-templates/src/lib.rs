//! The prebuilt probe program and the layouts that it shares with user space.
//!
//! The C sources in `bpf/` are compiled ahead of time (`cargo xtask ebpf`) and the object is embedded, so that a user needs no clang.
//! This crate decides nothing: what is probed, and with which configuration, is the compiler's business.

mod layout;

pub use layout::*;
