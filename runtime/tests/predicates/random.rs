//! Random predicates, memory and events. A predicate is a function of a run of bytes, so that a failing one shrinks with the run.

use compiler::{
    codegen::Event,
    ir::{
        Condition, ConditionKind, Extension, Input, Item, Moment, Operator, Pattern, Register,
        Relation, Text, Width, Word, WordKind,
    },
};

use crate::kernel::{PAGE, READABLE};

/// Random choices.
pub enum Choices<'c> {
    /// These; then 0, which every choice below takes for its simplest.
    Bytes(&'c [u8]),
    /// Without end, from this state of a generator (SplitMix64).
    Endless(u64),
}

impl Choices<'_> {
    fn byte(&mut self) -> u8 {
        match self {
            Self::Bytes(bytes) => match bytes.split_first() {
                Some((first, rest)) => {
                    *bytes = rest;
                    *first
                }
                None => 0,
            },
            Self::Endless(state) => {
                *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
                let mut mixed = *state;
                mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
                (mixed ^ mixed >> 31) as u8
            }
        }
    }

    /// Less than `end`.
    fn below(&mut self, end: usize) -> usize {
        let wide = u32::from_le_bytes([self.byte(), self.byte(), 0, 0]) as usize;
        wide % end
    }

    fn word(&mut self) -> u64 {
        u64::from_le_bytes(std::array::from_fn(|_| self.byte()))
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    fn chance(&mut self, one_in: usize) -> bool {
        self.below(one_in) == 1
    }
}

/// Bytes of memory: runs of few letters, words that point to other places of it, small numbers.
pub fn memory(choices: &mut Choices<'_>, base: u64) -> Vec<u8> {
    let mut memory = vec![b'a'; READABLE];
    // A long period with few letters: substrings occur, but not everywhere.
    let (step, few) = (1 + choices.below(7), 2 + choices.below(3));
    for (at, byte) in memory.iter_mut().enumerate() {
        let mixed = (at * at * step + at / 9) % 31;
        *byte = b'a' + (mixed % few) as u8;
    }
    for _ in 0..choices.below(60) {
        let at = choices.below(READABLE / 8) * 8;
        let word = number(choices, base);
        memory[at..at + 8].copy_from_slice(&word.to_le_bytes());
    }
    for _ in 0..choices.below(60) {
        let at = choices.below(READABLE / 8 - 1) * 8;
        let (pointer, length) = (address(choices, base), choices.below(100) as u64);
        memory[at..at + 8].copy_from_slice(&pointer.to_le_bytes());
        memory[at + 8..at + 16].copy_from_slice(&length.to_le_bytes());
    }
    for _ in 0..choices.below(20) {
        let at = choices.below(READABLE);
        memory[at] = choices.byte();
    }
    memory
}

/// A number that means something: an address, a length, a limit of some type.
fn number(choices: &mut Choices<'_>, base: u64) -> u64 {
    match choices.below(10) {
        0 | 1 => choices.below(20) as u64,
        2..=4 => address(choices, base),
        5 => choices.below(2000) as u64,
        6 => 0_u64.wrapping_sub(1 + choices.below(20) as u64),
        7 => {
            let limits: [i64; 9] = [
                i64::MIN,
                i64::MAX,
                i32::MIN.into(),
                i32::MAX.into(),
                u32::MAX.into(),
                i16::MIN.into(),
                u16::MAX.into(),
                i8::MIN.into(),
                u8::MAX.into(),
            ];
            let limit = choices.of(&limits);
            limit
                .wrapping_add(choices.below(3) as i64 - 1)
                .cast_unsigned()
        }
        8 => {
            let floats = [
                0.0,
                -0.0,
                1.5,
                -1.5,
                f64::NAN,
                f64::INFINITY,
                -f64::INFINITY,
                1e-310,
            ];
            let float: f64 = choices.of(&floats);
            if choices.chance(2) {
                u64::from((float as f32).to_bits())
            } else {
                float.to_bits()
            }
        }
        _ => choices.word(),
    }
}

/// A text of memory, and a pattern made of pieces of it in their order, so that it fits unless a place was changed.
pub fn text_and_pattern(
    choices: &mut Choices<'_>,
    memory: &[u8],
) -> (std::ops::Range<usize>, Pattern) {
    let lengths = [0, 1, 8, 9, 63, 64, 65, 128, 500, 512, 513, 600, 900];
    let length = choices.of(&lengths) + choices.below(12);
    let start = match choices.below(3) {
        // Some of it in the hole.
        0 => READABLE - choices.below(length + 1),
        _ => choices.below(READABLE - length),
    };
    let text = memory.get(start..start + length).unwrap_or(b"abc");
    let mut glob = String::new();
    let mut piece = |choices: &mut Choices<'_>, bytes: &[u8]| {
        for byte in bytes {
            glob.push(match choices.below(150) {
                0 => 'x',
                1..=4 => '?',
                _ if byte.is_ascii_lowercase() => char::from(*byte),
                _ => '?',
            });
        }
        glob.push('*');
    };
    let lengths = [0, 0, 1, 2, 4, 7, 8, 9, 10, 16, 17, 24, 40, 64];
    let mut at = 0;
    for number in 0..=choices.below(5) {
        if number > 0 {
            at += choices.below(text.len() / 2 + 1);
        }
        let bytes = choices.of(&lengths);
        piece(choices, text.get(at..at + bytes).unwrap_or_default());
        at += bytes;
    }
    let tail = choices.of(&lengths);
    let from = text.len().saturating_sub(tail).max(at.min(text.len()));
    piece(choices, &text[from..]);
    if !choices.chance(6) {
        glob.pop();
    }
    let pattern = match choices.below(8) {
        0 => Pattern::equal(&text[..text.len().min(200)]),
        _ => Pattern::glob(glob.as_bytes()),
    };
    (
        start..start + length,
        pattern.unwrap_or_else(|_| simple_pattern()),
    )
}

