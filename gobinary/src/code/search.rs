//! The search for all ways to a `ret`: backwards from it, through straight code, to the last instruction on each way that is something else.

use std::cell::OnceCell;

use iced_x86::{
    Code, FlowControl, Instruction as Decoded, InstructionInfoFactory, OpAccess, Register,
};

use crate::code::callee::Callee;
use crate::code::cfg::Graph;
use crate::code::flow::Flow;
use crate::code::nonnull::NonNull;
use crate::code::repeat;
use crate::code::site::{EntryKind, EntrySite};
use crate::code::slots::Slots;
use crate::code::straight;
use crate::code::when::When;

/// A way to a `ret`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Way {
    /// Address of the `ret`.
    pub ret: u64,
    /// Index of the last instruction that is more than straight code.
    pub node: usize,
    /// What it is.
    pub kind: WayKind,
    /// Bytes of stack in use before it.
    pub depth: u32,
}

/// What is at the beginning of a way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WayKind {
    /// A site, and its hits that go this way.
    Edge(When),
    /// A call of a function that may be probed.
    Call,
}

/// What the search for ways stands on.
pub(crate) struct Search<'a> {
    pub instructions: &'a [Decoded],
    pub graph: &'a Graph<'a>,
    pub entry: &'a EntrySite,
    /// Does the kernel emulate the instruction?
    pub is_emulated: &'a dyn Fn(&Decoded) -> bool,
    /// What a call calls.
    pub callee: &'a dyn Fn(&Decoded) -> Callee,
    /// Bytes of stack in use before the instruction at an address.
    pub depth: &'a dyn Fn(u64) -> Option<i64>,
    /// Bytes below the saved frame pointer that the collector scans.
    pub locals: &'a dyn Fn() -> u64,
    pub nonnull: OnceCell<NonNull>,
    pub flow: OnceCell<Flow>,
}

