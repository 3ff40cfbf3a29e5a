//! Running the tracer as its user would.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    ops::Deref,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Output, Stdio},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::{NamedTempFile, TempPath};

use crate::{tree, workspace};

/// The command under test: `GOFUNCGRAPH_BIN`, else the release build, else the debug build.
///
/// # Panics
/// None of them is there.
#[must_use]
pub fn binary() -> PathBuf {
    if let Some(path) = std::env::var_os("GOFUNCGRAPH_BIN") {
        return path.into();
    }
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| workspace().join("target"), PathBuf::from);
    ["release", "debug"]
        .iter()
        .map(|profile| target.join(profile).join("gofuncgraph"))
        .find(|path| path.exists())
        .expect("the command: run `cargo build --release -p gofuncgraph` first")
}

/// Runs the command to its end.
///
/// # Panics
/// It cannot be started.
#[must_use]
pub fn run(args: &[&str]) -> Output {
    Command::new(binary())
        .args(args)
        .stdin(Stdio::null())
        .output()
        .expect("the command runs")
}

/// Whether the probe program does the return here, so that each `ret` is probed however the tracer is asked to.
///
/// # Panics
/// The command does not say.
#[must_use]
pub fn program_returns() -> bool {
    let output = run(&["--version"]);
    let said = String::from_utf8_lossy(&output.stdout);
    let answer = said
        .split_once("returns without single-stepping ")
        .unwrap_or_else(|| panic!("{said}"));
    answer.1.starts_with("yes")
}

/// What a trace gave.
#[derive(Debug)]
pub struct Traced {
    /// Its JSON lines.
    pub lines: Vec<Value>,
    /// What the target wrote to stdout (and the tracer, where that goes there too).
    pub stdout: String,
    /// Messages.
    pub stderr: String,
    /// Exit code.
    pub code: Option<i32>,
}

impl Traced {
    /// The last line: totals.
    ///
    /// # Panics
    /// It is not there.
    #[must_use]
    pub fn end(&self) -> &Value {
        self.lines
            .last()
            .filter(|line| line["type"] == "end")
            .unwrap_or_else(|| panic!("no totals; stderr:\n{}", self.stderr))
    }

    /// Asserts that the trace ended well and lost nothing.
    ///
    /// # Panics
    /// It did not.
    pub fn assert_complete(&self, context: &str) {
        assert_eq!(self.code, Some(0), "{context}: {}", self.stderr);
        let end = self.end();
        for (name, value) in end.as_object().into_iter().flatten() {
            if !matches!(
                name.as_str(),
                "type" | "graphs" | "filtered" | "probe_ns" | "cost" | "seconds"
            ) {
                assert_eq!(value.as_u64(), Some(0), "{context}: {name} in {end}");
            }
        }
        for graph in self.lines.iter().filter(|l| l["type"] == "graph") {
            assert_eq!(graph["complete"], true, "{context}: an incomplete graph");
        }
    }
}

/// Launches `program` under the tracer and waits for both.
///
/// # Panics
/// The command cannot be started.
#[must_use]
pub fn launch(trace: &str, options: &[&str], program: &Path, args: &[&str]) -> Traced {
    launch_with(trace, options, program, args, &[])
}

/// The same with more environment.
///
/// # Panics
/// The command cannot be started.
#[must_use]
pub fn launch_with(
    trace: &str,
    options: &[&str],
    program: &Path,
    args: &[&str],
    environment: &[(&str, &str)],
) -> Traced {
    let program = program.to_str().expect("a path in UTF-8");
    let launched = [options, &["--", program], args].concat();
    Recording::start_with(trace, &launched, environment).finish()
}

/// The tracer, writing its graphs as JSON to a file of its own.
pub struct Recording {
    running: Running,
    graphs: TempPath,
}

impl Recording {
    /// Starts it. `options` say also what is traced.
    ///
    /// # Panics
    /// It cannot be started.
    #[must_use]
    pub fn start(trace: &str, options: &[&str]) -> Self {
        Self::start_with(trace, options, &[])
    }

    /// The same with more environment.
    ///
    /// # Panics
    /// It cannot be started.
    #[must_use]
    pub fn start_with(trace: &str, options: &[&str], environment: &[(&str, &str)]) -> Self {
        let graphs = NamedTempFile::new().expect("a file").into_temp_path();
        let out = graphs.to_str().expect("a path in UTF-8");
        // Whole trees are compared: a slow machine must not have functions dropped.
        let budget: &[&str] = if options.contains(&"--budget") {
            &[]
        } else {
            &["--budget", "off"]
        };
        let args = [
            &["-e", trace, "--format", "json", "-o", out],
            budget,
            options,
        ]
        .concat();
        Self {
            running: Running::start_with(&binary(), &args, environment),
            graphs,
        }
    }

