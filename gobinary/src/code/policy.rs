//! Functions in which a probe is unsafe or meaningless, whatever their instructions.

use crate::Executable;
use crate::code::site::Unprobeable;
use crate::tables::function::Function;

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
    // Assembly's own helpers have no package, and the runtime's assembly has functions of others; their file tells.
    let by_file = function.is_assembly() && is_runtime(folder_of_standard(file));
    let denied = by_file || is_runtime(package) || package.is_empty() && name.starts_with("_cgo");
    denied.then_some(Unprobeable::DeniedRuntime)
}

fn is_runtime(package: &str) -> bool {
    let below = |parent: &&str| {
        package
            .strip_prefix(*parent)
            .is_some_and(|rest| rest.starts_with('/'))
    };
    RUNTIME.contains(&package) || WITH_SUBPACKAGES.iter().any(below)
}

/// The package of a file of the standard library: `runtime/asm.s` with `-trimpath`, `/usr/lib/go/src/runtime/asm.s` without.
fn folder_of_standard(file: &str) -> &str {
    let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
    folder
        .rsplit_once("/src/")
        .map_or(folder, |(_, package)| package)
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
        assert_eq!(folder_of_standard("runtime/asm_amd64.s"), "runtime");
        assert_eq!(
            folder_of_standard("/usr/lib/go/src/internal/bytealg/count_amd64.s"),
            "internal/bytealg"
        );
        assert_eq!(
            folder_of_standard("/home/me/runtime/asm.s"),
            "/home/me/runtime"
        );
    }
}
