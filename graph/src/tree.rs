//! A call tree, kept flat: ten thousand levels need neither ten thousand allocations nor recursion.

use std::sync::Arc;

pub use ebpf_templates::CallExit as Exit;

use crate::captured::Captured;

/// One call of a target, with the calls shown inside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Graph {
    /// Index of the trace in the plan.
    pub trace: u32,
    /// Process.
    pub pid: u32,
    /// Thread on which the target was entered; a goroutine may move on.
    pub tid: u32,
    /// `runtime.g.goid`.
    pub goroutine: u64,
    /// When the target was entered, CLOCK_MONOTONIC nanoseconds.
    pub start_ns: u64,
    /// Address of the target's entry site, as the process sees it.
    pub entry_ip: u64,
    /// Nothing is known to be missing: no call was lost, no captured values were, no call was too deep to be stored, no function was
    /// dropped, the target's own call is here and every other call stands below its caller.
    pub complete: bool,
    /// Calls that were lost on the way.
    pub lost_calls: u64,
    /// Calls that were too deep to be stored.
    pub missing_calls: u64,
    /// Captures of calls that were lost: of their arguments, or of their results.
    pub lost_values: u64,
    /// They were all of them, since there was no room.
    pub no_room: bool,
    /// While it ran, a probe was hit that could not be told whose it was: a call may be missing, or shown as unwound.
    pub unread: bool,
    /// Included functions whose probes had been taken away when it ended, in the order in which that happened.
    pub dropped: Arc<[Dropped]>,
    /// [`Call::probe_ns`] is known ([`Graph::compensate`]).
    pub compensated: bool,
    /// Tracing stopped, or its process ended or ran another program, before the target's call ended.
    pub open: bool,
    /// The condition of the trace's `until` held.
    pub until: bool,
    /// The calls in pre-order, which is the order in which they were entered. The first is the target's, unless it was lost
    /// ([`Graph::root`]).
    pub calls: Vec<Call>,
    /// Return addresses of the target's callers, the nearest first, as the process sees them. Empty unless the trace asks for them.
    pub stack: Vec<u64>,
    /// The last of these was not called on the goroutine's own stack: C code has another one, and its callers are not known.
    pub stack_left: bool,
    /// What was captured of the calls.
    pub captured: Captured,
}

/// A function that is no longer shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dropped {
    /// Index of the function in the plan.
    pub function: u32,
    /// Since when, CLOCK_MONOTONIC nanoseconds.
    pub since_ns: u64,
}

/// One call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    /// Index of the function in the plan.
    pub function: u32,
    /// How many shown calls it was made in; 0 = the target.
    pub level: u32,
    /// When it was entered, nanoseconds after [`Graph::start_ns`].
    pub start_ns: u64,
    /// How long it took, or has taken so far, nanoseconds.
    pub duration_ns: u64,
    /// Return address, as the process sees it.
    pub caller_pc: u64,
    /// Bytes from the function's entry to the instruction through which it left; `None` where it did not return.
    pub return_offset: Option<u32>,
    /// How it ended.
    pub exit: Exit,
    /// Calls made below this one that were too deep to be stored.
    pub missing: u32,
    /// Emulated probe hits in calls made inside this one, shown or not.
    pub hits: u32,
    /// Single-stepped ones.
    pub stepped: u32,
    /// What of its duration was the probes' and not the program's, nanoseconds: 0 unless [`Graph::compensated`].
    pub probe_ns: u64,
}

impl Call {
    /// When it ended, nanoseconds after the graph's start.
    #[must_use]
    pub fn end_ns(&self) -> u64 {
        self.start_ns.saturating_add(self.duration_ns)
    }

    /// How long it took without the probes, as far as that is known, nanoseconds.
    #[must_use]
    pub fn net_ns(&self) -> u64 {
        self.duration_ns.saturating_sub(self.probe_ns)
    }
}

impl Graph {
    /// The target's own call; `None` where it was lost.
    #[must_use]
    pub fn root(&self) -> Option<&Call> {
        self.calls.first().filter(|call| call.level == 0)
    }

    /// The time that each call spent outside the calls shown below it, without the probes as far as that is known, nanoseconds.
    #[must_use]
    pub fn self_times(&self) -> Vec<u64> {
        let mut times = Vec::with_capacity(self.calls.len());
        self.fold_up(|call, in_calls, _| {
            times.push(call.net_ns().saturating_sub(in_calls));
            call.net_ns()
        });
        times.reverse();
        times
    }

