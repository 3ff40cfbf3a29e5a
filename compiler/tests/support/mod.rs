//! Real Go executables for tests.

#![allow(dead_code, reason = "no test uses all of them")]

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use gobinary::Executable;

/// The newest Go toolchain under `target/toolchains`, or the one on the PATH; and its version, as far as it is known.
fn go() -> Option<(PathBuf, String)> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent()?;
    let toolchains = std::fs::read_dir(workspace.join("target/toolchains"));
    let newest = toolchains
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let folder = entry.ok()?.path();
            let version = folder.file_name()?.to_str()?.strip_prefix("go")?.to_owned();
            Some((folder.join("bin/go"), version)).filter(|(go, _)| go.exists())
        })
        .max();
    newest.or_else(|| {
        let output = Command::new("go").arg("version").output().ok()?;
        let found = (PathBuf::from("go"), "path".to_owned());
        output.status.success().then_some(found)
    })
}

/// The executable of `tests/go`, built once a test run; `None` (said on stderr) where there is no Go.
pub fn executable() -> Option<&'static Executable> {
    static EXECUTABLE: OnceLock<Option<Executable>> = OnceLock::new();
    EXECUTABLE.get_or_init(|| build("go", &[])).as_ref()
}

/// The executable of `tests/typed`, likewise.
pub fn typed() -> Option<&'static Executable> {
    static EXECUTABLE: OnceLock<Option<Executable>> = OnceLock::new();
    EXECUTABLE.get_or_init(|| build("typed", &[])).as_ref()
}

/// The same without DWARF.
pub fn typed_without_dwarf() -> Option<&'static Executable> {
    static EXECUTABLE: OnceLock<Option<Executable>> = OnceLock::new();
    EXECUTABLE
        .get_or_init(|| build("typed", &["-ldflags=-w"]))
        .as_ref()
}

/// The file of a program in `tests`, built by this version of Go; to be removed. `None` (said on stderr) where there is no such Go.
pub fn program(program: &str, version: &str) -> Option<PathBuf> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent()?;
    let go = workspace.join(format!("target/toolchains/go{version}/bin/go"));
    if !go.exists() {
        eprintln!("skipped: no Go {version} under target/toolchains");
        return None;
    }
    Some(built(&go, version, program, &[]))
}

fn build(program: &str, arguments: &[&str]) -> Option<Executable> {
    let Some((go, version)) = go() else {
        eprintln!("skipped: no Go toolchain under target/toolchains or on the PATH");
        return None;
    };
    let file = built(&go, &version, program, arguments);
    let bytes = std::fs::read(&file).expect("go built it");
    std::fs::remove_file(&file).expect("it can be removed");
    Some(Executable::parse(bytes).expect("it is a Go executable"))
}

fn built(go: &Path, version: &str, program: &str, arguments: &[&str]) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let process = std::process::id();
    let name = format!("{program}{}-{version}-{process}", arguments.concat());
    let file = folder.join(name);
    let output = Command::new(go)
        .current_dir(crate_folder.join("tests").join(program))
        .args(["build", "-trimpath"])
        .args(arguments)
        .arg("-o")
        .arg(&file)
        .arg(".")
        .env("GOTOOLCHAIN", "local")
        .env("GOFLAGS", "-mod=mod")
        .env("GOPROXY", "off")
        .env("GO111MODULE", "on")
        .env("CGO_ENABLED", "0")
        .env(
            "GOCACHE",
            crate_folder.join("../target/go-cache").join(version),
        )
        .output()
        .expect("go runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    file
}
