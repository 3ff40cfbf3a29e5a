//! Bytes that were captured, and what of them counts.

use compiler::shape::{Run, Slot};

use super::{Text, Unknown};

/// What the slots of a shape lie in.
pub(super) enum Memory<'a> {
    /// What was captured of a call: first a word with a bit for each item, set where it could not be read.
    Captured(&'a [u8]),
    /// What an interface refers to, as far as it was captured.
    Pointee {
        bytes: &'a [u8],
        /// The strings that its first two words begin.
        texts: [Result<Text, Unknown>; 2],
    },
}

impl Memory<'_> {
    /// Little-endian bytes as a number.
    pub(super) fn number(&self, slot: Slot, width: u8) -> Result<u64, Unknown> {
        let (bytes, outside) = match self {
            Self::Captured(bytes) => {
                self.check(slot.item)?;
                (bytes, Unknown::Unreadable)
            }
            // So much was taken, whatever it would turn out to be.
            Self::Pointee { bytes, .. } => (bytes, Unknown::NoRoom),
        };
        let at = usize::from(slot.at);
        let width = usize::from(width.min(8));
        let bytes = bytes.get(at..at + width).ok_or(outside)?;
        let mut word = [0; 8];
        word.iter_mut()
            .zip(bytes)
            .for_each(|(to, from)| *to = *from);
        Ok(u64::from_le_bytes(word))
    }

    /// A word.
    pub(super) fn word(&self, slot: Slot) -> Result<u64, Unknown> {
        self.number(slot, 8)
    }

    /// A number with its sign.
    pub(super) fn signed(&self, slot: Slot, width: u8) -> Result<i64, Unknown> {
        let unused = 64 - 8 * u32::from(width.clamp(1, 8));
        Ok((self.number(slot, width)? << unused).cast_signed() >> unused)
    }

    /// The bytes that were taken of a run, and how many more there are.
    pub(super) fn run(&self, run: Run) -> Result<Text, Unknown> {
        match self {
            Self::Captured(bytes) => {
                let (bytes, length) = self.raw(bytes, run)?;
                Ok(Text {
                    bytes: bytes.to_vec(),
                    more: length - bytes.len() as u64,
                })
            }
            Self::Pointee { texts, .. } => {
                let text = match run.at {
                    0 => texts.first(),
                    8 => texts.get(1),
                    _ => None,
                };
                text.cloned().unwrap_or(Err(Unknown::NoRoom))
            }
        }
    }

    /// The bytes that were taken of a run.
    pub(super) fn bytes(&self, run: Run) -> Result<&[u8], Unknown> {
        match self {
            Self::Captured(bytes) => Ok(self.raw(bytes, run)?.0),
            Self::Pointee { .. } => Err(Unknown::NoRoom),
        }
    }

    fn raw<'b>(&self, captured: &'b [u8], run: Run) -> Result<(&'b [u8], u64), Unknown> {
        let Run { item, at, most } = run;
        let length = self.word(Slot { item, at })?;
        let begin = usize::from(at) + 8;
        let taken = length.min(u64::from(most)) as usize;
        let bytes = captured.get(begin..begin + taken);
        Ok((bytes.ok_or(Unknown::Unreadable)?, length))
    }

    fn check(&self, item: u8) -> Result<(), Unknown> {
        let Self::Captured(bytes) = self else {
            return Ok(());
        };
        let unreadable = bytes.first_chunk().ok_or(Unknown::Unreadable)?;
        let bit = u64::from_le_bytes(*unreadable).checked_shr(u32::from(item));
        match bit {
            Some(bits) if bits & 1 == 0 => Ok(()),
            _ => Err(Unknown::Unreadable),
        }
    }
}
