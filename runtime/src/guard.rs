//! Probes that are gone before the file in which they are is written to.
//!
//! A probe is a breakpoint at an offset of a file, whatever is there: in another build's code it stands in the middle of an instruction. The
//! kernel forbids writing to a file that is running, but not to one that nobody runs at the moment, nor to a shared object. So whoever attaches
//! takes a read lease first (fcntl(2), F_SETLEASE). Somebody who opens the file for writing, or cuts it, waits then until the lease is given
//! back (at most for the time in /proc/sys/fs/lease-break-time), and it is given back when there are no probes any more.
//!
//! A thread watches for that, since the rest of the program may be waiting for its output to be read. What a lease does not show, because
//! it happens in another machine, in the server of a FUSE file system or below an overlay, is noticed soon after: by size and time of modification,
//! or by the code in which the probes are, where only the time of change is another one.

#![allow(unsafe_code)]

use std::{
    io, mem,
    os::fd::{AsRawFd, BorrowedFd},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{RecvTimeoutError, Sender, channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use compiler::plan::Site;

use self::keeper::Keeper;
use crate::{Binary, Error, attach::Attached, probed::Probed};

mod keeper;

/// How often the lease is looked at.
const LOOK: Duration = Duration::from_millis(50);
/// How often the file is.
const LOOK_AT_FILE: Duration = Duration::from_millis(250);
/// A process that is just being started may hold what its parent had open for writing.
const PATIENCE: Duration = Duration::from_millis(500);

/// For how long the kernel makes a writer wait, unless that is for ever.
#[must_use]
pub fn lease_break_time() -> Option<Duration> {
    let seconds = std::fs::read_to_string("/proc/sys/fs/lease-break-time").ok()?;
    match seconds.trim().parse().ok()? {
        0 => None,
        seconds => Some(Duration::from_secs(seconds)),
    }
}

/// Holds the lease of one file. Dropping it takes all probes of the file away, and gives the lease back.
pub(crate) struct Guard {
    probes: Arc<Probes>,
    watching: Option<(Sender<()>, JoinHandle<()>)>,
}

/// The probes of one file, as far as they are in place.
pub(crate) struct Probes {
    binary: Binary,
    state: Mutex<State>,
    written: AtomicBool,
}

struct State {
    /// None are attached any more.
    ended: bool,
    places: Vec<Arc<Mutex<Option<Attached>>>>,
    code: Probed,
    /// The lease is held until this is dropped.
    keeper: Option<Keeper>,
}

/// Probes of a trace. Dropping it detaches, unless that has happened already.
pub(crate) struct Held {
    place: Arc<Mutex<Option<Attached>>>,
    probes: Arc<Probes>,
}

impl Guard {
    /// Takes a lease, and watches over it. Nobody has written to the file since it was opened, and nobody does.
    pub(crate) fn new(binary: &Binary) -> Result<Self, Error> {
        take_lease(binary)?;
        let keeper = Keeper::start(binary.as_fd());
        let probes = Arc::new(Probes {
            binary: binary.clone(),
            state: Mutex::new(State {
                ended: false,
                places: Vec::new(),
                code: Probed::default(),
                keeper: None,
            }),
            written: AtomicBool::new(false),
        });
        // From here on the lease is given back wherever this fails.
        let mut guard = Self {
            probes: Arc::clone(&probes),
            watching: None,
        };
        let system = |what| move |error| Error::System { what, error };
        lock(&probes.state).keeper =
            Some(keeper.map_err(system("starting a process to hold a lease"))?);
        let mut changed_at = binary.changed_at();
        binary.unchanged()?;
        let (stop, stopped) = channel::<()>();
        let watch = move || {
            let mut looked = Instant::now();
            while stopped.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
                let mut written = false;
                if looked.elapsed() >= LOOK_AT_FILE {
                    looked = Instant::now();
                    written = probes.binary.is_changed();
                    // Asked first: what is changed meanwhile is looked at the next time.
                    let now = probes.binary.changed_at();
                    if mem::replace(&mut changed_at, now) != now {
                        written |= !lock(&probes.state).code.is_as_it_was(&probes.binary);
                    }
                    if written {
                        // What is read from now on would be another build's names and places.
                        let _ = probes.binary.forget();
                    }
                }
                if written || !has_lease(&probes.binary) {
                    probes.written.store(true, Ordering::SeqCst);
                    return probes.end();
                }
            }
        };
        let thread = thread::Builder::new()
            .name("guard".into())
            .spawn(watch)
            .map_err(system("starting a thread"))?;
        guard.watching = Some((stop, thread));
        Ok(guard)
    }

    /// The probes that it guards.
    pub(crate) fn probes(&self) -> &Arc<Probes> {
        &self.probes
    }

    /// Whether probes were taken away because the file is written to.
    pub(crate) fn is_written(&self) -> bool {
        self.probes.written.load(Ordering::SeqCst)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.watching.take() {
            drop(stop);
            let _ = thread.join();
        }
        self.probes.end();
    }
}

impl Probes {
    /// Attaches to these sites with the given function, unless the probes are to be gone, or the file holds something else there.
    pub(crate) fn attach<T>(
        self: &Arc<Self>,
        sites: &[Site],
        attach: impl FnOnce() -> Result<(Attached, T), Error>,
    ) -> Result<(Held, T), Error> {
        let mut state = lock(&self.state);
        if state.ended {
            return Err(Error::Written {
                path: self.binary.path().to_owned(),
            });
        }
        state.code.add(&self.binary, sites)?;
        let (attached, more) = attach()?;
        Ok((self.hold(&mut state, attached), more))
    }

    fn hold(self: &Arc<Self>, state: &mut State, attached: Attached) -> Held {
        state.places.retain(|place| Arc::strong_count(place) > 1);
        let place = Arc::new(Mutex::new(Some(attached)));
        state.places.push(Arc::clone(&place));
        Held {
            place,
            probes: Arc::clone(self),
        }
    }

    /// Takes the probes away, waits for others who are doing so, and gives the lease back.
    fn end(&self) {
        let mut state = lock(&self.state);
        if mem::replace(&mut state.ended, true) {
            return;
        }
        // The kernel waits for running probes: side by side it waits once.
        thread::scope(|scope| {
            for place in mem::take(&mut state.places) {
                scope.spawn(move || drop(lock(&place).take()));
            }
        });
        // Names are still read from the file: it has to stay the one that was traced. Where there is no memory for that, names are lost.
        if self.written.load(Ordering::SeqCst) {
            let _ = self.binary.keep();
        }
        state.keeper = None;
        give_lease_back(&self.binary);
    }
}

impl Held {
    /// The sites, where each is an event of its own that is still there.
    pub(crate) fn events(&self) -> Option<Vec<Site>> {
        match &*lock(&self.place) {
            Some(Attached::Perf(events)) => Some(events.iter().map(|(site, _)| *site).collect()),
            _ => None,
        }
    }

    /// Where each site is an event of its own: takes in the `further` ones, and gives those apart that are not wanted.
    pub(crate) fn exchange(
        &self,
        further: Option<&Self>,
        wanted: impl Fn(&Site) -> bool,
    ) -> Option<Self> {
        // The order of locks is the one of `Probes::end`.
        let mut state = lock(&self.probes.state);
        let mut place = lock(&self.place);
        let Some(Attached::Perf(events)) = place.as_mut() else {
            return None;
        };
        let (mut stay, go): (Vec<_>, Vec<_>) = mem::take(events)
            .into_iter()
            .partition(|(site, _)| wanted(site));
        if let Some(further) = further
            && let Some(Attached::Perf(more)) = lock(&further.place).as_mut()
        {
            stay.append(more);
        }
        *events = stay;
        Some(self.probes.hold(&mut state, Attached::Perf(go)))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // The lock is held until the probes are gone, for whoever waits for that.
        let mut place = lock(&self.place);
        drop(place.take());
    }
}

/// What is behind a lock is never half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn fcntl(file: BorrowedFd<'_>, command: libc::c_int, value: libc::c_int) -> io::Result<i32> {
    // SAFETY: these commands take and give integers.
    match unsafe { libc::fcntl(file.as_raw_fd(), command, value) } {
        -1 => Err(io::Error::last_os_error()),
        answer => Ok(answer),
    }
}

