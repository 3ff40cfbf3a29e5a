//! In which order a function's instructions can run, which of them can run again, and how many calls probably get to each.

use crate::code::cfg::Graph;

/// The graph's cycles, as strongly connected components.
pub(crate) struct Flow {
    /// The component of each instruction; a component's successors have smaller numbers. [`NONE`] where it cannot run.
    component: Vec<u32>,
    /// Can the instruction run again after it has run?
    cyclic: Vec<bool>,
}

const NONE: u32 = u32::MAX;

impl Flow {
    /// Finds the components (Tarjan).
    pub fn new(graph: &Graph<'_>) -> Self {
        let count = graph.len();
        let mut flow = Self {
            component: vec![NONE; count],
            cyclic: vec![false; count],
        };
        // Where nothing jumps back but the code that has grown the stack, to the start, the order of addresses will do.
        if graph.jumps_back().all(|(target, _)| target == 0) {
            let again = flow.mark_ways_to_start(graph);
            for (node, component) in (0..count).zip((0..count as u32).rev()) {
                if graph.is_reachable(node) {
                    let first = again && flow.cyclic[node];
                    flow.component[node] = if first { count as u32 } else { component };
                }
            }
            return flow;
        }
        let (mut number, mut low) = (vec![NONE; count], vec![NONE; count]);
        let (mut stack, mut next, mut components) = (Vec::new(), 0, 0);
        let mut walk = Vec::new();
        let mut open = Vec::new();
        for root in 0..count {
            if number[root] != NONE || !graph.is_reachable(root) {
                continue;
            }
            let mut enter = Some(root);
            loop {
                if let Some(node) = enter.take() {
                    (number[node], low[node]) = (next, next);
                    next += 1;
                    stack.push(node);
                    let base = open.len();
                    graph.successors(node, &mut open);
                    walk.push((node, base));
                }
                let Some(&(node, base)) = walk.last() else {
                    break;
                };
                if open.len() > base {
                    let Some(to) = open.pop() else { break };
                    flow.cyclic[node] |= to == node;
                    if number[to] == NONE {
                        enter = Some(to);
                    } else if flow.component[to] == NONE {
                        low[node] = low[node].min(number[to]);
                    }
                    continue;
                }
                walk.pop();
                if let Some(&(parent, _)) = walk.last() {
                    low[parent] = low[parent].min(low[node]);
                }
                if low[node] == number[node] {
                    let from = stack.iter().rposition(|&other| other == node);
                    let members = stack.split_off(from.unwrap_or_default());
                    for &member in &members {
                        flow.component[member] = components;
                        flow.cyclic[member] |= members.len() > 1;
                    }
                    components += 1;
                }
            }
        }
        flow
    }

    /// Marks what leads to a jump to the first instruction as cyclic; tells whether there is such a jump.
    fn mark_ways_to_start(&mut self, graph: &Graph<'_>) -> bool {
        let sources = graph.jumps_back().map(|(_, source)| source);
        let mut open: Vec<usize> = sources
            .filter(|&source| graph.is_reachable(source))
            .collect();
        let any = !open.is_empty();
        let mut before = Vec::new();
        while let Some(node) = open.pop() {
            match self.cyclic.get_mut(node) {
                Some(cyclic) if !*cyclic => *cyclic = true,
                _ => continue,
            }
            before.clear();
            graph.predecessors(node, &mut before);
            open.extend(before.iter().map(|&(index, _)| index));
        }
        any
    }

    /// Can the instruction run again after it has run?
    pub fn is_cyclic(&self, node: usize) -> bool {
        self.cyclic.get(node).copied().unwrap_or(true)
    }

