//! Tests of strings as eBPF.
//!
//! The verifier follows a loop step by step, so each is made such that all its steps look alike to it: addresses and lengths are numbers
//! that it knows nothing about, what is read comes to the same place of the frame each time, and whoever leaves a loop leaves
//! nothing behind that tells in which step. Then it follows what comes after only once.
//!
//! A substring is searched with the last eight bytes in a register ([`WINDOW`]), into which each byte is shifted. Of longer substrings a
//! second register has a bit for each offset from which they have matched so far; it changes without branches, which the
//! verifier would have to follow both.

use super::{Clamp, Generator, Held};
use crate::{
    codegen::{
        assembler::{Label, immediate},
        instruction::{Alu, FRAME, Jump, Operand, R0, R1, R2, R3, R4, R5, R8, R9},
    },
    ir::{
        Text, Width,
        text::{Middle, Open, PIECE, Pattern, Place, SEARCH_WINDOW, leading},
    },
};

/// The last eight bytes in a search, the newest in the highest place.
const WINDOW: u8 = R8;
/// The piece that a loop is at.
const PIECES: u8 = R9;

/// Slots that a test of one string uses, from the first free one on.
struct Slots {
    /// What is left to be searched, in bytes.
    left: usize,
    /// Where that begins.
    pointer: usize,
    /// Length of all that would have to be searched, or one more than the window.
    whole: usize,
    /// Offsets from which a long substring has matched so far.
    offsets: usize,
}

impl Generator {
    /// Goes to `yes` or `no`.
    pub(super) fn matches(
        &mut self,
        text: &Text,
        pattern: &Pattern,
        slot: usize,
        yes: Label,
        no: Label,
    ) {
        let (pointer, length) = self.hold_text(text, slot);
        self.take(length, R0);
        let minimum = Operand::Immediate(constant(pattern.minimum()));
        let Some(open) = &pattern.open else {
            self.asm.branch(Jump::NotEqual, R0, minimum, no);
            self.compare(&pattern.head, pointer, None, no);
            return self.asm.goto(yes);
        };
        if pattern.minimum() > 0 {
            self.asm.branch(Jump::Less, R0, minimum, no);
        }
        self.compare(&pattern.head, pointer, None, no);
        self.compare(&open.tail, pointer, Some(length), no);
        if !open.middles.is_empty() {
            self.find_all(pattern.head.len(), open, pointer, length, slot + 2, no);
        }
        self.asm.goto(yes);
    }

    /// Goes on where the bytes at the pointer, or those before the end of `length` bytes there, fit.
    fn compare(
        &mut self,
        places: &[Place],
        pointer: Held<'_>,
        length: Option<Held<'_>>,
        no: Label,
    ) {
        let (skipped, start) = match length {
            Some(_) => (leading(places), -constant(places.len())),
            None => (0, 0),
        };
        let places = places.get(skipped..).unwrap_or_default();
        let mut offset = start + constant(skipped);
        let buffer = self.buffer();
        for piece in places.chunks(PIECE) {
            if piece.iter().any(Option::is_some) {
                self.take(pointer, R3);
                if let Some(length) = length {
                    self.take(length, R0);
                    self.asm.alu(Alu::Add, R3, Operand::Register(R0));
                }
                self.asm.add(R3, offset);
                self.read(buffer, constant(piece.len()));
                self.compare_buffer(piece, buffer, no);
            }
            offset += constant(piece.len());
        }
    }

    /// Goes on where the buffer's bytes fit.
    fn compare_buffer(&mut self, places: &[Place], buffer: i16, no: Label) {
        let mut rest = places;
        let mut at = buffer;
        for width in Width::ALL.iter().rev() {
            let bytes = usize::from(width.bytes());
            while let Some((some, others)) = rest.split_at_checked(bytes) {
                rest = others;
                let (value, mask) = word_of(some);
                if mask != 0 {
                    self.asm.load(*width, R0, FRAME, at);
                    if mask != all_ones(bytes) {
                        self.and(R0, mask);
                    }
                    let value = self.operand(value, R4);
                    self.asm.branch(Jump::NotEqual, R0, value, no);
                }
                at += i16::from(width.bytes());
            }
        }
    }

