//! Predicates and captured values: what decides in the kernel whether a call is kept, and what is taken from it to be shown.
//!
//! Typed expressions of the language are lowered to a small intermediate representation ([`ir`]). From there go two ways: eBPF
//! instructions, which the runtime splices into the probe program ([`generate`]), and an interpreter ([`evaluate`]), against which the
//! instructions are tested.
//!
//! *Invariant*: both ways give the same verdict for the same registers and memory, unreadable memory included.

mod assembler;
mod capture;
mod code;
mod generate;
mod instruction;
mod interpret;
pub mod ir;
mod kept;
mod memory;
mod register;
mod show;
mod split;
mod text;
mod unplaced;

pub use capture::{Item, Layout, MAX_ITEMS};
pub use code::{Code, ListedArm, ListedPart};
pub use generate::{
    Arm, CaptureArm, LONG_SEARCH, Limits, Resource, SEARCHES_IN_ARM, STEPS_OF_CAPTURE,
    STEPS_OF_SEARCH, TooLarge, generate, generate_capture, generate_captures,
};
pub use instruction::Instruction;
pub use interpret::{Event, Verdict, capture, evaluate};
pub(crate) use kept::When;
pub use kept::{Kept, TooManyKept};
pub use memory::{Memory, Unreadable};
pub use split::Split;
pub use text::{Pattern, PatternTooLong, SEARCH_WINDOW};
