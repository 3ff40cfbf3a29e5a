//! From conditions to eBPF.
//!
//! The generated function takes the place of a stub in the probe program: `R1` is the probe's `struct pt_regs`, `R2` a struct of words with
//! what [`Input`](crate::ir::Input) names, and it returns 0, 1 or 2 as [`Verdict`](super::Verdict) says. It keeps what it needs in its own
//! stack frame, since maps of scratch space are shared with whatever else may run on the processor while the program sleeps.
//!
//! Words are computed in `R0`, the right operand of an operator in `R3`; what has to outlast a call of a helper goes to a slot of the frame.

mod capture;
mod text;
mod words;

use std::{collections::HashMap, ops::Range};

use super::{
    assembler::{Assembler, Label},
    code::{Code, ListedArm},
    instruction::{Alu, Jump, Operand, R0, R1, R2, R3, R4, R5, R6, R7},
};
use crate::ir::{
    Condition, ConditionKind, Input, Node, Relation, Width, Word, WordKind, text::PIECE,
};
pub use capture::{CaptureArm, generate_capture, generate_captures};
use grammar::ast::Span;

/// A predicate, and the functions whose calls it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arm {
    /// Functions as in cookies. Where an arm has none, it is about all that no other arm names.
    pub functions: Vec<u32>,
    /// What has to hold.
    pub condition: Condition,
}

impl Arm {
    /// One arm for each condition: functions of which the same is asked share one.
    #[must_use]
    pub fn grouped(conditions: impl IntoIterator<Item = (u32, Condition)>) -> Vec<Self> {
        let mut arms: Vec<Self> = Vec::new();
        let mut known: HashMap<Condition, usize> = HashMap::new();
        for (function, condition) in conditions {
            let number = *known.entry(condition).or_insert_with_key(|condition| {
                arms.push(Self {
                    functions: Vec::new(),
                    condition: condition.clone(),
                });
                arms.len() - 1
            });
            if let Some(arm) = arms.get_mut(number) {
                arm.functions.push(function);
            }
        }
        arms
    }
}

/// The room that the probe program has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Instruction slots of the stub.
    pub instructions: usize,
    /// Bytes of stack.
    pub stack: usize,
    /// Searches for a substring, over all arms; one of more than eight bytes counts as [`LONG_SEARCH`].
    pub searches: usize,
}

/// The verifier follows each search byte by byte, which takes it so many of its 1,000,000 steps (measured on Linux 6.18).
pub const STEPS_OF_SEARCH: usize = 11_000;

/// An instruction that captures takes it less than so many: 1.85 on Linux 6.18, over 393,000 of them.
pub const STEPS_OF_CAPTURE: usize = 2;

/// As many searches for short substrings cost the verifier as much as one for a long one.
pub const LONG_SEARCH: usize = 8;

/// Searches for a substring in one arm. The verifier leaves a branch open at each byte, and gives up at 8192 of them
/// (`BPF_COMPLEXITY_LIMIT_JMP_SEQ` in kernel/bpf/verifier.c).
pub const SEARCHES_IN_ARM: usize = 12;

/// What a predicate has too much of, where, and how much.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TooLarge {
    /// The expression that does not fit any more.
    pub span: Span,
    /// Of what.
    pub resource: Resource,
    /// As much is needed at least.
    pub needed: usize,
    /// As much is there.
    pub room: usize,
}

/// What a predicate may have too much of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource {
    /// [`Limits::instructions`]
    Instructions,
    /// [`Limits::stack`]
    Stack,
    /// [`Limits::searches`], or [`SEARCHES_IN_ARM`].
    Searches,
    /// Items captured.
    Items,
    /// Bytes captured.
    Captured,
}

/// Makes the function that decides about calls.
///
/// # Errors
/// [`TooLarge`] where the room does not do.
pub fn generate(arms: &[Arm], limits: Limits) -> Result<Code, TooLarge> {
    let mut needs = Needs::default();
    for arm in arms {
        arm.condition.visit(&mut |node| needs.note(&node));
        needs.inputs |= !arm.functions.is_empty();
    }
    let mut generator = Generator::new(limits, needs, None);
    let otherwise = generator.yes;
    let names = arms.iter().map(|arm| arm.functions.as_slice());
    let bodies = generator.dispatch(names, otherwise);
    for (arm, body) in arms.iter().zip(bodies) {
        generator.begin_arm(body);
        let (yes, no) = (generator.yes, generator.no);
        generator.condition(&arm.condition, 0, yes, no, yes);
        generator.asm.goto(yes);
    }
    let listed = |arm: &Arm| ListedArm::condition(&arm.functions, &arm.condition);
    generator.finish(arms.iter().map(listed).collect())
}

