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
        let mut fips = [None; 2];
        for function in executable.functions() {
            if function.func_id == wrapper_id && wrapper_id != 0 {
                names.insert(function.name, function.index);
            }
            for (name, place) in FIPS.iter().zip(&mut fips) {
                if function.name == *name {
                    *place = Some(function.entry);
                }
            }
        }
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
        }
    }
}
