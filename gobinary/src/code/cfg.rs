//! A function's control-flow graph, instruction by instruction.
//!
//! No edge that can be taken is left out; there may be more. A call is taken to return unless the stack's depth is another behind it,
//! as it is where a panicking call stands before the code that grows the stack. Calls count as reachable although there is no way to
//! some of them in the code: `runtime.recovery` lets the recovering function go on there or behind them.

use iced_x86::{FlowControl, Instruction as Decoded, Mnemonic};

const NONE: u32 = u32::MAX;

/// The graph. Nodes are indices of instructions.
pub(crate) struct Graph<'a> {
    instructions: &'a [Decoded],
    /// Where each instruction jumps to in the function, other than by a `switch`; [`NONE`] where it does not.
    target: Vec<u32>,
    /// Target and source of each jump, ascending.
    jumps: Vec<(u32, u32)>,
    /// Source and target of each jump of a `switch`, ascending.
    switches: Vec<(u32, u32)>,
    falls_through: Vec<bool>,
    reachable: Vec<bool>,
}

impl<'a> Graph<'a> {
    /// Builds the graph. `depth` is how many bytes of stack are in use before the instruction at an address; `switch` tells the
    /// targets of an indirect jump, none for one that leaves the function; `returns` is false of calls that never do. `None` where a
    /// jump leads to no instruction.
    pub fn new(
        instructions: &'a [Decoded],
        depth: impl Fn(u64) -> Option<i64>,
        switch: impl Fn(usize) -> Option<Vec<u64>>,
        returns: impl Fn(&Decoded) -> bool,
    ) -> Option<Self> {
        let (first, last) = (instructions.first()?, instructions.last()?);
        let inside = |address: u64| (first.ip()..last.next_ip()).contains(&address);
        let at = |address: u64| {
            let found = instructions.binary_search_by_key(&address, Decoded::ip);
            found.ok().and_then(|index| u32::try_from(index).ok())
        };
        let (mut jumps, mut switches) = (Vec::new(), Vec::new());
        let mut targets = vec![NONE; instructions.len()];
        for ((index, instruction), to) in instructions.iter().enumerate().zip(&mut targets) {
            let source = u32::try_from(index).ok()?;
            match instruction.flow_control() {
                FlowControl::UnconditionalBranch
                | FlowControl::ConditionalBranch
                | FlowControl::XbeginXabortXend => {
                    let target = instruction.near_branch_target();
                    if inside(target) {
                        *to = at(target)?;
                        jumps.push((*to, source));
                    }
                }
                FlowControl::IndirectBranch => {
                    for target in switch(index)? {
                        let target = at(target)?;
                        jumps.push((target, source));
                        switches.push((source, target));
                    }
                }
                _ => {}
            }
        }
        jumps.sort_unstable();
        jumps.dedup();
        let falls = |instruction: &Decoded| match instruction.flow_control() {
            FlowControl::UnconditionalBranch
            | FlowControl::IndirectBranch
            | FlowControl::Return
            | FlowControl::Exception => false,
            FlowControl::Call => keeps_depth(instruction, &depth) && returns(instruction),
            FlowControl::IndirectCall => keeps_depth(instruction, &depth),
            _ => instruction.mnemonic() != Mnemonic::Nop || keeps_depth(instruction, &depth),
        };
        let mut graph = Self {
            instructions,
            target: targets,
            jumps,
            switches,
            falls_through: instructions.iter().map(falls).collect(),
            reachable: vec![false; instructions.len()],
        };
        graph.reach();
        Some(graph)
    }

    fn reach(&mut self) {
        let calls = |(index, instruction): (usize, &Decoded)| {
            matches!(
                instruction.flow_control(),
                FlowControl::Call | FlowControl::IndirectCall
            )
            .then_some(index)
        };
        let mut open = vec![0];
        open.extend(self.instructions.iter().enumerate().filter_map(calls));
        while let Some(node) = open.pop() {
            match self.reachable.get_mut(node) {
                Some(reached) if !*reached => *reached = true,
                _ => continue,
            }
            self.successors(node, &mut open);
        }
    }

    /// Adds where execution may go on after an instruction: right behind it first.
    pub fn successors(&self, node: usize, to: &mut Vec<usize>) {
        if self.falls_through(node) && node + 1 < self.instructions.len() {
            to.push(node + 1);
        }
        match self.target.get(node) {
            Some(&target) if target != NONE => to.push(target as usize),
            _ if self.switches.is_empty() => {}
            _ => {
                let from = self
                    .switches
                    .partition_point(|&(source, _)| (source as usize) < node);
                let targets = self.switches.iter().skip(from);
                let targets = targets.take_while(|&&(source, _)| source as usize == node);
                to.extend(targets.map(|&(_, target)| target as usize));
            }
        }
    }

    /// May the next instruction in memory run after this one?
    fn falls_through(&self, node: usize) -> bool {
        self.falls_through.get(node).copied().unwrap_or(true)
    }

    /// Can the instruction run?
    pub fn is_reachable(&self, node: usize) -> bool {
        self.reachable.get(node).copied().unwrap_or(true)
    }

    /// Adds the instructions that run right before one, each with whether it gets there by a jump.
    pub fn predecessors(&self, node: usize, to: &mut Vec<(usize, bool)>) {
        let before = node.checked_sub(1);
        let before = before.filter(|&index| self.falls_through(index));
        let before = before.map(|index| (index, false));
        let from = self
            .jumps
            .partition_point(|&(target, _)| (target as usize) < node);
        let jumps = self.jumps.iter().skip(from);
        let jumps = jumps.take_while(|&&(target, _)| target as usize == node);
        let jumps = jumps.map(|&(_, source)| (source as usize, true));
        to.extend(
            before
                .into_iter()
                .chain(jumps)
                .filter(|&(index, _)| self.is_reachable(index)),
        );
    }

    /// How many instructions there are.
    pub fn len(&self) -> usize {
        self.instructions.len()
    }

    /// Target and source of each jump to itself or to an instruction before it.
    pub fn jumps_back(&self) -> impl Iterator<Item = (usize, usize)> {
        let back = |&&(target, source): &&(u32, u32)| target <= source;
        let jumps = self.jumps.iter().filter(back);
        jumps.map(|&(target, source)| (target as usize, source as usize))
    }
}

/// Is as much stack in use behind an instruction that neither pushes nor pops as before it? Else it does not go on.
fn keeps_depth(instruction: &Decoded, depth: impl Fn(u64) -> Option<i64>) -> bool {
    match (depth(instruction.ip()), depth(instruction.next_ip())) {
        (Some(before), Some(behind)) => before == behind,
        _ => true,
    }
}
