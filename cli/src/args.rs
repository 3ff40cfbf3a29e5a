//! The command line as it is typed, before it means anything.

use std::{ffi::OsString, path::PathBuf};

use clap::{
    Args, Parser, Subcommand, ValueEnum,
    builder::StyledStr,
    error::{ContextKind, ContextValue, ErrorKind},
};
use compiler::{Budget, Limits};

/// Function graph tracer for running Go programs.
///
/// Shows each call of a function as a graph of the calls made inside it, with durations and call sites, live, without rebuilding or
/// restarting the program.
#[derive(Debug, Parser)]
#[command(
    name = "gofuncgraph",
    bin_name = "gofuncgraph",
    disable_version_flag = true,
    args_conflicts_with_subcommands = true,
    override_usage = "gofuncgraph [OPTIONS] -e PROGRAM <EXECUTABLE | -p PID | -- COMMAND ARGS…>
       gofuncgraph [OPTIONS] FILE.gfg [EXECUTABLE | -p PID | -- COMMAND ARGS…]
       gofuncgraph [OPTIONS] [--uprobe-wildcards PATTERN]… EXECUTABLE [TARGET…]
       gofuncgraph check | explain | list | help …",
    after_help = "Examples:
  gofuncgraph -e 'trace main.handleBar < include net/http*; min 100ms >' ./server
  gofuncgraph -e 'trace main.(*DB).query < depth 3 >' -p 4242
  gofuncgraph slow.gfg -- ./server -addr :8080
  gofuncgraph --uprobe-wildcards 'net/http*' ./server '*handleBar'"
)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub what: What,
    #[command(flatten)]
    pub how: How,
    /// Print the version and what this kernel can do
    #[arg(short = 'V', long)]
    pub version: bool,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check a program without running it; needs no privilege
    Check(Check),
    /// Show what a program would trace in an executable, without attaching
    Explain(Explain),
    /// List the functions of a Go executable
    List(List),
}

/// What is to be traced.
#[derive(Debug, Args)]
pub struct What {
    /// The program, in the gofuncgraph language
    #[arg(short = 'e', value_name = "PROGRAM")]
    pub program: Option<String>,
    /// Trace this process only
    #[arg(short, long, value_name = "PID", value_parser = pid, allow_negative_numbers = true)]
    pub pid: Option<u32>,
    /// Trace this library, which the process has loaded or the command loads, in place of the executable
    #[arg(long, value_name = "NAME")]
    pub library: Option<PathBuf>,
    /// Read types from this file, which has the debug information of the executable or library
    #[arg(long, value_name = "FILE")]
    pub debug_file: Option<PathBuf>,
    /// Set a `param` of the program
    #[arg(short = 'D', value_name = "NAME=VALUE", value_parser = define)]
    pub define: Vec<(String, String)>,
    /// Functions to show inside a graph (the original command line)
    #[arg(long, value_name = "PATTERN")]
    pub uprobe_wildcards: Vec<String>,
    /// Leave out vendored functions (the original command line)
    #[arg(
        long,
        value_name = "true|false",
        num_args = 0..=1,
        require_equals = true,
        default_value_t = false,
        default_missing_value = "true"
    )]
    pub exclude_vendor: bool,
    /// Where returns are probed
    #[arg(long, value_enum, default_value_t = ExitSites::Auto, value_name = "WHERE")]
    pub exit_sites: ExitSites,
    /// How much the probes may cost: a percentage of one core, or `off`; overrides the program's `budget`
    #[arg(long, value_name = "SHARE")]
    pub budget: Option<Budget>,
    /// Subtract the time of the probes from the durations; overrides the program's `compensate`
    #[arg(
        long,
        value_enum,
        value_name = "on|off",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "on"
    )]
    pub compensate: Option<OnOff>,
    /// Bytes of a string to show; overrides the program's `string`
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(..=i64::from(Limits::MOST_STRING)))]
    pub string: Option<u16>,
    /// Elements of a slice, an array or a map to show; overrides the program's `elements`
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(..=i64::from(Limits::MOST_ELEMENTS)))]
    pub elements: Option<u8>,
    /// How many pointers to follow, one after the other; overrides the program's `pointers`
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(..=i64::from(Limits::MOST_DEPTH)))]
    pub pointers: Option<u8>,
    /// A .gfg file, then the executable; or the executable, then target patterns
    #[arg(value_name = "FILE")]
    pub files: Vec<String>,
    /// Launch this command and trace it from its first instruction on
    #[arg(last = true, value_name = "COMMAND")]
    pub launch: Vec<String>,
}

