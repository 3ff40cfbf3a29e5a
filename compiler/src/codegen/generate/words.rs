//! Words as eBPF.

use super::{Generator, Held};
use crate::{
    codegen::{
        assembler::immediate,
        instruction::{Alu, FRAME, Helper, Jump, Operand, R0, R1, R2, R3, R4},
    },
    ir::{Extension, Input, Operator, Text, Width, Word, WordKind},
};

impl Generator {
    /// The left word in `R0`, and the right one as it is told, in `R3` where it is in a register.
    pub(super) fn operands(&mut self, left: &Word, right: &Word, slot: usize) -> Operand {
        if let WordKind::Constant(value) = right.kind
            && let Some(value) = immediate(value)
        {
            self.word(left, slot);
            return Operand::Immediate(value);
        }
        if is_simple(right) {
            self.word(left, slot);
            self.simple(right, R3);
        } else {
            // What is simple cannot fail, so nobody sees that it is evaluated later.
            let left = self.hold(left, slot);
            self.word(right, slot + 1);
            self.asm.copy(R3, R0);
            self.take(left, R0);
        }
        Operand::Register(R3)
    }

    /// Makes a word available for later, in `slot` if need be.
    pub(super) fn hold<'w>(&mut self, word: &'w Word, slot: usize) -> Held<'w> {
        if is_simple(word) {
            return Held::Simple(word);
        }
        self.word(word, slot);
        let offset = self.slot(slot);
        self.asm.store(Width::Eight, offset, Operand::Register(R0));
        Held::Slot(slot)
    }

    /// Makes where a text is and how long it is available for later, in `slot` and the one after it if need be.
    pub(super) fn hold_text<'w>(&mut self, text: &'w Text, slot: usize) -> (Held<'w>, Held<'w>) {
        let Some((header, offset)) = header(text) else {
            return (
                self.hold(&text.pointer, slot),
                self.hold(&text.length, slot + 1),
            );
        };
        // Both at once. Slots grow downwards.
        let outer = self.enter_span(&text.pointer.span);
        self.word(header, slot);
        self.asm.copy(R3, R0);
        self.asm.add(R3, offset);
        let at = self.slot(slot + 1);
        self.read(at, 16);
        self.enter_span(&outer);
        (Held::Slot(slot + 1), Held::Slot(slot))
    }

    /// Puts a held word into a register.
    pub(super) fn take(&mut self, held: Held<'_>, to: u8) {
        match held {
            Held::Simple(word) => self.simple(word, to),
            Held::Slot(slot) => {
                let offset = self.slot(slot);
                self.asm.load(Width::Eight, to, FRAME, offset);
            }
        }
    }

    /// Computes a word in `R0`. Slots from `slot` on are free.
    pub(super) fn word(&mut self, word: &Word, slot: usize) {
        if is_simple(word) {
            return self.simple(word, R0);
        }
        let outer = self.enter_span(&word.span);
        match &word.kind {
            WordKind::Constant(_) | WordKind::Register(..) | WordKind::Input(_) => {
                self.simple(word, R0);
            }
            WordKind::Load {
                pointer,
                offset,
                width,
                extension,
            } => {
                self.pointer(pointer, *offset, slot);
                let at = self.slot(slot);
                self.read(at, i32::from(width.bytes()));
                self.asm.load(*width, R0, FRAME, at);
                if *extension == Extension::Sign {
                    self.extend(R0, *width, *extension);
                }
            }
            WordKind::Extend {
                value,
                width,
                extension,
            } => {
                self.word(value, slot);
                self.extend(R0, *width, *extension);
            }
            WordKind::Negate(value) => {
                self.word(value, slot);
                self.asm.alu(Alu::Neg, R0, Operand::Immediate(0));
            }
            WordKind::Binary {
                operator,
                left,
                right,
            } => {
                let operand = self.operands(left, right, slot);
                self.arithmetic(*operator, operand);
            }
            WordKind::Checked { condition, value } => {
                let holds = self.asm.label();
                self.condition(condition, slot, holds, self.undecided, holds);
                self.asm.bind(holds);
                self.word(value, slot);
            }
            WordKind::Choice {
                condition,
                then,
                otherwise,
            } => {
                let (yes, no, end) = (self.asm.label(), self.asm.label(), self.asm.label());
                self.condition(condition, slot, yes, no, yes);
                self.asm.bind(yes);
                self.word(then, slot);
                self.asm.goto(end);
                self.asm.bind(no);
                self.word(otherwise, slot);
                self.asm.bind(end);
            }
            WordKind::Truth(condition) => {
                let (yes, no, end) = (self.asm.label(), self.asm.label(), self.asm.label());
                self.condition(condition, slot, yes, no, yes);
                self.asm.bind(yes);
                self.asm.constant(R0, 1);
                self.asm.goto(end);
                self.asm.bind(no);
                self.asm.constant(R0, 0);
                self.asm.bind(end);
            }
        }
        self.enter_span(&outer);
    }

    /// Puts the address of a word of memory into `R3`. `false` where the word is not simply eight bytes of it.
    pub(super) fn point_at(&mut self, word: &Word, slot: usize) -> bool {
        let WordKind::Load {
            pointer,
            offset,
            width: Width::Eight,
            ..
        } = &word.kind
        else {
            return false;
        };
        self.pointer(pointer, *offset, slot);
        true
    }

    /// `R3 = pointer + offset`
    fn pointer(&mut self, pointer: &Word, offset: i32, slot: usize) {
        if is_simple(pointer) {
            self.simple(pointer, R3);
        } else {
            self.word(pointer, slot);
            self.asm.copy(R3, R0);
        }
        self.asm.add(R3, offset);
    }

    /// Reads `count` bytes at the address in `R3` into the frame.
    pub(super) fn read(&mut self, to: i16, count: i32) {
        self.asm.constant(R2, i64::from(count).cast_unsigned());
        self.read_counted(to);
    }

    /// Reads as many bytes as `R2` says at the address in `R3` into the frame.
    pub(super) fn read_counted(&mut self, to: i16) {
        self.asm.frame_address(R1, to);
        self.read_to_r1();
    }

    /// Reads as many bytes as `R2` says at the address in `R3` to the one in `R1`.
    pub(super) fn read_to_r1(&mut self) {
        self.asm.call(Helper::ProbeReadUser);
        self.asm
            .branch(Jump::NotEqual, R0, Operand::Immediate(0), self.undecided);
    }

    /// Computes a word that needs one register, and cannot fail.
    fn simple(&mut self, word: &Word, to: u8) {
        let outer = self.enter_span(&word.span);
        match &word.kind {
            WordKind::Constant(value) => self.asm.constant(to, *value),
            WordKind::Register(register, _) => {
                let (base, offset) = match register.offset() {
                    Some(offset) => (self.registers, offset),
                    None => (self.inputs, Input::StackPointer.offset()),
                };
                self.asm.load(Width::Eight, to, base, offset);
            }
            WordKind::Input(input) => {
                self.asm.load(Width::Eight, to, self.inputs, input.offset());
            }
            WordKind::Extend {
                value,
                width,
                extension,
            } => {
                self.simple(value, to);
                self.extend(to, *width, *extension);
            }
            WordKind::Negate(value) => {
                self.simple(value, to);
                self.asm.alu(Alu::Neg, to, Operand::Immediate(0));
            }
            WordKind::Binary {
                operator,
                left,
                right,
            } => {
                self.simple(left, to);
                if let (Some(alu), Some(value)) = (alu(*operator), small_constant(right)) {
                    self.asm.alu(alu, to, Operand::Immediate(value));
                }
            }
            WordKind::Load { .. }
            | WordKind::Checked { .. }
            | WordKind::Choice { .. }
            | WordKind::Truth(_) => {}
        }
        self.enter_span(&outer);
    }

    fn extend(&mut self, register: u8, width: Width, extension: Extension) {
        let bits = Operand::Immediate(64 - 8 * i32::from(width.bytes()));
        match (width, extension) {
            (Width::Eight, _) => {}
            (Width::One | Width::Two, Extension::Zero) => {
                let mask = (1 << (8 * width.bytes())) - 1;
                self.asm.alu(Alu::And, register, Operand::Immediate(mask));
            }
            (_, extension) => {
                self.asm.alu(Alu::ShiftLeft, register, bits);
                let back = if extension == Extension::Sign {
                    Alu::ArithmeticShiftRight
                } else {
                    Alu::ShiftRight
                };
                self.asm.alu(back, register, bits);
            }
        }
    }

    /// `R0 = R0 operator right`
    fn arithmetic(&mut self, operator: Operator, right: Operand) {
        match (operator, alu(operator)) {
            (_, Some(alu)) => self.asm.alu(alu, R0, right),
            (Operator::Divide { signed: true }, None) => self.divide_signed(Alu::Div, right),
            (Operator::Remainder { signed: true }, None) => self.divide_signed(Alu::Mod, right),
            (Operator::Divide { .. }, None) => self.divide(Alu::Div, right),
            (_, None) => self.divide(Alu::Mod, right),
        }
    }

    fn divide(&mut self, alu: Alu, right: Operand) {
        match right {
            // The verifier refuses it.
            Operand::Immediate(0) => self.asm.goto(self.undecided),
            Operand::Immediate(_) => self.asm.alu(alu, R0, right),
            Operand::Register(register) => {
                let zero = Operand::Immediate(0);
                self.asm.branch(Jump::Equal, register, zero, self.undecided);
                self.asm.alu(alu, R0, right);
            }
        }
    }

    /// Kernels before 6.6 have no signed division: divides the magnitudes, and gives the result its sign.
    fn divide_signed(&mut self, alu: Alu, right: Operand) {
        if let Operand::Immediate(value) = right {
            self.asm.constant(R3, i64::from(value).cast_unsigned());
        }
        // A remainder has the sign of the dividend, a quotient is negative where the signs differ.
        self.asm.copy(R4, R0);
        if alu == Alu::Div {
            self.asm.alu(Alu::Xor, R4, Operand::Register(R3));
        }
        self.negate_if_negative(R0, R0);
        self.negate_if_negative(R3, R3);
        self.divide(alu, Operand::Register(R3));
        self.negate_if_negative(R0, R4);
    }

    fn negate_if_negative(&mut self, register: u8, sign: u8) {
        let end = self.asm.label();
        self.asm
            .branch(Jump::SignedGreaterOrEqual, sign, Operand::Immediate(0), end);
        self.asm.alu(Alu::Neg, register, Operand::Immediate(0));
        self.asm.bind(end);
    }
}

