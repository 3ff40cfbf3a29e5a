//! What the benchmarks run: the tracer, the measuring program of `runtime/`, and Go programs to be traced. And how they are spoken to.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    ops::Add,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::large;
use crate::{
    toolchain::{NEWEST, Toolchain, Toolchains},
    workspace::{build_gofuncgraph, cache, cargo, cargo_target, output, root, run},
};

/// What is measured must not be dropped for its cost.
const WITHOUT_BUDGET: [&str; 2] = ["--budget", "off"];

/// The least size of the large program.
const LARGE_BYTES: u64 = 50_000_000;

/// Executables.
#[derive(Debug)]
pub struct Programs {
    /// The command.
    pub gofuncgraph: PathBuf,
    /// `runtime/examples/measure.rs`
    pub measure: PathBuf,
    /// The go command: a large program that is there anyway.
    pub go: PathBuf,
    /// `calls/`
    pub calls: PathBuf,
    /// `example/`
    pub example: PathBuf,
    /// [`large`], stripped; where it was asked for.
    pub large: PathBuf,
}

impl Programs {
    /// Builds them, the large program only where it is wanted: that takes minutes the first time.
    pub fn build(with_large: bool) -> Result<Self> {
        let folder = cache().join("bench");
        fs::create_dir_all(&folder)?;
        let gofuncgraph = build_gofuncgraph()?;
        run(cargo().args([
            "build",
            "--release",
            "--package",
            "gofuncgraph-runtime",
            "--example",
            "measure",
        ]))?;
        let toolchain = Toolchains::ensure(&[NEWEST])?
            .pop()
            .context("no Go toolchain")?;
        let programs = Self {
            gofuncgraph,
            measure: cargo_target().join("release/examples/measure"),
            go: toolchain.root.join("bin/go"),
            calls: folder.join("calls"),
            example: folder.join("example"),
            large: folder.join("large"),
        };
        go_build(
            &toolchain,
            &root().join("xtask/src/bench/calls"),
            &programs.calls,
            &[],
        )?;
        go_build(&toolchain, &root().join("example"), &programs.example, &[])?;
        if with_large {
            build_large(&toolchain, &folder, &programs.large)?;
        }
        Ok(programs)
    }

    /// The plan of a trace, as `explain` writes it.
    pub fn plan(&self, executable: &Path, trace: &str, options: &[&str]) -> Result<String> {
        output(
            Command::new(&self.gofuncgraph)
                .args(["explain", "--format", "json", "-e", trace])
                .args(options)
                .arg(executable),
        )
    }

    /// Attaches an empty eBPF program where the tracer would attach its own.
    pub fn empty(&self, executable: &Path, trace: &str) -> Result<Talking> {
        let plan = executable.with_extension("plan.json");
        fs::write(&plan, self.plan(executable, trace, &[])?)?;
        let (executable, plan) = (executable.to_string_lossy(), plan.to_string_lossy());
        let mut empty = Talking::start(&self.measure, &["empty", &executable, &plan])?;
        empty.line()?;
        Ok(empty)
    }

    /// Where functions begin and return.
    pub fn code(&self, executable: &Path, functions: &[&str]) -> Result<Vec<Code>> {
        let executable = executable.to_string_lossy();
        self.measure(&[&["code", &*executable], functions].concat())
    }

    /// A copy of an executable, whose probes and symbols are its own.
    pub fn copy(&self, executable: &Path, name: &str) -> Result<PathBuf> {
        let mut path = executable.as_os_str().to_owned();
        path.push("-");
        path.push(name);
        let path = PathBuf::from(path);
        // A copy that is still running must not be written to.
        let _ = fs::remove_file(&path);
        fs::copy(executable, &path).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }

    /// Runs the measuring program to its end and reads its JSON.
    pub fn measure<T: for<'a> Deserialize<'a>>(&self, arguments: &[&str]) -> Result<T> {
        let said = output(Command::new(&self.measure).args(arguments))?;
        serde_json::from_str(&said).context("the measuring program wrote what it should not")
    }
}

/// Places in a function, as link-time addresses.
#[derive(Debug, Clone, Deserialize)]
pub struct Code {
    /// Its first instruction.
    pub entry: u64,
    /// Each `ret`.
    pub returns: Vec<u64>,
}

fn go_build(toolchain: &Toolchain, folder: &Path, executable: &Path, flags: &[&str]) -> Result<()> {
    run(toolchain
        .go()
        .args(["build", "-buildvcs=false", "-o"])
        .arg(executable)
        .args(flags)
        .arg(".")
        .current_dir(folder))
}

fn build_large(toolchain: &Toolchain, folder: &Path, executable: &Path) -> Result<()> {
    let stamp = folder.join("large.source");
    let source = format!(
        "{:x} {}\n",
        Sha256::digest(include_bytes!("large.rs")),
        toolchain.version
    );
    if !executable.is_file() || fs::read_to_string(&stamp).ok().as_deref() != Some(&source) {
        eprintln!("building a large Go program, which takes minutes …");
        let module = folder.join("large-source");
        large::write(&module)?;
        go_build(toolchain, &module, executable, &["-ldflags=-s -w"])?;
        fs::write(&stamp, source)?;
    }
    let size = fs::metadata(executable)?.len();
    if size < LARGE_BYTES {
        bail!("the large program has become too small ({size} bytes): generate more packages");
    }
    Ok(())
}

/// A child that is spoken to over pipes and does not outlive us.
pub struct Talking {
    child: Child,
    answers: BufReader<ChildStdout>,
}

