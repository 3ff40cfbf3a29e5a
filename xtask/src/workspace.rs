//! Where things are in this workspace, and how the chores start other programs: one place, so that every chore says the same thing when
//! a program is missing or root is needed.

use std::{
    path::{Path, PathBuf},
    process::{Command, ExitStatus},
};

use anyhow::{Context, Result, bail};

/// The workspace's top-level folder.
#[must_use]
pub fn root() -> PathBuf {
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    manifest.parent().map(Path::to_path_buf).unwrap_or(manifest)
}

/// Everything that the chores download or make, apart from what cargo builds; kept between runs.
#[must_use]
pub fn cache() -> PathBuf {
    root().join("target")
}

/// Where cargo builds.
#[must_use]
pub fn cargo_target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(cache, |dir| root().join(dir))
}

/// cargo, in the workspace's folder.
#[must_use]
pub fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// Builds the release executable and returns its path.
///
/// # Errors
/// Where cargo fails.
pub fn build_gofuncgraph() -> Result<PathBuf> {
    eprintln!("building gofuncgraph (release) …");
    run(&mut cargo_build("release"))?;
    built("release")
}

/// The command that builds gofuncgraph's executable in one of Cargo.toml's profiles, other than `dev`.
#[must_use]
pub fn cargo_build(profile: &str) -> Command {
    let mut command = cargo();
    command.args(["build", "--profile", profile, "--package", "gofuncgraph"]);
    command
}

/// Where [`cargo_build`] has put it.
///
/// # Errors
/// Where it is not there.
pub fn built(profile: &str) -> Result<PathBuf> {
    let executable = cargo_target().join(profile).join("gofuncgraph");
    if !executable.is_file() {
        bail!("cargo built no {}", executable.display());
    }
    Ok(executable)
}

/// Runs a command to its end.
///
/// # Errors
/// Where it cannot be started or does not exit with 0.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("cannot start {}", describe(command)))?;
    succeeded(command, status)
}

/// What has become of a command.
///
/// # Errors
/// Where it did not exit with 0.
pub fn succeeded(command: &Command, status: ExitStatus) -> Result<()> {
    if !status.success() {
        bail!("{} failed: {status}", describe(command));
    }
    Ok(())
}

/// Runs a command to its end and returns what it wrote to standard output, without white space at its ends.
///
/// # Errors
/// Where it cannot be started or does not exit with 0; its standard error is in the message.
pub fn output(command: &mut Command) -> Result<String> {
    let output = command
        .output()
        .with_context(|| format!("cannot start {}", describe(command)))?;
    if !output.status.success() {
        bail!(
            "{} failed: {}\n{}",
            describe(command),
            output.status,
            String::from_utf8_lossy(&output.stderr).trim_end()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Whether a program can be found on the PATH.
#[must_use]
pub fn on_path(program: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(program).is_file()))
}

/// A command that runs `program` as root: itself where this process is root, otherwise through sudo, saying `why` first.
///
/// # Errors
/// Where this process is not root and there is no sudo.
pub fn as_root(program: &Path, environment: &[(&str, String)], why: &str) -> Result<Command> {
    let mut command = if is_root()? {
        Command::new(program)
    } else {
        if !on_path("sudo") {
            bail!("{why}; this user is not root and there is no sudo: run this as root");
        }
        eprintln!("using sudo: {why}");
        let mut command = Command::new("sudo");
        command
            .arg("env")
            .args(
                environment
                    .iter()
                    .map(|(name, value)| format!("{name}={value}")),
            )
            .arg(program);
        command
    };
    command.envs(environment.iter().map(|(name, value)| (name, value)));
    Ok(command)
}

/// Whether this process is root.
///
/// # Errors
/// Where /proc does not tell.
pub fn is_root() -> Result<bool> {
    let status =
        std::fs::read_to_string("/proc/self/status").context("cannot read /proc/self/status")?;
    let effective = status
        .lines()
        .find_map(|line| line.strip_prefix("Uid:"))
        .and_then(|ids| ids.split_whitespace().nth(1));
    Ok(effective == Some("0"))
}

/// A command as a person writes it.
#[must_use]
pub fn describe(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}
