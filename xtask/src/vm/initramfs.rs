//! The file system that a kernel is booted into: busybox, executables with the shared libraries that they need, and the script that runs
//! them.

use std::{
    fs,
    io::Write,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};

use crate::workspace::output;

const HEAD: &str = r"#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin HOME=/
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mount -t tracefs tracefs /sys/kernel/tracing
mount -t bpf bpf /sys/fs/bpf
ifconfig lo up
stty -F /dev/ttyS1 raw
";

const TAIL: &str = r"
sync
poweroff -f
";

/// Packs an initramfs with these executables in /bin, whose init runs `script` with /dev/ttyS1 as its standard output, and returns its path.
///
/// # Errors
/// Where a file is missing or cpio fails.
pub fn build(folder: &Path, executables: &[PathBuf], script: &str) -> Result<PathBuf> {
    let tree = folder.join("initramfs");
    if tree.exists() {
        fs::remove_dir_all(&tree)?;
    }
    for dir in ["bin", "proc", "sys", "dev", "tmp"] {
        fs::create_dir_all(tree.join(dir))?;
    }
    let busybox = output(Command::new("sh").args(["-c", "command -v busybox"]))?;
    copy(Path::new(&busybox), &tree.join("bin/busybox"))?;
    symlink("busybox", tree.join("bin/sh"))?;
    for executable in executables {
        let name = executable.file_name().context("a program has a name")?;
        copy(executable, &tree.join("bin").join(name))?;
        for library in libraries(executable)? {
            copy(
                &library,
                &tree.join(library.strip_prefix("/").unwrap_or(&library)),
            )?;
        }
    }
    let init = tree.join("init");
    fs::write(&init, format!("{HEAD}exec >/dev/ttyS1\n{script}{TAIL}"))?;
    fs::set_permissions(&init, fs::Permissions::from_mode(0o755))?;
    pack(&tree, &folder.join("initramfs.cpio"))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::copy(from, to).with_context(|| format!("cannot copy {}", from.display()))?;
    Ok(())
}

/// The shared libraries of an executable and the loader, as ldd finds them; none of one that is linked statically.
fn libraries(executable: &Path) -> Result<Vec<PathBuf>> {
    let ldd = Command::new("ldd").arg(executable).output()?;
    let found = String::from_utf8_lossy(&ldd.stdout);
    let mut libraries = Vec::new();
    for line in found.lines() {
        if line.contains("not found") {
            bail!("{} needs {}", executable.display(), line.trim());
        }
        libraries.extend(
            line.split_whitespace()
                .find(|word| word.starts_with('/'))
                .map(PathBuf::from),
        );
    }
    Ok(libraries)
}

fn pack(tree: &Path, to: &Path) -> Result<PathBuf> {
    let names = output(Command::new("find").arg(".").current_dir(tree))?;
    let archive = fs::File::create(to).with_context(|| format!("cannot write {}", to.display()))?;
    let mut cpio = Command::new("cpio")
        .args(["--quiet", "-o", "-H", "newc", "-R", "0:0"])
        .current_dir(tree)
        .stdin(Stdio::piped())
        .stdout(archive)
        .spawn()
        .context("cannot start cpio")?;
    cpio.stdin
        .take()
        .context("cpio has a standard input")?
        .write_all(names.as_bytes())?;
    let status = cpio.wait()?;
    if !status.success() {
        bail!("cpio failed: {status}");
    }
    Ok(to.to_path_buf())
}
