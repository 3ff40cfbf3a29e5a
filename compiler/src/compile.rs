//! The two ways in: checking a program, and compiling it to a plan.

use gobinary::Executable;

use crate::{
    diagnostics::{
        diagnostic::{Diagnostic, Source, has_errors},
        severity::Severity,
    },
    lower::{self, Options},
    plan::Plan,
    resolve::{self, Resolved},
};

/// What checking a program found.
#[derive(Debug, Clone)]
pub struct Checked {
    /// In source order; those without a place come first.
    pub diagnostics: Vec<Diagnostic>,
    /// The program with its names and values resolved, if it has no errors.
    pub program: Option<Resolved>,
    /// The executable that its `target` item names, also if there are errors elsewhere.
    pub target: Option<String>,
}

/// Checks a program, with an executable also its names against it. `defines` are the command line's `-D name=value`.
#[must_use]
pub fn check(
    source: &Source,
    defines: &[(String, String)],
    executable: Option<&Executable>,
) -> Checked {
    let (program, mut diagnostics) = front(source, defines);
    let target = program.target.clone();
    if let Some(executable) = executable {
        diagnostics.extend(lower::plan(&program, &source.text, executable, &Options::default()).1);
    }
    sort(&mut diagnostics);
    let program = (!has_errors(&diagnostics)).then_some(program);
    Checked {
        diagnostics,
        program,
        target,
    }
}

/// Compiles a program for an executable. `defines` are the command line's `-D name=value`.
///
/// # Errors
/// All diagnostics, if one of them is an error. Otherwise warnings and notes come with the plan.
pub fn compile(
    source: &Source,
    defines: &[(String, String)],
    executable: &Executable,
    options: &Options,
) -> Result<(Plan, Vec<Diagnostic>), Vec<Diagnostic>> {
    let (mut program, mut diagnostics) = front(source, defines);
    program.settings = options.overrides.over(program.settings);
    let (plan, found) = lower::plan(&program, &source.text, executable, options);
    diagnostics.extend(found);
    sort(&mut diagnostics);
    if has_errors(&diagnostics) {
        return Err(diagnostics);
    }
    Ok((
        Plan {
            executable: options.executable.clone(),
            source: source.clone(),
            ..plan
        },
        diagnostics,
    ))
}

/// Everything that needs no executable.
pub(crate) fn front(source: &Source, defines: &[(String, String)]) -> (Resolved, Vec<Diagnostic>) {
    let parsed = grammar::parse(&source.text);
    let incomplete = !parsed.errors.is_empty();
    let mut diagnostics: Vec<Diagnostic> =
        parsed.errors.into_iter().map(Diagnostic::from).collect();
    let (mut program, mut found) = resolve::resolve(source, &parsed.program, defines, incomplete);
    // Something may be "unused" only because its user could not be read.
    found.retain(|diagnostic| !incomplete || diagnostic.severity == Severity::Error);
    diagnostics.extend(found);
    program.damaged = has_errors(&diagnostics);
    (program, diagnostics)
}

fn sort(diagnostics: &mut [Diagnostic]) {
    let place = |diagnostic: &Diagnostic| diagnostic.labels.first().map(|label| label.span.start);
    diagnostics.sort_by_key(place);
}
