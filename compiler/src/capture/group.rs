//! Where entries of a map are.

use crate::{expression::Ty, shape::Full};

/// Where the entries of a map's first bucket or group are.
#[derive(Debug, Clone)]
pub(super) struct Group {
    pub(super) at: First,
    pub(super) rule: Full,
    /// Where the bytes are that tell which slots have an entry.
    pub(super) marks: u64,
    pub(super) key: Column,
    pub(super) value: Column,
}

/// The way from the map to its first bucket or group.
#[derive(Debug, Clone, Copy)]
pub(super) enum First {
    /// An address in the map.
    Buckets { offset: u64 },
    /// The same where the directory is empty, else that of a directory.
    Directory {
        pointer: u64,
        length: u64,
        /// In a table.
        groups: u64,
    },
}

/// Where keys or values are in a bucket or group.
#[derive(Debug, Clone)]
pub(super) struct Column {
    pub(super) ty: Ty,
    pub(super) offset: u64,
    /// Bytes from one to the next.
    pub(super) stride: u64,
    /// There are their addresses, since they are large (`abi.MapMaxKeyBytes`).
    pub(super) indirect: bool,
}
