//! Exit edges: where a call is seen to leave for its `ret` at a place that the kernel emulates.
//!
//! A probe on a `ret` is single-stepped. Most `ret`s are reached, through code in which nothing can happen any more, from a jump, which
//! is emulated. A `ret`'s edges are all the ways into that code: each execution that reaches the `ret` takes exactly one of them, and
//! each that takes one reaches the `ret`. Where one of the ways is no site (a call returns there, a loop turns there), the `ret` has
//! no edges. Everything is decided on the control-flow graph.

use std::cell::OnceCell;

use iced_x86::{Code, FlowControl, Instruction as Decoded, Mnemonic, Register};

use crate::Executable;
use crate::body::Body;
use crate::cfg::Graph;
use crate::function::Function;
use crate::nonnull::NonNull;
use crate::site::{ExitKind, Instruction, Sites};
use crate::straight;

/// A way to a `ret`, from the last instruction before it that the kernel emulates. R14 holds g there; results are not yet where they
/// belong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExitEdge {
    /// Link-time address of the `ret`.
    pub ret: u64,
    /// Link-time address of the instruction that leaves. Two edges may share it: a conditional jump both of whose ways lead out,
    /// through different `ret`s; both taken together, every hit is an exit.
    pub site: u64,
    /// The instruction.
    pub instruction: Instruction,
    /// Which hits are exits.
    pub when: When,
    /// Bytes from the stack pointer at the site up to the return address.
    pub depth: u32,
}

/// Which hits of a site leave the function. A condition is the low nibble of the conditional jump's opcode: 4 for `je`, 13 for `jge`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum When {
    /// Every one.
    Always,
    /// Those that jump: the condition holds.
    Taken(u8),
    /// Those that do not jump: the condition does not hold.
    NotTaken(u8),
}

impl Executable {
    /// For each `ret` among a function's exits either all ways to it, or none where it cannot be replaced; ordered by `ret`, then by
    /// site.
    ///
    /// In place of the `ret`, all of its edges must be probed: each call that leaves through the `ret` passes exactly one of them in
    /// the direction said there, once, and calls nothing after it. `sites` are what [`Executable::sites`] says of the function.
    #[must_use]
    pub fn exit_edges(&self, function: &Function<'_>, sites: &Sites) -> Vec<ExitEdge> {
        match Body::decode(self, function) {
            Ok(body) => body.exit_edges(sites).unwrap_or_default(),
            Err(_) => Vec::new(),
        }
    }
}

impl Body<'_> {
    fn exit_edges(&self, sites: &Sites) -> Option<Vec<ExitEdge>> {
        if self.assembly || sites.writes_r14 || self.takes_own_address() {
            return None;
        }
        let depths: Vec<_> = self.function.runs(self.function.record.pcsp).collect();
        let depth = |address: u64| {
            let offset = address - self.function.entry;
            let run = depths.get(depths.partition_point(|run| run.end <= offset));
            run.map(|run| i64::from(run.value))
        };
        let rets = sites.exits.iter().filter(|e| e.kind == ExitKind::Ret);
        let rets: Vec<_> = rets.map(|exit| exit.address).collect();
        let switch = |jump| self.switch_targets(jump);
        let graph = Graph::new(&self.instructions, depth, switch)?;
        if !self.switches_load_their_tables(&graph) {
            return None;
        }
        let search = Search {
            instructions: &self.instructions,
            graph: &graph,
            entry: sites.entry.address,
            is_site: &|decoded| self.site(decoded).is_ok_and(|site| site.emulated),
            is_barrier: &|decoded| self.is_write_barrier(decoded),
            depth: &depth,
            nonnull: OnceCell::new(),
        };
        let ways = search.ways(&rets);
        let edge = |way: &Way| {
            let decoded = self.instructions.get(way.site)?;
            Some(ExitEdge {
                ret: way.ret,
                site: decoded.ip(),
                instruction: self.site(decoded).ok()?,
                when: way.when,
                depth: way.depth,
            })
        };
        ways.iter().map(edge).collect()
    }

    /// Where an indirect jump leads: into the function through a table whose address is loaded right before it, or out of the
    /// function. The words after the table are read as part of it while they look like that.
    fn switch_targets(&self, jump: usize) -> Option<Vec<u64>> {
        let instruction = self.instructions.get(jump)?;
        if instruction.memory_index() == Register::None {
            return Some(Vec::new());
        }
        let load = self.instructions.get(jump.checked_sub(1)?)?;
        let table = (load.mnemonic() == Mnemonic::Lea
            && load.is_ip_rel_memory_operand()
            && load.op0_register() == instruction.memory_base()
            && instruction.memory_displacement64() == 0)
            .then(|| load.ip_rel_memory_address())?;
        let targets = (0..self.instructions.len() as u64).map_while(|index| {
            let target = self
                .executable
                .image
                .pointer(table.checked_add(index * 8)?)?;
            let found = self.instructions.binary_search_by_key(&target, Decoded::ip);
            found.is_ok().then_some(target)
        });
        let targets: Vec<_> = targets.collect();
        (!targets.is_empty()).then_some(targets)
    }

    /// A call of the collector's write barrier, which leaves all registers but R11 as they are, does not fault, calls no function that
    /// can be probed and does not move the stack (`runtime.gcWriteBarrier1` to `8`, which return a pointer in R11; Go 1.21).
    fn is_write_barrier(&self, instruction: &Decoded) -> bool {
        let target = (instruction.code() == Code::Call_rel32_64)
            .then(|| {
                self.executable
                    .function_at(instruction.near_branch_target())
            })
            .flatten();
        target.is_some_and(|function| {
            function.entry == instruction.near_branch_target()
                && function
                    .name
                    .strip_prefix("runtime.gcWriteBarrier")
                    .is_some_and(|which| matches!(which.as_bytes(), [b'1'..=b'8']))
        })
    }

    /// A jump to between the load of a table's address and the jump through it would bring another table.
    fn switches_load_their_tables(&self, graph: &Graph<'_>) -> bool {
        let mut before = Vec::new();
        self.instructions.iter().enumerate().all(|(index, jump)| {
            let switches = jump.flow_control() == FlowControl::IndirectBranch
                && jump.memory_index() != Register::None;
            before.clear();
            if switches {
                graph.predecessors(index, &mut before);
            }
            before.iter().all(|&(_, jumps)| !jumps)
        })
    }
}

