//! Which entries of the map `values` are somebody's: a bit for each, which programs take and give back at the same time.

#![allow(unsafe_code)]

use std::{
    io,
    os::fd::{AsRawFd, BorrowedFd},
    sync::atomic::{AtomicU64, Ordering},
};

use memmap2::{MmapMut, MmapOptions};

/// Words that hold a bit for each of so many entries.
pub(crate) fn words(entries: u32) -> u32 {
    entries.div_ceil(u64::BITS)
}

/// The memory of the map `rooms`.
pub(crate) struct Rooms(MmapMut);

impl Rooms {
    pub(crate) fn of(rooms: BorrowedFd<'_>, entries: u32) -> io::Result<Self> {
        let bytes = words(entries) as usize * size_of::<u64>();
        // SAFETY: the memory is the map's, which nothing shrinks; it is only used through atomics below.
        unsafe { MmapOptions::new().len(bytes).map_mut(rooms.as_raw_fd()) }.map(Self)
    }

    /// Gives an entry back whose owner is gone.
    pub(crate) fn free(&mut self, entry: u32) {
        let at = (entry / u64::BITS) as usize * size_of::<u64>();
        if at + size_of::<u64>() > self.0.len() {
            return;
        }
        // SAFETY: the eight bytes are in the mapping, aligned (it begins with a page), and others, which are programs in the kernel, use
        // atomic operations on them too.
        let word = unsafe { AtomicU64::from_ptr(self.0.as_mut_ptr().add(at).cast()) };
        word.fetch_and(!(1 << (entry % u64::BITS)), Ordering::SeqCst);
    }
}
