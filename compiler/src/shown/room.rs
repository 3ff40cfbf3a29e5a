//! The room for one capture, and what has been given away of it.

use ebpf_templates::CAPTURE_MAX;
use grammar::ast::Span;

use crate::{
    predicate::{
        Item, MAX_ITEMS,
        ir::{Text, Word},
    },
    shape::{Run, Slot},
};

/// Bytes in front of those of an item of bytes: how many there were.
pub(super) const LENGTH: usize = 8;
/// Bytes in front of all items: a bit for each.
const MASK: usize = 8;

/// Items so far, and what is left.
#[derive(Debug)]
pub(super) struct Room {
    pub(super) items: Vec<Item>,
    size: usize,
}

impl Room {
    pub(super) fn new() -> Self {
        Self {
            items: Vec::new(),
            size: MASK,
        }
    }

    /// Bytes that are left.
    pub(super) fn left(&self) -> usize {
        if self.items.len() < MAX_ITEMS {
            CAPTURE_MAX.saturating_sub(self.size)
        } else {
            0
        }
    }

    /// Takes room for a word.
    pub(super) fn word(&mut self, word: Word) -> Option<Slot> {
        let (item, at) = self.take(8, Item::Word(word))?;
        Some(Slot { item, at })
    }

    /// Takes room for up to so many bytes; for fewer where there are not so many left, unless these are fewer than `least`.
    pub(super) fn bytes(
        &mut self,
        text: Text,
        most: usize,
        least: usize,
        span: &Span,
    ) -> Option<Run> {
        let most = most.min(self.left().saturating_sub(LENGTH) / 8 * 8);
        if most < least {
            return None;
        }
        let count = u16::try_from(most).ok()?;
        let (item, at) = self.take(
            LENGTH + most.next_multiple_of(8),
            Item::Bytes {
                text,
                most: count,
                span: span.clone(),
            },
        )?;
        Some(Run {
            item,
            at,
            most: count,
        })
    }

    fn take(&mut self, size: usize, item: Item) -> Option<(u8, u16)> {
        if size > self.left() {
            return None;
        }
        let number = self.items.len();
        let place = (u8::try_from(number).ok()?, u16::try_from(self.size).ok()?);
        self.items.push(item);
        self.size += size;
        Some(place)
    }
}
