//! The room for one capture, and what has been given away of it.

use ebpf_templates::CAPTURE_MAX;
use grammar::ast::Span;

use crate::{
    ir::{Item, MAX_ITEMS, Text, Word},
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
    /// Bytes given away beyond what is planned with.
    beyond: usize,
}

impl Room {
    pub(super) fn new() -> Self {
        Self {
            items: Vec::new(),
            size: MASK,
            beyond: 0,
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

    /// The same for what takes no item of its own.
    pub(super) fn left_in_bytes(&self) -> usize {
        CAPTURE_MAX.saturating_sub(self.size)
    }

    /// Takes room for a word.
    pub(super) fn word(&mut self, word: Word) -> Option<Slot> {
        let (item, at) = self.take(8, 0, Item::Word(word))?;
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
        self.text(text, most, least, 0, span)
    }

    /// The same, and where there is room for `most`, for so many more that are not reckoned with.
    pub(super) fn text(
        &mut self,
        text: Text,
        most: usize,
        least: usize,
        beyond: usize,
        span: &Span,
    ) -> Option<Run> {
        let wanted = most;
        let most = most.min(self.left().saturating_sub(LENGTH) / 8 * 8);
        if most < least {
            return None;
        }
        let taken = LENGTH + most.next_multiple_of(8);
        let whole = self.size + self.beyond + taken + beyond.next_multiple_of(8);
        let fits = wanted == most && whole <= CAPTURE_MAX;
        let beyond = if fits { beyond } else { 0 };
        let count = u16::try_from(most + beyond).ok()?;
        let (item, at) = self.take(
            taken,
            beyond.next_multiple_of(8),
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

    fn take(&mut self, size: usize, beyond: usize, item: Item) -> Option<(u8, u16)> {
        if size > self.left() {
            return None;
        }
        let number = self.items.len();
        let at = self.size + self.beyond;
        let place = (u8::try_from(number).ok()?, u16::try_from(at).ok()?);
        self.items.push(item);
        self.size += size;
        self.beyond += beyond;
        Some(place)
    }
}
