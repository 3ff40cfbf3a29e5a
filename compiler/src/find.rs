//! Patterns of the language as a question to an executable: which functions are these?

use gobinary::{Executable, Function};

use crate::{
    compile::front,
    diagnostic::{Diagnostic, Source, has_errors},
    matching::{Catalog, Matcher},
};

/// The functions that the targets of a program select, by ascending address, whether they can be probed or not.
///
/// # Errors
/// What is wrong with the program.
pub fn find<'e>(
    source: &Source,
    executable: &'e Executable,
) -> Result<Vec<Function<'e>>, Vec<Diagnostic>> {
    let (program, diagnostics) = front(source, &[]);
    if has_errors(&diagnostics) {
        return Err(diagnostics);
    }
    let catalog = Catalog::new(executable);
    let matcher = Matcher::new(&catalog, &program);
    let mut all: Vec<u32> = program
        .traces
        .iter()
        .flat_map(|trace| matcher.union(&trace.targets))
        .collect();
    all.sort_unstable();
    all.dedup();
    Ok(all
        .into_iter()
        .filter_map(|index| catalog.get(index).copied())
        .collect())
}
