//! Capturing as eBPF.
//!
//! The generated function gets a third argument, where to write to. It returns how many bytes were written: 0 where the call's function has
//! no arm.

use super::{Generator, Limits, Needs, Resource, TooLarge};
use crate::predicate::{
    capture::{Item, Layout, MAX_ITEMS},
    code::{Code, ListedArm},
    instruction::{Alu, FRAME, Jump, Operand, R0, R1, R2, R3},
    ir::{Node, Width},
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
        ..Needs::default()
    };
    for item in arms.iter().flat_map(|arm| &arm.items) {
        let mut note = |node: Node<'_>| needs.note(&node);
        match item {
            Item::Word(word) => word.visit(&mut note),
            Item::Bytes { text, .. } => text.visit(&mut note),
        }
    }
    let mut generator = Generator::new(limits, needs);
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
        }
    }

    /// Writes `R0` to its place.
    fn write(&mut self, at: i16) {
        self.get(TO, R1);
        self.asm.store_at(R1, at, R0);
    }
}