impl Talking {
    /// Starts it with its standard input and output piped.
    pub fn start(program: &Path, arguments: &[&str]) -> Result<Self> {
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let answers = BufReader::new(child.stdout.take().context("it has no output")?);
        Ok(Self { child, answers })
    }

    /// The next line that it writes.
    pub fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            bail!("it ended early: {}", self.child.wait()?);
        }
        Ok(line)
    }

    /// Writes a line and returns the answer.
    pub fn ask(&mut self, line: &str) -> Result<String> {
        let stdin = self.child.stdin.as_mut().context("its input is closed")?;
        writeln!(stdin, "{line}").and_then(|()| stdin.flush())?;
        self.line()
    }

    /// Closes its input and waits for its end.
    pub fn end(mut self) -> Result<()> {
        drop(self.child.stdin.take());
        let status = self.child.wait()?;
        if !status.success() {
            bail!("it failed: {status}");
        }
        Ok(())
    }
}

impl Drop for Talking {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program `calls/`, running.
pub struct Calls(Talking);

/// What it did.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Made {
    /// Calls of `main.busy`, or of `main.visits`.
    pub busy: u64,
    /// Calls of `main.small`, or what was called in its place.
    pub small: u64,
    /// Processor time of its workers.
    pub cpu_ns: f64,
    /// Time.
    pub wall_ns: f64,
}

impl Calls {
    /// Starts it, or a copy of it.
    pub fn start(executable: &Path) -> Result<Self> {
        let mut talking = Talking::start(executable, &[])?;
        talking.line()?;
        Ok(Self(talking))
    }

    /// Has `workers` goroutines call `main.busy`, which calls `main.small` `calls` times; without `calls`, `main.small` outside of it.
    /// `rate` bounds the calls of `main.busy` that each makes in a second.
    pub fn run(
        &mut self,
        seconds: f64,
        workers: usize,
        calls: usize,
        rate: Option<u64>,
    ) -> Result<Made> {
        self.call("small", seconds, workers, calls, rate)
    }

    /// The same with another function in the place of `main.small`; `visit` is called by `main.visits`.
    pub fn call(
        &mut self,
        function: &str,
        seconds: f64,
        workers: usize,
        calls: usize,
        rate: Option<u64>,
    ) -> Result<Made> {
        let answer = self.0.ask(&format!(
            "{seconds}s {workers} {calls} {} {function}",
            rate.unwrap_or(0)
        ))?;
        serde_json::from_str(&answer)
            .with_context(|| format!("the calling program said {answer:?}"))
    }
}

impl Made {
    /// Processor time of a call, in nanoseconds.
    pub fn per_call(self) -> f64 {
        self.cpu_ns / (self.busy + self.small).max(1) as f64
    }
}

impl Add for Made {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            busy: self.busy + other.busy,
            small: self.small + other.small,
            cpu_ns: self.cpu_ns + other.cpu_ns,
            wall_ns: self.wall_ns + other.wall_ns,
        }
    }
}

/// The tracer, attached.
pub struct Tracing {
    child: Child,
    /// Rest of its standard error, gathered as it comes.
    messages: Option<thread::JoinHandle<String>>,
    /// From starting it to its saying that it traces.
    pub ready_after: Duration,
}

impl Tracing {
    /// Starts the command and waits until it says on its standard error that it traces.
    pub fn gofuncgraph(programs: &Programs, arguments: &[&str]) -> Result<Self> {
        let begun = Instant::now();
        let mut child = Command::new(&programs.gofuncgraph)
            .args(WITHOUT_BUDGET)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .context("cannot start gofuncgraph")?;
        let mut messages = BufReader::new(child.stderr.take().context("it has no standard error")?);
        let mut before = String::new();
        loop {
            let seen = before.len();
            if messages.read_line(&mut before)? == 0 {
                bail!("gofuncgraph ended early ({}):\n{before}", child.wait()?);
            }
            if before
                .get(seen..)
                .is_some_and(|line| line.starts_with("tracing "))
            {
                break;
            }
        }
        Ok(Self {
            ready_after: begun.elapsed(),
            messages: Some(gather(messages)),
            child,
        })
    }

    /// A line of /proc/PID/status that holds kB, in bytes: `VmHWM`, `RssAnon`.
    pub fn memory(&self, name: &str) -> Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let kilobytes: f64 = status
            .lines()
            .find_map(|line| {
                line.strip_prefix(name)?
                    .strip_prefix(':')?
                    .trim()
                    .strip_suffix(" kB")
            })
            .with_context(|| format!("no {name} in its status"))?
            .parse()?;
        Ok(kilobytes * 1024.0)
    }

    /// Sends a signal.
    pub fn signal(&self, name: &str) -> Result<()> {
        signal(&self.child, name)
    }

    /// Interrupts it, waits for its end and returns the rest of its messages.
    pub fn stop(mut self) -> Result<String> {
        signal(&self.child, "INT")?;
        let status = self.child.wait()?;
        let messages = self
            .messages
            .take()
            .and_then(|m| m.join().ok())
            .unwrap_or_default();
        if !status.success() {
            bail!("gofuncgraph failed ({status}):\n{messages}");
        }
        Ok(messages)
    }
}

impl Drop for Tracing {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal.
pub fn signal(child: &Child, name: &str) -> Result<()> {
    run(Command::new("kill").args(["-s", name, &child.id().to_string()]))
}

fn gather(mut stream: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut text = String::new();
        let _ = stream.read_to_string(&mut text);
        text
    })
}
