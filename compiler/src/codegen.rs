//! From the intermediate representation to what runs in the kernel.
//!
//! In: what each trace's expressions come to, for functions with numbers. Out: eBPF instructions, which the runtime splices into the probe
//! program ([`generate()`]). An interpreter ([`evaluate`]) says what they have to do, and they are tested against it.
//!
//! *Invariant*: both give the same verdict for the same registers and memory, unreadable memory included; nothing here knows of types or
//! of the language.

mod assembler;
mod code;
mod generate;
mod instruction;
mod interpret;
mod refused;
mod trace_code;

pub use code::{Code, ListedArm, ListedPart};
pub use generate::{
    Arm, CaptureArm, LONG_SEARCH, Limits, Resource, SEARCHES_IN_ARM, STEPS_OF_CAPTURE,
    STEPS_OF_SEARCH, TooLarge, generate, generate_capture, generate_captures,
};
pub use instruction::Instruction;
pub use interpret::{Event, Verdict, capture, evaluate};
pub use refused::{refused, too_large};
pub use trace_code::{NeedsResults, TraceCode};
