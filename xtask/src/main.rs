//! The project's chores. `cargo xtask help` lists them.

mod bench;
mod demo;
mod ebpf;
mod fuzz;
mod progress;
mod test;
mod toolchain;
mod vm;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use toolchain::Toolchains;

#[derive(Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    about = "The project's chores"
)]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Builds everything and traces an example server for a few seconds
    Demo,
    /// Runs every test
    Test {
        /// With every Go version; otherwise with the newest and the oldest
        #[arg(long)]
        all_go: bool,
        /// Only tests whose names hold one of these
        filters: Vec<String>,
    },
    /// Compiles the probe program from C to the object that is embedded
    Ebpf {
        /// Changes nothing and fails where the object is not what the sources give
        #[arg(long)]
        check: bool,
    },
    /// Feeds the parser and the readers of executables with inputs that reach new code
    Fuzz {
        /// Which: grammar, pclntab, dwarf
        #[arg(value_parser = fuzz::TARGETS, default_values = fuzz::TARGETS)]
        targets: Vec<String>,
        /// How long each is fuzzed
        #[arg(long, value_name = "SECONDS", default_value_t = 600)]
        seconds: u64,
    },
    /// Boots other Linux kernels under qemu and runs a smoke of the end-to-end tests there
    Vm {
        /// Which kernel: a version as 6.1, or unstable for the newest of Debian unstable; may be given several times
        #[arg(long, value_name = "VERSION", default_values = vm::KERNELS)]
        kernel: Vec<String>,
    },
    /// Measures what tracing costs, side by side with what it is compared with
    Bench {
        /// Which: 1 (call), 2 (attach), 3 (start), 4 (throughput), 5 (placement), 6 (values); all where none is named
        names: Vec<String>,
        /// Writes one JSON object
        #[arg(long)]
        json: bool,
        /// How often everything is measured
        #[arg(long, value_name = "N", default_value_t = 7, value_parser = clap::value_parser!(u64).range(1..=1000))]
        rounds: u64,
        /// Length of each measurement that counts calls
        #[arg(long, value_name = "SECONDS", default_value_t = 0.5)]
        seconds: f64,
        /// With placement also in a virtual machine, on Debian unstable's kernel
        #[arg(long)]
        vm: bool,
    },
    /// Gets the Go toolchains that the tests use (newest and oldest) and says where they are
    Toolchains {
        /// Every version
        #[arg(long)]
        all: bool,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse().chore) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(chore: Chore) -> Result<()> {
    match chore {
        Chore::Demo => demo::demo(),
        Chore::Test { all_go, filters } => test::test(all_go, &filters),
        Chore::Ebpf { check } => ebpf::ebpf(check),
        Chore::Fuzz { targets, seconds } => fuzz::fuzz(&targets, seconds),
        Chore::Vm { kernel } => vm::vm(&kernel),
        Chore::Bench {
            names,
            json,
            rounds,
            seconds,
            vm,
        } => {
            let effort = bench::Effort {
                rounds: usize::try_from(rounds)?,
                seconds,
                vm,
            };
            bench::bench(&names, effort, json)
        }
        Chore::Toolchains { all } => toolchains(all),
    }
}

fn toolchains(all: bool) -> Result<()> {
    let versions = if all {
        Toolchains::all()
    } else {
        vec![Toolchains::oldest(), toolchain::NEWEST]
    };
    for toolchain in Toolchains::ensure(&versions)? {
        println!("{}\t{}", toolchain.version, toolchain.root.display());
    }
    Ok(())
}