impl Search<'_> {
    /// The order in which instructions can run.
    pub fn flow(&self) -> &Flow {
        self.flow.get_or_init(|| Flow::new(self.graph))
    }

    /// All ways to those of the `rets` that no others lead to; those of a `ret` stand together, by ascending instruction.
    pub fn ways(&self, rets: &[u64]) -> Vec<Way> {
        let mut all = Vec::new();
        for &ret in rets {
            let from = all.len();
            let found = self.add_ways(ret, &mut all);
            // Of the entry site each call has one hit that counts, even where growing the stack leads there again.
            let turns = |way: &Way| self.flow().is_cyclic(way.node) && !self.is_entry(way.node);
            if found.is_none() || all.iter().skip(from).any(turns) {
                all.truncate(from);
            }
        }
        all
    }

    /// The first emulated instruction that straight code leads to from an entry that the kernel would single-step, or the `ret`: no call,
    /// no fault and no jump is on the way, the return address is still on top of the stack, and R14 and RBP hold what they held.
    pub fn cheaper_entry(&self) -> Option<usize> {
        if self.entry.kind != EntryKind::First || self.entry.g_from_tls {
            return None;
        }
        let mut before = Vec::new();
        let mut factory = InstructionInfoFactory::new();
        for (node, instruction) in self.instructions.iter().enumerate() {
            before.clear();
            self.graph.predecessors(node, &mut before);
            let alone = match node.checked_sub(1) {
                Some(last) => before == [(last, false)],
                None => before.is_empty(),
            };
            if !alone || instruction.flow_control() == FlowControl::Call {
                return None;
            }
            if (self.is_emulated)(instruction) || instruction.code() == Code::Retnq {
                return (node > 0).then_some(node);
            }
            let kept = [Register::RSP, Register::RBP, Register::R14];
            let used = factory.info(instruction).used_registers();
            let keeps = used.iter().all(|used| {
                used.access() == OpAccess::Read || !kept.contains(&used.register().full_register())
            });
            let pointer = |register| self.is_pointer(node, register);
            if !keeps || straight::released(instruction, pointer) != Some(0) {
                return None;
            }
        }
        None
    }

    /// Does the register surely hold a pointer that is not nil before an instruction?
    pub fn is_pointer(&self, node: usize, register: Register) -> bool {
        let solve = || {
            let (locals, start) = ((self.locals)(), self.entry.address);
            let slots = Slots::find(self.instructions, self.depth, locals, start);
            NonNull::new(self.instructions, self.graph, self.callee, &slots)
        };
        self.nonnull.get_or_init(solve).holds(node, register)
    }

    fn is_entry(&self, node: usize) -> bool {
        let instruction = self.instructions.get(node);
        instruction.is_some_and(|instruction| instruction.ip() == self.entry.address)
    }

    /// Adds the ways to one `ret`; what was added counts for nothing if there is `None`.
    fn add_ways(&self, ret: u64, to: &mut Vec<Way>) -> Option<()> {
        let from = to.len();
        let node = self
            .instructions
            .binary_search_by_key(&ret, Decoded::ip)
            .ok()?;
        // Nodes of the straight code, each with how far the stack pointer is below the return address before it.
        // Of a loop's first node the jump back to it is left out.
        let mut straight = vec![(node, 0, None)];
        let mut before = Vec::new();
        while let Some((node, released, back)) = straight.pop() {
            if !self.graph.is_reachable(node) {
                return None;
            }
            if node == 0 {
                // The whole way from the function's first instruction is straight.
                let way = (self.is_entry(0) && released == 0).then_some(Way {
                    ret,
                    node: 0,
                    kind: WayKind::Edge(When::Always),
                    depth: 0,
                })?;
                to.push(way);
                continue;
            }
            before.clear();
            self.graph.predecessors(node, &mut before);
            for &(index, jumps) in before.iter().filter(|(index, _)| Some(*index) != back) {
                let instruction = self.instructions.get(index)?;
                let pointer = |register| self.is_pointer(index, register);
                let called = (instruction.flow_control() == FlowControl::Call)
                    .then(|| (self.callee)(instruction));
                let straight_call = match called {
                    Some(Callee::WriteBarrier | Callee::OldWriteBarrier) => true,
                    Some(Callee::Zeroes) => pointer(Register::RDI),
                    Some(Callee::Copies) => pointer(Register::RDI) && pointer(Register::RSI),
                    _ => false,
                };
                if straight_call {
                    straight.push((index, released, None));
                } else if let Some(head) = self.repeats(index).filter(|_| !jumps) {
                    straight.push((head, released, Some(index)));
                } else if (self.is_emulated)(instruction) {
                    to.push(self.way(ret, index, jumps, released)?);
                } else {
                    // The kernel steps the jump, or the code is not straight.
                    let more = (!jumps).then(|| straight::released(instruction, pointer))??;
                    straight.push((index, released + more, None));
                }
            }
        }
        let ways = to.get_mut(from..)?;
        ways.sort_unstable_by_key(|way| way.node);
        // A conditional jump both of whose ways lead to the same `ret`.
        let mut ways = to.split_off(from);
        ways.dedup_by(|second, first| {
            let same = first.node == second.node;
            if same {
                first.kind = WayKind::Edge(When::Always);
            }
            same
        });
        let any = !ways.is_empty();
        to.append(&mut ways);
        any.then_some(())
    }

    /// The first instruction of a loop that moves or clears a block of memory, if this is its last.
    fn repeats(&self, node: usize) -> Option<usize> {
        repeat::head(self.instructions, self.graph, node, |node| {
            let pointer = |register| self.is_pointer(node, register);
            let instruction = self.instructions.get(node);
            instruction.and_then(|instruction| straight::released(instruction, pointer)) == Some(0)
        })
    }

    /// The way that begins at an emulated instruction, `released` bytes being what the code behind it has on the stack.
    fn way(&self, ret: u64, node: usize, jumps: bool, released: i64) -> Option<Way> {
        let instruction = self.instructions.get(node)?;
        let kind = match instruction.flow_control() {
            FlowControl::ConditionalBranch => {
                let condition = (instruction.condition_code() as u8).checked_sub(1)?;
                WayKind::Edge(if jumps {
                    When::Taken(condition)
                } else {
                    When::NotTaken(condition)
                })
            }
            FlowControl::UnconditionalBranch | FlowControl::Next => WayKind::Edge(When::Always),
            FlowControl::Call if matches!((self.callee)(instruction), Callee::Function(_)) => {
                WayKind::Call
            }
            _ => return None,
        };
        let pushed = match instruction.code() {
            Code::Push_r64 => 8,
            _ => 0,
        };
        let depth = u32::try_from((self.depth)(instruction.ip())?).ok()?;
        // Of the stack check's jump only those hits begin a call that do not jump.
        let begins = self.is_entry(node)
            && self.entry.kind == EntryKind::Jbe
            && !matches!(kind, WayKind::Edge(When::NotTaken(_)));
        (i64::from(depth) == released - pushed && !begins).then_some(Way {
            ret,
            node,
            kind,
            depth,
        })
    }
}

#[cfg(test)]
mod tests;
