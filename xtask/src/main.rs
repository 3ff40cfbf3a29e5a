//! The project's chores. `cargo xtask help` lists them.

mod toolchain;
mod workspace;

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
    /// Gets the Go toolchains that the tests use (newest and oldest) and says where they are
    Toolchains {
        /// Every version
        #[arg(long)]
        all: bool,
    },
}

fn main() -> Result<()> {
    match Arguments::parse().chore {
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
