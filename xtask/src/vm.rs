//! A smoke of the end-to-end tests on other kernels than this machine's: Debian's, booted under qemu without hardware virtualisation.
//!
//! Linux 6.1 has no `uprobe_multi`, 6.12 has it, and 7.2 lets a program return from the traced function.

mod initramfs;
mod kernel;
mod smoke;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use crate::{
    toolchain::{NEWEST, Toolchains},
    workspace::{build_gofuncgraph, cache, on_path, root, run},
};
use smoke::SMOKES;

/// The kernels booted where none is named.
pub const KERNELS: [&str; 2] = ["6.1", "6.12"];
/// A boot takes some 5 s and the smoke some 10 s more; a loaded machine may need several times that.
const PATIENCE: Duration = Duration::from_secs(300);

/// Boots each kernel and runs the smoke on it.
///
/// # Errors
/// Where a kernel cannot be had or booted, or a part of the smoke fails.
pub fn vm(kernels: &[String]) -> Result<()> {
    for (program, package) in [
        ("qemu-system-x86_64", "qemu-system-x86"),
        ("cpio", "cpio"),
        ("busybox", "busybox-static"),
    ] {
        if !on_path(program) {
            bail!("{program} is needed to boot other kernels: apt-get install {package}");
        }
    }
    let folder = cache().join("vm");
    fs::create_dir_all(&folder)?;
    let images = kernels
        .iter()
        .map(|version| kernel::image(version, &folder))
        .collect::<Result<Vec<_>>>()?;
    let gofuncgraph = build_gofuncgraph()?;
    let programs = build_programs(&folder)?;
    let initramfs = initramfs::build(&folder, &gofuncgraph, &programs, &smoke::script())?;

    let mut failures = 0;
    for (version, image) in kernels.iter().zip(&images) {
        println!("Linux {version}:");
        let begin = Instant::now();
        let console = folder.join(format!("{version}.console.log"));
        let results = folder.join(format!("{version}.results.log"));
        boot(image, &initramfs, &console, &results).with_context(|| last_lines(&console))?;
        let output =
            fs::read(&results).with_context(|| format!("cannot read {}", results.display()))?;
        for (smoke, result) in SMOKES
            .iter()
            .zip(smoke::judge(&String::from_utf8_lossy(&output)))
        {
            match result {
                Ok(said) => println!("  GFG-VM: PASS {} ({said})", smoke.name),
                Err(error) => {
                    failures += 1;
                    println!("  GFG-VM: FAIL {}: {error:#}", smoke.name);
                }
            }
        }
        println!("  {:.1} s", begin.elapsed().as_secs_f64());
    }
    if failures > 0 {
        bail!(
            "{failures} failed; the virtual machines' consoles and results are in {}",
            folder.display()
        );
    }
    Ok(())
}

/// The test program in several builds, named as [`SMOKES`] calls them.
fn build_programs(folder: &Path) -> Result<Vec<PathBuf>> {
    let oldest = Toolchains::oldest();
    let builds: [(&str, &str, &[&str]); 4] = [
        ("truth", NEWEST, &[]),
        ("truth-stripped", NEWEST, &["-ldflags=-s -w"]),
        ("truth-pie", NEWEST, &["-buildmode=pie"]),
        ("truth-oldest", oldest, &[]),
    ];
    let mut programs = Vec::new();
    for (name, version, arguments) in builds {
        let executable = folder.join(name);
        for toolchain in Toolchains::ensure(&[version])? {
            let mut go = toolchain.go();
            go.current_dir(root().join("tests/programs"))
                .env("CGO_ENABLED", "0")
                .arg("build")
                .args(arguments);
            run(go.arg("-o").arg(&executable).arg("./truth"))?;
        }
        programs.push(executable);
    }
    Ok(programs)
}

/// Boots an image until it powers off. The first serial port is the console, the second one takes what the smoke prints.
fn boot(image: &Path, initramfs: &Path, console: &Path, results: &Path) -> Result<()> {
    let mut qemu = Command::new("qemu-system-x86_64");
    qemu.args([
        "-M",
        "q35",
        "-accel",
        "tcg",
        "-cpu",
        "max",
        "-m",
        "1024",
        "-smp",
        "2",
        "-nodefaults",
        "-no-reboot",
        "-display",
        "none",
    ]);
    qemu.args(["-append", "console=ttyS0 quiet panic=-1"])
        .arg("-kernel")
        .arg(image)
        .arg("-initrd")
        .arg(initramfs);
    for port in [console, results] {
        qemu.arg("-serial").arg(format!("file:{}", port.display()));
    }
    let mut qemu = qemu
        .stdin(Stdio::null())
        .spawn()
        .context("cannot start qemu")?;
    let status = wait(&mut qemu);
    if status.is_err() {
        let _ = qemu.kill();
        let _ = qemu.wait();
    }
    status
}

fn wait(qemu: &mut Child) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if let Some(status) = qemu.try_wait()? {
            if !status.success() {
                bail!("qemu failed: {status}");
            }
            return Ok(());
        }
        thread::sleep(Duration::from_millis(100));
    }
    bail!("the virtual machine did not power off within {PATIENCE:?}");
}

fn last_lines(console: &Path) -> String {
    let text = fs::read(console).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    format!(
        "the console ends with:\n{}\n",
        lines[lines.len().saturating_sub(30)..].join("\n")
    )
}
