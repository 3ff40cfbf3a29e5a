//! Everything that needs privilege: loading the probe program, attaching it, reading what it sends, and letting go.
//!
//! The only crate with `unsafe`, because it is the only one that speaks to the kernel directly. It takes a [`compiler::plan::Plan`] and
//! gives out bytes and plain structs; what they mean is the business of others.

mod aggregates;
mod attach;
mod binary;
mod calibrate;
mod clock;
mod config;
mod error;
pub mod freezer;
mod guard;
mod hits;
mod inode;
mod kernel;
mod launch;
mod lifetime;
mod loader;
pub mod mapped;
mod mapping;
mod plain;
mod probed;
pub mod process;
mod replace;
mod rooms;
mod running;
mod splice;
mod sys;
mod tracer;

pub use attach::{Progress, Refused};
pub use binary::{Binary, Bytes};
pub use calibrate::{Calibration, calibrate};
pub use clock::{monotonic_ns, realtime_minus_monotonic_ns};
pub use ebpf_templates::{Aggregate, AggregateKey, GoroutineKey, Hits, ProcessEnd};
pub use error::{Error, not_arrived};
pub use guard::lease_break_time;
pub use kernel::{Kernel, is_virtual_machine};
pub use launch::Launched;
pub use lifetime::Ended;
pub use replace::{Prepared, Replacement};
pub use running::Running;
pub use tracer::{Attachment, OpenGoroutine, Options, Tracer};
