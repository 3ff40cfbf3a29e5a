//! `gofuncgraph check`: the diagnostics of a program, with no privilege and nothing attached.

use std::io::{Write, stdout};

use anyhow::{Context, bail};
use compiler::{Source, has_errors};

use crate::{
    args::{Check, TextOrJson},
    failure::{Usage, WrongProgram},
    load, open,
    request::{self, Target},
    terminal::shown,
};

/// Checks the program; against an executable where one is named.
pub fn run(args: &Check) -> anyhow::Result<()> {
    let mut files = args.files.iter();
    let source = match &args.program {
        Some(text) => Source::new("<command line>", text.as_str()),
        None => match files.next() {
            Some(path) => request::read_script(path)?,
            None => bail!(Usage::new(
                "nothing to check: no program",
                "give one: check -e PROGRAM, or check FILE.gfg",
            )),
        },
    };
    let target = match (files.as_slice(), &args.target) {
        ([], target) => target.as_ref(),
        ([path], None) => Some(path),
        ([first, .., second], _) | ([first], Some(second)) => bail!(Usage::new(
            format!("two executables: {} and {}", shown(first), shown(second)),
            "a program is checked against one: check -e PROGRAM EXECUTABLE, or check FILE.gfg EXECUTABLE",
        )),
    };
    if let Some(script) = target.filter(|path| request::is_script(path)) {
        bail!(Usage::new(
            format!(
                "two programs: {} is where the executable is expected",
                shown(script)
            ),
            "give one of them: check -e PROGRAM, or check FILE.gfg",
        ));
    }
    let opened = match target {
        Some(path) => Some(open::open(
            &Target::Executable(path.clone()),
            None,
            args.debug_file.as_deref(),
            &|executable| load::has_functions(&source, &args.define, executable),
        )?),
        None => None,
    };
    let executable = opened.as_ref().map(|opened| &opened.executable);
    let diagnostics = compiler::check(&source, &args.define, executable).diagnostics;
    if let Some(opened) = &opened {
        opened.binary.unchanged()?;
    }
    match args.format {
        TextOrJson::Text => load::show(&source, &diagnostics, args.color),
        TextOrJson::Json => stdout()
            .write_all(compiler::report_json(&source, &diagnostics).as_bytes())
            .context("cannot write")?,
    }
    if has_errors(&diagnostics) {
        return Err(WrongProgram.into());
    }
    Ok(())
}