fn simple_pattern() -> Pattern {
    Pattern::contains(b"abab").expect("it is short")
}

/// Mostly where memory can be read, sometimes close to where it cannot.
fn address(choices: &mut Choices<'_>, base: u64) -> u64 {
    let end = READABLE as u64;
    base + match choices.below(6) {
        0 => end - 1 - choices.below(700) as u64,
        1 => end + choices.below(PAGE) as u64,
        2 => end + PAGE as u64 + choices.below(PAGE) as u64,
        _ => choices.below(READABLE) as u64,
    }
}

pub fn event(choices: &mut Choices<'_>, base: u64) -> Event {
    let mut event = Event::default();
    for register in Register::ALL {
        event.set_register(register, number(choices, base));
    }
    for input in inputs() {
        event.set_input(input, number(choices, base));
    }
    // Numbers, some of which are lengths of what follows.
    let kept = (0..32).flat_map(|_| {
        let word = match choices.chance(2) {
            true => choices.below(40) as u64,
            false => number(choices, base),
        };
        word.to_le_bytes()
    });
    let kept: Vec<u8> = kept.collect();
    event.set_kept(&kept);
    // As a string would be passed.
    event.set_register(Register::Rax, address(choices, base));
    let length = choices.of(&[0, 1, 7, 8, 9, 64, 65, 511, 512, 513, 700]);
    event.set_register(Register::Rbx, length + choices.below(40) as u64);
    event
}

/// All inputs.
pub fn inputs() -> Vec<Input> {
    let mut inputs = Input::FACTS.to_vec();
    inputs.extend((0..compiler::ir::MAX_KEPT).map(Input::Kept));
    inputs
}

pub struct Maker<'c, 'b> {
    pub choices: &'c mut Choices<'b>,
    pub memory: &'c [u8],
    pub base: u64,
    /// What may be used of them.
    pub inputs: Vec<Input>,
}

impl Maker<'_, '_> {
    /// Nested at most so deep.
    pub fn condition(&mut self, depth: usize) -> Condition {
        let simpler = depth.saturating_sub(1);
        let kind = match self.choices.below(if depth == 0 { 5 } else { 9 }) {
            0 | 1 => ConditionKind::Compare {
                relation: self.choices.of(&Relation::ALL),
                signed: self.choices.chance(2),
                left: self.word(simpler).into(),
                right: self.word(simpler).into(),
            },
            2 => self.text_test(simpler),
            3 => ConditionKind::CompareFloats {
                relation: self.choices.of(&Relation::ALL),
                width: self.choices.of(&[Width::Eight, Width::Four]),
                left: self.word(simpler).into(),
                right: self.word(simpler).into(),
            },
            4 => match self.choices.below(4) {
                0 => ConditionKind::Constant(self.choices.chance(2)),
                _ => self.text_test(simpler),
            },
            5 => ConditionKind::Not(self.condition(simpler).into()),
            6 | 7 => ConditionKind::And(
                self.condition(simpler).into(),
                self.condition(simpler).into(),
            ),
            _ => ConditionKind::Or(
                self.condition(simpler).into(),
                self.condition(simpler).into(),
            ),
        };
        Condition::new(kind, 0..1)
    }

    fn text_test(&mut self, depth: usize) -> ConditionKind {
        if self.choices.chance(6) {
            return ConditionKind::Equal {
                left: self.text(depth),
                right: self.text(depth),
            };
        }
        ConditionKind::Matches {
            text: self.text(depth),
            pattern: self.pattern(),
        }
    }

    fn text(&mut self, depth: usize) -> Text {
        match self.choices.below(6) {
            4 => {
                return Text {
                    pointer: self.word(depth).into(),
                    length: self.word(depth).into(),
                };
            }
            // A string's header in memory.
            5 => {
                let pointer = self.word(depth);
                let offset = self.choices.below(100) as i32;
                let part = |offset| WordKind::Load {
                    pointer: pointer.clone().into(),
                    offset,
                    width: Width::Eight,
                    extension: Extension::Zero,
                };
                return Text {
                    pointer: Word::new(part(offset), 0..1).into(),
                    length: Word::new(part(offset + 8), 0..1).into(),
                };
            }
            _ => {}
        }
        Text {
            pointer: register(Register::Rax).into(),
            length: register(Register::Rbx).into(),
        }
    }

