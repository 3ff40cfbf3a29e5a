//! Functions in which a probe is unsafe or meaningless, whatever their instructions.

use crate::Executable;
use crate::function::Function;
use crate::sites::Unprobeable;

/// The runtime and what it runs on, signal handlers and stacks without a goroutine included. With all of it probed, a process that
/// takes CPU profiles hangs.
const RUNTIME: [&str; 12] = [
    "runtime",
    "runtime/cgo",
    "runtime/race",
    "runtime/msan",
    "runtime/asan",
    "internal/abi",
    "internal/bytealg",
    "internal/chacha8rand",
    "internal/coverage/rtcov",
    "internal/cpu",
    "internal/runtime",
    "runtime/internal",
];

/// Packages of the list above whose subpackages belong to it too.
const WITH_SUBPACKAGES: [&str; 2] = ["internal/runtime", "runtime/internal"];

/// Why a function must not be probed.
pub(crate) fn denied(executable: &Executable, function: &Function<'_>) -> Option<Unprobeable> {
    let name = function.name;
    let package = Executable::package(name);
    if name.is_empty()
        || name == "go:buildid"
        || name == "go.buildid"
        || package == "crypto/internal/boring/sig"
    {
        return Some(Unprobeable::NotCode);
    }
    let fips = executable.survey().fips.as_ref();
    if name.starts_with("go:textfips") || fips.is_some_and(|range| range.contains(&function.entry))
    {
        return Some(Unprobeable::Fips);
    }
    if name == "runtime.duffzero" || name == "runtime.duffcopy" {
        return Some(Unprobeable::EnteredMidBody);
    }
    // The linker lists C functions that it linked itself, without files.
    let Some(file) = function.source_file() else {
        return Some(Unprobeable::NotGo);
    };
    if package.is_empty() && !name.starts_with("type") {
        // Assembly's own helpers have no package; their file has.
        let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
        let runtime = RUNTIME.iter().any(|package| is_folder_of(folder, package));
        return (runtime || name.starts_with("_cgo")).then_some(Unprobeable::DeniedRuntime);
    }
    is_runtime(package).then_some(Unprobeable::DeniedRuntime)
}

fn is_runtime(package: &str) -> bool {
    let below = |parent: &&str| {
        package
            .strip_prefix(*parent)
            .is_some_and(|rest| rest.starts_with('/'))
    };
    RUNTIME.contains(&package) || WITH_SUBPACKAGES.iter().any(below)
}

/// Is this the folder of a package of the standard library: `runtime` with `-trimpath`, `/usr/lib/go/src/runtime` without?
fn is_folder_of(folder: &str, package: &str) -> bool {
    let Some(parent) = folder.strip_suffix(package) else {
        return false;
    };
    parent.is_empty() || parent.ends_with("/src/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_runtime_and_not_its_neighbours() {
        for package in [
            "runtime",
            "runtime/internal/sys",
            "internal/runtime/maps",
            "internal/runtime/gc/scan",
            "runtime/cgo",
        ] {
            assert!(is_runtime(package), "{package}");
        }
        for package in [
            "runtime/debug",
            "runtime/pprof",
            "internal/poll",
            "example.com/runtime",
            "internal/runtimes",
        ] {
            assert!(!is_runtime(package), "{package}");
        }
        assert!(is_folder_of("runtime", "runtime"));
        assert!(is_folder_of(
            "/usr/lib/go/src/internal/bytealg",
            "internal/bytealg"
        ));
        assert!(!is_folder_of("/home/me/runtime", "runtime"));
    }
}