/// A way to a `ret`.
struct Way {
    ret: u64,
    site: usize,
    when: When,
    depth: u32,
}

/// What the search for ways stands on.
struct Search<'a> {
    instructions: &'a [Decoded],
    graph: &'a Graph<'a>,
    /// Address of the entry site.
    entry: u64,
    is_site: &'a dyn Fn(&Decoded) -> bool,
    is_barrier: &'a dyn Fn(&Decoded) -> bool,
    /// Bytes of stack in use before the instruction at an address.
    depth: &'a dyn Fn(u64) -> Option<i64>,
    nonnull: OnceCell<NonNull>,
}

impl Search<'_> {
    /// All ways to those of the `rets` that no other than emulated instructions outside of cycles lead to.
    fn ways(&self, rets: &[u64]) -> Vec<Way> {
        let mut all = Vec::new();
        let mut cycles = None;
        for &ret in rets {
            let from = all.len();
            let found = self.add_ways(ret, &mut all);
            let turns = |way: &Way| {
                let cycles = cycles.get_or_insert_with(|| self.graph.cycles());
                cycles.get(way.site).copied().unwrap_or(true)
            };
            if found.is_none() || all.iter().skip(from).any(turns) {
                all.truncate(from);
            }
        }
        all
    }

    fn is_pointer(&self, node: usize, register: Register) -> bool {
        let solve = || NonNull::new(self.instructions, self.graph, self.is_barrier);
        self.nonnull.get_or_init(solve).holds(node, register)
    }

    /// Adds the ways to one `ret`; what was added counts for nothing if there is `None`.
    fn add_ways(&self, ret: u64, to: &mut Vec<Way>) -> Option<()> {
        let from = to.len();
        let node = self
            .instructions
            .binary_search_by_key(&ret, Decoded::ip)
            .ok()?;
        // Nodes of the straight code, each with how far the stack pointer is below the return address before it.
        let mut straight = vec![(node, 0)];
        let mut before = Vec::new();
        while let Some((node, released)) = straight.pop() {
            // The function begins here: no instruction leads to this one.
            if node == 0 || !self.graph.is_reachable(node) {
                return None;
            }
            before.clear();
            self.graph.predecessors(node, &mut before);
            for &(index, jumps) in &before {
                let instruction = self.instructions.get(index)?;
                if (self.is_barrier)(instruction) {
                    straight.push((index, released));
                    continue;
                }
                if !(self.is_site)(instruction) {
                    // The kernel steps the jump, or the code is not straight.
                    let pointer = |register| self.is_pointer(index, register);
                    let more = (!jumps).then(|| straight::released(instruction, pointer))??;
                    straight.push((index, released + more));
                    continue;
                }
                let address = instruction.ip();
                let when = match instruction.flow_control() {
                    FlowControl::ConditionalBranch => {
                        let condition = (instruction.condition_code() as u8).checked_sub(1)?;
                        if jumps {
                            When::Taken(condition)
                        } else {
                            When::NotTaken(condition)
                        }
                    }
                    FlowControl::UnconditionalBranch => When::Always,
                    FlowControl::Next => When::Always,
                    _ => return None,
                };
                let pushed = if instruction.code() == Code::Push_r64 {
                    8
                } else {
                    0
                };
                let found = u32::try_from((self.depth)(address)?).ok()?;
                if address == self.entry || i64::from(found) != released - pushed {
                    return None;
                }
                to.push(Way {
                    ret,
                    site: index,
                    when,
                    depth: found,
                });
            }
        }
        let ways = to.get_mut(from..)?;
        ways.sort_unstable_by_key(|way| way.site);
        // A conditional jump both of whose ways lead to the same `ret`.
        let mut ways = to.split_off(from);
        ways.dedup_by(|second, first| {
            let same = first.site == second.site;
            if same {
                first.when = When::Always;
            }
            same
        });
        let any = !ways.is_empty();
        to.append(&mut ways);
        any.then_some(())
    }
}

#[cfg(test)]
mod tests;
