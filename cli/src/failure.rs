//! How the command fails: 2 for a wrong program or usage, 1 for everything that happens at run time.

use std::{fmt, process::ExitCode};

use crate::terminal::say;

fn line(text: &str) -> String {
    render::escape(text).into_owned()
}

/// Wrong usage, with a way out.
#[derive(Debug)]
pub struct Usage {
    message: String,
    help: String,
}

impl Usage {
    /// What is wrong, and what to do about it: a line each, whatever names are in them.
    pub fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            message: line(&message.into()),
            help: line(&help.into()),
        }
    }
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n  help: {}", self.message, self.help)
    }
}

impl std::error::Error for Usage {}

/// What cannot be done, with a way out where there is one.
#[derive(Debug)]
pub struct Refused {
    message: String,
    help: Option<String>,
}

impl Refused {
    /// Why not, and what to do about it: a line each, whatever names are in them.
    pub fn new(message: impl Into<String>, help: Option<String>) -> Self {
        Self {
            message: line(&message.into()),
            help: help.as_deref().map(line),
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.help {
            Some(help) => write!(f, "\n  help: {help}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Refused {}

/// A program with errors; they have been reported.
#[derive(Debug)]
pub struct WrongProgram;

impl fmt::Display for WrongProgram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the program has errors")
    }
}

impl std::error::Error for WrongProgram {}

/// With fewer addresses, even a small executable is traced on some runs and not on others (threads, and what the allocator sets aside).
const LEAST_ADDRESSES: u64 = 256 << 20;

/// How the standard library ends what it says of EMFILE, whoever reports it.
const TOO_MANY_FILES: &str = "(os error 24)";

/// Memory that is not there ends the tracer at any place, so that it is looked for first.
pub fn enough_memory() -> anyhow::Result<()> {
    match runtime::process::address_space() {
        Some(bytes) if bytes < LEAST_ADDRESSES => Err(Refused::new(
            format!(
                "the address space of this shell is limited to {} MiB, and {} are needed, more for large executables",
                bytes >> 20,
                LEAST_ADDRESSES >> 20
            ),
            Some("raise the limit: ulimit -v unlimited".to_owned()),
        )
        .into()),
        _ => Ok(()),
    }
}

/// Says what is wrong with the command line, or what was asked for in its place.
pub fn not_understood(error: &clap::Error) -> ExitCode {
    let is_unsafe = |argument: std::ffi::OsString| {
        argument
            .to_str()
            .is_none_or(|text| render::escape(text) != text)
    };
    if !error.use_stderr() || !std::env::args_os().any(is_unsafe) {
        error.exit();
    }
    let text = error.render().to_string();
    let lines: Vec<_> = text.lines().map(render::escape).collect();
    say!("{}", lines.join("\n"));
    ExitCode::from(2)
}

/// Says what went wrong on stderr, and gives the exit code.
pub fn report(error: &anyhow::Error) -> ExitCode {
    if error.is::<WrongProgram>() {
        return ExitCode::from(2);
    }
    let usage = error.is::<Usage>();
    // Paths and the verifier's log may hold anything.
    let text = if usage {
        error.to_string()
    } else {
        format!("{error:#}")
    };
    let mut lines: Vec<_> = text.lines().map(render::escape).collect();
    if text.contains(TOO_MANY_FILES) {
        lines.push("  help: raise the limit of open files of this shell: ulimit -n 4096".into());
    }
    say!("error: {}", lines.join("\n"));
    ExitCode::from(if usage { 2 } else { 1 })
}
