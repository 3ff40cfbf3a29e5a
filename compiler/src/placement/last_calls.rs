//! Which calls may stand for their callers' returns in a trace: calls of functions that the trace probes, in short chains without a circle.

use std::collections::{BTreeMap, BTreeSet};

/// Most frames that one return closes (`CHAIN` in `ebpf-templates/bpf/probe.bpf.c`).
const CHAIN: usize = 4;

/// Calls chosen so far, from function to function.
#[derive(Debug, Default)]
pub(crate) struct Chains {
    callees: BTreeMap<u32, BTreeSet<u32>>,
    callers: BTreeMap<u32, BTreeSet<u32>>,
}

impl Chains {
    /// Takes the calls of one `ret`, all of them or none: false where a chain would become a circle or too long.
    pub fn take(&mut self, caller: u32, callees: impl IntoIterator<Item = u32>) -> bool {
        let callees: BTreeSet<u32> = callees.into_iter().collect();
        let above = longest(&self.callers, caller);
        let fits = |callee: &u32| {
            let below = longest(&self.callees, *callee);
            let circle = reaches(&self.callees, *callee, caller);
            !circle && above + 1 + below < CHAIN
        };
        if !callees.iter().all(fits) {
            return false;
        }
        for &callee in &callees {
            self.callers.entry(callee).or_default().insert(caller);
        }
        self.callees.entry(caller).or_default().extend(callees);
        true
    }
}

/// How many calls the longest chain from a function has.
fn longest(next: &BTreeMap<u32, BTreeSet<u32>>, from: u32) -> usize {
    let all = next.get(&from).into_iter().flatten();
    all.map(|to| 1 + longest(next, *to)).max().unwrap_or(0)
}

fn reaches(next: &BTreeMap<u32, BTreeSet<u32>>, from: u32, to: u32) -> bool {
    let mut all = next.get(&from).into_iter().flatten();
    from == to || all.any(|via| reaches(next, *via, to))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn chains_are_short_and_never_circles() {
        let mut chains = Chains::default();
        assert!(!chains.take(1, [1]), "recursion");
        assert!(chains.take(1, [2]));
        assert!(!chains.take(2, [1]), "a circle");
        assert!(chains.take(2, [3, 9]));
        assert!(chains.take(3, [4]));
        assert!(!chains.take(4, [5]), "five frames");
        assert!(!chains.take(0, [1]), "five frames");
        assert!(!chains.take(7, [8, 1]), "all or none");
        assert!(chains.take(0, [3]));
    }

    proptest! {
        #[test]
        fn no_return_closes_more_frames_than_the_probe_program_does(
            calls in prop::collection::vec((0..12u32, prop::collection::vec(0..12u32, 1..3)), 0..60),
        ) {
            let mut chains = Chains::default();
            let mut taken = Vec::new();
            for (caller, callees) in calls {
                if chains.take(caller, callees.iter().copied()) {
                    taken.extend(callees.into_iter().map(|callee| (caller, callee)));
                }
            }
            // Frames that end together: as many as a walk upwards finds, wherever it begins.
            let mut ends: BTreeSet<u32> = (0..12).collect();
            for _ in 0..CHAIN {
                let up = taken.iter().filter(|(_, callee)| ends.contains(callee));
                ends = up.map(|(caller, _)| *caller).collect();
            }
            prop_assert_eq!(ends, BTreeSet::new());
        }
    }
}
