//! Go toolchains, and the test programs that they build.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{Mutex, OnceLock},
};

use crate::workspace;

/// A Go toolchain.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Toolchain {
    /// `1.27`
    pub version: String,
    /// GOROOT.
    pub root: PathBuf,
}

impl Toolchain {
    /// Minor version: 27.
    #[must_use]
    pub fn minor(&self) -> u32 {
        self.version
            .strip_prefix("1.")
            .and_then(|m| m.parse().ok())
            .unwrap_or(0)
    }
}

/// How a program is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// As `go build` does it.
    Plain,
    /// `-ldflags='-s -w'`
    Stripped,
    /// `-buildmode=pie`
    Pie,
    /// `-buildmode=pie -ldflags='-s -w'`
    StrippedPie,
    /// `-ldflags=-linkmode=external`
    External,
    /// `-gcflags='all=-N -l'`
    Unoptimised,
    /// `-trimpath`
    Trimpath,
    /// `-buildvcs=false`, and the build information overwritten afterwards.
    NoBuildInfo,
}

impl Mode {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Plain,
        Self::Stripped,
        Self::Pie,
        Self::StrippedPie,
        Self::External,
        Self::Unoptimised,
        Self::Trimpath,
        Self::NoBuildInfo,
    ];

    fn flags(self) -> &'static [&'static str] {
        match self {
            Self::Plain | Self::NoBuildInfo => &[],
            Self::Stripped => &["-ldflags=-s -w"],
            Self::Pie => &["-buildmode=pie"],
            Self::StrippedPie => &["-buildmode=pie", "-ldflags=-s -w"],
            Self::External => &["-ldflags=-linkmode=external"],
            Self::Unoptimised => &["-gcflags=all=-N -l"],
            Self::Trimpath => &["-trimpath"],
        }
    }
}

/// The toolchains to test with: those of `GOFUNCGRAPH_GO_TOOLCHAINS` (a colon-separated list of GOROOTs), else the newest and the oldest
/// that `cargo xtask toolchains` has unpacked. Oldest first.
pub fn toolchains() -> &'static [Toolchain] {
    static FOUND: OnceLock<Vec<Toolchain>> = OnceLock::new();
    FOUND.get_or_init(|| {
        if let Some(list) = std::env::var_os("GOFUNCGRAPH_GO_TOOLCHAINS") {
            let mut all: Vec<Toolchain> =
                std::env::split_paths(&list).filter_map(toolchain).collect();
            all.sort_by_key(Toolchain::minor);
            return all;
        }
        let mut all: Vec<Toolchain> = fs::read_dir(workspace().join("target/toolchains"))
            .into_iter()
            .flatten()
            .filter_map(|entry| toolchain(entry.ok()?.path()))
            .collect();
        all.sort_by_key(Toolchain::minor);
        if all.len() > 2 {
            all.drain(1..all.len() - 1);
        }
        all
    })
}

fn toolchain(root: PathBuf) -> Option<Toolchain> {
    let text = fs::read_to_string(root.join("VERSION")).ok()?;
    let full = text.lines().next()?.trim().strip_prefix("go")?.to_owned();
    let mut parts = full.split('.');
    let version = format!("{}.{}", parts.next()?, parts.next()?);
    root.join("bin/go")
        .exists()
        .then_some(Toolchain { version, root })
}

/// The newest toolchain.
///
/// # Panics
/// There is none; ask [`crate::skip`] first.
#[must_use]
pub fn newest() -> &'static Toolchain {
    toolchains().last().expect("a Go toolchain")
}

/// Builds a package of `tests/programs` (`truth`, `cgo`) and returns the executable, which is kept for the next run.
///
/// # Panics
/// It does not build.
#[must_use]
pub fn build(toolchain: &Toolchain, package: &str, mode: Mode) -> PathBuf {
    build_in(
        toolchain,
        &workspace().join("tests/programs"),
        package,
        mode,
    )
}

/// The go command in a folder, with nothing of the network and of the user's own settings.
#[must_use]
pub fn command(toolchain: &Toolchain, dir: &Path) -> Command {
    let mut command = Command::new(toolchain.root.join("bin/go"));
    command
        .current_dir(dir)
        .env("GOROOT", &toolchain.root)
        .env(
            "GOCACHE",
            workspace().join("target/go-cache").join(&toolchain.version),
        )
        .env("GOFLAGS", "-buildvcs=false")
        .env("GOTOOLCHAIN", "local")
        .env("GOPROXY", "off")
        .env("GO111MODULE", "on");
    command
}

/// Builds a package of the module in `dir`.
///
/// # Panics
/// It does not build.
#[must_use]
pub fn build_in(toolchain: &Toolchain, dir: &Path, package: &str, mode: Mode) -> PathBuf {
    // One build at a time: each uses all processors anyway.
    static ONE: Mutex<()> = Mutex::new(());
    let _guard = ONE
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let out = workspace()
        .join("target/test-programs")
        .join(&toolchain.version);
    fs::create_dir_all(&out).expect("a folder for test programs");
    let name = package.trim_start_matches("./").replace(['/', '.'], "_");
    let dir_name = dir.file_name().unwrap_or_default().to_string_lossy();
    let executable = out.join(format!("{dir_name}-{name}-{mode:?}").to_lowercase());
    let temporary = executable.with_extension(std::process::id().to_string());
    let output = command(toolchain, dir)
        .args(["build", "-o"])
        .arg(&temporary)
        .args(mode.flags())
        .arg(if package == "." {
            ".".to_owned()
        } else {
            format!("./{package}")
        })
        .output()
        .expect("go runs");
    assert!(
        output.status.success(),
        "go {} build {package} {mode:?}: {}",
        toolchain.version,
        String::from_utf8_lossy(&output.stderr)
    );
    if mode == Mode::NoBuildInfo {
        erase_build_info(&temporary);
    }
    // Another test may be about to run it, and a tracer that has opened one file must not launch another.
    if fs::read(&executable).ok() == fs::read(&temporary).ok() {
        fs::remove_file(&temporary).expect("remove");
    } else {
        fs::rename(&temporary, &executable).expect("rename");
    }
    executable
}

/// Overwrites the magic by which build information is found.
fn erase_build_info(path: &Path) {
    let mut data = fs::read(path).expect("executable");
    let magic = b"\xff Go buildinf:";
    let places: Vec<usize> = data
        .windows(magic.len())
        .enumerate()
        .filter(|(_, w)| w == magic)
        .map(|(n, _)| n)
        .collect();
    assert!(
        !places.is_empty(),
        "no build information in {}",
        path.display()
    );
    for at in places {
        data[at..at + magic.len()].fill(0);
    }
    fs::write(path, data).expect("write");
}
