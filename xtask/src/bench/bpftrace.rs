//! bpftrace, for comparison: it counts at the entries and at every `ret` of some functions.

use std::{
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
};

use anyhow::{Context, Result, bail};

use super::{
    programs::{Code, signal},
    symbol,
};
use crate::workspace::{on_path, output};

/// What the symbols begin with that are added for it.
const ENTRY: &str = "bench_entry_";
const RETURN: &str = "bench_return_";

/// Its version, where it is installed.
///
/// # Errors
/// Where it does not say.
pub fn version() -> Result<Option<String>> {
    on_path("bpftrace")
        .then(|| output(Command::new("bpftrace").arg("--version")))
        .transpose()
}

/// bpftrace, counting.
pub struct Bpftrace {
    child: Child,
    said: BufReader<ChildStdout>,
}

/// How often it saw functions begin and return.
#[derive(Debug, Clone, Copy)]
pub struct Counted {
    /// At the first instruction.
    pub entered: u64,
    /// At a `ret`.
    pub left: u64,
}

impl Bpftrace {
    /// Adds symbols to an executable that is not running yet, for [`Bpftrace::start`] to find these functions.
    ///
    /// # Errors
    /// Where the executable cannot be changed.
    pub fn prepare(executable: &Path, functions: &[Code]) -> Result<()> {
        let mut symbols = Vec::new();
        for code in functions {
            symbols.push((format!("{ENTRY}{:x}", code.entry), code.entry));
            symbols.extend(
                code.returns
                    .iter()
                    .map(|at| (format!("{RETURN}{at:x}"), *at)),
            );
        }
        symbol::add(executable, &symbols)
    }

    /// Returns once it counts.
    ///
    /// # Errors
    /// Where it cannot be started, or ends early.
    pub fn start(executable: &Path) -> Result<Self> {
        let path = executable.to_string_lossy();
        // It ends a path at characters that it uses itself.
        if path.contains([':', ' ', '"', ',']) {
            bail!("bpftrace cannot be told of {path}");
        }
        // Probes are attached in the order of the program, so that the first tick comes after all others.
        let program = format!(
            "uprobe:{path}:{ENTRY}* {{ @entered = count(); }} uprobe:{path}:{RETURN}* {{ @left = count(); }} \
             interval:ms:100 {{ printf(\"tick\\n\"); }}"
        );
        let mut child = Command::new("bpftrace")
            .args(["-e", &program])
            .env("BPFTRACE_MAX_PROBES", "10000")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            // It complains of the kernel's features each time that it starts and ends.
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start bpftrace")?;
        let said = BufReader::new(child.stdout.take().context("bpftrace has no output")?);
        let mut this = Self { child, said };
        let mut line = String::new();
        while line.trim() != "tick" {
            line.clear();
            if this.said.read_line(&mut line)? == 0 {
                bail!("bpftrace ended early: {}", this.child.wait()?);
            }
        }
        Ok(this)
    }

    /// Ends it, which takes about 0.1 s for each site.
    ///
    /// # Errors
    /// Where it prints no counts.
    pub fn stop(mut self) -> Result<Counted> {
        signal(&self.child, "INT")?;
        let mut text = String::new();
        self.said.read_to_string(&mut text)?;
        self.child.wait()?;
        let count = |name: &str| -> Result<u64> {
            let found = text.lines().find_map(|line| line.strip_prefix(name));
            let found = found.with_context(|| format!("bpftrace said:\n{text}"))?;
            found.trim().parse().context("bpftrace printed no count")
        };
        Ok(Counted {
            entered: count("@entered: ")?,
            left: count("@left: ")?,
        })
    }
}

impl Drop for Bpftrace {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
