//! A process that holds the lease with us, for what we cannot do ourselves.
//!
//! Where the tracer is killed, the kernel closes its files in no order that could be relied upon; this process holds the lease until the
//! tracer is gone altogether, probes included. Where the tracer is stopped (Ctrl-Z), it is told to go on when somebody waits for the lease.
//!
//! It is forked from a process with several threads, so it does nothing but system calls (fork(2), signal-safety(7)), and never comes back.

#![allow(unsafe_code)]

use std::{
    io,
    os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd},
};

/// How often the lease is looked at, in milliseconds.
const LOOK: libc::c_int = 200;

/// The process; dropping it ends it.
pub(super) struct Keeper(libc::pid_t);

impl Keeper {
    /// Forks.
    pub(super) fn start(lease: BorrowedFd<'_>) -> io::Result<Self> {
        let tracer = std::process::id() as libc::pid_t;
        // SAFETY: pidfd_open takes two integers, and returns a descriptor that nobody else owns.
        let watched = unsafe {
            match libc::syscall(libc::SYS_pidfd_open, tracer, 0) {
                -1 => return Err(io::Error::last_os_error()),
                fd => OwnedFd::from_raw_fd(fd as RawFd),
            }
        };
        // SAFETY: the child calls `keep` and nothing else, which keeps to what is safe after a fork.
        match unsafe { libc::fork() } {
            -1 => Err(io::Error::last_os_error()),
            0 => keep(lease.as_raw_fd(), watched.as_raw_fd(), tracer),
            pid => Ok(Self(pid)),
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        let mut status = 0;
        // SAFETY: the child has not been waited for, so the number is still its own; waitpid writes to the one integer.
        unsafe {
            libc::kill(self.0, libc::SIGKILL);
            libc::waitpid(self.0, &mut status, 0);
        }
    }
}

/// The child's life.
fn keep(lease: RawFd, watched: RawFd, tracer: libc::pid_t) -> ! {
    // Of all that was open only these two stay, so that nobody waits for the end of our output, and no probe for ours. They have
    // numbers above those that they get, since the standard streams are open.
    // SAFETY: system calls on integers, and on one pollfd.
    unsafe {
        // Ctrl-C and Ctrl-Z are not for us.
        libc::setsid();
        libc::dup2(lease, 0);
        libc::dup2(watched, 1);
        libc::syscall(libc::SYS_close_range, 2, libc::c_uint::MAX, 0);
        loop {
            let mut end = libc::pollfd {
                fd: 1,
                events: libc::POLLIN,
                revents: 0,
            };
            if libc::poll(&raw mut end, 1, LOOK) > 0 {
                libc::_exit(0);
            }
            if libc::fcntl(0, libc::F_GETLEASE) != libc::F_RDLCK {
                libc::kill(tracer, libc::SIGCONT);
            }
        }
    }
}
