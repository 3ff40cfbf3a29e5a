//! Tests of strings: equality, prefix, suffix, substring and glob in one form, and how much of a string each looks at.
//!
//! The generated code has a buffer of [`PIECE`] bytes, so text is read in pieces of that size, and only as much as decides:
//!
//! - the length first, without reading;
//! - what the text has to begin with and end with, piece by piece, until one differs;
//! - what it has to hold in between, from the left, within [`SEARCH_WINDOW`] bytes. Where the text goes on beyond these and nothing was
//!   found, there is no verdict.

use std::fmt;

use serde::Serialize;

use crate::ir::memory::{Memory, Unreadable};

/// Bytes that are read at once.
pub const PIECE: usize = 64;

/// Bytes in which a substring is searched, from where it can be at the earliest.
pub const SEARCH_WINDOW: usize = 512;

/// Longest pattern, in bytes.
pub const MAX_PATTERN: usize = 256;

/// Longest piece of a pattern that is searched for, in bytes.
pub const MAX_MIDDLE: usize = 64;

/// A byte, or any byte where it is `None`.
pub(crate) type Place = Option<u8>;

/// What a run of bytes has to be like.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Pattern {
    /// What it begins with.
    pub(crate) head: Vec<Place>,
    /// What comes after that; nothing where absent.
    pub(crate) open: Option<Open>,
}

/// What follows the first `*`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub(crate) struct Open {
    /// What is found between, in this order.
    pub(crate) middles: Vec<Middle>,
    /// What it ends with.
    pub(crate) tail: Vec<Place>,
}

/// A piece of a pattern between two `*`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub(crate) struct Middle {
    /// Any bytes before it.
    pub(crate) skip: usize,
    /// At least one place; the first and the last are no wildcards.
    pub(crate) places: Vec<Place>,
}

/// The pattern is longer than `MAX_PATTERN`, or what is between two of its `*` is longer than `MAX_MIDDLE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PatternTooLong {
    /// Its length in bytes, or that of the piece.
    pub length: usize,
    /// As long may it be.
    pub most: usize,
}

impl Pattern {
    /// This text and no other.
    ///
    /// # Errors
    /// [`PatternTooLong`], as of all patterns.
    pub fn equal(text: &[u8]) -> Result<Self, PatternTooLong> {
        Self::new(vec![literal(text)])
    }

    /// Text that holds this one.
    ///
    /// # Errors
    /// [`PatternTooLong`]
    pub fn contains(text: &[u8]) -> Result<Self, PatternTooLong> {
        Self::new(vec![Vec::new(), literal(text), Vec::new()])
    }

    /// `*` stands for any bytes, `?` for any one byte; a backslash takes the meaning from the character after it.
    ///
    /// # Errors
    /// [`PatternTooLong`]
    pub fn glob(glob: &[u8]) -> Result<Self, PatternTooLong> {
        let mut segments = vec![Vec::new()];
        let mut bytes = glob.iter().copied();
        while let Some(byte) = bytes.next() {
            if byte == b'*' {
                segments.push(Vec::new());
                continue;
            }
            let place = match byte {
                b'?' => None,
                b'\\' => Some(bytes.next().unwrap_or(b'\\')),
                byte => Some(byte),
            };
            if let Some(segment) = segments.last_mut() {
                segment.push(place);
            }
        }
        Self::new(segments)
    }

    /// The pieces between stars.
    fn new(segments: Vec<Vec<Place>>) -> Result<Self, PatternTooLong> {
        let length = segments.iter().map(Vec::len).sum();
        if length > MAX_PATTERN {
            return Err(PatternTooLong {
                length,
                most: MAX_PATTERN,
            });
        }
        let mut segments = segments.into_iter();
        let mut head = segments.next().unwrap_or_default();
        let mut segments: Vec<Vec<Place>> = segments.collect();
        let Some(mut tail) = segments.pop() else {
            return Ok(Self { head, open: None });
        };
        // `?*` is `*?`: wildcards move to the right, past stars.
        let mut skip = strip_end(&mut head);
        let mut middles = Vec::new();
        for mut places in segments {
            let after = strip_end(&mut places);
            if places.is_empty() {
                skip += after;
                continue;
            }
            let leading = leading(&places);
            let places = places.split_off(leading);
            if places.len() > MAX_MIDDLE {
                return Err(PatternTooLong {
                    length: places.len(),
                    most: MAX_MIDDLE,
                });
            }
            middles.push(Middle {
                skip: skip + leading,
                places,
            });
            skip = after;
        }
        tail.splice(0..0, std::iter::repeat_n(None, skip));
        Ok(Self {
            head,
            open: Some(Open { middles, tail }),
        })
    }

    /// The least length of a text that fits.
    #[must_use]
    pub fn minimum(&self) -> usize {
        let open = self.open.as_ref().map_or(0, |open| {
            let middles: usize = open.middles.iter().map(|m| m.skip + m.places.len()).sum();
            middles + open.tail.len()
        });
        self.head.len() + open
    }

