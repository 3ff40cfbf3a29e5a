//! What can be wrong with a record.

/// A record that is not what the probe program writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Malformed {
    /// It ends before its header does.
    #[error("a record of {0} bytes is too short for its header")]
    Short(usize),
    /// Its kind is none that there is.
    #[error("a record has the unknown kind {0}")]
    Kind(u32),
    /// It ends before what it announces does.
    #[error("a record announces {announced} entries and holds {held}")]
    Count {
        /// Entries by the header.
        announced: u32,
        /// Whole entries found.
        held: usize,
    },
    /// A call ended in a way that there is not.
    #[error("a call has the unknown exit {0}")]
    Exit(u8),
    /// Captured values end before their size says.
    #[error("captured values are cut off: {0} bytes are too few for what begins there")]
    Values(usize),
    /// Values were captured at a moment that there is not.
    #[error("values were captured at the unknown moment {0}")]
    Moment(u8),
}
