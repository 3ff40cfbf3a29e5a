//! A smoke of the end-to-end tests on other kernels than this machine's: Debian's, booted under qemu without hardware virtualisation.
//!
//! Linux 6.1 has no `uprobe_multi`, 6.12 has it, and Debian unstable's (7.2 or newer) lets a program return from the traced function.

pub mod initramfs;
pub mod kernel;
pub mod machine;
mod smoke;

use std::{
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::{Result, bail};

use crate::{
    toolchain::{NEWEST, Toolchains},
    workspace::{build_gofuncgraph, cache, root, run},
};
use smoke::SMOKES;

/// The kernels booted where none is named.
pub const KERNELS: [&str; 3] = ["6.1", "6.12", kernel::NEWEST];

/// Boots each kernel and runs the smoke on it. One that cannot be had fails after the others have run.
///
/// # Errors
/// Where a kernel cannot be had or booted, or a part of the smoke fails.
pub fn vm(kernels: &[String]) -> Result<()> {
    machine::require_programs()?;
    let folder = folder()?;
    let images: Vec<_> = kernels
        .iter()
        .map(|version| (version, kernel::image(version, &folder)))
        .collect();
    let gofuncgraph = build_gofuncgraph()?;
    let mut files = vec![gofuncgraph];
    files.extend(build_programs(&folder)?);
    let initramfs = initramfs::build(&folder, &files, &smoke::script())?;

    let mut failed = Vec::new();
    for (version, image) in &images {
        println!("Linux {version}:");
        let image = match image {
            Ok(image) => image,
            Err(error) => {
                println!("  GFG-VM: FAIL not booted: {error:#}");
                failed.push(format!("{version} could not be fetched"));
                continue;
            }
        };
        let begin = Instant::now();
        let output = machine::boot(version, image, &initramfs, &folder)?;
        let mut failures = 0;
        for (smoke, result) in SMOKES.iter().zip(smoke::judge(&output)) {
            match result {
                Ok(said) => println!("  GFG-VM: PASS {} ({said})", smoke.name),
                Err(error) => {
                    failures += 1;
                    println!("  GFG-VM: FAIL {}: {error:#}", smoke.name);
                }
            }
        }
        println!("  {:.1} s", begin.elapsed().as_secs_f64());
        if failures > 0 {
            failed.push(format!("{failures} failed on {version}"));
        }
    }
    if !failed.is_empty() {
        bail!(
            "{}; the virtual machines' consoles and results are in {}",
            failed.join(", "),
            folder.display()
        );
    }
    Ok(())
}

/// Where kernels and what is booted are kept.
///
/// # Errors
/// Where it cannot be made.
pub fn folder() -> Result<PathBuf> {
    let folder = cache().join("vm");
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// The test programs in several builds, named as [`SMOKES`] calls them.
fn build_programs(folder: &Path) -> Result<Vec<PathBuf>> {
    let oldest = Toolchains::oldest();
    let builds: [(&str, &str, &str, &[&str]); 9] = [
        ("truth", "./truth", NEWEST, &[]),
        ("truth-stripped", "./truth", NEWEST, &["-ldflags=-s -w"]),
        ("truth-pie", "./truth", NEWEST, &["-buildmode=pie"]),
        ("truth-oldest", "./truth", oldest, &[]),
        ("counted-pie", "./counted", NEWEST, &["-buildmode=pie"]),
        ("counted-oldest", "./counted", oldest, &[]),
        ("values", "./values", NEWEST, &[]),
        ("untouched", "./untouched", NEWEST, &[]),
        ("threads", "./threads", NEWEST, &[]),
    ];
    let mut programs = Vec::new();
    for (name, source, version, arguments) in builds {
        let executable = folder.join(name);
        for toolchain in Toolchains::ensure(&[version])? {
            let mut go = toolchain.go();
            go.current_dir(root().join("tests/programs"))
                .env("CGO_ENABLED", if name == "threads" { "1" } else { "0" })
                .arg("build")
                .args(arguments);
            run(go.arg("-o").arg(&executable).arg(source))?;
        }
        programs.push(executable);
    }
    // A large program, with the types of its values.
    let executable = folder.join("go");
    for toolchain in Toolchains::ensure(&[NEWEST])? {
        let mut go = toolchain.go();
        go.current_dir(root().join("tests/programs"))
            .env("CGO_ENABLED", "0");
        run(go.args(["build", "-o"]).arg(&executable).arg("cmd/go"))?;
    }
    programs.push(executable);
    Ok(programs)
}
