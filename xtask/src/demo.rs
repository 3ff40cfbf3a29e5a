//! A first look for somebody who has just cloned the repository: trace a Go server that is slow now and then, and see why.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Child,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use gofuncgraph_tests::example::Server;

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

    let mut server = Server::start(&example, true)?;
    println!("$ {} &\n{}\n", shown(&example), server.greeting());
    println!(
        "$ gofuncgraph -e '{PROGRAM}' --limit {GRAPHS} --for {LENGTH} {}",
        shown(&example)
    );
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
    let answered = server.end_traffic();
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

/// A path as a person in the workspace's folder would write it.
fn shown(path: &Path) -> String {
    path.strip_prefix(root())
        .unwrap_or(path)
        .display()
        .to_string()
}
