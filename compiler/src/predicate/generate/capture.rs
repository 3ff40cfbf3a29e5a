//! Capturing as eBPF.
//!
//! The generated function gets a third argument, where to write to. It returns how many bytes were written: 0 where the call's function has
//! no arm.

use std::ops::Range;

use super::{Generator, Limits, Needs, Resource, TooLarge};
use crate::predicate::{
    capture::{Item, Layout, MAX_ITEMS},
    code::{Code, ListedArm},
    instruction::{Alu, FRAME, Jump, Operand, R0, R1, R2, R3},
    ir::{Input, Node, Width},
};

/// Items to capture, and the functions at whose calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaptureArm {
    /// Functions as in cookies. Where an arm has none, it is about all that no other arm names.
    pub functions: Vec<u32>,
    /// What is captured; where to, [`Layout::new`] tells.
    pub items: Vec<Item>,
}

/// The slot that holds the address to write to.
const TO: usize = 0;
/// The slot that holds a bit for each item that could not be read.
const UNREADABLE: usize = 1;
/// The first slot that is free.
const FREE: usize = 2;

/// Makes the function that captures, from arms that name their functions: in pieces that stand one behind the other, so that only each
/// piece has to keep within `limits`. Arms are left out from the end once the function would have more than `most` instructions; how many
/// are in it is returned too.
///
/// # Errors
/// [`TooLarge`] where one arm alone does not fit. `room` is the size of the place to write to.
pub fn generate_captures(
    arms: &[CaptureArm],
    limits: Limits,
    most: usize,
    room: usize,
) -> Result<(Code, usize), TooLarge> {
    let mut function = Code::default();
    let mut piece = 0..0;
    let (mut size, mut total) = (0, 0);
    let make = |piece: Range<usize>| {
        let arms = arms.get(piece).unwrap_or_default();
        generate_capture(arms, limits, room)
    };
    for number in 0..arms.len() {
        // What an arm needs alone is what it adds at most.
        let alone = make(number..number + 1)?.instructions.len();
        total += alone;
        if total > most {
            break;
        }
        size += alone;
        if size > limits.instructions {
            function.append(make(piece.clone())?);
            (piece, size) = (number..number, alone);
        }
        piece.end = number + 1;
    }
    let count = piece.end;
    if count > 0 {
        function.append(make(piece)?);
    }
    Ok((function, count))
}