    /// Pieces of memory, as they are or with a place changed, between stars.
    fn pattern(&mut self) -> Pattern {
        let mut glob = String::new();
        let mut at = self.choices.below(READABLE);
        let pieces = 1 + self.choices.below(5);
        for number in 0..pieces {
            if number > 0 {
                glob.push('*');
            }
            let length = self.choices.of(&[0, 1, 2, 3, 5, 8, 9, 13, 16, 17, 33, 61]);
            for offset in 0..length {
                match self.memory.get(at + offset) {
                    _ if self.choices.byte() == 255 => glob.push('?'),
                    Some(byte) if byte.is_ascii_graphic() && !b"*?\\".contains(byte) => {
                        glob.push(char::from(*byte));
                    }
                    _ => glob.push('a'),
                }
            }
            at = (at + length + self.choices.below(200)) % READABLE;
        }
        let made = match self.choices.below(4) {
            0 => Pattern::glob(glob.as_bytes()),
            1 => Pattern::contains(glob.replace('*', "").get(..9).unwrap_or("ab").as_bytes()),
            2 => {
                let at = self.choices.below(READABLE);
                let text = self.memory.get(at..at + self.choices.below(150));
                Pattern::equal(text.unwrap_or_default())
            }
            _ => Pattern::glob(format!("*{glob}*").as_bytes()),
        };
        made.unwrap_or_else(|_| simple_pattern())
    }

    /// Some items to capture.
    pub fn items(&mut self) -> Vec<Item> {
        let count = self.choices.below(7);
        (0..count).map(|_| self.item()).collect()
    }

    fn item(&mut self) -> Item {
        if self.choices.chance(2) {
            return Item::Word(self.word(3));
        }
        if self.inputs.contains(&Input::KeptUnreadable) && self.choices.chance(4) {
            return Item::Kept {
                bit: self.choices.below(64) as u8,
                offset: 8 * self.choices.below(20) as u16,
                most: self.choices.of(&[0, 1, 8, 24, 31, 32, 64]),
                span: 0..1,
            };
        }
        Item::Bytes {
            text: self.text(3),
            most: self.choices.of(&[0, 1, 7, 8, 31, 32, 100, 255]),
            span: 0..1,
        }
    }

    /// Nested at most so deep.
    pub fn word(&mut self, depth: usize) -> Word {
        let simpler = depth.saturating_sub(1);
        let kind = match self.choices.below(if depth == 0 { 6 } else { 14 }) {
            0 | 1 => return register(self.choices.of(&Register::ALL)),
            2 => WordKind::Input(self.choices.of(&self.inputs)),
            3..=5 => WordKind::Constant(number(self.choices, self.base)),
            6..=8 => WordKind::Load {
                pointer: self.word(simpler).into(),
                offset: match self.choices.below(4) {
                    0 => 0,
                    1 => self.choices.below(64) as i32,
                    2 => -(self.choices.below(5000) as i32),
                    _ => self.choices.below(5000) as i32,
                },
                width: self.choices.of(&Width::ALL),
                extension: self.extension(),
            },
            9 => WordKind::Extend {
                value: self.word(simpler).into(),
                width: self.choices.of(&Width::ALL),
                extension: self.extension(),
            },
            10 => match self.choices.below(4) {
                0 => WordKind::Negate(self.word(simpler).into()),
                1 => WordKind::Truth(self.condition(simpler).into()),
                2 => WordKind::Choice {
                    condition: self.condition(simpler).into(),
                    then: self.word(simpler).into(),
                    otherwise: self.word(simpler).into(),
                },
                _ => WordKind::Checked {
                    condition: self.condition(simpler).into(),
                    value: self.word(simpler).into(),
                },
            },
            _ => WordKind::Binary {
                operator: self.choices.of(&[
                    Operator::Add,
                    Operator::Subtract,
                    Operator::Multiply,
                    Operator::And,
                    Operator::Divide { signed: true },
                    Operator::Divide { signed: false },
                    Operator::Remainder { signed: true },
                    Operator::Remainder { signed: false },
                ]),
                left: self.word(simpler).into(),
                right: self.word(simpler).into(),
            },
        };
        Word::new(kind, 0..1)
    }

    fn extension(&mut self) -> Extension {
        self.choices.of(&[Extension::Zero, Extension::Sign])
    }
}

/// Some registers are read at entry, others at return, so that one event can hold both.
pub fn moment(register: Register) -> Moment {
    match register {
        Register::R8 | Register::R9 | Register::R12 | Register::R15 | Register::Rdx => {
            Moment::Return
        }
        _ => Moment::Entry,
    }
}

fn register(register: Register) -> Word {
    Word::new(WordKind::Register(register, moment(register)), 0..1)
}
