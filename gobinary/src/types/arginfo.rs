//! What the runtime's tracebacks know of a function's arguments (FUNCDATA_ArgInfo).
//!
//! DWARF before Go 1.22 leaves out parameters without a name, and those of a generic function's dictionary before 1.27; a parameter that
//! is left out moves all that follow into other registers. This table has them all, by offset and size of each part, up to ten parts
//! (`cmd/compile/internal/ssagen`, `EmitArgInfo`; `internal/abi/symtab.go`).

use crate::Executable;
use crate::tables::function::Function;

const FUNCDATA_ARG_INFO: u8 = 5;
const END: u8 = 0xff;
const START_AGGREGATE: u8 = 0xfe;
const END_AGGREGATE: u8 = 0xfd;
const AND_MORE: u8 = 0xfc;
const TOO_FAR: u8 = 0xfb;
/// Bytes of the longest table there can be: `TraceArgsMaxLen`.
const MAX_LENGTH: usize = 171;
/// Tables that are read to tell the right base from a wrong one.
const TRIALS: usize = 64;

/// The arguments, without a dictionary.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct ArgInfo {
    /// From the first byte of the stack arguments; those that come in registers as if they had been saved.
    pub arguments: Vec<Argument>,
    /// There are more, which the table does not have.
    pub more: bool,
}

/// One argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Argument {
    /// Offset and size of each part; none of an argument without size.
    pub parts: Vec<(u64, u64)>,
    /// Some of the parts are missing.
    pub cut: bool,
}

/// What the tables' offsets are relative to. Inline trees tell; where nothing was inlined, the tables themselves do.
pub(super) fn base(executable: &Executable) -> Option<u64> {
    if let Some(trees) = executable.inline_trees() {
        return Some(trees.base());
    }
    let has_table = |function: &Function<'_>| {
        let table = &executable.table;
        let offset = table.funcdata(&executable.image, &function.record, FUNCDATA_ARG_INFO);
        offset.is_some()
    };
    let samples: Vec<_> = executable
        .functions()
        .filter(has_table)
        .take(TRIALS)
        .collect();
    let makes_sense = |base: u64| {
        samples.iter().all(|function| {
            ArgInfo::read(executable, base, function).is_some_and(|info| {
                let mut parts = info.arguments.iter().flat_map(|a| &a.parts);
                parts.all(|(_, size)| matches!(size, 1 | 2 | 4 | 8))
            })
        })
    };
    let mut candidates = executable.module.as_ref()?.gofunc.iter().copied();
    candidates.find(|&base| !samples.is_empty() && makes_sense(base))
}

impl ArgInfo {
    pub fn read(executable: &Executable, base: u64, function: &Function<'_>) -> Option<Self> {
        let offset =
            executable
                .table
                .funcdata(&executable.image, &function.record, FUNCDATA_ARG_INFO)?;
        let bytes = executable
            .image
            .bytes_from(base.checked_add(u64::from(offset))?)?;
        Self::parse(bytes.get(..MAX_LENGTH).unwrap_or(bytes))
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut info = Self::default();
        let mut depth = 0_usize;
        let mut current = Argument {
            parts: Vec::new(),
            cut: false,
        };
        let mut bytes = bytes.iter().copied();
        loop {
            match bytes.next()? {
                END if depth == 0 => return Some(info),
                END => return None,
                START_AGGREGATE => {
                    depth += 1;
                    continue;
                }
                END_AGGREGATE => depth = depth.checked_sub(1)?,
                AND_MORE if depth == 0 => info.more = true,
                AND_MORE => current.cut = true,
                TOO_FAR => current.cut = true,
                offset => current
                    .parts
                    .push((u64::from(offset), u64::from(bytes.next()?))),
            }
            if depth == 0 && !info.more {
                info.arguments.push(std::mem::replace(
                    &mut current,
                    Argument {
                        parts: Vec::new(),
                        cut: false,
                    },
                ));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aggregates_and_cuts() {
        let argument = |parts: &[(u64, u64)], cut| Argument {
            parts: parts.to_vec(),
            cut,
        };
        assert_eq!(ArgInfo::parse(&[0xff]), Some(ArgInfo::default()));
        assert_eq!(
            ArgInfo::parse(&[
                0, 8, 0xfe, 8, 8, 0xfe, 0xfd, 0xfe, 16, 4, 0xfc, 0xfd, 0xfd, 0xfb, 0xfe, 0xfd,
                0xfc, 0xff
            ]),
            Some(ArgInfo {
                arguments: vec![
                    argument(&[(0, 8)], false),
                    argument(&[(8, 8), (16, 4)], true),
                    argument(&[], true),
                    argument(&[], false),
                ],
                more: true,
            })
        );
        for damaged in [&[][..], &[0], &[0, 8], &[0xfd, 0xff], &[0xfe, 0xff]] {
            assert_eq!(ArgInfo::parse(damaged), None);
        }
    }
}
