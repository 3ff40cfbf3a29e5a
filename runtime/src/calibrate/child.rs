//! The process that runs into the probes: a child of this one, so that neither this process nor the target pays for the measuring.
//!
//! It is forked from a process with several threads, so it does nothing but system calls and arithmetic on its own stack (fork(2),
//! signal-safety(7)), and never comes back. It ends when its parent does, and is killed when it takes too long.

#![allow(unsafe_code)]

use std::{
    io::{self, Read, Write},
    os::{
        fd::{AsRawFd, RawFd},
        unix::net::UnixStream,
    },
    time::Duration,
};

use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes};

use super::code::{G, Leaf, run};
use crate::{Error, clock::own_monotonic_ns};

/// Times that each thing is measured.
pub(super) const ROUNDS: usize = 12;
/// Calls of one measurement.
pub(super) const CALLS: u64 = 32;
/// Calls of one measurement where each takes long.
pub(super) const FEW_CALLS: u64 = 8;
/// Calls in a graph: more than are sent at once.
const CALLS_IN_GRAPH: u64 = 64;
/// It is done after a fiftieth of this on the slowest machine seen.
const PATIENCE: Duration = Duration::from_millis(500);

/// What the empty program was hit by, in nanoseconds.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
pub(super) struct Bare {
    /// [`CALLS`] of [`Leaf::BareEmulated`].
    pub emulated: u64,
    /// [`FEW_CALLS`] of [`Leaf::BareStepped`].
    pub stepped: u64,
}

/// What the real program was hit by, in nanoseconds. Calls in graphs are timed by their records.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
pub(super) struct Real {
    /// [`CALLS`] of [`Leaf::Emulated`].
    pub emulated: u64,
    /// [`FEW_CALLS`] of [`Leaf::Stepped`].
    pub stepped: u64,
    /// [`FEW_CALLS`] of [`Leaf::Returning`].
    pub returning: u64,
    /// [`FEW_CALLS`] of the target, with nothing in it.
    pub graphs: u64,
}

const BARE: u8 = 1;
const REAL: u8 = 2;

/// The child; dropping it ends it.
pub(super) struct Child {
    pid: libc::pid_t,
    orders: UnixStream,
}

impl Child {
    /// Forks. The child waits for its orders.
    pub(super) fn start() -> Result<Self, Error> {
        Self::fork().map_err(|error| system("starting a process to measure in", error))
    }

    fn fork() -> io::Result<Self> {
        let (ours, theirs) = UnixStream::pair()?;
        ours.set_read_timeout(Some(PATIENCE))?;
        let parent = std::process::id();
        // SAFETY: the child calls `obey` and nothing else, which keeps to what is safe after a fork.
        match unsafe { libc::fork() } {
            -1 => Err(io::Error::last_os_error()),
            0 => {
                // Or else the child would wait for itself to hang up.
                // SAFETY: close is safe after a fork, and `ours` is used no more.
                unsafe { libc::close(ours.as_raw_fd()) };
                obey(theirs.as_raw_fd(), parent)
            }
            pid => Ok(Self { pid, orders: ours }),
        }
    }

    pub(super) fn pid(&self) -> u32 {
        self.pid.unsigned_abs()
    }

    /// Has the bare leaves called.
    pub(super) fn bare(&mut self) -> Result<[Bare; ROUNDS], Error> {
        self.order(BARE)
    }

    /// Has everything else called.
    pub(super) fn real(&mut self) -> Result<[Real; ROUNDS], Error> {
        self.order(REAL)
    }

    fn order<T: FromZeros + FromBytes + IntoBytes>(&mut self, what: u8) -> Result<T, Error> {
        let mut answer = T::new_zeroed();
        self.orders
            .write_all(&[what])
            .and_then(|()| self.orders.read_exact(answer.as_mut_bytes()))
            .map_err(|error| system("measuring what a probe costs", error))?;
        Ok(answer)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let mut status = 0;
        // SAFETY: the child has not been waited for, so the number is still its own; waitpid writes to the one integer.
        unsafe {
            libc::kill(self.pid, libc::SIGKILL);
            libc::waitpid(self.pid, &mut status, 0);
        }
    }
}

fn system(what: &'static str, error: io::Error) -> Error {
    Error::System { what, error }
}

/// The child's life.
fn obey(orders: RawFd, parent: u32) -> ! {
    let g = G::on_this_stack();
    // SAFETY: prctl, getppid and _exit are system calls.
    unsafe {
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
        if libc::getppid().unsigned_abs() != parent {
            libc::_exit(1);
        }
    }
    loop {
        let mut order = 0_u8;
        // SAFETY: read writes to the one byte that it is given.
        let read = unsafe { libc::read(orders, (&raw mut order).cast(), 1) };
        let done = match (read, order) {
            (1, BARE) => answer(orders, &bare(&g)),
            (1, REAL) => answer(orders, &real(&g)),
            _ => false,
        };
        if !done {
            // SAFETY: as above.
            unsafe { libc::_exit(0) };
        }
    }
}

fn answer<T: IntoBytes + Immutable>(to: RawFd, what: &T) -> bool {
    let bytes = what.as_bytes();
    // A pair of local sockets takes so little in one piece (unix(7)).
    // SAFETY: write reads as many bytes as the slice has.
    let written = unsafe { libc::write(to, bytes.as_ptr().cast(), bytes.len()) };
    usize::try_from(written) == Ok(bytes.len())
}

fn time(what: impl FnOnce()) -> u64 {
    let before = own_monotonic_ns();
    what();
    own_monotonic_ns().saturating_sub(before)
}

fn bare(g: &G) -> [Bare; ROUNDS] {
    [(); ROUNDS].map(|()| Bare {
        emulated: time(|| run(Leaf::BareEmulated, g, CALLS, false)),
        stepped: time(|| run(Leaf::BareStepped, g, FEW_CALLS, false)),
    })
}

fn real(g: &G) -> [Real; ROUNDS] {
    [(); ROUNDS].map(|()| {
        run(Leaf::Emulated, g, CALLS_IN_GRAPH, true);
        run(Leaf::Stepped, g, FEW_CALLS, true);
        Real {
            emulated: time(|| run(Leaf::Emulated, g, CALLS, false)),
            stepped: time(|| run(Leaf::Stepped, g, FEW_CALLS, false)),
            returning: time(|| run(Leaf::Returning, g, FEW_CALLS, false)),
            graphs: time(|| (0..FEW_CALLS).for_each(|_| run(Leaf::Emulated, g, 0, true))),
        }
    })
}
