//! The meaning of the intermediate representation, in Rust: the oracle that the generated code is tested against.

use std::cmp::Ordering;

use crate::ir::{
    Condition, ConditionKind, INPUTS, Input, Memory, Operator, REGISTERS, Register, Relation, Text,
    Unreadable, Width, Word, WordKind,
    capture::{Item, Layout},
    text::{PIECE, SEARCH_WINDOW},
};

/// What a predicate says of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It does not hold: the generated function returns 0.
    No,
    /// It holds: 1.
    Yes,
    /// A value that it needs cannot be read: 2. The call is not kept, and is counted.
    Undecided,
}

/// What is known of a call at a probe, as the generated function gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// `struct pt_regs`
    pub registers: [u64; REGISTERS],
    /// What [`Input`] names, by ascending offset.
    pub inputs: [u64; INPUTS],
}

impl Default for Event {
    fn default() -> Self {
        Self {
            registers: [0; REGISTERS],
            inputs: [0; INPUTS],
        }
    }
}

impl Event {
    /// Sets a register.
    pub fn set_register(&mut self, register: Register, value: u64) {
        let Some(offset) = register.offset() else {
            return self.set_input(Input::StackPointer, value);
        };
        if let Some(slot) = self.registers.get_mut(index(offset)) {
            *slot = value;
        }
    }

    /// Sets a fact or a kept word.
    pub fn set_input(&mut self, input: Input, value: u64) {
        if let Some(slot) = self.inputs.get_mut(index(input.offset())) {
            *slot = value;
        }
    }

    /// Sets what was kept at entry, as it was captured then.
    pub fn set_kept(&mut self, kept: &[u8]) {
        let inputs = self.inputs.iter_mut();
        let area = inputs.skip(index(Input::KeptUnreadable.offset()));
        for (slot, word) in area.zip(kept.chunks_exact(8)) {
            *slot = word
                .iter()
                .rev()
                .fold(0, |word, byte| word << 8 | u64::from(*byte));
        }
    }

    fn kept(&self) -> Vec<u8> {
        let area = self
            .inputs
            .iter()
            .skip(index(Input::KeptUnreadable.offset()));
        area.flat_map(|word| word.to_le_bytes()).collect()
    }

    fn register(&self, register: Register) -> u64 {
        let Some(offset) = register.offset() else {
            return self.input(Input::StackPointer);
        };
        let value = self.registers.get(index(offset));
        value.copied().unwrap_or(0)
    }

    fn input(&self, input: Input) -> u64 {
        let value = self.inputs.get(index(input.offset()));
        value.copied().unwrap_or(0)
    }
}

/// Which word is at an offset.
fn index(offset: i16) -> usize {
    usize::from(offset.unsigned_abs()) / 8
}

/// What `condition` says of a call.
#[must_use]
pub fn evaluate(condition: &Condition, event: &Event, memory: &impl Memory) -> Verdict {
    match (Interpreter { event, memory }).condition(condition) {
        Ok(true) => Verdict::Yes,
        Ok(false) => Verdict::No,
        Err(Unreadable) => Verdict::Undecided,
    }
}

/// What is captured of a call: as many bytes as [`Layout`] says.
#[must_use]
pub fn capture(items: &[Item], event: &Event, memory: &impl Memory) -> Vec<u8> {
    let layout = Layout::new(items);
    let mut bytes = vec![0; layout.size];
    let mut unreadable = 0_u64;
    let interpreter = Interpreter { event, memory };
    for (number, (item, at)) in items.iter().zip(&layout.offsets).enumerate() {
        let place = bytes.get_mut(*at..).unwrap_or_default();
        if interpreter.capture(item, place).is_err() {
            unreadable |= 1_u64.checked_shl(number as u32).unwrap_or(0);
        }
    }
    if let Some(first) = bytes.first_chunk_mut() {
        *first = unreadable.to_le_bytes();
    }
    bytes
}

struct Interpreter<'e, M> {
    event: &'e Event,
    memory: &'e M,
}

