//! The fuzz targets: everything that reads what others wrote, fed with whatever reaches new code.

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::workspace::{cache, cargo, root, run};

/// What is fuzzed.
pub const TARGETS: [&str; 3] = ["grammar", "pclntab", "dwarf"];
const CARGO_FUZZ: &str = "0.13.2";
/// A single input that takes longer than this, in seconds, counts as a crash.
const TIMEOUT: u32 = 10;

/// Runs each of the targets for some seconds. What was found stays in `fuzz/artifacts`, inputs that reach new code in `fuzz/corpus`.
///
/// # Errors
/// Where an input crashes a target or hangs it, or cargo-fuzz cannot be had.
pub fn fuzz(targets: &[String], seconds: u64) -> Result<()> {
    let cargo_fuzz = cargo_fuzz()?;
    let seeds = ["run", "--quiet", "--manifest-path", "fuzz/Cargo.toml"];
    run(cargo().args(seeds).args(["--example", "seeds"]))?;
    let mut failed = Vec::new();
    for target in targets {
        eprintln!("fuzzing {target} for {seconds} s …");
        let mut command = std::process::Command::new(&cargo_fuzz);
        // The code has no memory errors that a sanitizer would find, and without one the stable toolchain will do.
        command
            .current_dir(root())
            .args(["fuzz", "run", "--sanitizer", "none", target, "--"])
            .arg(format!("-max_total_time={seconds}"))
            .arg(format!("-timeout={TIMEOUT}"))
            .args(["-rss_limit_mb=2048", "-verbosity=0"]);
        if let Err(error) = run(&mut command) {
            failed.push(error.to_string());
        }
    }
    if !failed.is_empty() {
        bail!("{}", failed.join("; "));
    }
    Ok(())
}

/// cargo-fuzz, built where it is missing.
fn cargo_fuzz() -> Result<PathBuf> {
    let folder = cache().join("tools");
    let executable = folder.join("bin/cargo-fuzz");
    if !executable.exists() {
        eprintln!("building cargo-fuzz {CARGO_FUZZ} …");
        run(cargo()
            .args(["install", "--quiet", "--locked", "--root"])
            .arg(&folder)
            .args(["cargo-fuzz", "--version", CARGO_FUZZ]))?;
    }
    Ok(executable)
}
