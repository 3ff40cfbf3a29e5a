//! `gofuncgraph check`: the diagnostics of a program, with no privilege and nothing attached.

use std::io::{Write, stdout};

use anyhow::Context;
use compiler::{Source, has_errors};

use crate::{
    args::{Check, TextOrJson},
    failure::WrongProgram,
    load, open,
    request::{self, Target},
};

/// Checks the program; against an executable where one is named.
pub fn run(args: &Check) -> anyhow::Result<()> {
    let source = match (&args.program, &args.file) {
        (Some(text), _) => Source::new("<command line>", text.as_str()),
        (None, Some(path)) => request::read_script(path)?,
        (None, None) => unreachable!("clap requires one of them"),
    };
    let opened = match &args.target {
        Some(path) => Some(open::open(
            &Target::Executable(path.clone()),
            None,
            args.debug_file.as_deref(),
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