    /// Goes on where what is between head and tail holds all the middles.
    fn find_all(
        &mut self,
        head: usize,
        open: &Open,
        pointer: Held<'_>,
        length: Held<'_>,
        slot: usize,
        no: Label,
    ) {
        let slots = Slots {
            left: slot,
            pointer: slot + 1,
            whole: slot + 2,
            offsets: slot + 3,
        };
        self.take(pointer, R3);
        self.asm.add(R3, constant(head));
        self.put(slots.pointer, R3);
        self.take(length, R0);
        self.asm.add(R0, -constant(head + open.tail.len()));
        // All that has to be known of a text longer than the window is that it is.
        self.at_most(R0, SEARCH_WINDOW + 1);
        self.put_opaque(slots.whole, R0);
        self.get_opaque(slots.whole, R0);
        self.at_most(R0, SEARCH_WINDOW);
        self.put_opaque(slots.left, R0);
        let missing = self.asm.label();
        for (number, middle) in open.middles.iter().enumerate() {
            let found = self.asm.label();
            let last = number + 1 == open.middles.len();
            self.count_search(middle.places.len() > 8);
            self.find(middle, &slots, last, missing, found);
            self.asm.bind(found);
        }
        let end = self.asm.label();
        self.asm.goto(end);
        self.asm.bind(missing);
        self.get_opaque(slots.whole, R0);
        let window = Operand::Immediate(constant(SEARCH_WINDOW));
        self.asm.branch(Jump::Greater, R0, window, self.undecided);
        self.asm.goto(no);
        self.asm.bind(end);
    }

    /// Goes to `found`, with pointer and rest moved behind the occurrence unless it is the `last`, or to `missing`.
    fn find(&mut self, middle: &Middle, slots: &Slots, last: bool, missing: Label, found: Label) {
        let length = middle.places.len();
        let long = length > 8;
        self.get_opaque(slots.left, R0);
        let least = Operand::Immediate(constant(middle.skip + length));
        self.asm.branch(Jump::Less, R0, least, missing);
        if middle.skip > 0 {
            self.asm.add(R0, -constant(middle.skip));
            self.put_opaque(slots.left, R0);
            self.get(slots.pointer, R0);
            self.asm.add(R0, constant(middle.skip));
            self.put(slots.pointer, R0);
        }
        // Bytes before the first and after the last one differ from the substring's own, so no match reaches beyond the text.
        let before = unlike(middle.places.first());
        let after = unlike(middle.places.last());
        self.asm.constant(WINDOW, i64::from(before).cast_unsigned());
        if long {
            let offset = self.slot(slots.offsets);
            self.asm.store(Width::Eight, offset, Operand::Immediate(0));
        }
        self.asm.constant(PIECES, 0);

        let piece = self.asm.label();
        self.asm.bind(piece);
        self.fill_buffer(after);
        self.get_opaque(slots.left, R2);
        self.at_most(R2, PIECE);
        self.get(slots.pointer, R3);
        self.read_counted(self.buffer());
        self.asm.frame_address(R1, self.buffer());
        self.asm.constant(R5, 0);
        if long {
            self.get(slots.offsets, R4);
        }
        let (byte, matched) = (self.asm.label(), self.asm.label());
        self.asm.bind(byte);
        self.shift_in_byte();
        if long {
            self.match_long(&middle.places, matched);
        } else {
            self.match_short(&middle.places, matched);
        }
        self.asm.add(R1, 1);
        self.asm.add(R5, 1);
        let size = Operand::Immediate(constant(PIECE));
        self.asm.branch(Jump::Less, R5, size, byte);

        if long {
            self.put(slots.offsets, R4);
        }
        self.get_opaque(slots.left, R0);
        self.asm.branch(Jump::LessOrEqual, R0, size, missing);
        self.asm.add(R0, -constant(PIECE));
        self.put_opaque(slots.left, R0);
        self.get(slots.pointer, R0);
        self.asm.add(R0, constant(PIECE));
        self.put(slots.pointer, R0);
        self.asm.add(PIECES, 1);
        let pieces = Operand::Immediate(constant(SEARCH_WINDOW / PIECE));
        self.asm.branch(Jump::Less, PIECES, pieces, piece);
        self.asm.goto(missing);

        self.asm.bind(matched);
        if !last {
            self.asm.add(R5, 1);
            self.get(slots.pointer, R0);
            self.asm.alu(Alu::Add, R0, Operand::Register(R5));
            self.put(slots.pointer, R0);
            self.get_opaque(slots.left, R0);
            self.asm.alu(Alu::Sub, R0, Operand::Register(R5));
            self.put_opaque(slots.left, R0);
        }
        self.asm.goto(found);
    }