/// Registers of the frame's slots and so on: see the module's documentation.
pub(super) struct Generator {
    pub(super) asm: Assembler,
    limits: Limits,
    /// Holds the address of `struct pt_regs`.
    registers: u8,
    /// Holds the address of the inputs.
    inputs: u8,
    /// Bytes at the top of the frame that are the buffer for text.
    buffer: usize,
    /// Bytes of the frame in use.
    stack: usize,
    /// What a function that captures needs to its end is in slots.
    in_slots: bool,
    /// Searches so far, long ones counted as several.
    searches: usize,
    /// Searches so far in this arm.
    searches_in_arm: usize,
    /// What is still to be emitted, away from where it is needed.
    pub(super) clamps: Vec<Clamp>,
    yes: Label,
    no: Label,
    pub(super) undecided: Label,
    failure: Option<TooLarge>,
    span: Span,
}

/// `label: register = most; goto back`
pub(super) struct Clamp {
    pub(super) label: Label,
    pub(super) register: u8,
    pub(super) most: i32,
    pub(super) back: Label,
}

/// Functions numbered one after the other that share an arm.
struct Neighbours {
    first: u32,
    last: u32,
    body: Label,
}

impl Neighbours {
    /// Of functions in the order of their numbers.
    fn of(table: &[(u32, Label)]) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        for (function, body) in table {
            match all.last_mut() {
                Some(before)
                    if before.body == *body && before.last.checked_add(1) == Some(*function) =>
                {
                    before.last = *function;
                }
                _ => all.push(Self {
                    first: *function,
                    last: *function,
                    body: *body,
                }),
            }
        }
        all
    }
}

/// What the code to be generated will do.
#[derive(Default)]
struct Needs {
    /// Look at text.
    buffer: bool,
    /// Call helpers.
    memory: bool,
    /// Look at the inputs.
    inputs: bool,
}

impl Needs {
    fn note(&mut self, node: &Node<'_>) {
        match node {
            Node::Condition(ConditionKind::Matches { .. } | ConditionKind::Equal { .. }) => {
                (self.buffer, self.memory) = (true, true);
            }
            Node::Word(WordKind::Load { .. }) => self.memory = true,
            Node::Word(WordKind::Input(_)) => self.inputs = true,
            _ => {}
        }
    }
}

/// A word that can be had at any time: computed anew, or kept in a slot.
#[derive(Clone, Copy)]
pub(super) enum Held<'w> {
    Simple(&'w Word),
    Slot(usize),
}

impl Generator {
    /// `to` is the register of a further pointer.
    fn new(limits: Limits, needs: Needs, to: Option<u8>) -> Self {
        let mut asm = Assembler::default();
        let (yes, no, undecided) = (asm.label(), asm.label(), asm.label());
        // The verifier looks at the function by itself, and there may be nothing at an address then. There always is.
        for pointer in needs.inputs.then_some(R2).into_iter().chain(to) {
            asm.branch(Jump::Equal, pointer, Operand::Immediate(0), no);
        }
        let buffer = if needs.buffer { PIECE } else { 0 };
        let (mut registers, mut inputs) = (R1, R2);
        if needs.memory {
            (registers, inputs) = (R6, R7);
            asm.copy(registers, R1);
            asm.copy(inputs, R2);
        }
        Self {
            asm,
            limits,
            registers,
            inputs,
            buffer,
            stack: buffer,
            in_slots: needs.buffer,
            searches: 0,
            searches_in_arm: 0,
            clamps: Vec::new(),
            yes,
            no,
            undecided,
            failure: None,
            span: 0..0,
        }
    }

    /// `arms`: what it was made from.
    fn finish(mut self, arms: Vec<ListedArm>) -> Result<Code, TooLarge> {
        for clamp in std::mem::take(&mut self.clamps) {
            self.asm.bind(clamp.label);
            let most = Operand::Immediate(clamp.most);
            self.asm.alu(Alu::Mov, clamp.register, most);
            self.asm.goto(clamp.back);
        }
        for (label, value) in [(self.yes, 1), (self.no, 0), (self.undecided, 2)] {
            self.asm.bind(label);
            self.asm.constant(R0, value);
            self.asm.exit();
        }
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        let room = self.limits.instructions;
        match self.asm.finish(room) {
            Ok(instructions) => Ok(Code {
                instructions,
                functions: Vec::new(),
                stack: self.stack,
                searches: self.searches,
                arms,
            }),
            Err((span, needed)) => Err(TooLarge {
                span,
                resource: Resource::Instructions,
                needed,
                room,
            }),
        }
    }