/// The instruction for it, if there is one that says all.
fn alu(operator: Operator) -> Option<Alu> {
    match operator {
        Operator::Add => Some(Alu::Add),
        Operator::Subtract => Some(Alu::Sub),
        Operator::Multiply => Some(Alu::Mul),
        Operator::And => Some(Alu::And),
        Operator::Divide { .. } | Operator::Remainder { .. } => None,
    }
}

fn small_constant(word: &Word) -> Option<i32> {
    match word.kind {
        WordKind::Constant(value) => immediate(value),
        _ => None,
    }
}

/// The address of a string's header, and an offset from there, where both of its words are read from memory.
fn header(text: &Text) -> Option<(&Word, i32)> {
    fn loaded(word: &Word) -> Option<(&Word, i32)> {
        match &word.kind {
            WordKind::Load {
                pointer,
                offset,
                width: Width::Eight,
                ..
            } => Some((pointer, *offset)),
            _ => None,
        }
    }
    let ((first, at), (second, after)) = (loaded(&text.pointer)?, loaded(&text.length)?);
    (first == second && at.checked_add(8) == Some(after)).then_some((first, at))
}

/// Whether one register is enough to compute it, without a call and without a way to fail.
fn is_simple(word: &Word) -> bool {
    match &word.kind {
        WordKind::Constant(_) | WordKind::Register(..) | WordKind::Input(_) => true,
        WordKind::Extend { value, .. } | WordKind::Negate(value) => is_simple(value),
        WordKind::Binary {
            operator,
            left,
            right,
        } => alu(*operator).is_some() && small_constant(right).is_some() && is_simple(left),
        WordKind::Load { .. }
        | WordKind::Checked { .. }
        | WordKind::Choice { .. }
        | WordKind::Truth(_) => false,
    }
}
