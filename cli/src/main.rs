//! The `gofuncgraph` command: arguments in, graphs on stdout, everything else on stderr.

mod announce;
mod args;
mod check;
mod debug;
mod explain;
mod failure;
mod hints;
mod list;
mod load;
mod needed;
mod open;
mod output;
mod prices;
mod request;
mod stop;
mod terminal;
mod trace;
mod values;

use std::{
    io::{Write, stdout},
    process::ExitCode,
};

use anyhow::Context;
use clap::Parser;

use args::{Cli, Command};

fn print_version() -> anyhow::Result<()> {
    let kernel = runtime::Kernel::detect().describe();
    writeln!(
        stdout(),
        "gofuncgraph {}\n{kernel}",
        env!("CARGO_PKG_VERSION")
    )
    .context("cannot write")
}

fn main() -> ExitCode {
    let typed = args::with_two_dashes(std::env::args_os());
    let cli = match Cli::try_parse_from(typed) {
        Ok(cli) => cli,
        Err(error) => return failure::not_understood(&args::explained(error)),
    };
    if cli.version {
        return match print_version() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => failure::report(&error),
        };
    }
    let result = match &cli.command {
        Some(Command::Check(check)) => check::run(check),
        Some(Command::Explain(explain)) => explain::run(explain),
        Some(Command::List(list)) => list::run(list),
        None => trace::run(&cli.what, &cli.how),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failure::report(&error),
    }
}