    /// `WINDOW` takes up the byte at `R1`.
    fn shift_in_byte(&mut self) {
        self.asm.load(Width::One, R2, R1, 0);
        self.asm.alu(Alu::ShiftLeft, R2, Operand::Immediate(56));
        self.asm.alu(Alu::ShiftRight, WINDOW, Operand::Immediate(8));
        self.asm.alu(Alu::Or, WINDOW, Operand::Register(R2));
    }

    /// Goes to `matched` where the window ends in these up to eight places.
    fn match_short(&mut self, places: &[Place], matched: Label) {
        let (value, mask) = word_of(places);
        self.newest_bytes(R2, places.len());
        if mask != all_ones(places.len()) {
            self.and(R2, mask);
        }
        let value = self.operand(value, R0);
        self.asm.branch(Jump::Equal, R2, value, matched);
    }

    /// `to` = as many of the window's newest bytes.
    fn newest_bytes(&mut self, to: u8, count: usize) {
        self.asm.copy(to, WINDOW);
        if count < 8 {
            let old = 64 - 8 * constant(count);
            self.asm.alu(Alu::ShiftRight, to, Operand::Immediate(old));
        }
    }

    /// Goes to `matched` where more than eight places end here.
    ///
    /// Eight places make a word. Bit `8 * w + k` of `R4` says: words 0 to `w` have matched, the last of them `k` bytes ago. Shifting moves
    /// a bit to the next word's beginning just when that word has to match.
    fn match_long(&mut self, places: &[Place], matched: Label) {
        self.asm.alu(Alu::ShiftLeft, R4, Operand::Immediate(1));
        self.asm.alu(Alu::Or, R4, Operand::Immediate(1));
        // The last word may be shorter: its turn comes sooner.
        let words = (places.len() - 1) / 8;
        let (whole, end) = places.split_at(words * 8);
        for (number, word) in whole.chunks(8).enumerate() {
            let (value, mask) = word_of(word);
            self.asm.copy(R2, WINDOW);
            self.differs(value, mask);
            self.asm
                .alu(Alu::ShiftLeft, R2, Operand::Immediate(8 * constant(number)));
            self.asm.alu(Alu::Xor, R2, Operand::Immediate(-1));
            self.asm.alu(Alu::And, R4, Operand::Register(R2));
        }
        let (value, mask) = word_of(end);
        self.newest_bytes(R2, end.len());
        self.differs(value, mask);
        self.asm.alu(Alu::Xor, R2, Operand::Immediate(1));
        let turn = 8 * constant(words - 1) + constant(end.len());
        self.asm.copy(R3, R4);
        self.asm.alu(Alu::ShiftRight, R3, Operand::Immediate(turn));
        self.asm.alu(Alu::And, R2, Operand::Register(R3));
        self.asm
            .branch(Jump::NotEqual, R2, Operand::Immediate(0), matched);
    }

    /// `R2 = (R2 & mask) != value`, without a branch.
    fn differs(&mut self, value: u64, mask: u64) {
        let value = self.operand(value, R0);
        self.asm.alu(Alu::Xor, R2, value);
        if mask != u64::MAX {
            self.and(R2, mask);
        }
        self.asm.copy(R0, R2);
        self.asm.alu(Alu::Neg, R0, Operand::Immediate(0));
        self.asm.alu(Alu::Or, R2, Operand::Register(R0));
        self.asm.alu(Alu::ShiftRight, R2, Operand::Immediate(63));
    }

