//! Straight code: instructions after which the next one always runs, whatever the registers and the memory hold.
//!
//! Neither a call nor a branch nor a fault that a Go program survives (a nil dereference, a division by zero) can happen in it. The
//! list is of what Go's compiler puts before a `ret`; whatever is not on it is not straight.

use iced_x86::{
    Code, ConditionCode, FlowControl, Instruction as Decoded, Mnemonic, OpKind, Register,
};

/// Farthest that a variable in a frame, or a field of a structure, is looked for, in bytes.
const MAX_FRAME: u64 = 1 << 30;

/// How many bytes of stack a straight instruction releases (negative where it takes some); `None` for one that is not straight.
/// `is_pointer` tells whether a register holds a pointer that is not nil.
pub(crate) fn released(
    instruction: &Decoded,
    is_pointer: impl FnOnce(Register) -> bool,
) -> Option<i64> {
    let pop = instruction.code() == Code::Pop_r64;
    let known = pop
        || instruction.flow_control() == FlowControl::Next
            && (is_known(instruction.mnemonic())
                || instruction.condition_code() != ConditionCode::None);
    if !known || instruction.has_lock_prefix() || !accesses_safely(instruction, is_pointer) {
        return None;
    }
    let to = instruction.op0_register();
    if to.full_register() != Register::RSP {
        return Some(if pop { 8 } else { 0 });
    }
    let immediate = || match instruction.op1_kind() {
        OpKind::Immediate8to64 | OpKind::Immediate32to64 => {
            Some(instruction.immediate(1).cast_signed())
        }
        _ => None,
    };
    match instruction.mnemonic() {
        _ if to != Register::RSP => None,
        Mnemonic::Add => immediate(),
        Mnemonic::Sub => immediate()?.checked_neg(),
        Mnemonic::Lea
            if instruction.memory_base() == Register::RSP
                && instruction.memory_index() == Register::None =>
        {
            Some(instruction.memory_displacement64().cast_signed())
        }
        _ => None,
    }
}

/// Does it read and write nothing but registers, the function's frame, the executable's own data and what pointers lead to that are
/// not nil?
fn accesses_safely(instruction: &Decoded, is_pointer: impl FnOnce(Register) -> bool) -> bool {
    let mut operands = (0..instruction.op_count()).map(|index| instruction.op_kind(index));
    if !operands.any(|kind| kind == OpKind::Memory) || instruction.mnemonic() == Mnemonic::Lea {
        return true;
    }
    let place = match instruction.memory_base() {
        Register::RSP => {
            instruction.memory_index() == Register::None
                && instruction.memory_displacement64() < MAX_FRAME
        }
        Register::RIP => true,
        base => {
            instruction.memory_index() == Register::None
                && instruction.memory_displacement64() < MAX_FRAME
                && is_pointer(base)
        }
    };
    // Wide operands must be aligned, except for these instructions.
    let aligned = instruction.memory_size().size() < 16
        || matches!(
            instruction.mnemonic(),
            Mnemonic::Movups
                | Mnemonic::Movupd
                | Mnemonic::Movdqu
                | Mnemonic::Vmovups
                | Mnemonic::Vmovupd
                | Mnemonic::Vmovdqu
        );
    // A bit's number may lead far from where the operand begins.
    let bits = matches!(
        instruction.mnemonic(),
        Mnemonic::Bt | Mnemonic::Bts | Mnemonic::Btr | Mnemonic::Btc
    );
    place && aligned && !bits && instruction.segment_prefix() == Register::None
}

fn is_known(mnemonic: Mnemonic) -> bool {
    use Mnemonic::{
        Adc, Add, Addps, Addsd, Addss, And, Andn, Andnpd, Andnps, Andpd, Andps, Blsi, Blsmsk, Blsr,
        Bsf, Bsr, Bswap, Bt, Btc, Btr, Bts, Cbw, Cdq, Cdqe, Cmp, Comisd, Comiss, Cqo, Cvtsd2si,
        Cvtsd2ss, Cvtsi2sd, Cvtsi2ss, Cvtss2sd, Cvtss2si, Cvttsd2si, Cvttss2si, Cwd, Cwde, Dec,
        Divsd, Divss, Imul, Inc, Lea, Lzcnt, Maxsd, Maxss, Minsd, Minss, Mov, Movapd, Movaps, Movd,
        Movdqa, Movdqu, Movq, Movsd, Movss, Movsx, Movsxd, Movupd, Movups, Movzx, Mul, Mulsd,
        Mulss, Neg, Nop, Not, Or, Orpd, Orps, Pand, Popcnt, Por, Pxor, Rol, Ror, Rorx, Roundsd,
        Roundss, Sar, Sarx, Sbb, Shl, Shld, Shlx, Shr, Shrd, Shrx, Sqrtsd, Sqrtss, Sub, Subsd,
        Subss, Test, Tzcnt, Ucomisd, Ucomiss, Vfmadd231sd, Vfmadd231ss, Vmovdqu, Vmovupd, Vmovups,
        Vzeroupper, Xor, Xorpd, Xorps,
    };
    matches!(
        mnemonic,
        Adc | Add
            | Addps
            | Addsd
            | Addss
            | And
            | Andn
            | Andnpd
            | Andnps
            | Andpd
            | Andps
            | Blsi
            | Blsmsk
            | Blsr
            | Bsf
            | Bsr
            | Bswap
            | Bt
            | Btc
            | Btr
            | Bts
            | Cbw
            | Cdq
            | Cdqe
            | Cmp
            | Comisd
            | Comiss
            | Cqo
            | Cvtsd2si
            | Cvtsd2ss
            | Cvtsi2sd
            | Cvtsi2ss
            | Cvtss2sd
            | Cvtss2si
            | Cvttsd2si
            | Cvttss2si
            | Cwd
            | Cwde
            | Dec
            | Divsd
            | Divss
            | Imul
            | Inc
            | Lea
            | Lzcnt
            | Maxsd
            | Maxss
            | Minsd
            | Minss
            | Mov
            | Movapd
            | Movaps
            | Movd
            | Movdqa
            | Movdqu
            | Movq
            | Movsd
            | Movss
            | Movsx
            | Movsxd
            | Movupd
            | Movups
            | Movzx
            | Mul
            | Mulsd
            | Mulss
            | Neg
            | Nop
            | Not
            | Or
            | Orpd
            | Orps
            | Pand
            | Popcnt
            | Por
            | Pxor
            | Rol
            | Ror
            | Rorx
            | Roundsd
            | Roundss
            | Sar
            | Sarx
            | Sbb
            | Shl
            | Shld
            | Shlx
            | Shr
            | Shrd
            | Shrx
            | Sqrtsd
            | Sqrtss
            | Sub
            | Subsd
            | Subss
            | Test
            | Tzcnt
            | Ucomisd
            | Ucomiss
            | Vfmadd231sd
            | Vfmadd231ss
            | Vmovdqu
            | Vmovupd
            | Vmovups
            | Vzeroupper
            | Xor
            | Xorpd
            | Xorps
    )
}
