//! Whether a process still runs, whoever gets its id later.

#![allow(unsafe_code)]

use std::{
    io,
    os::fd::{AsRawFd, FromRawFd, OwnedFd},
};

use crate::Error;

/// A process that is there: this one, and none that gets its id later.
#[derive(Debug)]
pub struct Running {
    descriptor: OwnedFd,
}

impl Running {
    /// The process with this id.
    ///
    /// # Errors
    /// [`Error::System`]: there is none.
    pub fn find(pid: u32) -> Result<Self, Error> {
        // SAFETY: pidfd_open takes two integers.
        let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid as libc::pid_t, 0) };
        let fd = if fd < 0 {
            Err(io::Error::last_os_error())
        } else {
            i32::try_from(fd).map_err(io::Error::other)
        };
        let fd = fd.map_err(|error| Error::System {
            what: "looking for the process",
            error,
        })?;
        Ok(Self {
            // SAFETY: the call succeeded and returns a new descriptor that nobody else owns.
            descriptor: unsafe { OwnedFd::from_raw_fd(fd) },
        })
    }

    /// Whether it has ended, which it has not as long as any thread of it is there.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        let mut fd = libc::pollfd {
            fd: self.descriptor.as_raw_fd(),
            events: libc::POLLIN,
            revents: 0,
        };
        // SAFETY: one pollfd is passed, and its descriptor lives as long as `self`.
        unsafe { libc::poll(&mut fd, 1, 0) > 0 }
    }
}