impl<M: Memory> Interpreter<'_, M> {
    fn capture(&self, item: &Item, place: &mut [u8]) -> Result<(), Unreadable> {
        let (first, rest) = place.split_first_chunk_mut().ok_or(Unreadable)?;
        match item {
            Item::Word(word) => *first = self.word(word)?.to_le_bytes(),
            Item::Bytes { text, most, .. } => {
                let (pointer, length) = self.text(text)?;
                *first = length.to_le_bytes();
                let count = length.min(u64::from(*most));
                let count = usize::try_from(count).map_err(|_| Unreadable)?;
                if count > 0 {
                    let place = rest.get_mut(..count).ok_or(Unreadable)?;
                    self.memory.read(pointer, place)?;
                }
            }
            Item::Kept {
                bit, offset, most, ..
            } => {
                let kept = self.event.kept();
                let (unreadable, _) = kept.split_first_chunk().ok_or(Unreadable)?;
                let unreadable = u64::from_le_bytes(*unreadable);
                if unreadable & 1_u64.checked_shl((*bit).into()).unwrap_or(0) != 0 {
                    return Err(Unreadable);
                }
                let kept = kept.get(usize::from(*offset)..).ok_or(Unreadable)?;
                let (length, kept) = kept.split_first_chunk().ok_or(Unreadable)?;
                *first = *length;
                let count = u64::from_le_bytes(*length).min(u64::from(*most));
                let count = usize::try_from(count).map_err(|_| Unreadable)?;
                let place = rest.get_mut(..count).ok_or(Unreadable)?;
                place.copy_from_slice(kept.get(..count).ok_or(Unreadable)?);
            }
        }
        Ok(())
    }

    fn condition(&self, condition: &Condition) -> Result<bool, Unreadable> {
        Ok(match &condition.kind {
            ConditionKind::Constant(value) => *value,
            ConditionKind::Compare {
                relation,
                signed,
                left,
                right,
            } => {
                let (left, right) = (self.word(left)?, self.word(right)?);
                relation.holds(if *signed {
                    left.cast_signed().cmp(&right.cast_signed())
                } else {
                    left.cmp(&right)
                })
            }
            ConditionKind::CompareFloats {
                relation,
                width,
                left,
                right,
            } => {
                let (left, right) = (self.word(left)?, self.word(right)?);
                let ordering = match width {
                    Width::Four => {
                        f32::from_bits(left as u32).partial_cmp(&f32::from_bits(right as u32))
                    }
                    _ => f64::from_bits(left).partial_cmp(&f64::from_bits(right)),
                };
                compare_partially(*relation, ordering)
            }
            ConditionKind::Not(condition) => !self.condition(condition)?,
            ConditionKind::And(left, right) => self.condition(left)? && self.condition(right)?,
            ConditionKind::Or(left, right) => self.condition(left)? || self.condition(right)?,
            ConditionKind::Matches { text, pattern } => {
                let (pointer, length) = self.text(text)?;
                pattern.matches(self.memory, pointer, length)?
            }
            ConditionKind::Equal { left, right } => {
                let (left, left_length) = self.text(left)?;
                let (right, right_length) = self.text(right)?;
                left_length == right_length && self.same(left, right, left_length)?
            }
        })
    }

    fn text(&self, text: &Text) -> Result<(u64, u64), Unreadable> {
        Ok((self.word(&text.pointer)?, self.word(&text.length)?))
    }

    /// Reads half a piece of each at once, since both share the buffer.
    fn same(&self, left: u64, right: u64, length: u64) -> Result<bool, Unreadable> {
        let window = usize::try_from(length)
            .unwrap_or(usize::MAX)
            .min(SEARCH_WINDOW);
        let mut at = 0;
        while at < window {
            let count = (window - at).min(PIECE / 2);
            let mut buffer = [0_u8; PIECE];
            let (one, other) = buffer.split_at_mut(PIECE / 2);
            let one = one.get_mut(..count).ok_or(Unreadable)?;
            let other = other.get_mut(..count).ok_or(Unreadable)?;
            self.memory.read(left.wrapping_add(at as u64), one)?;
            self.memory.read(right.wrapping_add(at as u64), other)?;
            if one != other {
                return Ok(false);
            }
            at += count;
        }
        if length > SEARCH_WINDOW as u64 {
            return Err(Unreadable);
        }
        Ok(true)
    }

    fn word(&self, word: &Word) -> Result<u64, Unreadable> {
        Ok(match &word.kind {
            WordKind::Constant(value) => *value,
            WordKind::Register(register, _) => self.event.register(*register),
            WordKind::Input(input) => self.event.input(*input),
            WordKind::Load {
                pointer,
                offset,
                width,
                extension,
            } => {
                let address = self.word(pointer)?.wrapping_add_signed(i64::from(*offset));
                let mut bytes = [0_u8; 8];
                let read = bytes
                    .get_mut(..usize::from(width.bytes()))
                    .ok_or(Unreadable)?;
                self.memory.read(address, read)?;
                width.extend(u64::from_le_bytes(bytes), *extension)
            }
            WordKind::Extend {
                value,
                width,
                extension,
            } => width.extend(self.word(value)?, *extension),
            WordKind::Negate(value) => self.word(value)?.wrapping_neg(),
            WordKind::Binary {
                operator,
                left,
                right,
            } => arithmetic(*operator, self.word(left)?, self.word(right)?)?,
            WordKind::Checked { condition, value } => {
                if !self.condition(condition)? {
                    return Err(Unreadable);
                }
                self.word(value)?
            }
            WordKind::Choice {
                condition,
                then,
                otherwise,
            } => {
                if self.condition(condition)? {
                    self.word(then)?
                } else {
                    self.word(otherwise)?
                }
            }
            WordKind::Truth(condition) => self.condition(condition)?.into(),
        })
    }
}

/// What an operator gives; nothing for a division by zero.
pub(super) fn arithmetic(operator: Operator, left: u64, right: u64) -> Result<u64, Unreadable> {
    let (signed_left, signed_right) = (left.cast_signed(), right.cast_signed());
    Ok(match operator {
        Operator::Add => left.wrapping_add(right),
        Operator::Subtract => left.wrapping_sub(right),
        Operator::Multiply => left.wrapping_mul(right),
        Operator::And => left & right,
        Operator::Divide { .. } | Operator::Remainder { .. } if right == 0 => {
            return Err(Unreadable);
        }
        Operator::Divide { signed: true } => signed_left.wrapping_div(signed_right).cast_unsigned(),
        Operator::Remainder { signed: true } => {
            signed_left.wrapping_rem(signed_right).cast_unsigned()
        }
        Operator::Divide { signed: false } => left / right,
        Operator::Remainder { signed: false } => left % right,
    })
}

/// A number that is none differs from every number, itself among them.
fn compare_partially(relation: Relation, ordering: Option<Ordering>) -> bool {
    ordering.map_or(relation == Relation::NotEqual, |ordering| {
        relation.holds(ordering)
    })
}
