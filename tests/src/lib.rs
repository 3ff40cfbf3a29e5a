//! What the end-to-end tests share: Go programs built by real toolchains, the tracer run on them as its user would, and trees to compare.
//!
//! The tests need root and a kernel with uprobes. Where one of these is missing they say so and assert nothing; CI runs them where nothing
//! is missing, and `GOFUNCGRAPH_REQUIRE_ROOT=1` turns a skipped test into a failed one.

pub mod example;
pub mod go;
pub mod overlays;
pub mod tracer;
pub mod tree;
pub mod values;

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
    process::{Child, Command},
    time::Duration,
};

/// The workspace's root.
#[must_use]
pub fn workspace() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .map_or_else(|| ".".into(), PathBuf::from)
}

/// Why the tests cannot run here, if they cannot.
#[must_use]
pub fn skip() -> Option<&'static str> {
    // The effective user of this process owns its /proc entry.
    use std::os::unix::fs::MetadataExt;
    let root = std::fs::metadata("/proc/self").is_ok_and(|meta| meta.uid() == 0);
    let reason = if !root {
        Some("attaching probes needs root")
    } else if go::toolchains().is_empty() {
        Some("no Go toolchain: run `cargo xtask toolchains`")
    } else {
        None
    };
    if let Some(reason) = reason {
        assert!(
            std::env::var_os("GOFUNCGRAPH_REQUIRE_ROOT").is_none(),
            "cannot run: {reason}"
        );
        eprintln!("skipped: {reason}");
    }
    reason
}

/// Starts a command, also where its file has just been written: a child that another test's thread is starting at this moment may still
/// hold the file open for writing, and then the kernel says that it is busy.
///
/// # Panics
/// It cannot be started.
pub fn spawn(command: &mut Command) -> Child {
    for _ in 0..200 {
        match command.spawn() {
            Ok(child) => return child,
            Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => {
                std::thread::sleep(Duration::from_millis(10));
            }
            Err(error) => panic!("{}: {error}", command.get_program().display()),
        }
    }
    panic!("{} stays busy", command.get_program().display());
}

/// Runs a command that has to end well.
///
/// # Panics
/// It does not.
pub fn run(command: &mut Command) {
    let output = command.output().expect("the command runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {stderr}");
}

/// A path as an argument.
///
/// # Panics
/// It is not in UTF-8.
#[must_use]
pub fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

/// Runs a test on a stack of its own, large enough for trees that are 10,000 levels deep: they are parsed, compared and dropped by
/// recursion. Does nothing where [`skip`] says why.
///
/// # Panics
/// The test does, or there is no thread to be had.
pub fn with_deep_stack(test: impl FnOnce() + Send + 'static) {
    if skip().is_some() {
        return;
    }
    let result = std::thread::Builder::new()
        .stack_size(1 << 30)
        .spawn(test)
        .expect("a thread")
        .join();
    if let Err(panic) = result {
        std::panic::resume_unwind(panic);
    }
}
