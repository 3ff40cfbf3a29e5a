//! Signals that end a trace.

use std::{
    panic,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{RecvTimeoutError, channel},
    },
    thread,
    time::Duration,
};

use anyhow::Context;
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ},
    iterator::Signals,
    low_level,
};

use crate::terminal::say;

/// How often it is looked for a signal while there is other work.
const LOOK: Duration = Duration::from_millis(20);
/// What the main thread has, as a rule.
const STACK: usize = 8 << 20;

/// Whether a signal came.
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// The first Ctrl-C sets a flag; the second ends this process at once, and the kernel takes the probes away.
    ///
    /// One thread takes all of them: handlers that run on two threads at once would each take its own for the first.
    ///
    /// # Errors
    /// Signals cannot be watched for.
    pub fn on_signals() -> anyhow::Result<Self> {
        // A file that reaches its limit of size is an error of the write, and no end without totals.
        signal_hook::flag::register(SIGXFSZ, Arc::default()).context("cannot watch for signals")?;
        let stop = Arc::new(AtomicBool::new(false));
        let mut signals =
            Signals::new([SIGINT, SIGTERM, SIGHUP]).context("cannot watch for signals")?;
        let came = Arc::clone(&stop);
        let watch = move || {
            for signal in signals.forever() {
                if came.swap(true, Ordering::Relaxed) {
                    low_level::exit(128 + signal);
                }
            }
        };
        (thread::Builder::new().spawn(watch)).context("cannot watch for signals")?;
        Ok(Self(stop))
    }

    /// Whether one came.
    pub fn came(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Whether one came before there are probes, which is said then.
    pub fn came_early(&self) -> bool {
        let came = self.came();
        if came {
            say!("ended by a signal before any probe was set");
        }
        came
    }

    /// Does what takes its time before there are probes, and does not wait for its end where a signal comes: `None`, and it is said.
    ///
    /// It goes on in another thread then until the process ends, which is all that there is to be done.
    pub fn unless_early<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> anyhow::Result<T> + Send + 'static,
    ) -> anyhow::Result<Option<T>> {
        let (send, result) = channel();
        let thread = thread::Builder::new()
            .stack_size(STACK)
            .spawn(move || {
                // Nobody wants it any more where that fails.
                let _ = send.send(work());
            })
            .context("cannot start a thread")?;
        loop {
            match result.recv_timeout(LOOK) {
                Ok(result) => return result.map(Some),
                Err(RecvTimeoutError::Timeout) if self.came_early() => return Ok(None),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => match thread.join() {
                    Err(panicked) => panic::resume_unwind(panicked),
                    Ok(()) => anyhow::bail!("a thread has ended without a result"),
                },
            }
        }
    }
}
