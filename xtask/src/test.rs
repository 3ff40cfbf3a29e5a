//! Every test: those of the rooms as the user, those from end to end as root, over the Go versions.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::{
    toolchain::{NEWEST, Toolchains},
    workspace::{as_root, build_gofuncgraph, cargo, output, root, run},
};

const END_TO_END: &str = "gofuncgraph-tests";

/// Runs all tests whose names hold one of `filters`, or all; from end to end with the newest and the oldest Go, or with `all_go` versions.
///
/// # Errors
/// Where a test fails, or something that the tests need cannot be had.
pub fn test(all_go: bool, filters: &[String]) -> Result<()> {
    let versions = if all_go {
        Toolchains::all()
    } else {
        vec![Toolchains::oldest(), NEWEST]
    };
    let toolchains = Toolchains::ensure(&versions)?;
    let gofuncgraph = build_gofuncgraph()?;

    eprintln!("testing the rooms …");
    run(cargo()
        .args(["test", "--workspace", "--exclude", END_TO_END, "--"])
        .args(filters))?;

    eprintln!("testing from end to end, with Go {} …", versions.join(", "));
    let roots = toolchains
        .iter()
        .map(|toolchain| toolchain.root.display().to_string())
        .collect::<Vec<_>>()
        .join(":");
    let environment = [
        ("GOFUNCGRAPH_GO_TOOLCHAINS", roots),
        ("GOFUNCGRAPH_REQUIRE_ROOT", "1".to_owned()),
        ("GOFUNCGRAPH_BIN", gofuncgraph.display().to_string()),
        (
            "CARGO_MANIFEST_DIR",
            root().join("tests").display().to_string(),
        ),
    ];
    let mut failed = Vec::new();
    for executable in test_executables()? {
        let why = "the tests from end to end attach eBPF programs, which needs root";
        let mut tests = as_root(&executable, &environment, why)?;
        if let Err(error) = run(tests.args(filters).current_dir(root().join("tests"))) {
            failed.push(error.to_string());
        }
    }
    if !failed.is_empty() {
        bail!("{}", failed.join("; "));
    }
    Ok(())
}

/// Builds the tests from end to end as the user, for cargo not to leave files of root's behind.
fn test_executables() -> Result<Vec<PathBuf>> {
    let messages = output(cargo().args([
        "test",
        "--package",
        END_TO_END,
        "--no-run",
        "--message-format",
        "json-render-diagnostics",
    ]))?;
    let mut executables = Vec::new();
    for line in messages.lines().filter(|line| line.starts_with('{')) {
        let message: serde_json::Value =
            serde_json::from_str(line).context("cargo wrote a line that is no JSON")?;
        if message["profile"]["test"] == true
            && let Some(executable) = message["executable"].as_str()
        {
            executables.push(PathBuf::from(executable));
        }
    }
    Ok(executables)
}