    /// Of all calls that leave, the share that gets to each instruction, by a guess: where ways part, as many go each way, but none to
    /// where the function is not left; a loop is left as often through each of its ways out. `leaves` tells where calls leave.
    pub fn shares(&self, graph: &Graph<'_>, leaves: impl Fn(usize) -> bool) -> Vec<f32> {
        let mut order: Vec<(u32, usize)> = (0..)
            .zip(&self.component)
            .filter(|(_, component)| **component != NONE)
            .map(|(node, component)| (*component, node))
            .collect();
        order.sort_unstable();
        let components = order.last().map_or(0, |(last, _)| *last as usize + 1);
        let of = |node: usize| self.component.get(node).copied().unwrap_or(NONE) as usize;
        let mut next = Vec::new();
        let mut led_out = vec![false; components];
        for &(component, node) in &order {
            next.clear();
            graph.successors(node, &mut next);
            let leads = |to: &usize| led_out.get(of(*to)).copied().unwrap_or(false);
            let leads = leaves(node) || next.iter().any(leads);
            if let Some(led) = led_out.get_mut(component as usize) {
                *led |= leads;
            }
        }
        let mut passed = vec![0_f32; components];
        if let Some(first) = passed.get_mut(of(0)) {
            *first = 1.0;
        }
        for members in order.chunk_by(|(a, _), (b, _)| a == b).rev() {
            let own = members.first().map_or(0, |(own, _)| *own as usize);
            next.clear();
            for &(_, node) in members {
                graph.successors(node, &mut next);
            }
            next.retain(|&to| of(to) != own && led_out.get(of(to)).copied().unwrap_or(false));
            let share = passed.get(own).copied().unwrap_or_default() / next.len() as f32;
            for &to in &next {
                if let Some(passed) = passed.get_mut(of(to)) {
                    *passed += share;
                }
            }
        }
        let share = |component: &u32| passed.get(*component as usize).copied();
        self.component
            .iter()
            .map(|component| share(component).unwrap_or_default())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use iced_x86::{Decoder, DecoderOptions, FlowControl, Instruction};

    use super::*;

    fn shares(code: &[u8]) -> (Vec<f32>, Vec<bool>) {
        let decoder = Decoder::with_ip(64, code, 0x1000, DecoderOptions::NONE);
        let instructions: Vec<Instruction> = decoder.into_iter().collect();
        let graph = Graph::new(&instructions, |_| Some(0), |_| None, |_| true).expect("a graph");
        let flow = Flow::new(&graph);
        let leaves = |node: usize| instructions[node].flow_control() == FlowControl::Return;
        let cyclic = (0..instructions.len()).map(|node| flow.is_cyclic(node));
        (flow.shares(&graph, leaves), cyclic.collect())
    }

    #[test]
    fn ways_part_and_meet() {
        // je 1; je 2; ret; 1: nop; 2: ret
        let (found, cyclic) = shares(&[0x74, 3, 0x74, 2, 0xc3, 0x90, 0xc3]);
        assert_eq!(found, [1.0, 0.5, 0.25, 0.5, 0.75]);
        assert_eq!(cyclic, [false; 5]);
    }

    #[test]
    fn nobody_goes_where_the_function_is_not_left() {
        // je 1; ret; 1: ud2
        let (found, _) = shares(&[0x74, 1, 0xc3, 0x0f, 0x0b]);
        assert_eq!(found, [1.0, 1.0, 0.0]);
    }

    #[test]
    fn growing_the_stack_begins_anew() {
        // 0: je 1; ret; 1: nop; jmp 0
        let (found, cyclic) = shares(&[0x74, 1, 0xc3, 0x90, 0xeb, 0xfa]);
        assert_eq!(found, [1.0, 1.0, 1.0, 1.0]);
        assert_eq!(cyclic, [true, false, true, true]);
    }

    #[test]
    fn loops_are_left_through_all_their_ways_out() {
        // nop; 1: je 2; jmp 3; 3: jne 1; ret; 2: ret
        let (found, cyclic) = shares(&[0x90, 0x74, 5, 0xeb, 0, 0x75, 0xfa, 0xc3, 0xc3]);
        assert_eq!(found, [1.0, 1.0, 1.0, 1.0, 0.5, 0.5]);
        assert_eq!(cyclic, [false, true, true, true, false, false]);
    }
}
