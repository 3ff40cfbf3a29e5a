//! From parts of values to items: parts that lie close to each other in memory are read in one piece.

use grammar::ast::Span;

use super::room::{LENGTH, Room};
use crate::{
    ir::{Condition, Extension, Operator, Text, Width, Word, WordKind},
    shape::Slot,
};

/// Bytes read in one piece at most. One page that is not there takes all of a piece away.
pub(super) const RUN: usize = 256;
/// Bytes between two parts that are read with them, since another item costs as much.
const GAP: i64 = 16;
/// The same where their address takes more than a register.
const FAR_GAP: i64 = 40;
/// Bytes of a value that are taken even where others come short.
const LEAST: usize = 64;

/// Where a part of a value is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Source {
    /// What has to hold for there to be such a part.
    pub(super) guard: Option<Condition>,
    pub(super) at: At,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum At {
    /// It is this word.
    Word(Word),
    /// It is in memory.
    Memory {
        base: Word,
        offset: i64,
        width: Width,
    },
}

/// Of memory from this address on, so many bytes are there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bound {
    pub(super) base: Word,
    pub(super) bytes: Word,
    pub(super) guard: Option<Condition>,
}

/// A part, and the number under which its slot is asked for.
pub(super) type Part = (usize, Source);

/// Parts relative to one address.
struct Group {
    base: Word,
    guard: Option<Condition>,
    bytes: Option<Word>,
    parts: Vec<(usize, i64, Width)>,
}

/// Takes room for these parts and says where they went. `share` is what should do for them.
pub(super) fn allocate(
    room: &mut Room,
    parts: Vec<Part>,
    bound: Option<&Bound>,
    share: usize,
    span: &Span,
) -> Vec<(usize, Slot)> {
    let mut found = Vec::new();
    let mut groups: Vec<Group> = Vec::new();
    for (number, Source { guard, at }) in parts {
        match at {
            At::Word(word) => {
                let slot = room.word(guarded(guard, word));
                found.extend(slot.map(|slot| (number, slot)));
            }
            At::Memory {
                base,
                offset,
                width,
            } => {
                let bound = bound.filter(|bound| bound.base == base);
                let guard = bound.map_or(guard, |bound| bound.guard.clone());
                let bytes = bound.map(|bound| bound.bytes.clone());
                let known = groups
                    .iter_mut()
                    .find(|group| group.base == base && group.guard == guard);
                let part = (number, offset, width);
                match known {
                    Some(group) => group.parts.push(part),
                    None => groups.push(Group {
                        base,
                        guard,
                        bytes,
                        parts: vec![part],
                    }),
                }
            }
        }
    }
    let allowed = share.saturating_sub(LENGTH).max(LEAST);
    for mut group in groups {
        group
            .parts
            .sort_by_key(|&(number, offset, _)| (offset, number));
        group.allocate(room, allowed, span, &mut found);
    }
    found
}

impl Group {
    fn allocate(
        self,
        room: &mut Room,
        allowed: usize,
        span: &Span,
        found: &mut Vec<(usize, Slot)>,
    ) {
        if self.bytes.is_some() {
            self.take(room, 0, &self.parts, allowed.max(RUN), span, found);
            return;
        }
        let gap = match self.base.kind {
            WordKind::Register(..) => GAP,
            _ => FAR_GAP,
        };
        let mut left = allowed;
        let mut rest = self.parts.as_slice();
        while let Some(&(_, start, _)) = rest.first() {
            let mut end = start;
            let mut count = 0;
            for &(_, offset, width) in rest {
                let after = offset.saturating_add(width.bytes().into());
                let close = offset.saturating_sub(end) <= gap;
                let fits = after.saturating_sub(start) <= RUN as i64;
                if count > 0 && !(close && fits) {
                    break;
                }
                end = end.max(after);
                count += 1;
            }
            let (run, after) = rest.split_at_checked(count).unwrap_or((rest, &[]));
            let taken = self.take(room, start, run, left, span, found);
            left = left.saturating_sub(taken);
            rest = after;
        }
    }

    /// Reads these parts in one piece, as far as they do not take more than `allowed` bytes.
    fn take(
        &self,
        room: &mut Room,
        start: i64,
        parts: &[(usize, i64, Width)],
        allowed: usize,
        span: &Span,
        found: &mut Vec<(usize, Slot)>,
    ) -> usize {
        let word = |kind| Word::new(kind, span.clone());
        if let ([(number, offset, width)], None) = (parts, &self.bytes)
            && let Ok(offset) = i32::try_from(*offset)
        {
            let load = word(WordKind::Load {
                pointer: self.base.clone().into(),
                offset,
                width: *width,
                extension: Extension::Zero,
            });
            let slot = room.word(guarded(self.guard.clone(), load));
            found.extend(slot.map(|slot| (*number, slot)));
            return 8;
        }
        let room_for = allowed.min(room.left().saturating_sub(LENGTH));
        let after = |&(_, offset, width): &(usize, i64, Width)| {
            let after = offset
                .saturating_sub(start)
                .saturating_add(width.bytes().into());
            usize::try_from(after).unwrap_or(usize::MAX)
        };
        let most = parts
            .iter()
            .map(after)
            .filter(|after| *after <= room_for)
            .max();
        let Some(most) = most else {
            return 0;
        };
        let pointer = match start {
            0 => self.base.clone(),
            _ => word(WordKind::Binary {
                operator: Operator::Add,
                left: self.base.clone().into(),
                right: Word::constant(start.cast_unsigned(), span.clone()).into(),
            }),
        };
        let length = match &self.bytes {
            Some(bytes) => bytes.clone(),
            None => Word::constant(most as u64, span.clone()),
        };
        let text = Text {
            pointer: guarded(self.guard.clone(), pointer).into(),
            length: length.into(),
        };
        let Some(run) = room.bytes(text, most, most, span) else {
            return 0;
        };
        for part in parts.iter().filter(|part| after(part) <= most) {
            let within = part.1.saturating_sub(start);
            let within = u16::try_from(within).unwrap_or(u16::MAX);
            let at = run.at.saturating_add(LENGTH as u16).saturating_add(within);
            found.push((part.0, Slot { item: run.item, at }));
        }
        LENGTH + most
    }
}

/// A word that is only there where the guard holds.
pub(super) fn guarded(guard: Option<Condition>, value: Word) -> Word {
    match guard {
        None => value,
        Some(condition) => {
            let span = value.span.clone();
            let kind = WordKind::Checked {
                condition: condition.into(),
                value: value.into(),
            };
            Word::new(kind, span)
        }
    }
}
