//! What single instructions and callees do.

use iced_x86::{FlowControl, Instruction, Mnemonic, OpKind, Register};

/// Functions of the runtime that return the address of something.
pub fn returns_pointer(callee: &str) -> bool {
    let names = [
        "newobject",
        "mallocgc",
        "make",
        "growslice",
        "mapassign",
        "mapaccess",
        "convT",
    ];
    let name = callee.strip_prefix("runtime.");
    name.is_some_and(|name| names.iter().any(|start| name.starts_with(start)))
}

pub fn is_call(instruction: &Instruction) -> bool {
    matches!(
        instruction.flow_control(),
        FlowControl::Call | FlowControl::IndirectCall
    )
}

pub fn is_lea(instruction: &Instruction) -> bool {
    instruction.mnemonic() == Mnemonic::Lea
}

/// Bytes of stack that an instruction takes.
pub fn pushed(instruction: &Instruction) -> i64 {
    let immediate = matches!(
        instruction.op1_kind(),
        OpKind::Immediate8to64 | OpKind::Immediate32to64
    );
    match instruction.mnemonic() {
        _ if is_call(instruction) => 0,
        Mnemonic::Sub if instruction.op0_register() == Register::RSP && immediate => {
            instruction.immediate(1) as i64
        }
        Mnemonic::Add if instruction.op0_register() == Register::RSP && immediate => {
            -(instruction.immediate(1) as i64)
        }
        Mnemonic::Lea if instruction.op0_register() == Register::RSP => {
            -(instruction.memory_displacement64() as i64)
        }
        _ => -i64::from(instruction.stack_pointer_increment()),
    }
}
