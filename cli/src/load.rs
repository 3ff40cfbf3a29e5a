//! From a request to an executable and a plan, with every diagnostic reported on the way.

use std::{io::stderr, path::PathBuf};

use compiler::{Diagnostic, Placement, Source, has_errors};
use gobinary::Executable;
use runtime::Binary;
use session::Traced;

use crate::{
    args::Color,
    failure::{Usage, WrongProgram},
    hints,
    open::{self, Opened},
    request::{Request, Target},
    terminal::{self, say},
};

/// Everything that is known before anything is attached.
pub struct Loaded {
    /// Where to trace.
    pub target: Target,
    /// What is traced there.
    pub traced: Traced,
}

/// Opens the target and compiles the program against it.
pub fn load(request: Request, color: Color, placement: Placement) -> anyhow::Result<Loaded> {
    let target = match request.target {
        Some(target) => target,
        None => named_by_program(&request.source, &request.defines, color)?,
    };
    let Opened {
        binary,
        executable,
        loaded,
    } = open::open(
        &target,
        request.library.as_deref(),
        request.debug_file.as_deref(),
        &|executable| has_functions(&request.source, &request.defines, executable),
    )?;
    if let Some(note) = hints::builds_another(&target) {
        say!("{note}");
    }
    let options = compiler::Options {
        executable: binary.path().to_owned(),
        placement,
        overrides: request.overrides,
        ..compiler::Options::default()
    };
    let result = compiler::compile(&request.source, &request.defines, &executable, &options);
    // What follows from contents that are neither old nor new is nothing to be told.
    binary.unchanged()?;
    let plan = match result {
        Ok((plan, diagnostics)) => {
            show(&request.source, &diagnostics, color);
            plan
        }
        Err(mut diagnostics) => {
            let traced = (&binary, &executable);
            name_files(&mut diagnostics, &request.source, &target, traced);
            show(&request.source, &diagnostics, color);
            return Err(WrongProgram.into());
        }
    };
    Ok(Loaded {
        target,
        traced: Traced {
            is_library: loaded || executable.is_library(),
            binary,
            executable,
            plan,
            source: request.source,
            defines: request.defines,
            options,
        },
    })
}

/// Does a file have functions for all patterns of a program?
pub fn has_functions(
    source: &Source,
    defines: &[(String, String)],
    executable: &Executable,
) -> bool {
    let checked = compiler::check(source, defines, Some(executable));
    !checked.diagnostics.iter().any(Diagnostic::selects_nothing)
}

/// Says of patterns that select nothing in which other files of the target they would select something.
fn name_files(
    diagnostics: &mut [Diagnostic],
    source: &Source,
    target: &Target,
    (binary, executable): (&Binary, &Executable),
) {
    if !diagnostics.iter().any(Diagnostic::selects_nothing) {
        return;
    }
    let others = open::elsewhere(target, binary);
    let opens_plugins = executable.function_named("plugin.open").is_some();
    for diagnostic in diagnostics.iter_mut().filter(|d| d.selects_nothing()) {
        let pattern = diagnostic.labels.first();
        let Some(pattern) = pattern.and_then(|label| source.text.get(label.span.clone())) else {
            continue;
        };
        let asked = Source::new("<pattern>", format!("trace {pattern}"));
        let has = |executable| compiler::find(&asked, executable).is_ok_and(|f| !f.is_empty());
        let having: Vec<String> = others
            .iter()
            .filter(|(_, executable)| has(executable))
            .map(|(binary, _)| binary.path().display().to_string())
            .collect();
        let help = match (target, having.as_slice()) {
            (_, []) if !opens_plugins => continue,
            (_, []) => {
                "functions of plugins are in their own files: name one with --library ./plugin.so"
                    .to_owned()
            }
            (Target::Executable(_), having) => {
                format!(
                    "give the file that has it instead of the executable: {}",
                    having.join(" or ")
                )
            }
            (_, having) => format!("it is in a library: --library {}", having.join(" or ")),
        };
        diagnostic.help.push(render::escape(&help).into_owned());
    }
}

/// The `target` item of the program, where the command line names none.
fn named_by_program(
    source: &Source,
    defines: &[(String, String)],
    color: Color,
) -> anyhow::Result<Target> {
    let checked = compiler::check(source, defines, None);
    if let Some(path) = checked.target {
        return Ok(Target::Executable(PathBuf::from(path)));
    }
    if has_errors(&checked.diagnostics) {
        show(source, &checked.diagnostics, color);
        return Err(WrongProgram.into());
    }
    Err(Usage::new(
        "nothing to trace: neither the command line nor the program names a target",
        "name an executable (./server), a process (-p PID) or a command (-- ./server)",
    )
    .into())
}

/// Reports diagnostics on stderr.
pub fn show(source: &Source, diagnostics: &[Diagnostic], color: Color) {
    if diagnostics.is_empty() {
        return;
    }
    let stderr = stderr();
    let color = terminal::use_color(color, &stderr);
    terminal::write_stderr(format_args!(
        "{}",
        compiler::report(source, diagnostics, color)
    ));
}
