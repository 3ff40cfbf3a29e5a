//! Files that are no Go executables for Linux are refused at once, for the reason that is so.

use std::{fs, path::Path, process::Command};

use gofuncgraph_tests::{go, skip, tracer, workspace};

/// What is said when the file is to be traced.
fn refusal(file: &Path) -> String {
    let path = file.to_str().expect("a path in UTF-8");
    let output = tracer::run(&["-e", "trace main.main", path]);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    let start = format!("error: cannot trace {path}: ");
    let reason = stderr.strip_prefix(&start).map(str::trim_end);
    reason.unwrap_or_else(|| panic!("{stderr}")).to_owned()
}

/// Issue 9, case gccgo: executables of other systems.
#[test]
fn another_operating_system() {
    if skip().is_some() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    // The header of the first says so, and what the linker recorded of the build of all.
    for system in ["freebsd", "dragonfly", "illumos"] {
        for flags in ["", "-s -w"] {
            let file = folder.path().join(system);
            let output = go::command(go::newest(), &workspace().join("tests/programs"))
                .env("GOOS", system)
                .env("CGO_ENABLED", "0")
                .args(["build", "-ldflags", flags, "-o"])
                .args([file.as_os_str(), "./linkshared".as_ref()])
                .output()
                .expect("go runs");
            assert!(
                output.status.success(),
                "{}",
                String::from_utf8_lossy(&output.stderr)
            );
            let reason = format!("built for {system} (GOOS={system}), which Linux does not run");
            assert_eq!(refusal(&file), reason);
        }
    }
}

/// Issue 9, case gccgo: another compiler, and files that are no executables.
#[test]
fn another_compiler_and_no_executable() {
    if skip().is_some() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let (source, program) = (folder.path().join("c.c"), folder.path().join("program"));
    fs::write(&source, "int main(void) { return 0; }").expect("a source");
    let gcc = |options: &[&str]| {
        let status = Command::new("gcc")
            .args(options)
            .arg("-o")
            .args([&program, &source])
            .status();
        assert!(status.expect("gcc runs").success());
    };
    gcc(&[]);
    assert!(
        refusal(&program).starts_with("not a Go executable"),
        "{}",
        refusal(&program)
    );
    // What gccgo's linker leaves of the packages' exports, stripped or not.
    let status = Command::new("objcopy")
        .args(["--add-section", &format!(".go_export={}", source.display())])
        .arg(&program)
        .status();
    assert!(status.expect("objcopy runs").success());
    assert!(
        refusal(&program).starts_with("built by gccgo"),
        "{}",
        refusal(&program)
    );

    let mut core = fs::read(&program).expect("the program");
    // ET_CORE
    core[16] = 4;
    let file = folder.path().join("core.1234");
    fs::write(&file, core).expect("a file");
    assert!(
        refusal(&file).starts_with("it is a core file"),
        "{}",
        refusal(&file)
    );
    gcc(&["-c"]);
    assert!(
        refusal(&program).starts_with("it is an object file"),
        "{}",
        refusal(&program)
    );
}
