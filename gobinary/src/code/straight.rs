//! Straight code: instructions after which the next one always runs, whatever the registers and the memory hold.
//!
//! Neither a call nor a branch nor a fault that a Go program survives (a nil dereference, a division by zero) can happen in it. The
//! list is of what Go's compiler puts before a `ret`; whatever is not on it is not straight.

use iced_x86::{
    Code, ConditionCode, FlowControl, Instruction as Decoded, Mnemonic, OpKind, Register,
};

/// Farthest from a nil pointer that Go's compiler lets an access stand for the nil check, in bytes (`minZeroPage` in
/// cmd/compile/internal/ssa/nilcheck.go).
const FIRST_PAGE: u64 = 4096;

/// How many bytes of stack a straight instruction releases (negative where it takes some); `None` for one that is not straight.
/// `is_pointer` tells whether a register holds a pointer that is not nil.
pub(crate) fn released(
    instruction: &Decoded,
    is_pointer: impl Fn(Register) -> bool,
) -> Option<i64> {
    let pop = instruction.code() == Code::Pop_r64;
    let known = pop
        || instruction.flow_control() == FlowControl::Next
            && (is_known(instruction.mnemonic())
                || instruction.condition_code() != ConditionCode::None);
    if !known || !accesses_safely(instruction, is_pointer) {
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

/// Does it read and write nothing but registers, the function's frame, the executable's own data, and what was checked before?
///
/// Where a pointer may be nil, Go's compiler either checks it before or leaves that to the first access, which faults; such an access
/// has no index and a small offset (the operations with `faultOnNilArg0` in cmd/compile/internal/ssa/opGen.go, and `nilcheckelim2`).
/// Indices were compared with the length before.
fn accesses_safely(instruction: &Decoded, is_pointer: impl Fn(Register) -> bool) -> bool {
    let mnemonic = instruction.mnemonic();
    if instruction.segment_prefix() != Register::None {
        return false;
    }
    match mnemonic {
        Mnemonic::Lea | Mnemonic::Nop => return true,
        Mnemonic::Movsq => return is_pointer(Register::RDI) && is_pointer(Register::RSI),
        Mnemonic::Stosq => return is_pointer(Register::RDI),
        _ if instruction.is_string_instruction() => return false,
        _ => {}
    }
    let mut operands = (0..instruction.op_count()).map(|index| instruction.op_kind(index));
    if !operands.any(|kind| kind == OpKind::Memory) {
        return true;
    }
    // These have operations with an index that may fault.
    let shift = matches!(mnemonic, Mnemonic::Sarx | Mnemonic::Shlx | Mnemonic::Shrx);
    let checked = instruction.memory_index() != Register::None && !shift
        || instruction.memory_displacement64() >= FIRST_PAGE;
    let place = match instruction.memory_base() {
        Register::RSP | Register::RIP => true,
        Register::None => false,
        base => checked || is_pointer(base),
    };
    // Wide operands must be aligned, except for these instructions.
    let aligned = instruction.memory_size().size() < 16
        || matches!(
            mnemonic,
            Mnemonic::Movups
                | Mnemonic::Movupd
                | Mnemonic::Movdqu
                | Mnemonic::Vmovups
                | Mnemonic::Vmovupd
                | Mnemonic::Vmovdqu
        );
    // A bit's number may lead far from where the operand begins.
    let bits = matches!(
        mnemonic,
        Mnemonic::Bt | Mnemonic::Bts | Mnemonic::Btr | Mnemonic::Btc
    );
    place && aligned && !bits
}

fn is_known(mnemonic: Mnemonic) -> bool {
    use Mnemonic::*;
    let known = [
        Adc, Add, Addps, Addsd, Addss, And, Andn, Andnpd, Andnps, Andpd, Andps, Bextr, Blsi,
        Blsmsk, Blsr, Bsf, Bsr, Bswap, Bt, Btc, Btr, Bts, Bzhi, Cbw, Cdq, Cdqe, Cmp, Cmpxchg,
        Comisd, Comiss, Cqo, Cvtsd2si, Cvtsd2ss, Cvtsi2sd, Cvtsi2ss, Cvtss2sd, Cvtss2si, Cvttsd2si,
        Cvttss2si, Cwd, Cwde, Dec, Divsd, Divss, Imul, Inc, Lea, Lzcnt, Maxsd, Maxss, Minsd, Minss,
        Mov, Movapd, Movaps, Movbe, Movd, Movdqa, Movdqu, Movq, Movsd, Movsq, Movss, Movsx, Movsxd,
        Movupd, Movups, Movzx, Mul, Mulsd, Mulss, Mulx, Neg, Nop, Not, Or, Orpd, Orps, Pand, Pdep,
        Pext, Popcnt, Por, Prefetcht0, Pxor, Rol, Ror, Rorx, Roundsd, Roundss, Sar, Sarx, Sbb, Shl,
        Shld, Shlx, Shr, Shrd, Shrx, Sqrtsd, Sqrtss, Stosq, Sub, Subsd, Subss, Test, Tzcnt,
        Ucomisd, Ucomiss, Vmovdqu, Vmovupd, Vmovups, Vzeroupper, Xadd, Xchg, Xor, Xorpd, Xorps,
    ];
    known.contains(&mnemonic) || matches!(mnemonic, Prefetchnta | Vfmadd231sd | Vfmadd231ss)
}