    /// Goes to `yes` or `no`.
    pub(super) fn equal_texts(
        &mut self,
        left: &Text,
        right: &Text,
        slot: usize,
        yes: Label,
        no: Label,
    ) {
        let held = [&left.pointer, &left.length, &right.pointer, &right.length];
        for (number, word) in held.into_iter().enumerate() {
            self.word(word, slot + number);
            self.put(slot + number, R0);
        }
        let (one, length, other, left) = (slot, slot + 1, slot + 2, slot + 4);
        self.get(slot + 3, R3);
        self.get(length, R0);
        self.asm
            .branch(Jump::NotEqual, R0, Operand::Register(R3), no);
        let same = self.asm.label();
        self.asm
            .branch(Jump::Equal, R0, Operand::Immediate(0), same);
        self.at_most(R0, SEARCH_WINDOW);
        self.put_opaque(left, R0);
        self.asm.constant(PIECES, 0);
        // Both share the buffer.
        let half = constant(PIECE / 2);
        let places = [
            self.buffer(),
            self.buffer() + i16::try_from(half).unwrap_or(0),
        ];
        let piece = self.asm.label();
        self.asm.bind(piece);
        self.fill_buffer(0);
        for (pointer, place) in [one, other].into_iter().zip(places) {
            self.get_opaque(left, R2);
            self.at_most(R2, PIECE / 2);
            self.get(pointer, R3);
            self.read_counted(place);
        }
        for offset in (0..PIECE / 2).step_by(8) {
            let offset = i16::try_from(offset).unwrap_or(0);
            self.asm.load(Width::Eight, R0, FRAME, places[0] + offset);
            self.asm.load(Width::Eight, R3, FRAME, places[1] + offset);
            self.asm
                .branch(Jump::NotEqual, R0, Operand::Register(R3), no);
        }
        self.get_opaque(left, R0);
        self.asm
            .branch(Jump::LessOrEqual, R0, Operand::Immediate(half), same);
        self.asm.add(R0, -half);
        self.put_opaque(left, R0);
        for pointer in [one, other] {
            self.get(pointer, R0);
            self.asm.add(R0, half);
            self.put(pointer, R0);
        }
        self.asm.add(PIECES, 1);
        let pieces = Operand::Immediate(constant(2 * SEARCH_WINDOW / PIECE));
        self.asm.branch(Jump::Less, PIECES, pieces, piece);
        self.asm.bind(same);
        self.get(length, R0);
        let window = Operand::Immediate(constant(SEARCH_WINDOW));
        self.asm.branch(Jump::Greater, R0, window, self.undecided);
        self.asm.goto(yes);
    }

    /// Helpers that read a number of bytes unknown to the verifier want the whole buffer written before.
    fn fill_buffer(&mut self, value: i32) {
        for word in 0..PIECE / 8 {
            let offset = self.buffer() + i16::try_from(8 * word).unwrap_or(0);
            self.asm
                .store(Width::Eight, offset, Operand::Immediate(value));
        }
    }

    /// The verifier follows what stands next first: with a register that may be anything up to `most`, so that the other way, where it
    /// is `most`, is nothing new.
    pub(super) fn at_most(&mut self, register: u8, most: usize) {
        let most = constant(most);
        let (more, fits) = (self.asm.label(), self.asm.label());
        self.asm
            .branch(Jump::Greater, register, Operand::Immediate(most), more);
        self.asm.bind(fits);
        self.clamps.push(Clamp {
            label: more,
            register,
            most,
            back: fits,
        });
    }

    fn and(&mut self, register: u8, mask: u64) {
        let mask = self.operand(mask, R3);
        self.asm.alu(Alu::And, register, mask);
    }

    /// The number as an operand, in `scratch` where it is too large for an immediate one.
    fn operand(&mut self, value: u64, scratch: u8) -> Operand {
        immediate(value).map_or_else(
            || {
                self.asm.constant(scratch, value);
                Operand::Register(scratch)
            },
            Operand::Immediate,
        )
    }

    pub(super) fn put(&mut self, slot: usize, from: u8) {
        let offset = self.slot(slot);
        self.asm
            .store(Width::Eight, offset, Operand::Register(from));
    }

    /// Keeps a number below 2³² such that the verifier forgets what it knows of it, which depends on the step of a loop. It follows
    /// numbers through whole slots, and through the first halves of slots, but not through second halves (`check_stack_write_fixed_off` in
    /// kernel/bpf/verifier.c).
    fn put_opaque(&mut self, slot: usize, from: u8) {
        let offset = self.slot(slot) + 4;
        self.asm.store(Width::Four, offset, Operand::Register(from));
    }

    fn get_opaque(&mut self, slot: usize, to: u8) {
        let offset = self.slot(slot) + 4;
        self.asm.load(Width::Four, to, FRAME, offset);
    }

    pub(super) fn get(&mut self, slot: usize, to: u8) {
        self.take(Held::Slot(slot), to);
    }
}

/// Lengths and offsets here are small.
fn constant(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// Up to eight places as a little-endian number, and which of its bits count.
fn word_of(places: &[Place]) -> (u64, u64) {
    let (mut value, mut mask) = ([0; 8], [0; 8]);
    for ((place, value), mask) in places.iter().zip(&mut value).zip(&mut mask) {
        if let Some(byte) = place {
            (*value, *mask) = (*byte, 0xff);
        }
    }
    (u64::from_le_bytes(value), u64::from_le_bytes(mask))
}

fn all_ones(bytes: usize) -> u64 {
    u64::MAX.checked_shr(64 - 8 * bytes as u32).unwrap_or(0)
}

/// A word of equal bytes, none of which is this one.
fn unlike(place: Option<&Place>) -> i32 {
    match place {
        Some(Some(0)) => -1,
        _ => 0,
    }
}
