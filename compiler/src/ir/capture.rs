//! What is taken from a call to be shown, or to be decided about later: words, and runs of bytes up to a limit.
//!
//! Everything has a fixed place ([`Layout`]), so that the generated code needs no arithmetic that the verifier would have to follow. An
//! item that cannot be read is marked, and the others are there all the same.

use grammar::ast::Span;
use serde::Serialize;

use crate::ir::{Input, Moment, Node, Text, Word, WordKind};

/// Items that can be captured at once: each has a bit in a word.
pub const MAX_ITEMS: usize = 64;

/// Something to be captured.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub enum Item {
    /// A word: eight bytes.
    Word(Word),
    /// Memory: its length in eight bytes, then as much of it as there is room for.
    Bytes {
        /// Where it is.
        text: Text,
        /// Room for so many bytes, taken up to a multiple of eight.
        most: u16,
        /// The expression in the program text.
        span: Span,
    },
    /// At return: bytes that were captured at entry, as [`Item::Bytes`] of the same room.
    Kept {
        /// Its bit in the word that tells what could not be read then.
        bit: u8,
        /// Where it is in what was captured then.
        offset: u16,
        /// Room for so many bytes.
        most: u16,
        /// The expression in the program text.
        span: Span,
    },
}

/// Where items are captured to. First there is a word with a bit for each item, the lowest for the first, that is set where the item
/// could not be read; of its place nothing can be said then.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Layout {
    /// Where each item begins.
    pub offsets: Vec<usize>,
    /// Bytes in all.
    pub size: usize,
}

impl Layout {
    /// Where these are captured to.
    #[must_use]
    pub fn new(items: &[Item]) -> Self {
        let mut layout = Self {
            offsets: Vec::with_capacity(items.len()),
            size: 8,
        };
        for item in items {
            layout.offsets.push(layout.size);
            layout.size += item.size();
        }
        layout
    }
}

impl Item {
    /// The expression in the program text.
    #[must_use]
    pub fn span(&self) -> &Span {
        match self {
            Self::Word(word) => &word.span,
            Self::Bytes { span, .. } | Self::Kept { span, .. } => span,
        }
    }

    /// Does it look at a register at this moment?
    #[must_use]
    pub fn looks_at(&self, moment: Moment) -> bool {
        let mut found = false;
        self.visit(&mut |node| found |= node.looks_at(moment));
        found
    }

    /// Does it look at this fact?
    #[must_use]
    pub fn uses(&self, input: Input) -> bool {
        let mut found = false;
        self.visit(&mut |node| found |= node.uses(input));
        found
    }

    pub(crate) fn visit<'n>(&'n self, visit: &mut dyn FnMut(Node<'n>)) {
        match self {
            Self::Word(word) => word.visit(visit),
            Self::Bytes { text, .. } => text.visit(visit),
            Self::Kept { .. } => visit(Node::Word(&WordKind::Input(Input::KeptUnreadable))),
        }
    }

    fn size(&self) -> usize {
        match self {
            Self::Word(_) => 8,
            Self::Bytes { most, .. } | Self::Kept { most, .. } => {
                8 + usize::from(*most).next_multiple_of(8)
            }
        }
    }
}