/// Makes the function that captures.
///
/// # Errors
/// [`TooLarge`] where the room does not do. `room` is the size of the place to write to.
pub fn generate_capture(
    arms: &[CaptureArm],
    limits: Limits,
    room: usize,
) -> Result<Code, TooLarge> {
    // The registers of the arguments are used to write.
    let mut needs = Needs {
        memory: true,
        inputs: true,
        ..Needs::default()
    };
    for item in arms.iter().flat_map(|arm| &arm.items) {
        item.visit(&mut |node: Node<'_>| needs.note(&node));
    }
    let mut generator = Generator::new(limits, needs, Some(R3));
    generator.put(TO, R3);
    let names = arms.iter().map(|arm| arm.functions.as_slice());
    let otherwise = generator.no;
    let bodies = generator.dispatch(names, otherwise);
    for (arm, body) in arms.iter().zip(bodies) {
        generator.begin_arm(body);
        generator.capture(&arm.items, room);
    }
    let listed = |arm: &CaptureArm| ListedArm::items(&arm.functions, &arm.items);
    generator.finish(arms.iter().map(listed).collect())
}

impl Generator {
    fn capture(&mut self, items: &[Item], room: usize) {
        let layout = Layout::new(items);
        let unreadable = self.slot(UNREADABLE);
        self.asm
            .store(Width::Eight, unreadable, Operand::Immediate(0));
        for (number, (item, at)) in items.iter().zip(&layout.offsets).enumerate() {
            let outer = self.enter_span(item.span());
            if number >= MAX_ITEMS {
                self.fail(Resource::Items, items.len(), MAX_ITEMS);
            }
            let end = layout.offsets.get(number + 1).unwrap_or(&layout.size);
            if *end > room {
                self.fail(Resource::Captured, layout.size, room);
            }
            let at = i16::try_from(*at).unwrap_or(0);
            let (failed, next) = (self.asm.label(), self.asm.label());
            let decided = std::mem::replace(&mut self.undecided, failed);
            self.capture_item(item, at);
            self.asm.goto(next);
            self.asm.bind(failed);
            self.asm.load(Width::Eight, R0, FRAME, unreadable);
            self.asm.constant(R1, 1 << (number % MAX_ITEMS));
            self.asm.alu(Alu::Or, R0, Operand::Register(R1));
            self.asm
                .store(Width::Eight, unreadable, Operand::Register(R0));
            self.asm.bind(next);
            self.undecided = decided;
            self.enter_span(&outer);
        }
        self.asm.load(Width::Eight, R0, FRAME, unreadable);
        self.write(0);
        self.asm.constant(R0, layout.size as u64);
        self.asm.exit();
    }

    fn capture_item(&mut self, item: &Item, at: i16) {
        match item {
            Item::Word(word) => {
                self.word(word, FREE);
                self.write(at);
            }
            Item::Bytes { text, most, .. } => {
                let (pointer, length) = self.hold_text(text, FREE);
                self.take(length, R0);
                self.write(at);
                if *most == 0 {
                    return;
                }
                let empty = self.asm.label();
                self.asm
                    .branch(Jump::Equal, R0, Operand::Immediate(0), empty);
                self.asm.copy(R2, R0);
                self.at_most(R2, usize::from(*most));
                self.take(pointer, R3);
                self.get(TO, R1);
                self.asm.add(R1, i32::from(at) + 8);
                self.read_to_r1();
                self.asm.bind(empty);
            }
            Item::Kept {
                bit, offset, most, ..
            } => self.copy_kept(*bit, *offset, *most, at),
        }
    }

    /// Copies a run of bytes that was kept at entry. Nothing can be said of its place behind its end, which may hold something older.
    fn copy_kept(&mut self, bit: u8, offset: u16, most: u16, at: i16) {
        let inputs = self.inputs;
        let unreadable = Input::KeptUnreadable.offset();
        let kept = unreadable.saturating_add_unsigned(offset);
        self.asm.load(Width::Eight, R0, inputs, unreadable);
        self.asm
            .constant(R1, 1_u64.checked_shl(bit.into()).unwrap_or(0));
        self.asm.alu(Alu::And, R0, Operand::Register(R1));
        let undecided = self.undecided;
        self.asm
            .branch(Jump::NotEqual, R0, Operand::Immediate(0), undecided);
        self.asm.load(Width::Eight, R0, inputs, kept);
        self.write(at);
        let done = self.asm.label();
        self.asm.copy(R2, R0);
        self.asm
            .branch(Jump::Equal, R2, Operand::Immediate(0), done);
        self.at_most(R2, usize::from(most));
        self.get(TO, R1);
        for word in 0..most.div_ceil(8) {
            let (start, end) = (8 * word, 8 * (word + 1));
            let within = |bytes: u16| bytes.cast_signed().saturating_add(8);
            if word > 0 {
                let start = Operand::Immediate(start.into());
                self.asm.branch(Jump::LessOrEqual, R2, start, done);
            }
            let from = kept.saturating_add(within(start));
            self.asm.load(Width::Eight, R0, inputs, from);
            let whole = self.asm.label();
            let end = Operand::Immediate(end.into());
            self.asm.branch(Jump::GreaterOrEqual, R2, end, whole);
            // The lowest bytes of a word are the first ones.
            self.asm.alu(Alu::Mov, R3, end);
            self.asm.alu(Alu::Sub, R3, Operand::Register(R2));
            self.asm.alu(Alu::ShiftLeft, R3, Operand::Immediate(3));
            self.asm.alu(Alu::ShiftLeft, R0, Operand::Register(R3));
            self.asm.alu(Alu::ShiftRight, R0, Operand::Register(R3));
            self.asm.bind(whole);
            self.asm.store_at(R1, at.saturating_add(within(start)), R0);
        }
        self.asm.bind(done);
    }

    /// Writes `R0` to its place.
    fn write(&mut self, at: i16) {
        self.get(TO, R1);
        self.asm.store_at(R1, at, R0);
    }
}