    /// Goes to the arm of the call's function: one label for each arm's functions.
    fn dispatch<'f>(
        &mut self,
        arms: impl Iterator<Item = &'f [u32]>,
        otherwise: Label,
    ) -> Vec<Label> {
        let mut bodies = Vec::new();
        let mut table = Vec::new();
        let mut other = otherwise;
        for functions in arms {
            let body = self.asm.label();
            if functions.is_empty() {
                other = body;
            }
            table.extend(functions.iter().map(|function| (*function, body)));
            bodies.push(body);
        }
        table.sort_by_key(|(function, _)| *function);
        if !table.is_empty() {
            let inputs = self.inputs;
            self.asm
                .load(Width::Eight, R0, inputs, Input::Function.offset());
            self.dispatch_among(&Neighbours::of(&table), other, 0..u32::MAX);
        }
        self.asm.goto(other);
        bodies
    }

    fn begin_arm(&mut self, body: Label) {
        self.asm.bind(body);
        self.searches_in_arm = 0;
    }

    /// `within`: what `R0` can be, as the verifier knows it: for each branch that cannot be taken it moves all the code behind.
    fn dispatch_among(&mut self, table: &[Neighbours], other: Label, mut within: Range<u32>) {
        // A function has 21 bits, and an aggregation three above it, so each is an immediate operand.
        let number = |function: u32| Operand::Immediate(function.cast_signed());
        if table.len() <= 2 {
            for Neighbours { first, last, body } in table {
                let behind = last.saturating_add(1);
                if first == last && within != (*first..behind) {
                    self.asm.branch(Jump::Equal, R0, number(*first), *body);
                    if within.start == *first {
                        within.start = behind;
                    } else if within.end == behind {
                        within.end = *first;
                    }
                    continue;
                }
                if within.start < *first {
                    self.asm.branch(Jump::Less, R0, number(*first), other);
                }
                if within.end <= behind {
                    return self.asm.goto(*body);
                }
                self.asm.branch(Jump::LessOrEqual, R0, number(*last), *body);
                within.start = behind;
            }
            return self.asm.goto(other);
        }
        let (low, high) = table.split_at(table.len() / 2);
        let Some(least) = high.first() else {
            return;
        };
        let upper = self.asm.label();
        self.asm
            .branch(Jump::GreaterOrEqual, R0, number(least.first), upper);
        self.dispatch_among(low, other, within.start..least.first);
        self.asm.bind(upper);
        self.dispatch_among(high, other, least.first..within.end);
    }

    /// The offset of a slot in the frame; whoever goes below the room that there is is noted.
    pub(super) fn slot(&mut self, slot: usize) -> i16 {
        let end = self.buffer + (slot + 1) * 8;
        self.stack = self.stack.max(end);
        if end > self.limits.stack {
            self.fail(Resource::Stack, end, self.limits.stack);
        }
        i16::try_from(end).map_or(i16::MIN, |end| -end)
    }

    /// The offset of the buffer for text in the frame.
    pub(super) fn buffer(&self) -> i16 {
        i16::try_from(self.buffer).map_or(i16::MIN, |buffer| -buffer)
    }

    /// A search is about to be made.
    pub(super) fn count_search(&mut self, long: bool) {
        self.searches_in_arm += 1;
        self.searches += if long { LONG_SEARCH } else { 1 };
        if self.searches_in_arm > SEARCHES_IN_ARM {
            self.fail(Resource::Searches, self.searches_in_arm, SEARCHES_IN_ARM);
        } else if self.searches > self.limits.searches {
            self.fail(Resource::Searches, self.searches, self.limits.searches);
        }
    }

    fn fail(&mut self, resource: Resource, needed: usize, room: usize) {
        let span = &self.span;
        self.failure.get_or_insert_with(|| TooLarge {
            span: span.clone(),
            resource,
            needed,
            room,
        });
    }

    fn enter_span(&mut self, span: &Span) -> Span {
        self.asm.set_span(span);
        std::mem::replace(&mut self.span, span.clone())
    }

    /// Goes to `yes` or `no`. What is emitted right after this is at `next`, which may be either.
    pub(super) fn condition(
        &mut self,
        condition: &Condition,
        slot: usize,
        yes: Label,
        no: Label,
        next: Label,
    ) {
        let outer = self.enter_span(&condition.span);
        match &condition.kind {
            ConditionKind::Constant(value) => self.asm.goto(if *value { yes } else { no }),
            ConditionKind::Not(inner) => self.condition(inner, slot, no, yes, next),
            ConditionKind::And(left, right) => {
                let then = self.asm.label();
                self.condition(left, slot, then, no, then);
                self.asm.bind(then);
                self.condition(right, slot, yes, no, next);
            }
            ConditionKind::Or(left, right) => {
                let otherwise = self.asm.label();
                self.condition(left, slot, yes, otherwise, otherwise);
                self.asm.bind(otherwise);
                self.condition(right, slot, yes, no, next);
            }
            ConditionKind::Compare {
                relation,
                signed,
                left,
                right,
            } => {
                let operand = self.operands(left, right, slot);
                self.jump(*relation, *signed, operand, yes, no, next);
            }
            ConditionKind::CompareFloats {
                relation,
                width,
                left,
                right,
            } => {
                let operand = self.operands(left, right, slot);
                if let Operand::Immediate(value) = operand {
                    self.asm.constant(R3, i64::from(value).cast_unsigned());
                }
                let neither = if *relation == Relation::NotEqual {
                    yes
                } else {
                    no
                };
                self.float_key(R0, *width, neither);
                self.float_key(R3, *width, neither);
                self.jump(*relation, true, Operand::Register(R3), yes, no, next);
            }
            ConditionKind::Matches { text, pattern } => {
                self.matches(text, pattern, slot, yes, no);
            }
            ConditionKind::Equal { left, right } => {
                self.equal_texts(left, right, slot, yes, no);
            }
        }
        self.enter_span(&outer);
    }

    /// Compares `R0`.
    fn jump(
        &mut self,
        relation: Relation,
        signed: bool,
        right: Operand,
        yes: Label,
        no: Label,
        next: Label,
    ) {
        if next == yes {
            self.asm
                .branch(jump(relation.negated(), signed), R0, right, no);
        } else {
            self.asm.branch(jump(relation, signed), R0, right, yes);
            self.asm.goto(no);
        }
    }

    /// Makes a float's bits a number that compares as the float does; goes to `neither` where it is not a number.
    fn float_key(&mut self, register: u8, width: Width, neither: Label) {
        let asm = &mut self.asm;
        // The exponent of infinity, with the sign shifted out.
        let infinity: u64 = if width == Width::Four {
            asm.alu(Alu::ShiftLeft, register, Operand::Immediate(32));
            u64::from(f32::INFINITY.to_bits()) << 33
        } else {
            f64::INFINITY.to_bits() << 1
        };
        asm.copy(R4, register);
        asm.alu(Alu::ShiftLeft, R4, Operand::Immediate(1));
        asm.constant(R5, infinity);
        asm.branch(Jump::Greater, R4, Operand::Register(R5), neither);
        // -0 is 0.
        let not_zero = asm.label();
        asm.branch(Jump::NotEqual, R4, Operand::Immediate(0), not_zero);
        asm.constant(register, 0);
        asm.bind(not_zero);
        // Of negative numbers the greater magnitude is the lesser.
        asm.copy(R4, register);
        asm.alu(Alu::ArithmeticShiftRight, R4, Operand::Immediate(63));
        asm.alu(Alu::ShiftRight, R4, Operand::Immediate(1));
        asm.alu(Alu::Xor, register, Operand::Register(R4));
    }
}

fn jump(relation: Relation, signed: bool) -> Jump {
    match (relation, signed) {
        (Relation::Equal, _) => Jump::Equal,
        (Relation::NotEqual, _) => Jump::NotEqual,
        (Relation::Less, false) => Jump::Less,
        (Relation::LessOrEqual, false) => Jump::LessOrEqual,
        (Relation::Greater, false) => Jump::Greater,
        (Relation::GreaterOrEqual, false) => Jump::GreaterOrEqual,
        (Relation::Less, true) => Jump::SignedLess,
        (Relation::LessOrEqual, true) => Jump::SignedLessOrEqual,
        (Relation::Greater, true) => Jump::SignedGreater,
        (Relation::GreaterOrEqual, true) => Jump::SignedGreaterOrEqual,
    }
}
