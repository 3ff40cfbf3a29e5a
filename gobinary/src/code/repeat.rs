//! Loops that the compiler makes of one operation: moving or clearing a block of memory, a constant number of times through straight code.
//!
//! `LoweredMoveLoop` and `LoweredZeroLoop` in cmd/compile/internal/amd64/ssa.go (Go 1.26): a count in a register, the body, `dec` of the
//! count and `jne` back to the body's first instruction. Nothing but the jump back leads into such a loop, and nothing else out of it.

use iced_x86::{
    Code, FlowControl, Instruction as Decoded, InstructionInfoFactory, Mnemonic, OpAccess,
};

use crate::code::cfg::Graph;

/// Most instructions between the count and the body, and in the body.
const MAX_LENGTH: usize = 64;

/// The first instruction of the loop that ends with a jump, if the loop is such a one. `is_straight` tells whether an instruction is
/// straight code that leaves the stack pointer alone.
pub(crate) fn head(
    instructions: &[Decoded],
    graph: &Graph<'_>,
    jump: usize,
    is_straight: impl Fn(usize) -> bool,
) -> Option<usize> {
    let (jne, dec) = (
        instructions.get(jump)?,
        instructions.get(jump.checked_sub(1)?)?,
    );
    let count = dec.op0_register().full_register();
    if jne.mnemonic() != Mnemonic::Jne || dec.mnemonic() != Mnemonic::Dec || !count.is_gpr64() {
        return None;
    }
    let head = instructions
        .binary_search_by_key(&jne.near_branch_target(), Decoded::ip)
        .ok()?;
    if head >= jump || jump - head > MAX_LENGTH {
        return None;
    }
    let mut before = Vec::new();
    let mut led_to_by = |node: usize, by: &[(usize, bool)]| {
        before.clear();
        graph.predecessors(node, &mut before);
        before == by
    };
    let mut factory = InstructionInfoFactory::new();
    let mut leaves = |node: usize| {
        instructions.get(node).is_some_and(|instruction| {
            let used = factory.info(instruction).used_registers();
            instruction.flow_control() == FlowControl::Next
                && used.iter().all(|used| {
                    used.access() == OpAccess::Read || used.register().full_register() != count
                })
        })
    };
    let body = head..jump;
    let alone = (head + 1..=jump).all(|node| led_to_by(node, &[(node - 1, false)]));
    let entered = led_to_by(head, &[(head.checked_sub(1)?, false), (jump, true)]);
    let straight = body.clone().all(is_straight) && (head..jump - 1).all(&mut leaves);
    if !alone || !entered || !straight {
        return None;
    }
    for node in (0..head).rev().take(MAX_LENGTH) {
        let instruction = instructions.get(node)?;
        let sets = matches!(
            instruction.code(),
            Code::Mov_r32_imm32 | Code::Mov_rm32_imm32 | Code::Mov_rm64_imm32
        );
        if sets && instruction.op0_register().full_register() == count {
            return (instruction.immediate(1) != 0).then_some(head);
        }
        if !leaves(node) || !led_to_by(node, &[(node.checked_sub(1)?, false)]) {
            return None;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use iced_x86::{Decoder, DecoderOptions};

    use super::*;

    const COUNT: &[u8] = &[0xba, 3, 0, 0, 0]; // mov edx,3
    const MOVE: &[u8] = &[0x44, 0x0f, 0x11, 0x38]; // movups [rax],xmm15
    const NEXT: &[u8] = &[0x48, 0x83, 0xc0, 0x40]; // add rax,40h
    const DEC: &[u8] = &[0xff, 0xca]; // dec edx
    const RET: &[u8] = &[0xc3];

    /// Where the loop begins that ends with the first `jne`.
    fn found(parts: &[&[u8]]) -> Option<usize> {
        let code: Vec<u8> = parts.concat();
        let decoder = Decoder::with_ip(64, &code, 0x1000, DecoderOptions::NONE);
        let instructions: Vec<Decoded> = decoder.into_iter().collect();
        let jump = instructions
            .iter()
            .position(|i| i.mnemonic() == Mnemonic::Jne)?;
        let graph = Graph::new(&instructions, |_| Some(0), |_| None, |_| true)?;
        let straight = |node: usize| instructions[node].mnemonic() != Mnemonic::Div;
        head(&instructions, &graph, jump, straight)
    }

    #[test]
    fn a_block_is_cleared() {
        let back = &[0x75, 0xf4][..]; // jne to the movups
        assert_eq!(found(&[COUNT, MOVE, NEXT, DEC, back, RET]), Some(1));
        assert_eq!(found(&[COUNT, NEXT, MOVE, NEXT, DEC, back, RET]), Some(2));
    }

    #[test]
    fn other_loops() {
        let back = &[0x75, 0xf4][..];
        let zero = &[0xba, 0, 0, 0, 0][..]; // mov edx,0
        let copy = &[0x89, 0xca][..]; // mov edx,ecx
        let divide = &[0x48, 0xf7, 0xf1][..]; // div rcx
        let into = &[0x74, 0x04][..]; // je over the movups
        let sets = &[0x90, 0xb2, 1, 0x90][..]; // mov dl,1
        for parts in [
            &[zero, MOVE, NEXT, DEC, back, RET][..],
            &[MOVE, NEXT, DEC, back, RET],
            &[COUNT, copy, MOVE, NEXT, DEC, back, RET],
            &[COUNT, into, MOVE, NEXT, DEC, back, RET],
            &[COUNT, MOVE, sets, DEC, back, RET],
            &[COUNT, MOVE, divide, &[0x90], DEC, back, RET],
            // The jump leads elsewhere.
            &[COUNT, MOVE, NEXT, DEC, &[0x75, 0x00], RET],
            &[COUNT, MOVE, NEXT, DEC, &[0x75, 0xef], RET],
        ] {
            assert_eq!(found(parts), None, "{parts:x?}");
        }
    }
}