    /// What it has written up to now.
    ///
    /// # Panics
    /// The file is gone.
    #[must_use]
    pub fn so_far(&self) -> String {
        fs::read_to_string(&self.graphs).expect("the graphs")
    }

    /// Writes a line to its stdin, which is that of what it launches.
    ///
    /// # Panics
    /// As [`Running::say`].
    pub fn say(&mut self, line: &str) {
        self.running.say(line);
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// As [`Running::finish`].
    #[must_use]
    pub fn finish(self) -> Traced {
        let Self { running, graphs } = self;
        let (code, stdout, stderr) = running.finish();
        let text = fs::read_to_string(&graphs).expect("the graphs");
        Traced {
            lines: text.lines().map(tree::parse).collect(),
            stdout,
            stderr,
            code,
        }
    }
}

impl Deref for Recording {
    type Target = Running;

    fn deref(&self) -> &Running {
        &self.running
    }
}

/// A file name of our own.
#[must_use]
pub fn temporary(name: &str) -> PathBuf {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!(
        "gofuncgraph-test-{}-{number}-{name}",
        std::process::id()
    ))
}

/// A running process whose output is gathered as it comes.
pub struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Option<JoinHandle<String>>,
    stderr: Option<JoinHandle<String>>,
    seen: std::sync::mpsc::Receiver<String>,
}

impl Running {
    /// Starts a command with piped streams.
    ///
    /// # Panics
    /// It cannot be started.
    #[must_use]
    pub fn start(program: &Path, args: &[&str]) -> Self {
        Self::start_with(program, args, &[])
    }

    /// Starts a command with more environment.
    ///
    /// # Panics
    /// It cannot be started.
    #[must_use]
    pub fn start_with(program: &Path, args: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut child = crate::spawn(
            Command::new(program)
                .args(args)
                .envs(environment.iter().copied())
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped()),
        );
        let (send, seen) = std::sync::mpsc::channel();
        let stdout = child.stdout.take().map(|s| gather(s, send.clone()));
        let stderr = child.stderr.take().map(|s| gather(s, send));
        Self {
            stdin: child.stdin.take(),
            child,
            stdout,
            stderr,
            seen,
        }
    }

    /// Starts the tracer.
    #[must_use]
    pub fn tracer(args: &[&str]) -> Self {
        Self::start(&binary(), args)
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits for a line, of stdout or stderr, that contains `text`, and returns it.
    ///
    /// # Panics
    /// It does not come within a minute.
    pub fn wait_for(&self, text: &str) -> String {
        let deadline = Instant::now() + Duration::from_secs(60);
        let mut before = String::new();
        while let Ok(line) = self
            .seen
            .recv_timeout(deadline.saturating_duration_since(Instant::now()))
        {
            if line.contains(text) {
                return line;
            }
            before.push_str(&line);
        }
        panic!("no {text:?} in the output:\n{before}");
    }

    /// Writes a line to its stdin.
    ///
    /// # Panics
    /// It has closed it.
    pub fn say(&mut self, line: &str) {
        use std::io::Write;
        let stdin = self.stdin.as_mut().expect("stdin");
        writeln!(stdin, "{line}")
            .and_then(|()| stdin.flush())
            .expect("it reads");
    }

    /// Sends a signal.
    ///
    /// # Panics
    /// `kill` cannot be run.
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args(["-s", name, &self.pid().to_string()])
            .status()
            .expect("kill runs");
        assert!(status.success(), "kill -s {name}");
    }

    /// Whether it still runs.
    ///
    /// # Panics
    /// Waiting fails.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("wait").is_none()
    }

    /// Waits for its end: exit code (none after a signal), stdout, stderr.
    ///
    /// # Panics
    /// Waiting fails, or it does not end within two minutes.
    pub fn finish(mut self) -> (Option<i32>, String, String) {
        drop(self.stdin.take());
        let deadline = Instant::now() + Duration::from_secs(120);
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("wait") {
                break status;
            }
            assert!(
                Instant::now() < deadline,
                "process {} does not end",
                self.pid()
            );
            std::thread::sleep(Duration::from_millis(5));
        };
        let text = |handle: Option<JoinHandle<String>>| {
            handle.and_then(|h| h.join().ok()).unwrap_or_default()
        };
        (
            status.code(),
            text(self.stdout.take()),
            text(self.stderr.take()),
        )
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn gather(
    stream: impl Read + Send + 'static,
    send: std::sync::mpsc::Sender<String>,
) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut text = String::new();
        let mut reader = BufReader::new(stream);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
            let part = String::from_utf8_lossy(&line).into_owned();
            text.push_str(&part);
            let _ = send.send(part);
            line.clear();
        }
        text
    })
}
