//! Memory as a predicate sees it: some of it cannot be read.

/// Memory of the traced process.
pub trait Memory {
    /// Fills `buffer` from `address` on.
    ///
    /// # Errors
    /// [`Unreadable`] where any of the bytes cannot be read.
    fn read(&self, address: u64, buffer: &mut [u8]) -> Result<(), Unreadable>;
}

/// A value could not be read, or there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unreadable;
