//! What one pass over all functions tells, made when first asked for.

use std::collections::HashMap;
use std::ops::Range;

use crate::Executable;

/// Names of the stubs around the code that the FIPS self-check sums up (Go ≥ 1.24, `cmd/link/internal/ld/fips140.go`).
const FIPS: [&str; 2] = ["go:textfipsstart", "go:textfipsend"];

/// Facts about all functions together.
#[derive(Debug)]
pub(crate) struct Survey {
    /// `abi.FuncIDWrapper`. It is the last of its enumeration in every version (21 in Go 1.19 to 1.21, 22 to 1.24, 23 to 1.27),
    /// and every executable has generated functions: the greatest id is it.
    pub wrapper_id: u8,
    /// Indices of functions that share their name with the one they wrap, ascending.
    pub abi_wrappers: Vec<u32>,
    /// Code that must not be changed, a probe's `int3` included.
    pub fips: Option<Range<u64>>,
    /// Entries of functions that never return, ascending.
    pub panics: Vec<u64>,
}

impl Survey {
    /// Looks at every function.
    pub fn new(executable: &Executable) -> Self {
        let wrapper_id = executable
            .functions()
            .map(|f| f.func_id)
            .max()
            .unwrap_or_default();
        let mut names: HashMap<&str, u32> = HashMap::new();
        let (mut fips, mut panics) = ([None; 2], Vec::new());
        for function in executable.functions() {
            if function.func_id == wrapper_id && wrapper_id != 0 {
                names.insert(function.name, function.index);
            }
            if never_returns(function.name) {
                panics.push(function.entry);
            }
            for (name, place) in FIPS.iter().zip(&mut fips) {
                if function.name == *name {
                    *place = Some(function.entry);
                }
            }
        }
        panics.sort_unstable();
        let mut abi_wrappers: Vec<u32> = executable
            .functions()
            .filter(|f| f.func_id != wrapper_id)
            .filter_map(|f| names.get(f.name).copied())
            .collect();
        abi_wrappers.sort_unstable();
        abi_wrappers.dedup();
        let fips = match fips {
            [Some(start), Some(end)] => Some(start..end),
            _ => None,
        };
        Self {
            wrapper_id,
            abi_wrappers,
            fips,
            panics,
        }
    }
}

/// Does the function of this name never return? Then nothing belongs behind its call (`BlockExit` in cmd/compile/internal/ssagen/ssa.go;
/// of the runtime's functions whose names begin with `panic` only `panicCheck1` and `2` return, from Go 1.19 to 1.27).
pub(crate) fn never_returns(name: &str) -> bool {
    name.strip_prefix("runtime.").is_some_and(|name| {
        matches!(name, "gopanic" | "block")
            || name.starts_with("panic") && !name.starts_with("panicCheck")
    })
}
