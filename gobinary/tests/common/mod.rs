//! Go toolchains and the executables that they build of `tests/programs`.

#![allow(dead_code)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use gobinary::Executable;

/// A Go toolchain.
#[derive(Debug, Clone)]
pub struct Toolchain {
    /// 27 for Go 1.27.
    pub minor: u16,
    root: PathBuf,
}

/// How a program is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Default,
    Stripped,
    Pie,
    External,
    ExternalStrippedPie,
    Unoptimised,
    Trimpath,
    /// With DWARF that is not compressed.
    PlainDwarf,
    /// A library for C programs.
    CShared,
}

impl Mode {
    pub const ALL: [Self; 7] = [
        Self::Default,
        Self::Stripped,
        Self::Pie,
        Self::External,
        Self::ExternalStrippedPie,
        Self::Unoptimised,
        Self::Trimpath,
    ];

    fn flags(self) -> &'static [&'static str] {
        match self {
            Self::Default => &[],
            Self::Stripped => &["-ldflags=-s -w"],
            Self::Pie => &["-buildmode=pie"],
            Self::External => &["-ldflags=-linkmode=external"],
            Self::ExternalStrippedPie => &["-buildmode=pie", "-ldflags=-linkmode=external -s -w"],
            Self::Unoptimised => &["-gcflags=all=-N -l"],
            Self::Trimpath => &["-trimpath"],
            Self::PlainDwarf => &["-ldflags=-compressdwarf=false"],
            Self::CShared => &["-buildmode=c-shared"],
        }
    }
}

/// A built program.
pub struct Program {
    pub toolchain: &'static Toolchain,
    pub mode: Mode,
    pub path: PathBuf,
    pub executable: Executable,
}

impl Program {
    /// What failed assertions begin with.
    pub fn label(&self) -> String {
        format!("Go 1.{} {:?}", self.toolchain.minor, self.mode)
    }

    pub fn bytes(&self) -> Vec<u8> {
        std::fs::read(&self.path).expect("the built program")
    }

    /// Runs one of the toolchain's own tools on it.
    pub fn go(&self, arguments: &[&str], input: &str) -> String {
        let output = run_with_input(
            self.toolchain.command().args(arguments).arg(&self.path),
            input,
        );
        String::from_utf8_lossy(&output).into_owned()
    }
}

/// Runs a command to its end.
pub fn run_with_input(command: &mut Command, input: &str) -> Vec<u8> {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), input).expect("writing input");
    let output = command
        .stdin(file.reopen().expect("reopening input"))
        .output()
        .expect("running a tool");
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

impl Toolchain {
    fn new(root: PathBuf) -> Option<Self> {
        let text = std::fs::read_to_string(root.join("VERSION")).ok()?;
        let minor = text
            .trim_start()
            .strip_prefix("go1.")?
            .split(['.', '\n', 'r', 'b', ' '])
            .next()?
            .trim();
        root.join("bin/go").exists().then_some(())?;
        Some(Self {
            minor: minor.parse().ok()?,
            root,
        })
    }

    fn command(&self) -> Command {
        let mut command = Command::new(self.root.join("bin/go"));
        command
            .env("GOROOT", &self.root)
            .env(
                "GOCACHE",
                workspace().join(format!("target/go-cache/1.{}", self.minor)),
            )
            .env("GOFLAGS", "-buildvcs=false")
            .env("GOTOOLCHAIN", "local")
            .env("GOPROXY", "off")
            .env("GO111MODULE", "on");
        command
    }

    /// Builds `tests/programs/shapes`, once in a process; Go itself sees that nothing has changed since.
    pub fn build(&'static self, mode: Mode) -> Arc<Program> {
        static BUILT: Mutex<Vec<Arc<Program>>> = Mutex::new(Vec::new());
        let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
        let found = built
            .iter()
            .find(|program| program.toolchain.minor == self.minor && program.mode == mode);
        if let Some(program) = found {
            return Arc::clone(program);
        }
        let program = Arc::new(self.build_package("gobinary/tests/programs/shapes", mode));
        built.push(Arc::clone(&program));
        program
    }

    /// Builds a package, whose folder is told from the workspace's.
    pub fn build_package(&'static self, package: &str, mode: Mode) -> Program {
        let (_, name) = package.rsplit_once('/').unwrap_or(("", package));
        let name = format!("gobinary-{name}-{mode:?}").to_lowercase();
        let mut arguments = vec!["build"];
        arguments.extend(mode.flags());
        self.go_build(&name, &workspace().join(package), mode, &arguments, ".")
    }

    /// Builds the test program of a package of the standard library.
    pub fn build_test(&'static self, package: &str) -> Program {
        let name = format!("gobinary-test-{}", package.replace('/', "-"));
        self.go_build(&name, &self.root, Mode::Default, &["test", "-c"], package)
    }

    fn go_build(
        &'static self,
        name: &str,
        folder: &Path,
        mode: Mode,
        arguments: &[&str],
        package: &str,
    ) -> Program {
        let programs = workspace().join(format!("target/test-programs/1.{}", self.minor));
        std::fs::create_dir_all(&programs).expect("a folder for test programs");
        let lock = std::fs::File::create(programs.join("gobinary.lock")).expect("a lock file");
        lock.lock().expect("locking the folder for test programs");
        let path = programs.join(name);
        let output = self
            .command()
            .current_dir(folder)
            .args(arguments)
            .arg("-o")
            .arg(&path)
            .arg(package)
            .output()
            .expect("running go");
        assert!(
            output.status.success(),
            "go {arguments:?} {package}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let executable = Executable::parse(std::fs::read(&path).expect("the built program"))
            .expect("a Go executable");
        Program {
            toolchain: self,
            mode,
            path,
            executable,
        }
    }
}

fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the workspace")
}

/// The toolchains of `GOFUNCGRAPH_GO_TOOLCHAINS` (a colon-separated list of GOROOTs), else the oldest and the newest under
/// `target/toolchains`, else the one on the PATH. Oldest first.
pub fn toolchains() -> &'static [Toolchain] {
    static FOUND: OnceLock<Vec<Toolchain>> = OnceLock::new();
    FOUND.get_or_init(|| {
        if let Some(list) = std::env::var_os("GOFUNCGRAPH_GO_TOOLCHAINS") {
            let mut all: Vec<_> = std::env::split_paths(&list)
                .filter_map(Toolchain::new)
                .collect();
            all.sort_by_key(|toolchain| toolchain.minor);
            return all;
        }
        let unpacked = std::fs::read_dir(workspace().join("target/toolchains"))
            .into_iter()
            .flatten();
        let mut all: Vec<_> = unpacked
            .filter_map(|entry| Toolchain::new(entry.ok()?.path()))
            .collect();
        all.sort_by_key(|toolchain| toolchain.minor);
        if all.len() > 2 {
            all.drain(1..all.len() - 1);
        }
        if all.is_empty() {
            let output = Command::new("go").args(["env", "GOROOT"]).output().ok();
            let root =
                output.map(|output| PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
            all.extend(root.and_then(Toolchain::new));
        }
        if all.is_empty() {
            println!("skipped: no Go toolchain; `cargo xtask toolchains` gets them");
        }
        all
    })
}

/// Calls a test with every toolchain's build in every mode.
pub fn for_each(modes: &[Mode], test: impl Fn(&Program)) {
    for toolchain in toolchains() {
        for &mode in modes {
            test(&toolchain.build(mode));
        }
    }
}
