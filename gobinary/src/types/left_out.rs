//! Results that DWARF leaves out.
//!
//! A return inside a loop over a function (Go 1.23) is compiled as an assignment to the results, and those without a name get one for that
//! (`#rv1`; cmd/compile/internal/rangefunc/rewrite.go). Of variables with such names DWARF has none but `#yield` (`IsVarWantedForDebug` in
//! cmd/compile/internal/ssa/debug.go), so the function looks as if it returned nothing, or less than it does. What tells are the bodies of
//! its loops. They are closures (`main.f-range1`), and what they assign to they find in what they captured: their loop's state, where
//! to go on after it (`#next`), the list of deferred calls, and results. A body that was inlined tells nothing.

use std::collections::{HashMap, HashSet};

use iced_x86::{Decoder, DecoderOptions};

use super::captured::Loads;
use super::listed::Listed;
use super::{Types, TypesError};
use crate::{Executable, Function};

/// In which Go such loops came.
const SINCE: u16 = 23;
/// Words captured without being listed where no results are: the addresses of `#state1` and `#next`.
const OF_A_LOOP: usize = 2;
/// The same of a loop that defers calls: `#defers`, an interface.
const OF_DEFERRED: usize = 2;

/// The bodies of loops over functions.
pub(super) struct LoopBodies<'e> {
    /// By the function that the loops are in. Those that have no code of their own have no number.
    of: HashMap<&'e str, Vec<Option<u32>>>,
    /// The address of what defers a call for the function that a loop is in.
    defer: Option<u64>,
}

impl<'e> Types<'e> {
    /// Does the function have results that are not listed, or may it have some?
    pub(super) fn leaves_out_results(
        &self,
        function: &Function<'_>,
        listed: &Listed,
    ) -> Result<bool, TypesError> {
        // Either all results without a name are listed, or none.
        let is_nameless = |name: &str| name.starts_with(['~', '#']);
        if self.minor() < SINCE || listed.results.iter().any(|item| is_nameless(&item.name)) {
            return Ok(false);
        }
        // A body itself tells whether to go on.
        if loop_of(function.name).is_some() {
            return Ok(true);
        }
        for body in self.bodies().of.get(function.name).into_iter().flatten() {
            let body = body.and_then(|index| self.executable.function(index));
            let assigns = match body {
                Some(body) => self.assigns_results(&body)?,
                None => None,
            };
            if assigns.unwrap_or(true) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Does the body of a loop assign to results that are not listed? `None` where its code does not tell.
    fn assigns_results(&self, body: &Function<'_>) -> Result<Option<bool>, TypesError> {
        let Some(entry) = self.units.function(&self.dwarf, body.entry) else {
            return Ok(None);
        };
        let mut listed = Vec::new();
        for (item, offset) in self.listed(entry, body.entry)?.captured {
            listed.push(offset..offset.saturating_add(self.get(item.ty)?.size));
        }
        let captured = Loads::read(body).words();
        let others = captured
            .iter()
            .filter(|word| !listed.iter().any(|range| range.contains(word)))
            .count();
        let most = OF_A_LOOP + if self.defers(body) { OF_DEFERRED } else { 0 };
        Ok((others > 0).then_some(others > most))
    }

    /// Does a loop's body defer calls?
    fn defers(&self, body: &Function<'_>) -> bool {
        let Some(defer) = self.bodies().defer else {
            return false;
        };
        Decoder::with_ip(64, body.code(), body.entry, DecoderOptions::NONE)
            .into_iter()
            .any(|call| call.is_call_near() && call.near_branch_target() == defer)
    }

    fn bodies(&self) -> &LoopBodies<'e> {
        self.loop_bodies
            .get_or_init(|| LoopBodies::new(self.executable))
    }
}

/// The function that a loop is in whose body has this name.
fn loop_of(name: &str) -> Option<&str> {
    let (mut function, mut found) = (name, false);
    while let Some((before, number)) = function.rsplit_once("-range") {
        if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
            break;
        }
        (function, found) = (before, true);
    }
    found.then_some(function)
}

impl<'e> LoopBodies<'e> {
    fn new(executable: &'e Executable) -> Self {
        let mut of: HashMap<&str, Vec<Option<u32>>> = HashMap::new();
        let mut known = HashSet::new();
        for body in executable.functions() {
            if let Some(function) = loop_of(body.name) {
                of.entry(function).or_default().push(Some(body.index));
                known.insert(body.name);
            }
        }
        for name in executable.inlined().names() {
            if let Some(function) = loop_of(name).filter(|_| !known.contains(name)) {
                of.entry(function).or_default().push(None);
            }
        }
        let defer = executable.function_named("runtime.deferprocat");
        Self {
            of,
            defer: defer.map(|function| function.entry),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_that_loops_are_in() {
        for (name, function) in [
            ("main.f-range1", Some("main.f")),
            ("main.f-range1-range2", Some("main.f")),
            ("main.f.func1-range1", Some("main.f.func1")),
            ("main.f-range1.func2", None),
            (
                "main.Map[go.shape.int]-range1",
                Some("main.Map[go.shape.int]"),
            ),
            ("main.f-range", None),
            ("main.f-rangers", None),
            ("main.f", None),
        ] {
            assert_eq!(loop_of(name), function, "{name}");
        }
    }
}