/// How it is traced and shown.
#[derive(Debug, Args)]
pub struct How {
    /// Layout of the graphs; the default is `classic` for the original command line, otherwise `graph`
    #[arg(long, value_enum)]
    pub format: Option<Format>,
    /// Colour
    #[arg(long, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub color: Color,
    /// Write the graphs to a file
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Stop after this time (10s, 500ms, 2m)
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    pub duration: Option<std::time::Duration>,
    /// Stop after this many graphs
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub limit: Option<u64>,
    /// Show full paths, offsets and what the tracer does
    #[arg(short, long)]
    pub verbose: bool,
    /// The same as --verbose (the original command line)
    #[arg(long, hide = true)]
    pub debug: bool,
    /// How many goroutines can be in graphs at once; each takes 3 KiB of kernel memory
    #[arg(long, value_name = "N", default_value_t = 10_240, value_parser = clap::value_parser!(u32).range(1..=4_000_000))]
    pub max_goroutines: u32,
    /// Size of the buffer between kernel and tracer, in bytes; a power of two
    #[arg(long, value_name = "BYTES", default_value_t = 8 << 20, value_parser = ring_size)]
    pub ring_size: u32,
    /// Maximum number of probe sites on kernels before 6.6, where each takes about 0.1 s to detach
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub max_probes: usize,
}

/// `check`.
#[derive(Debug, Args)]
#[command(override_usage = "gofuncgraph check [OPTIONS] -e PROGRAM [EXECUTABLE]
       gofuncgraph check [OPTIONS] FILE.gfg [EXECUTABLE]")]
pub struct Check {
    /// The program, in the gofuncgraph language
    #[arg(short = 'e', value_name = "PROGRAM")]
    pub program: Option<String>,
    /// A .gfg file, unless -e gives the program; then an executable to check its names against
    #[arg(value_name = "FILE", num_args = 0..=2)]
    pub files: Vec<PathBuf>,
    /// The executable, given as an option instead of an argument
    #[arg(long, value_name = "EXECUTABLE")]
    pub target: Option<PathBuf>,
    /// Read types from this file, which has the debug information of the executable
    #[arg(long, value_name = "FILE")]
    pub debug_file: Option<PathBuf>,
    /// Set a `param` of the program
    #[arg(short = 'D', value_name = "NAME=VALUE", value_parser = define)]
    pub define: Vec<(String, String)>,
    /// Layout of the diagnostics
    #[arg(long, value_enum, default_value_t = TextOrJson::Text)]
    pub format: TextOrJson,
    /// Colour
    #[arg(long, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub color: Color,
}

/// `explain`.
#[derive(Debug, Args)]
pub struct Explain {
    #[command(flatten)]
    pub what: What,
    /// Show every function and site, and the code of conditions and shown values
    #[arg(short, long)]
    pub verbose: bool,
    /// Layout of the plan
    #[arg(long, value_enum, default_value_t = TextOrJson::Text)]
    pub format: TextOrJson,
    /// Colour
    #[arg(long, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub color: Color,
}

/// `list`.
#[derive(Debug, Args)]
pub struct List {
    /// The executable
    pub executable: PathBuf,
    /// Read types from this file, which has the debug information of the executable
    #[arg(long, value_name = "FILE")]
    pub debug_file: Option<PathBuf>,
    /// Patterns of the language: 'net/http*', '@main', ':server.go'; all functions if none is given
    pub patterns: Vec<String>,
    /// Layout of the list
    #[arg(long, value_enum, default_value_t = TextOrJson::Text)]
    pub format: TextOrJson,
    /// Show full paths, where parameters and results are, and why a function cannot be probed
    #[arg(short, long)]
    pub verbose: bool,
}

