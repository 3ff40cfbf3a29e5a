//! The `gofuncgraph` command: arguments in, graphs on stdout, everything else on stderr.

mod args;
mod check;
mod explain;
mod failure;
mod list;
mod load;
mod output;
mod request;
mod symbols;
mod terminal;
mod trace;

use std::process::ExitCode;

use clap::Parser;

use args::{Cli, Command};

fn main() -> ExitCode {
    let cli = Cli::parse();
    if cli.version {
        println!("gofuncgraph {}", env!("CARGO_PKG_VERSION"));
        println!("{}", runtime::Kernel::detect().describe());
        return ExitCode::SUCCESS;
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
