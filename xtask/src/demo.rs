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
    progress::{Steps, run_showing, run_silent},
    toolchain::Toolchains,
    workspace::{as_root, built, cache, cargo_build, root},
};

/// Cargo.toml's profile in which gofuncgraph is built here, and xtask by `.cargo/config.toml`.
const PROFILE: &str = "demo";

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
    let mut steps = Steps::new(3);
    steps.next(
        "building gofuncgraph",
        "the first time about a minute on two idle processors",
    );
    run_showing(&mut cargo_build(PROFILE))?;
    let gofuncgraph = built(PROFILE)?;
    steps.next(
        "building example/, a server in Go",
        "the first time half a minute",
    );
    let example = build_example()?;
    steps.next(
        "sending it requests and tracing it",
        &format!("until there are {GRAPHS} graphs, at most {LENGTH}"),
    );
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
    run_silent(
        Toolchains::any_go()?
            .args(["build", "-o"])
            .arg(&executable)
            .arg(".")
            .current_dir(root().join("example")),
    )?;
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Issue 10, from clone to first graph: no link-time optimisation, and what both need is built once.
    #[test]
    fn gofuncgraph_and_xtask_are_built_in_the_demos_profile() -> Result<()> {
        let alias = fs::read_to_string(root().join(".cargo/config.toml"))?;
        assert!(
            alias.contains(&format!("run --profile {PROFILE} --package xtask")),
            "{alias}"
        );
        let manifest = fs::read_to_string(root().join("Cargo.toml"))?;
        let profile = manifest
            .split("\n[")
            .find_map(|table| table.strip_prefix(&format!("profile.{PROFILE}]\n")))
            .context("the profile")?;
        assert!(profile.contains("lto = \"off\""), "{profile}");
        let arguments: Vec<_> = cargo_build(PROFILE)
            .get_args()
            .map(|argument| argument.to_string_lossy().into_owned())
            .collect();
        assert!(
            arguments
                .windows(2)
                .any(|pair| pair == ["--profile", PROFILE]),
            "{arguments:?}"
        );
        Ok(())
    }

    /// Of a crate that is not there, `[profile.demo.package]` has cargo only warn.
    #[test]
    fn the_tracers_loop_is_optimised_in_the_demos_profile() -> Result<()> {
        let manifest = fs::read_to_string(root().join("Cargo.toml"))?;
        for folder in ["runtime", "session", "graph", "render"] {
            let package = fs::read_to_string(root().join(folder).join("Cargo.toml"))?;
            let name = format!("gofuncgraph-{folder}");
            assert!(package.contains(&format!("name = \"{name}\"")), "{package}");
            assert!(
                manifest.contains(&format!("\n{name}.opt-level = 3\n")),
                "{manifest}"
            );
        }
        Ok(())
    }
}
