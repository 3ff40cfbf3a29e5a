//! What was captured of the calls of a graph: arguments at entry, results at return.
//!
//! Most calls of most graphs have nothing captured, so it is kept beside the calls and not in them.

use ebpf_templates::Moment;

/// What was captured of the calls of a graph.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Captured {
    bytes: Vec<u8>,
    /// By call and moment.
    index: Vec<Entry>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    call: usize,
    moment: Moment,
    begin: usize,
    size: usize,
}

impl Captured {
    /// What was captured of these calls; numbers are indices into [`crate::Graph::calls`]. Of two captures of one moment of a call the
    /// first counts.
    #[must_use]
    pub fn new<'a>(captures: impl IntoIterator<Item = (usize, Moment, &'a [u8])>) -> Self {
        let mut captured = Self::default();
        for (call, moment, bytes) in captures {
            captured.push(call, moment, bytes);
        }
        captured.sort();
        captured
    }

    /// What was captured of a call at this moment.
    #[must_use]
    pub fn of(&self, call: usize, moment: Moment) -> Option<&[u8]> {
        let key = |entry: &Entry| (entry.call, entry.moment);
        let at = self.index.partition_point(|e| key(e) < (call, moment));
        let entry = self.index.get(at).filter(|e| key(e) == (call, moment))?;
        self.bytes
            .get(entry.begin..entry.begin.checked_add(entry.size)?)
    }

    /// There is nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// Call [`Self::sort`] after the last one.
    pub(crate) fn push(&mut self, call: usize, moment: Moment, bytes: &[u8]) {
        self.index.push(Entry {
            call,
            moment,
            begin: self.bytes.len(),
            size: bytes.len(),
        });
        self.bytes.extend_from_slice(bytes);
    }

    /// Call it after the last [`Self::push`].
    pub(crate) fn sort(&mut self) {
        self.index.sort_by_key(|entry| (entry.call, entry.moment));
        self.index.dedup_by_key(|entry| (entry.call, entry.moment));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captures_are_found_by_call_and_moment() {
        let captured = Captured::new([
            (7, Moment::Results, b"r7".as_slice()),
            (2, Moment::Arguments, b"a2"),
            (7, Moment::Arguments, b""),
            (2, Moment::Arguments, b"twice"),
        ]);
        let found = [
            (2, Moment::Arguments),
            (2, Moment::Results),
            (7, Moment::Arguments),
            (7, Moment::Results),
            (8, Moment::Arguments),
        ]
        .map(|(call, moment)| captured.of(call, moment));
        let expected: [Option<&[u8]>; 5] = [Some(b"a2"), None, Some(b""), Some(b"r7"), None];
        assert_eq!(found, expected);
        assert!(!captured.is_empty() && Captured::default().is_empty());
    }
}
