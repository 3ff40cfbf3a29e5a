//! Capturing as eBPF.
//!
//! The generated function gets a third argument, where to write to. It returns how many bytes were written: 0 where the call's function has
//! no arm.

use std::slice;

use super::{Generator, Limits, Needs, Resource, STEPS_OF_CAPTURE, TooLarge};
use crate::{
    codegen::{
        assembler::{Label, immediate},
        code::{Code, ListedArm},
        instruction::{Alu, Helper, Jump, Operand, R0, R1, R2, R3, R8},
    },
    ir::{
        Input, Node, Width, WordKind,
        capture::{Item, Layout, MAX_ITEMS},
    },
};

/// Items to capture, and the functions at whose calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaptureArm {
    /// Functions as in cookies. Where an arm has none, it is about all that no other arm names.
    pub functions: Vec<u32>,
    /// What is captured; where to, [`Layout::new`] tells.
    pub items: Vec<Item>,
}

/// Where to write to has to last to the end.
const TO: u8 = R8;
/// Searches use this register: where there are any, it is in the first slot instead.
const TO_SLOT: usize = 0;
const SLOTS: usize = 1;

/// Most functions that code for captures is made of, beside the one that chooses among them. A program has 256 at most
/// (`BPF_MAX_SUBPROGS` in include/linux/bpf_verifier.h), and two moments to capture at.
const PIECES: usize = 100;

/// A function of fewer instructions is not worth dividing.
const PIECE_LEAST: usize = 1_000;

/// Makes the function that captures, from arms that name their functions. It is in pieces, each a function of its own, of which the first
/// one chooses: so the verifier goes through each by itself, and only each has to keep within `limits`. Arms are left out from the end once
/// there would be more than `most` instructions, or searches that take the verifier as long; how many are in it is returned too.
///
/// # Errors
/// [`TooLarge`] where one arm alone does not fit. `room` is the size of the place to write to.
pub fn generate_captures(
    arms: &[CaptureArm],
    limits: Limits,
    most: usize,
    room: usize,
) -> Result<(Code, usize), TooLarge> {
    // Two instructions for each function are what choosing takes at most, and two for each piece.
    let functions_most = limits.instructions.saturating_sub(2 * PIECES + 16) / 2;
    let (mut total, mut functions, mut steps) = (0, 0, 0);
    let mut sized = Vec::with_capacity(arms.len());
    for arm in arms {
        // What an arm needs alone is what it adds at most.
        let alone = generate_capture(slice::from_ref(arm), limits, room)?;
        let size = alone.instructions.len();
        steps += alone.steps();
        functions += arm.functions.len();
        if steps > most * STEPS_OF_CAPTURE || (functions > functions_most && !sized.is_empty()) {
            break;
        }
        total += size;
        sized.push((arm, size, alone.searches));
    }
    let count = sized.len();
    // Functions that follow each other are in one piece then, as far as that goes, and chosen together.
    sized.sort_by_key(|(arm, ..)| arm.functions.iter().min());
    let piece_size = total.div_ceil(PIECES).max(PIECE_LEAST);
    let mut pieces: Vec<Vec<CaptureArm>> = Vec::new();
    let (mut size, mut searches) = (0, 0);
    for (arm, alone, more) in sized {
        match pieces.last_mut() {
            Some(piece)
                if size < piece_size
                    && size + alone <= limits.instructions
                    && searches + more <= limits.searches =>
            {
                piece.push(arm.clone());
                size += alone;
                searches += more;
            }
            _ => {
                pieces.push(vec![arm.clone()]);
                (size, searches) = (alone, more);
            }
        }
    }
    let made = pieces
        .iter()
        .map(|piece| generate_capture(piece, limits, room));
    let made = made.collect::<Result<Vec<_>, _>>()?;
    let code = match <[Code; 1]>::try_from(made) {
        Ok([only]) => only,
        Err(made) if made.is_empty() => Code::default(),
        Err(made) => choose(&pieces, limits)?.with_functions(made),
    };
    Ok((code, count))
}