fn take_lease(binary: &Binary) -> Result<(), Error> {
    let file = binary.as_fd();
    // A signal that does nothing, where SIGIO would end this process. F_SETSIG is 10 (include/uapi/asm-generic/fcntl.h).
    const F_SETSIG: libc::c_int = 10;
    let lease = || {
        fcntl(file, F_SETSIG, libc::SIGURG)?;
        fcntl(file, libc::F_SETLEASE, libc::F_RDLCK)
    };
    let began = Instant::now();
    loop {
        let Err(error) = lease() else { return Ok(()) };
        let path = binary.path().to_owned();
        return Err(match error.raw_os_error() {
            Some(libc::EAGAIN) if began.elapsed() < PATIENCE => {
                thread::sleep(Duration::from_millis(10));
                continue;
            }
            Some(libc::EAGAIN) => Error::OpenForWriting { path },
            Some(libc::EACCES | libc::EPERM) => Error::LeasePrivilege { path },
            _ => Error::NoLease { path, error },
        });
    }
}

/// Whether the lease is there and nobody waits for it.
fn has_lease(binary: &Binary) -> bool {
    fcntl(binary.as_fd(), libc::F_GETLEASE, 0).is_ok_and(|lease| lease == libc::F_RDLCK)
}

fn give_lease_back(binary: &Binary) {
    let _ = fcntl(binary.as_fd(), libc::F_SETLEASE, libc::F_UNLCK);
}