    /// Visits the calls from the innermost ones outwards, and returns what `visit` does, for each call. It is given a call, the sum of what
    /// it returned for the calls right below that one, and how many calls there are below it in all.
    pub(crate) fn fold_up(&self, mut visit: impl FnMut(&Call, u64, u64) -> u64) -> Vec<u64> {
        struct Done {
            level: u32,
            value: u64,
            calls: u64,
        }
        let mut values = Vec::with_capacity(self.calls.len());
        // Calls without a caller so far. Where callers were lost, some may be more than one level below the one that they are given to.
        let mut waiting: Vec<Done> = Vec::new();
        for call in self.calls.iter().rev() {
            let (mut sum, mut below) = (0_u64, 0);
            while let Some(done) = waiting.pop_if(|done| done.level > call.level) {
                sum = sum.saturating_add(done.value);
                below += done.calls;
            }
            let value = visit(call, sum, below);
            values.push(value);
            waiting.push(Done {
                level: call.level,
                value,
                calls: below + 1,
            });
        }
        values.reverse();
        values
    }

    /// The first call is the target's, and every other stands right below its caller.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        is_whole(&self.calls)
    }

    /// Walks the tree without recursion: every call is entered, and left after the calls inside it.
    #[must_use]
    pub fn events(&self) -> Events<'_> {
        Events {
            calls: &self.calls,
            next: 0,
            open: Vec::new(),
        }
    }
}

/// [`Graph::is_whole`] of a graph with these calls.
pub(crate) fn is_whole(calls: &[Call]) -> bool {
    let mut deepest = 0;
    !calls.is_empty()
        && calls.iter().enumerate().all(|(index, call)| {
            let fits = call.level <= deepest && (index == 0) == (call.level == 0);
            deepest = call.level.saturating_add(1);
            fits
        })
}

/// A step of [`Graph::events`]; the number is an index into [`Graph::calls`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The call begins.
    Enter(usize),
    /// The call ends.
    Leave(usize),
}

/// Iterator over the [`Step`]s of a graph, in the order in which they happened.
#[derive(Debug, Clone)]
pub struct Events<'a> {
    calls: &'a [Call],
    next: usize,
    open: Vec<(usize, u32)>,
}

impl Iterator for Events<'_> {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        let next = self.calls.get(self.next);
        if let Some(&(index, level)) = self.open.last()
            && next.is_none_or(|call| call.level <= level)
        {
            self.open.pop();
            return Some(Step::Leave(index));
        }
        let index = self.next;
        self.open.push((index, next?.level));
        self.next += 1;
        Some(Step::Enter(index))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(calls: &[(u32, u64, u64)]) -> Graph {
        let calls = calls
            .iter()
            .map(|&(level, start_ns, duration_ns)| Call {
                function: 0,
                level,
                start_ns,
                duration_ns,
                caller_pc: 0,
                return_offset: None,
                exit: Exit::Return,
                missing: 0,
                hits: 0,
                stepped: 0,
                probe_ns: 0,
            })
            .collect();
        Graph {
            trace: 0,
            pid: 1,
            tid: 1,
            goroutine: 1,
            start_ns: 0,
            entry_ip: 0,
            complete: true,
            lost_calls: 0,
            missing_calls: 0,
            lost_values: 0,
            no_room: false,
            unread: false,
            dropped: Arc::default(),
            compensated: false,
            open: false,
            until: false,
            calls,
            stack: vec![],
            stack_left: false,
            captured: Captured::default(),
        }
    }

    #[test]
    fn self_time_leaves_out_children_but_not_grandchildren() {
        let graph = graph(&[(0, 0, 100), (1, 10, 50), (2, 20, 30), (1, 70, 20)]);
        assert_eq!(graph.self_times(), [30, 20, 30, 20]);
    }

    #[test]
    fn self_time_counts_calls_whose_callers_were_lost_as_children() {
        let graph = graph(&[(0, 0, 100), (3, 10, 5), (2, 20, 30), (3, 25, 5)]);
        assert_eq!(graph.self_times(), [65, 5, 25, 5]);
        assert!(!graph.is_whole());
    }

    #[test]
    fn self_time_is_net_as_durations_are() {
        let mut graph = graph(&[(0, 0, 100), (1, 10, 50), (1, 70, 20)]);
        for (call, probe_ns) in graph.calls.iter_mut().zip([40, 25, 9]) {
            call.probe_ns = probe_ns;
        }
        assert_eq!(graph.self_times(), [60 - 25 - 11, 25, 11]);
        assert!(graph.is_whole());
    }

    #[test]
    fn events_nest() {
        use Step::{Enter, Leave};
        let graph = graph(&[(0, 0, 9), (1, 1, 3), (2, 2, 1), (1, 5, 1)]);
        let steps: Vec<Step> = graph.events().collect();
        assert_eq!(
            steps,
            [
                Enter(0),
                Enter(1),
                Enter(2),
                Leave(2),
                Leave(1),
                Enter(3),
                Leave(3),
                Leave(0)
            ]
        );
    }
}
