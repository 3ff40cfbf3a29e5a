//! A real Go executable for tests.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use gobinary::Executable;

/// The newest Go toolchain under `target/toolchains`, or the one on the PATH.
fn go() -> Option<PathBuf> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent()?;
    let mut toolchains: Vec<PathBuf> = std::fs::read_dir(workspace.join("target/toolchains"))
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin/go")))
        .filter(|go| go.exists())
        .collect();
    toolchains.sort();
    toolchains.pop().or_else(|| {
        let works = Command::new("go")
            .arg("version")
            .output()
            .is_ok_and(|output| output.status.success());
        works.then(|| PathBuf::from("go"))
    })
}

/// The executable of `tests/go`, built once a test run; `None` (said on stderr) where there is no Go.
pub fn executable() -> Option<&'static Executable> {
    static EXECUTABLE: OnceLock<Option<Executable>> = OnceLock::new();
    EXECUTABLE
        .get_or_init(|| {
            let Some(go) = go() else {
                eprintln!("skipped: no Go toolchain under target/toolchains or on the PATH");
                return None;
            };
            let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
            let file = folder.join(format!("plan-{}", std::process::id()));
            let output = Command::new(go)
                .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/go"))
                .args(["build", "-trimpath", "-o"])
                .arg(&file)
                .arg(".")
                .env("GOTOOLCHAIN", "local")
                .env("GOFLAGS", "-mod=mod")
                .env("GOPROXY", "off")
                .env("GO111MODULE", "on")
                .env("CGO_ENABLED", "0")
                .env("GOCACHE", folder.join("go-cache"))
                .output()
                .expect("go runs");
            assert!(
                output.status.success(),
                "{}",
                String::from_utf8_lossy(&output.stderr)
            );
            let bytes = std::fs::read(&file).expect("go built it");
            std::fs::remove_file(&file).expect("it can be removed");
            Some(Executable::parse(bytes).expect("it is a Go executable"))
        })
        .as_ref()
}
