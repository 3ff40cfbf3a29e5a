//! From a request to an executable and a plan, with every diagnostic reported on the way.

use std::{io::stderr, path::PathBuf};

use compiler::{Diagnostic, Overrides, Placement, Source, has_errors, plan::Plan};
use gobinary::Executable;
use runtime::{Binary, Calibration};

use crate::{
    args::Color,
    failure::{Usage, WrongProgram},
    hints, prices,
    request::{Request, Target},
    terminal,
};

/// Everything that is known before anything is attached.
pub struct Loaded {
    /// Where to trace.
    pub target: Target,
    /// The open file.
    pub binary: Binary,
    /// What it says of itself.
    pub executable: Executable,
    /// What to probe.
    pub plan: Plan,
    /// The program.
    pub source: Source,
    defines: Vec<(String, String)>,
    placement: Placement,
    overrides: Overrides,
}

/// Opens the target and compiles the program against it.
pub fn load(
    request: Request,
    color: Color,
    calibration: &mut Calibration,
) -> anyhow::Result<Loaded> {
    let target = match request.target {
        Some(target) => target,
        None => named_by_program(&request.source, &request.defines, color)?,
    };
    let (binary, executable) = open(&target)?;
    let placement = prices::placement(request.exit_sites, calibration);
    let result = compiler::compile(
        &request.source,
        &request.defines,
        &executable,
        &compiler::Options {
            placement,
            overrides: request.overrides,
            ..compiler::Options::default()
        },
    );
    // What follows from contents that are neither old nor new is nothing to be told.
    binary.unchanged()?;
    let mut plan = match result {
        Ok((plan, diagnostics)) => {
            show(&request.source, &diagnostics, color);
            plan
        }
        Err(diagnostics) => {
            show(&request.source, &diagnostics, color);
            return Err(WrongProgram.into());
        }
    };
    plan.executable = match &target {
        Target::Process(_) => {
            std::fs::read_link(binary.path()).unwrap_or_else(|_| binary.path().to_owned())
        }
        _ => binary.path().to_owned(),
    };
    Ok(Loaded {
        target,
        binary,
        executable,
        plan,
        source: request.source,
        defines: request.defines,
        placement,
        overrides: request.overrides,
    })
}

/// The same plan without some functions: index of the trace, id of the function.
pub fn plan_without(loaded: &Loaded, without: Vec<(u32, u32)>) -> anyhow::Result<Plan> {
    let options = compiler::Options {
        placement: loaded.placement,
        without,
        overrides: loaded.overrides,
        ..compiler::Options::default()
    };
    compiler::compile(
        &loaded.source,
        &loaded.defines,
        &loaded.executable,
        &options,
    )
    .map(|(plan, _)| plan)
    .map_err(|_| WrongProgram.into())
}

/// Opens a Go executable, with what to do about it where it is none.
pub fn open(target: &Target) -> anyhow::Result<(Binary, Executable)> {
    let path = target.path();
    if let Target::Process(pid) = target
        && let Some(refused) = hints::no_process(*pid)
    {
        return Err(refused.into());
    }
    let binary = Binary::open(&path).map_err(|error| hints::not_readable(target, error))?;
    let executable =
        Executable::parse(binary.bytes()).map_err(|error| match binary.unchanged() {
            Ok(()) => hints::not_traceable(target, &binary, &error),
            Err(written) => written.into(),
        })?;
    Ok((binary, executable))
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