/// `--exit-sites`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExitSites {
    /// Where it costs least
    Auto,
    /// At each `ret`
    Ret,
}

/// `--compensate`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OnOff {
    /// Yes
    On,
    /// No
    Off,
}

/// `--format` of a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Indented graphs, made for reading
    Graph,
    /// The layout of the original gofuncgraph
    Classic,
    /// JSON lines
    Json,
}

/// `--format` of everything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TextOrJson {
    /// Text
    Text,
    /// JSON
    Json,
}

/// `--color`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// The original's own options may have one dash, as all options of Go programs.
pub fn with_two_dashes(typed: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut ours = true;
    let doubled = |word: OsString| {
        ours &= word != "--";
        let name = word.to_str().and_then(|text| text.split('=').next());
        match name {
            Some("-uprobe-wildcards" | "-exclude-vendor" | "-debug") if ours => {
                let mut doubled = OsString::from("-");
                doubled.push(word);
                doubled
            }
            _ => word,
        }
    };
    typed.into_iter().map(doubled).collect()
}

/// An unknown option may be meant for the traced program. A value that begins with `-`, which clap thinks of, is nothing here.
pub fn explained(mut error: clap::Error) -> clap::Error {
    let (Some(ContextValue::String(argument)), Some(ContextValue::StyledStrs(tips))) = (
        error.get(ContextKind::InvalidArg),
        error.get(ContextKind::Suggested),
    ) else {
        return error;
    };
    if error.kind() != ErrorKind::UnknownArgument {
        return error;
    }
    // `-addr` is `-a` and more to clap.
    let typed = std::env::args().find(|typed| typed.starts_with(argument));
    let option = typed.as_ref().unwrap_or(argument);
    let tip =
        format!("if it is an option of the traced program, launch that: -- ./server {option}");
    let tips = tips
        .iter()
        .filter(|tip| !tip.to_string().contains("as a value"))
        .cloned()
        .chain([StyledStr::from(tip)])
        .collect();
    error.insert(ContextKind::Suggested, ContextValue::StyledStrs(tips));
    error
}

fn pid(text: &str) -> Result<u32, String> {
    match text.parse() {
        Ok(pid @ 1..=0x7fff_ffff) => Ok(pid),
        _ => Err(
            "it has to be the number of a process, as ps and pgrep show it; to trace all processes of an executable, give its path"
                .into(),
        ),
    }
}

fn ring_size(text: &str) -> Result<u32, String> {
    match text.parse::<u32>() {
        Ok(bytes) if bytes.is_power_of_two() && (65_536..=1 << 30).contains(&bytes) => Ok(bytes),
        _ => Err("it has to be a power of two from 65536 to 1073741824".into()),
    }
}

fn define(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write it as NAME=VALUE".into()),
    }
}

fn duration(text: &str) -> Result<std::time::Duration, String> {
    match humantime::parse_duration(text) {
        Ok(duration) if duration.is_zero() => Err("it has to be longer than 0".into()),
        Ok(duration) => Ok(duration),
        Err(error) => Err(format!(
            "{error}; write it as a number with a unit: 500ms, 10s, 2m"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_original_options_may_have_one_dash() {
        let words = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
        assert_eq!(
            with_two_dashes(words(&[
                "gofuncgraph",
                "-uprobe-wildcards=a*",
                "-exclude-vendor",
                "-e",
                "-p",
                "--debug",
                "--",
                "./server",
                "-debug",
            ])),
            words(&[
                "gofuncgraph",
                "--uprobe-wildcards=a*",
                "--exclude-vendor",
                "-e",
                "-p",
                "--debug",
                "--",
                "./server",
                "-debug",
            ])
        );
    }
}
