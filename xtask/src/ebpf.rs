//! The BPF programs: C to the objects that are embedded. Only who changes the C needs clang, so the objects are in the repository, and CI
//! checks that they are what the sources give.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use crate::workspace::{cache, on_path, root, run};

/// Other versions of clang give other bytes.
const CLANG: &str = "clang-19";
const STRIP: &str = "llvm-strip-19";
const SOURCES: &str = "ebpf-templates/bpf";
const OBJECTS: &str = "ebpf-templates/prebuilt";
/// Each is a source with `.c` at its end, and an object with `.o`.
const PROGRAMS: [&str; 3] = ["probe.bpf", "lifetime.bpf", "mapped.bpf"];
const SUMS: &str = "ebpf-templates/prebuilt/SOURCES.sha256";

/// Compiles the objects and notes the sources' hashes beside them; with `check` only compares.
///
/// # Errors
/// Where the pinned clang is not installed, or fails, or `check` finds a difference.
pub fn ebpf(check: bool) -> Result<()> {
    for program in [CLANG, STRIP] {
        if !on_path(program) {
            bail!(
                "{program} is needed to compile the BPF programs: apt-get install clang-19 llvm-19 libbpf-dev linux-libc-dev"
            );
        }
    }
    let work = cache().join("ebpf");
    fs::create_dir_all(&work)?;
    for program in PROGRAMS {
        let built = work.join(format!("{program}.{}.o", std::process::id()));
        let object = format!("{OBJECTS}/{program}.o");
        let result = compile(program, &built).and_then(|()| {
            if check {
                compare(&built, &object)
            } else {
                install(&built, &object)
            }
        });
        let _ = fs::remove_file(&built);
        result?;
    }
    if check {
        let noted =
            fs::read_to_string(root().join(SUMS)).with_context(|| format!("cannot read {SUMS}"))?;
        if noted != sums()? {
            bail!("{SUMS} is not of these sources: run `cargo xtask ebpf`");
        }
    } else {
        fs::write(root().join(SUMS), sums()?).with_context(|| format!("cannot write {SUMS}"))?;
    }
    Ok(())
}

fn compile(program: &str, to: &Path) -> Result<()> {
    let root = root();
    // The target bpf has no folder of its own for the <asm/…> headers.
    let arguments = [
        "-O2",
        "-g",
        "-target",
        "bpf",
        "-mcpu=v3",
        "-D__TARGET_ARCH_x86",
        "-Wall",
        "-Werror",
    ];
    let headers = ["-idirafter", "/usr/include/x86_64-linux-gnu", "-I", SOURCES];
    let mut clang = Command::new(CLANG);
    clang
        .current_dir(&root)
        .args(arguments)
        .arg(format!("-ffile-prefix-map={}=.", root.display()))
        .args(headers)
        .args(["-c", &format!("{SOURCES}/{program}.c"), "-o"]);
    run(clang.arg(to))?;
    run(Command::new(STRIP).arg("-g").arg(to))
}

fn install(built: &Path, object: &str) -> Result<()> {
    fs::create_dir_all(root().join(OBJECTS))?;
    fs::copy(built, root().join(object)).with_context(|| format!("cannot write {object}"))?;
    println!("{object}: {} bytes", fs::metadata(built)?.len());
    Ok(())
}

fn compare(built: &Path, object: &str) -> Result<()> {
    let committed =
        fs::read(root().join(object)).with_context(|| format!("cannot read {object}"))?;
    let fresh = fs::read(built)?;
    if committed != fresh {
        bail!(
            "{object} ({} bytes) is not what the sources give ({} bytes): run `cargo xtask ebpf`",
            committed.len(),
            fresh.len()
        );
    }
    println!("{object} is what the sources give");
    Ok(())
}

/// As `sha256sum *` in the sources' folder prints it.
fn sums() -> Result<String> {
    let mut text = String::new();
    for path in sources()? {
        let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let name = path
            .file_name()
            .context("a source has a name")?
            .to_string_lossy();
        for byte in Sha256::digest(&bytes) {
            write!(text, "{byte:02x}")?;
        }
        writeln!(text, "  {name}")?;
    }
    Ok(text)
}

fn sources() -> Result<Vec<PathBuf>> {
    let folder = root().join(SOURCES);
    let mut sources = Vec::new();
    for entry in
        fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?
    {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "c" || extension == "h")
        {
            sources.push(path);
        }
    }
    sources.sort();
    Ok(sources)
}
