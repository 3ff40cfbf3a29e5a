//! From expressions to the intermediate representation of predicates, for one function: names become registers and memory, types are
//! checked, and what is wrong is said at its place.
//!
//! A program's `where limit > 100` is lowered anew for each target, since the same name is another place, or of another type, in each.

mod assertion;
mod callers;
mod calls;
mod compare;
mod constant;
mod limits;
mod lower;
mod meaning;
mod measure;
mod names;
mod parts;
mod raw;
mod scope;
mod suggest;
mod text;
mod type_name;
mod value;

pub(crate) use lower::join;
pub(crate) use measure::{Key, constant, key, measured, steps};
pub(crate) use names::{built_in, is_built_in};
pub(crate) use value::{Ty, not_zero};

pub use callers::Callers;
pub use limits::too_many_kept;
pub use lower::{condition, shown};
pub use scope::{Scope, Use};
pub use value::{Location, Typed, Unreachable};
