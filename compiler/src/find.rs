//! Patterns of the language as a question to an executable: which functions are these?

use gobinary::{Executable, Function};
use grammar::ast::Item;

use crate::{
    classic::string,
    compile::front,
    diagnostics::diagnostic::{Diagnostic, Source, has_errors},
    select::catalog::Catalog,
    select::matcher::Matcher,
};

/// The program that arguments of a command line stand for: each is a pattern, or patterns with commas between them. A name with a type in it
/// that the grammar does not read needs no quotes of its own.
#[must_use]
pub fn patterns_program(arguments: &[String]) -> Source {
    let pattern = |argument: &String| {
        let parsed = grammar::parse(&format!("trace {argument}"));
        let is_read = matches!(
            (parsed.errors.as_slice(), parsed.program.items.as_slice()),
            ([], [Item::Trace(trace)]) if trace.clauses.is_empty() && trace.label.is_none()
        );
        if is_read || !holds_a_type(argument) {
            argument.clone()
        } else {
            string(argument)
        }
    };
    let patterns: Vec<String> = arguments.iter().map(pattern).collect();
    let patterns = if patterns.is_empty() {
        "*".to_owned()
    } else {
        patterns.join(", ")
    };
    Source::new("<command line>", format!("trace {patterns}"))
}

/// A struct or what is in brackets may have any character in it.
fn holds_a_type(name: &str) -> bool {
    let count = |bracket: char| name.matches(bracket).count();
    name.contains(['[', '{'])
        && [('(', ')'), ('[', ']'), ('{', '}')]
            .into_iter()
            .all(|(open, close)| count(open) == count(close))
}

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
