//! What a person reads while something takes long: which step it is, how long it usually takes, and that it goes on.

use std::{
    io::{self, IsTerminal},
    process::{Command, ExitStatus},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};

use crate::workspace::{describe, succeeded};

/// How long nothing may be said.
const SILENCE: Duration = Duration::from_secs(5);

/// Numbers the steps of a chore.
pub struct Steps {
    done: usize,
    all: usize,
}

impl Steps {
    /// None of `all` steps is done.
    #[must_use]
    pub const fn new(all: usize) -> Self {
        Self { done: 0, all }
    }

    /// Says what is done now, and how long it usually takes.
    pub fn next(&mut self, what: &str, length: &str) {
        self.done += 1;
        eprintln!("[{}/{}] {what} ({length}) …", self.done, self.all);
    }
}

/// Runs a command that shows how far it is where it has a terminal, to its end; elsewhere as [`run_silent`].
///
/// # Errors
/// Where it cannot be started or does not exit with 0.
pub fn run_showing(command: &mut Command) -> Result<()> {
    if io::stderr().is_terminal() {
        crate::workspace::run(command)
    } else {
        run_silent(command)
    }
}

/// Runs a command that says little to its end, and says itself that it goes on.
///
/// # Errors
/// Where it cannot be started or does not exit with 0.
pub fn run_silent(command: &mut Command) -> Result<()> {
    let began = Instant::now();
    let status = wait(command, SILENCE, || {
        eprintln!("  … {} s", began.elapsed().as_secs());
    })?;
    succeeded(command, status)
}

/// Waits for a command's end, and calls `tell` each time that `every` has passed meanwhile.
fn wait(command: &mut Command, every: Duration, mut tell: impl FnMut()) -> Result<ExitStatus> {
    let mut child = command
        .spawn()
        .with_context(|| format!("cannot start {}", describe(command)))?;
    let mut told = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if told.elapsed() >= every {
            told = Instant::now();
            tell();
        }
        thread::sleep(Duration::from_millis(20));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Issue 10, from clone to first graph.
    #[test]
    fn a_command_that_says_nothing_is_spoken_for_until_it_ends() -> Result<()> {
        let mut told = 0;
        let status = wait(
            Command::new("sleep").arg("0.5"),
            Duration::from_millis(50),
            || told += 1,
        )?;
        assert!(status.success());
        assert!(told > 0, "somebody waits");
        Ok(())
    }

    #[test]
    fn what_fails_is_told_with_the_command() {
        let error =
            run_silent(Command::new("sh").args(["-c", "exit 3"])).map_err(|e| e.to_string());
        assert_eq!(error, Err("sh -c exit 3 failed: exit status: 3".to_owned()));
    }
}
