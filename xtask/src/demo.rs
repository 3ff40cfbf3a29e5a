//! A first look for somebody who has just cloned the repository: trace a Go server that is slow now and then, and see why.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use crate::{
    toolchain::Toolchains,
    workspace::{as_root, build_gofuncgraph, cache, root, run},
};

const PROGRAM: &str = "trace main.handleBar < include net/http*, */internal/log*; min 100ms >";
/// What the tracer is told to stop at, whichever comes first.
const GRAPHS: &str = "4";
const LENGTH: &str = "10s";
/// When to give up on a tracer that does not stop.
const PATIENCE: Duration = Duration::from_secs(60);

/// Builds everything, starts the example server, sends it requests, traces it for a few seconds, and cleans up.
///
/// # Errors
/// Where something cannot be built, root cannot be had, or the tracer fails.
pub fn demo() -> Result<()> {
    let gofuncgraph = build_gofuncgraph()?;
    let example = build_example()?;
    let mut tracer = as_root(
        &gofuncgraph,
        &[],
        "attaching eBPF programs to a process needs root",
    )?;
    tracer
        .args(["-e", PROGRAM, "--limit", GRAPHS, "--for", LENGTH])
        .arg(&example);

    let server = Server::start(&example)?;
    println!("$ {} &\n{}\n", shown(&example), server.greeting);
    println!(
        "$ gofuncgraph -e '{PROGRAM}' --limit {GRAPHS} --for {LENGTH} {}",
        shown(&example)
    );
    let clients = Clients::start(&server.address);
    let mut tracer = Stopped(tracer.spawn().context("cannot start gofuncgraph")?);
    let deadline = Instant::now() + PATIENCE;
    let status = loop {
        if let Some(status) = tracer.0.try_wait()? {
            break status;
        }
        if Instant::now() > deadline {
            bail!("gofuncgraph did not stop within {PATIENCE:?}");
        }
        thread::sleep(Duration::from_millis(50));
    };
    let answered = clients.stop();
    if !status.success() {
        bail!("gofuncgraph failed: {status}");
    }
    println!("\n{answered} requests were sent meanwhile. Now the same on a program of yours:\n");
    println!(
        "  sudo {} -e 'trace main.handle* < include main.*; min 10ms >' ./your-server",
        shown(&gofuncgraph)
    );
    Ok(())
}

fn build_example() -> Result<PathBuf> {
    let folder = cache().join("demo");
    fs::create_dir_all(&folder)?;
    let executable = folder.join("example");
    let mut go = Toolchains::any_go()?;
    eprintln!("building example/ …");
    run(go
        .args(["build", "-o"])
        .arg(&executable)
        .arg(".")
        .current_dir(root().join("example")))?;
    Ok(executable)
}

/// A child that does not outlive us.
struct Stopped(Child);

impl Drop for Stopped {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

struct Server {
    _process: Stopped,
    address: String,
    greeting: String,
}

impl Server {
    fn start(example: &Path) -> Result<Self> {
        let mut process = Command::new(example)
            .args(["-addr", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", example.display()))?;
        let stdout = process.stdout.take();
        let process = Stopped(process);
        let mut greeting = String::new();
        BufReader::new(stdout.context("the server has no output")?).read_line(&mut greeting)?;
        let address = greeting
            .strip_prefix("listening on ")
            .and_then(|rest| rest.split(',').next())
            .with_context(|| format!("the server said {greeting:?}"))?
            .to_owned();
        Ok(Self {
            _process: process,
            address,
            greeting: greeting.trim_end().to_owned(),
        })
    }
}

/// Threads that send one request after another.
struct Clients {
    stop: Arc<AtomicBool>,
    threads: Vec<thread::JoinHandle<usize>>,
}

impl Clients {
    fn start(address: &str) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let threads = ["/foo", "/bar", "/bar"]
            .into_iter()
            .map(|path| {
                let (stop, address) = (Arc::clone(&stop), address.to_owned());
                thread::spawn(move || {
                    let mut answered = 0;
                    while !stop.load(Ordering::Relaxed) {
                        answered += usize::from(request(&address, path).is_ok());
                        thread::sleep(Duration::from_millis(100));
                    }
                    answered
                })
            })
            .collect();
        Self { stop, threads }
    }

    /// Returns how many requests were answered.
    fn stop(self) -> usize {
        self.stop.store(true, Ordering::Relaxed);
        self.threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or(0))
            .sum()
    }
}

fn request(address: &str, path: &str) -> Result<()> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    if !answer.starts_with(b"HTTP/1.1 200 ") {
        bail!(
            "{path} was answered with {}",
            String::from_utf8_lossy(&answer)
        );
    }
    Ok(())
}

/// A path as a person in the workspace's folder would write it.
fn shown(path: &Path) -> String {
    path.strip_prefix(root())
        .unwrap_or(path)
        .display()
        .to_string()
}
