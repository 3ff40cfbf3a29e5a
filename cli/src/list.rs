//! `gofuncgraph list`: the functions of an executable, as patterns of the language select them.

use std::{
    borrow::Cow,
    io::{self, BufWriter, Write, stdout},
};

use gobinary::{Executable, ExitKind, Function};
use serde::Serialize;

use session::short_file;

use crate::{
    args::{Color, List, TextOrJson},
    failure::{self, WrongProgram},
    load,
    open::{self, Opened},
    request::Target,
    terminal::{say, shown},
    values::Values,
};

#[derive(Serialize)]
struct Row<'a> {
    /// As the linker spells it.
    #[serde(skip)]
    symbol: &'a str,
    function: Cow<'a, str>,
    address: u64,
    file: &'a str,
    line: u32,
    /// Probe sites: one entry and its exits; `null` where it cannot be probed.
    sites: Option<usize>,
    /// Sites that the kernel emulates instead of single-stepping them.
    emulated: usize,
    tail_calls: usize,
    inlined_at: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_probed: Option<String>,
    /// With `--verbose`.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    values: Option<Values>,
}

/// Prints the functions.
pub fn run(args: &List) -> anyhow::Result<()> {
    failure::enough_memory()?;
    let target = Target::Executable(args.executable.clone());
    let source = compiler::patterns_program(&args.patterns);
    let Opened {
        binary, executable, ..
    } = open::open(&target, None, args.debug_file.as_deref(), &|executable| {
        compiler::find(&source, executable).is_ok_and(|found| !found.is_empty())
    })?;
    let functions = compiler::find(&source, &executable).map_err(|diagnostics| {
        load::show(&source, &diagnostics, Color::Auto);
        WrongProgram
    })?;
    if functions.is_empty() {
        say!(
            "no function of {} matches {}",
            shown(&args.executable),
            render::escape(&args.patterns.join(", "))
        );
    }
    let types = args.verbose.then(|| executable.types());
    if let (true, Some(file)) = (args.verbose, executable.debug_file()) {
        say!("types are from {file}");
    }
    match &types {
        Some(Ok(types)) => types.prepare(&functions),
        Some(Err(reason)) if !functions.is_empty() => {
            say!("parameters are not shown: {reason}");
        }
        _ => {}
    }
    let types = types.and_then(Result::ok);
    let mut out = BufWriter::new(stdout().lock());
    let result = functions
        .iter()
        .try_for_each(|function| {
            let row = Row {
                values: types.as_ref().map(|types| Values::of(types, function)),
                ..row(&executable, function)
            };
            match args.format {
                TextOrJson::Json => {
                    serde_json::to_writer(&mut out, &row)?;
                    writeln!(out)
                }
                TextOrJson::Text => text(&mut out, &executable, &row, args.verbose),
            }
        })
        .and_then(|()| out.flush());
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => Ok(result.map(|()| binary.unchanged())??),
    }
}

fn row<'a>(executable: &'a Executable, function: &Function<'a>) -> Row<'a> {
    let sites = executable.sites(function);
    let position = executable.position(function.entry);
    let instructions = |sites: &gobinary::Sites| {
        usize::from(sites.entry.instruction.emulated)
            + sites
                .exits
                .iter()
                .filter(|e| e.instruction.emulated)
                .count()
    };
    Row {
        symbol: function.name,
        function: function.source_name(),
        address: function.entry,
        file: position.map_or("", |p| p.file),
        line: function
            .start_line
            .or(position.map(|p| p.line))
            .unwrap_or(0),
        sites: sites.as_ref().ok().map(|s| 1 + s.exits.len()),
        emulated: sites.as_ref().map_or(0, instructions),
        tail_calls: sites.as_ref().map_or(0, |s| {
            s.exits
                .iter()
                .filter(|e| matches!(e.kind, ExitKind::TailJump { .. }))
                .count()
        }),
        inlined_at: executable.inlined_places(function).len(),
        not_probed: sites.err().map(|reason| reason.to_string()),
        values: None,
    }
}

fn text(
    out: &mut impl Write,
    executable: &Executable,
    row: &Row<'_>,
    verbose: bool,
) -> io::Result<()> {
    let name = render::escape(&*row.function);
    let file = if verbose {
        render::escape(row.file).into_owned()
    } else {
        render::escape(&short_file(executable, row.symbol, row.file)).into_owned()
    };
    write!(out, "{name}  {file}:{}  ", row.line)?;
    match (row.sites, &row.not_probed) {
        (Some(sites), _) => write!(out, "{sites} sites")?,
        (None, Some(reason)) if verbose => write!(out, "not probed: {reason}")?,
        (None, _) => write!(out, "not probed")?,
    }
    if row.inlined_at > 0 {
        write!(out, ", inlined at {} more places", row.inlined_at)?;
    }
    writeln!(out)?;
    match &row.values {
        Some(values) => values.write(out),
        None => Ok(()),
    }
}
