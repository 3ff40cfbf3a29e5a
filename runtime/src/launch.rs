//! Starting the target stopped before its first instruction, so that nothing it does is missed.
//!
//! The child asks to be traced and execs; the kernel stops it once the new image is mapped (ptrace(2), PTRACE_TRACEME). Probes attach to
//! that image, and only then it is let go. If this process dies before, the child dies with it (PTRACE_O_EXITKILL), never left stopped.

#![allow(unsafe_code)]

use std::{
    io,
    os::unix::process::CommandExt,
    process::{Child, Command, ExitStatus},
};

use crate::{Error, process::Task};

/// A started command.
#[derive(Debug)]
pub struct Launched {
    child: Child,
    stopped: bool,
}

/// Why the kernel lets nobody trace a child of ours.
fn cannot_trace() -> Option<String> {
    // Who traces us with strace -f traces our children from their beginning.
    if let Some(tracer) = Task::of(std::process::id()).and_then(|this| this.tracer) {
        let name = Task::of(tracer).map(|task| task.name).unwrap_or_default();
        return Some(format!(
            "gofuncgraph itself is traced by process {tracer} ({name}), which has its children, too"
        ));
    }
    let yama = std::fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope").ok()?;
    (yama.trim() == "3").then(|| {
        "nobody may trace anything here (/proc/sys/kernel/yama/ptrace_scope is 3)".to_owned()
    })
}

impl Launched {
    /// Starts the command; it stops before its first instruction.
    ///
    /// # Errors
    /// [`Error::Launch`].
    pub fn start(command: &str, args: &[String]) -> Result<Self, Error> {
        let launch_error = |error| Error::Launch {
            command: command.to_owned(),
            error,
        };
        let mut builder = Command::new(command);
        builder.args(args);
        // SAFETY: ptrace is async-signal-safe; the closure allocates nothing.
        unsafe {
            builder.pre_exec(|| {
                if libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0) < 0 {
                    return Err(io::Error::last_os_error());
                }
                Ok(())
            });
        }
        let child = builder.spawn().map_err(|error| match cannot_trace() {
            Some(reason) if error.raw_os_error() == Some(libc::EPERM) => Error::CannotStop {
                command: command.to_owned(),
                reason,
            },
            _ => launch_error(error),
        })?;
        let pid = child.id() as libc::pid_t;
        let mut status = 0;
        // SAFETY: waitpid writes to the one integer that it is given.
        if unsafe { libc::waitpid(pid, &mut status, 0) } != pid {
            return Err(launch_error(io::Error::last_os_error()));
        }
        if !libc::WIFSTOPPED(status) {
            return Err(launch_error(io::Error::other(
                "it ended before its first instruction",
            )));
        }
        // SAFETY: the child is stopped and traced by this thread.
        unsafe { libc::ptrace(libc::PTRACE_SETOPTIONS, pid, 0, libc::PTRACE_O_EXITKILL) };
        Ok(Self {
            child,
            stopped: true,
        })
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Lets it run. To be called on the thread that started it.
    ///
    /// # Errors
    /// [`Error::System`].
    pub fn run(&mut self) -> Result<(), Error> {
        // SAFETY: the child is stopped and traced by this thread.
        let result =
            unsafe { libc::ptrace(libc::PTRACE_DETACH, self.child.id() as libc::pid_t, 0, 0) };
        if result < 0 {
            return Err(Error::System {
                what: "letting the command run",
                error: io::Error::last_os_error(),
            });
        }
        self.stopped = false;
        Ok(())
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }
}

impl Drop for Launched {
    fn drop(&mut self) {
        // Never leave it stopped: it has not run an instruction yet, so nothing is lost.
        if self.stopped {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}
