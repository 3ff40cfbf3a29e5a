//! A virtual machine that boots a kernel into an initramfs and ends with it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use crate::workspace::on_path;

/// It takes some 2 minutes; a loaded machine may need several times that.
const PATIENCE: Duration = Duration::from_secs(1200);

/// Says which program is missing, if one is.
///
/// # Errors
/// One is.
pub fn require_programs() -> Result<()> {
    for (program, package) in [
        ("qemu-system-x86_64", "qemu-system-x86"),
        ("cpio", "cpio"),
        ("busybox", "busybox-static"),
    ] {
        if !on_path(program) {
            bail!("{program} is needed to boot other kernels: apt-get install {package}");
        }
    }
    Ok(())
}

/// Boots a kernel image, named so, until it powers off, and returns what the initramfs's script wrote to its standard output. That and the
/// console's log stay in `folder`.
///
/// # Errors
/// It does not boot, or does not power off in time.
pub fn boot(name: &str, image: &Path, initramfs: &Path, folder: &Path) -> Result<String> {
    let console = folder.join(format!("{name}.console.log"));
    let results = folder.join(format!("{name}.results.log"));
    run(image, initramfs, [&console, &results]).with_context(|| last_lines(&console))?;
    let output =
        fs::read(&results).with_context(|| format!("cannot read {}", results.display()))?;
    Ok(String::from_utf8_lossy(&output).into_owned())
}

/// The first serial port is the console, the second one takes what the script prints.
fn run(image: &Path, initramfs: &Path, ports: [&PathBuf; 2]) -> Result<()> {
    let mut qemu = Command::new("qemu-system-x86_64");
    qemu.args([
        "-M",
        "q35",
        // One thread for all processors: with one for each, qemu 7.2 once ran, in the slot from which uprobes step instructions, the one
        // that had been there before.
        "-accel",
        "tcg,thread=single",
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
    for port in ports {
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