/// The function that goes to the piece that captures of a call's function. Where there is none, that piece says so.
fn choose(pieces: &[Vec<CaptureArm>], limits: Limits) -> Result<Code, TooLarge> {
    let needs = Needs {
        inputs: true,
        ..Needs::default()
    };
    let mut generator = Generator::new(limits, needs, None);
    let mut table = Vec::new();
    let mut bodies = Vec::with_capacity(pieces.len());
    for piece in pieces {
        let body = generator.asm.label();
        bodies.push(body);
        let functions = piece.iter().flat_map(|arm| &arm.functions);
        table.extend(functions.map(|function| (*function, body)));
    }
    table.sort_by_key(|(function, _)| *function);
    table.dedup_by_key(|(_, body)| *body);
    let inputs = generator.inputs;
    let function = Input::Function.offset();
    (generator.asm).load(Width::Eight, R0, inputs, function);
    generator.choose_among(&table);
    for (number, body) in (0..).zip(bodies) {
        generator.asm.bind(body);
        generator.asm.call_function(number);
        generator.asm.exit();
    }
    generator.finish(Vec::new())
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
    if generator.in_slots {
        generator.put(TO_SLOT, R3);
    } else {
        generator.asm.copy(TO, R3);
    }
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
    /// `table`: the least function of each run of them, and where to go with it.
    fn choose_among(&mut self, table: &[(u32, Label)]) {
        let (low, high) = table.split_at(table.len() / 2);
        match (low, high) {
            ([], []) => {}
            ([], [(_, body), ..]) => self.asm.goto(*body),
            (_, high) => {
                let least = high.first().map_or(0, |(function, _)| *function);
                let upper = self.asm.label();
                let least = Operand::Immediate(least.cast_signed());
                self.asm.branch(Jump::GreaterOrEqual, R0, least, upper);
                self.choose_among(low);
                self.asm.bind(upper);
                self.choose_among(high);
            }
        }
    }

    fn capture(&mut self, items: &[Item], room: usize) {
        let layout = Layout::new(items);
        // A bit for each item that could not be read is kept where it is written to, of which the verifier remembers nothing: a register
        // would have it follow every item twice, once for either outcome of all items before.
        self.asm.constant(R0, 0);
        self.write(0);
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
            self.capture_item(item, at, next);
            self.asm.bind(failed);
            self.mark_unreadable(1 << (number % MAX_ITEMS));
            self.asm.bind(next);
            self.undecided = decided;
            self.enter_span(&outer);
        }
        self.asm.constant(R0, layout.size as u64);
        self.asm.exit();
    }

    /// The first slot that is free.
    fn free(&self) -> usize {
        if self.in_slots { SLOTS } else { 0 }
    }

    /// A register with the address to write to.
    fn to(&mut self) -> u8 {
        if self.in_slots {
            self.get(TO_SLOT, R1);
            R1
        } else {
            TO
        }
    }

    fn mark_unreadable(&mut self, bit: u64) {
        let bit = match immediate(bit) {
            Some(bit) => Operand::Immediate(bit),
            None => {
                self.asm.constant(R2, bit);
                Operand::Register(R2)
            }
        };
        let to = self.to();
        self.asm.load(Width::Eight, R0, to, 0);
        self.asm.alu(Alu::Or, R0, bit);
        self.asm.store_at(to, 0, R0);
    }

    /// Goes to `next`, or to what is undecided, which stands behind.
    fn capture_item(&mut self, item: &Item, at: i16, next: Label) {
        let free = self.free();
        match item {
            Item::Word(word) if self.point_at(word, free) => {
                self.asm.constant(R2, 8);
                return self.read_in_place(at, next);
            }
            Item::Word(word) => {
                self.word(word, free);
                self.write(at);
            }
            Item::Bytes { text, most, .. } => {
                let (pointer, length) = self.hold_text(text, free);
                self.take(length, R0);
                self.write(at);
                let room = u64::from(*most);
                // The verifier would take out what is never done, each at the price of moving all that follows.
                let known = match text.length.kind {
                    WordKind::Constant(length) => Some(length.min(room)),
                    _ => (room == 0).then_some(0),
                };
                if known != Some(0) {
                    match known {
                        Some(length) => self.asm.constant(R2, length),
                        None => {
                            let empty = Operand::Immediate(0);
                            self.asm.branch(Jump::Equal, R0, empty, next);
                            self.asm.copy(R2, R0);
                            self.at_most(R2, usize::from(*most));
                        }
                    }
                    self.take(pointer, R3);
                    return self.read_in_place(at.saturating_add(8), next);
                }
            }
            Item::Kept {
                bit, offset, most, ..
            } => self.copy_kept(*bit, *offset, *most, at),
        }
        self.asm.goto(next);
    }

    /// Reads as many bytes as `R2` says at the address in `R3` to their place, and goes to `next`; on where they cannot be read.
    fn read_in_place(&mut self, at: i16, next: Label) {
        let to = self.to();
        self.asm.copy(R1, to);
        self.asm.add(R1, at.into());
        self.asm.call(Helper::ProbeReadUser);
        self.asm
            .branch(Jump::Equal, R0, Operand::Immediate(0), next);
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
        let to = self.to();
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
            self.asm.store_at(to, at.saturating_add(within(start)), R0);
        }
        self.asm.bind(done);
    }

    /// Writes `R0` to its place.
    fn write(&mut self, at: i16) {
        let to = self.to();
        self.asm.store_at(to, at, R0);
    }
}