    /// Searches that a test may need.
    #[must_use]
    pub fn searches(&self) -> usize {
        self.open.as_ref().map_or(0, |open| open.middles.len())
    }

    /// Whether the text fits.
    pub(crate) fn matches(
        &self,
        memory: &impl Memory,
        pointer: u64,
        length: u64,
    ) -> Result<bool, Unreadable> {
        let head = self.head.len() as u64;
        let Some(open) = &self.open else {
            return Ok(length == head && fits(&self.head, memory, pointer)?);
        };
        if length < self.minimum() as u64 {
            return Ok(false);
        }
        let tail = open.tail.len() as u64;
        let wild = leading(&open.tail);
        let at = pointer.wrapping_add(length - tail + wild as u64);
        if !fits(&self.head, memory, pointer)?
            || !fits(open.tail.get(wild..).unwrap_or_default(), memory, at)?
        {
            return Ok(false);
        }
        let between = length - head - tail;
        let window = between.min(SEARCH_WINDOW as u64);
        let mut search = Search {
            memory,
            pointer: pointer.wrapping_add(head),
            left: window,
        };
        for middle in &open.middles {
            if !search.find(middle)? {
                return if between > window {
                    Err(Unreadable)
                } else {
                    Ok(false)
                };
            }
        }
        Ok(true)
    }
}

/// How many places at the beginning are wildcards.
pub(crate) fn leading(places: &[Place]) -> usize {
    places.iter().take_while(|place| place.is_none()).count()
}

fn literal(text: &[u8]) -> Vec<Place> {
    text.iter().copied().map(Some).collect()
}

/// Takes wildcards away from the end; tells how many.
fn strip_end(places: &mut Vec<Place>) -> usize {
    let kept = places
        .iter()
        .rposition(Option::is_some)
        .map_or(0, |last| last + 1);
    let stripped = places.len() - kept;
    places.truncate(kept);
    stripped
}

/// Whether the bytes at `pointer` fit, as far as they have to be read to know.
fn fits(places: &[Place], memory: &impl Memory, pointer: u64) -> Result<bool, Unreadable> {
    let mut buffer = [0_u8; PIECE];
    let mut at = pointer;
    for places in places.chunks(PIECE) {
        if places.iter().any(Option::is_some) {
            let bytes = buffer.get_mut(..places.len()).ok_or(Unreadable)?;
            memory.read(at, bytes)?;
            if !same(places, bytes) {
                return Ok(false);
            }
        }
        at = at.wrapping_add(places.len() as u64);
    }
    Ok(true)
}

fn same(places: &[Place], bytes: &[u8]) -> bool {
    places
        .iter()
        .zip(bytes)
        .all(|(place, byte)| place.is_none_or(|place| place == *byte))
}

struct Search<'m, M> {
    memory: &'m M,
    pointer: u64,
    left: u64,
}

impl<M: Memory> Search<'_, M> {
    /// Goes on to the end of the leftmost occurrence.
    fn find(&mut self, middle: &Middle) -> Result<bool, Unreadable> {
        let skip = middle.skip as u64;
        if self.left < skip + middle.places.len() as u64 {
            return Ok(false);
        }
        self.left -= skip;
        self.pointer = self.pointer.wrapping_add(skip);
        let mut seen: Vec<u8> = Vec::new();
        while seen.len() < usize::try_from(self.left).unwrap_or(usize::MAX) {
            let rest = usize::try_from(self.left).unwrap_or(usize::MAX) - seen.len();
            let mut piece = [0_u8; PIECE];
            let piece = piece.get_mut(..rest.min(PIECE)).ok_or(Unreadable)?;
            self.memory
                .read(self.pointer.wrapping_add(seen.len() as u64), piece)?;
            seen.extend_from_slice(piece);
            let found = seen
                .windows(middle.places.len())
                .position(|bytes| same(&middle.places, bytes));
            if let Some(at) = found {
                let passed = (at + middle.places.len()) as u64;
                self.pointer = self.pointer.wrapping_add(passed);
                self.left -= passed;
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl fmt::Display for Pattern {
    /// As a glob in quotes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        places(f, &self.head)?;
        if let Some(open) = &self.open {
            f.write_str("*")?;
            for middle in &open.middles {
                places(f, &vec![None; middle.skip])?;
                places(f, &middle.places)?;
                f.write_str("*")?;
            }
            places(f, &open.tail)?;
        }
        f.write_str("\"")
    }
}

fn places(f: &mut fmt::Formatter<'_>, places: &[Place]) -> fmt::Result {
    for place in places {
        match place {
            None => f.write_str("?")?,
            Some(byte @ (b'*' | b'?' | b'\\')) => write!(f, "\\\\{}", char::from(*byte))?,
            Some(byte) => write!(f, "{}", byte.escape_ascii())?,
        }
    }
    Ok(())
}
