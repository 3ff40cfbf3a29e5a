//! What a function's instructions tell.
//!
//! In: bytes of code, and the functions of `tables`. Out: the places for probes, what an instruction does there, and facts that only code
//! has: where `g` and `goid` lie, which functions are copies of one literal.
//!
//! *Invariant*: no table of the file is read here, and no type.

pub(crate) mod body;
mod callee;
mod cfg;
mod emulation;
mod entry;
mod exit_edges;
mod flow;
pub(crate) mod goid;
pub(crate) mod literals;
mod nonnull;
pub(crate) mod policy;
mod repeat;
mod search;
pub(crate) mod site;
mod sites;
mod slots;
mod step;
mod straight;
pub(crate) mod survey;
pub(crate) mod tls;
mod when;

pub use exit_edges::{CheaperSites, ExitEdge, ExitWays, LastCall};
pub use goid::{GoidError, GoidOffset};
pub use literals::{LiteralCopy, Literals, Original};
pub use site::{EntryKind, EntrySite, ExitKind, ExitSite, Instruction, Sites, Unprobeable};
pub use step::{Operation, Step};
pub use tls::{TlsError, TlsPlace, TlsSlot};
pub use when::When;
