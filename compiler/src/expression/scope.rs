//! What an expression is about.

use gobinary::{Executable, Function, Signature, Types, TypesError};
use grammar::ast::ValueKind;

use super::callers::Callers;

/// A function, and what can be named at its calls.
#[derive(Clone, Copy)]
pub struct Scope<'s, 'e> {
    /// The executable, for the names of callers.
    pub executable: &'s Executable,
    /// Those that were looked for already.
    pub callers: &'s Callers,
    /// The function.
    pub function: Function<'s>,
    /// Its types and what it takes and gives back, or why that is not known.
    pub types: Result<(&'s Types<'e>, &'s Signature), &'s TypesError>,
    /// The clause that the expression is in.
    pub usage: Use,
    /// The program text, to quote from.
    pub source: &'s str,
    /// The values of the program's parameters.
    pub param: &'s dyn Fn(&str) -> Option<ValueKind>,
}

/// What an expression is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// It decides, at entry or at return.
    Where,
    /// It is shown, from entry.
    Args,
    /// It is shown, from return. A name is that of a result first.
    Ret,
}
