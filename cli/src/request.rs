//! What the command line means: which program, which target.
//!
//! One place decides between the three forms (`-e PROGRAM …`, `FILE.gfg …`, the original system's), so that `explain` and tracing agree.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use compiler::{Overrides, Source};

use crate::{
    args::{ExitSites, Format, OnOff, What},
    failure::Usage,
    terminal::{shown, typed},
};

/// A resolved command line.
#[derive(Debug)]
pub struct Request {
    /// Program text.
    pub source: Source,
    /// The layout of the graphs where none is asked for.
    pub usual_format: Format,
    /// `-D` values.
    pub defines: Vec<(String, String)>,
    /// Where returns are probed.
    pub exit_sites: ExitSites,
    /// What goes before the program's settings.
    pub overrides: Overrides,
    /// Where to trace; `None` when only the program's own `target` item can say.
    pub target: Option<Target>,
    /// `--library`
    pub library: Option<PathBuf>,
    /// `--debug-file`
    pub debug_file: Option<PathBuf>,
}

/// Where to trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Every process that runs this executable.
    Executable(PathBuf),
    /// One process.
    Process(u32),
    /// A command to launch.
    Launch {
        /// As found through PATH.
        executable: PathBuf,
        /// Its arguments.
        args: Vec<String>,
    },
}

impl fmt::Display for Target {
    /// As it is typed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Executable(path) => f.write_str(&shown(path)),
            Self::Process(pid) => write!(f, "-p {pid}"),
            Self::Launch { executable, .. } => write!(f, "-- {}", shown(executable)),
        }
    }
}

impl Request {
    /// Resolves the raw arguments.
    pub fn new(what: &What) -> anyhow::Result<Self> {
        let mut names: Vec<&str> = what.define.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            bail!(Usage::new(
                format!("-D {}=… is given twice", pair[0]),
                "give it once"
            ));
        }
        let mut files = what.files.as_slice();
        if files.iter().any(String::is_empty) {
            bail!(Usage::new(
                "an argument is empty",
                "is a variable of the shell empty?"
            ));
        }
        if let Some(first) = files.first() {
            not_a_subcommand(first)?;
        }
        let source = if let Some(text) = &what.program {
            not_two_programs(text, files)?;
            Some(Source {
                name: "<command line>".into(),
                text: text.clone(),
            })
        } else if let Some((first, rest)) = files.split_first()
            && is_script(Path::new(first))
        {
            files = rest;
            Some(read_script(Path::new(first))?)
        } else {
            None
        };
        if source.is_some() && (!what.uprobe_wildcards.is_empty() || what.exclude_vendor) {
            bail!(Usage::new(
                "--uprobe-wildcards and --exclude-vendor belong to the original command line, which has no program",
                "write `include` and `exclude @vendor` in the program instead",
            ));
        }
        let (usual_format, (source, files)) = match source {
            Some(source) => (Format::Graph, (source, files)),
            // Scripts read what the original prints.
            None => (Format::Classic, classic(what, files)?),
        };
        Ok(Self {
            source,
            usual_format,
            defines: what.define.clone(),
            exit_sites: what.exit_sites,
            overrides: Overrides {
                budget: what.budget,
                compensate: what.compensate.map(|choice| choice == OnOff::On),
                string: what.string,
                elements: what.elements,
                pointers: what.pointers,
            },
            target: target(what, files)?,
            library: what.library.clone(),
            debug_file: what.debug_file.clone(),
        })
    }
}

/// A word that is no file, but nearly a subcommand.
fn not_a_subcommand(word: &str) -> anyhow::Result<()> {
    if Path::new(word).exists() {
        return Ok(());
    }
    let message = format!("there is no file {word}");
    if word == "trace" {
        bail!(Usage::new(
            message,
            "tracing has no subcommand: gofuncgraph -e 'trace main.handleBar' ./server",
        ));
    }
    let nearest = ["check", "explain", "list", "help"]
        .into_iter()
        .min_by_key(|command| strsim::damerau_levenshtein(word, command))
        .filter(|command| strsim::damerau_levenshtein(word, command) <= 1);
    match nearest {
        Some(command) => bail!(Usage::new(
            message,
            format!("did you mean gofuncgraph {command} …?")
        )),
        None => Ok(()),
    }
}

/// A script where there is a program already, or in the place of one.
fn not_two_programs(text: &str, files: &[String]) -> anyhow::Result<()> {
    if is_script(Path::new(text)) && Path::new(text).is_file() {
        bail!(Usage::new(
            format!("-e takes the text of a program, and {text} is a file"),
            format!("leave out -e: gofuncgraph {} …", typed(text)),
        ));
    }
    if let Some(script) = files.iter().find(|file| is_script(Path::new(file))) {
        bail!(Usage::new(
            format!("two programs: the one after -e, and {script}"),
            "give one of them",
        ));
    }
    Ok(())
}

/// Mistakes in the original form that would otherwise be taken for names of files or functions.
fn not_misplaced(executable: &[String], patterns: &[String]) -> anyhow::Result<()> {
    let is_file = |text: &&String| Path::new(text).is_file();
    if let Some(missing) = executable.first().filter(|text| !Path::new(text).exists()) {
        let source = Source::new("<command line>", missing.as_str());
        let is_program = missing.contains(char::is_whitespace)
            && !compiler::has_errors(&compiler::check(&source, &[], None).diagnostics);
        if is_program {
            bail!(Usage::new(
                format!("there is no file `{missing}`"),
                format!(
                    "write the program after -e: gofuncgraph -e {} …",
                    typed(missing)
                ),
            ));
        }
        if let Some(file) = patterns.iter().find(is_file) {
            bail!(Usage::new(
                format!("there is no file {missing}"),
                format!(
                    "the executable goes before the patterns: gofuncgraph … {} {}",
                    typed(file),
                    typed(missing)
                ),
            ));
        }
    }
    if let Some(script) = patterns
        .iter()
        .find(|text| is_script(Path::new(text)) && is_file(text))
    {
        bail!(Usage::new(
            format!("{script} is where a pattern is expected"),
            format!(
                "a program goes before the executable: gofuncgraph {} …",
                typed(script)
            ),
        ));
    }
    if executable.is_empty()
        && let Some(file) = patterns
            .iter()
            .find(|text| text.starts_with(['.', '/']) && is_file(text))
    {
        bail!(Usage::new(
            format!(
                "{file} is where a pattern is expected, since -p or -- already says what to trace"
            ),
            format!("leave out one of the two: gofuncgraph … {}", typed(file)),
        ));
    }
    Ok(())
}

/// The original form: an executable unless `-p` or a command says where, then target patterns.
fn classic<'a>(what: &What, files: &'a [String]) -> anyhow::Result<(Source, &'a [String])> {
    let names_executable = what.pid.is_none() && what.launch.is_empty();
    let (executable, patterns) = files.split_at(usize::from(names_executable && !files.is_empty()));
    if names_executable && executable.is_empty() {
        bail!(Usage::new(
            "nothing to trace: no program and no executable",
            "for instance: gofuncgraph -e 'trace main.handleBar' ./server (see gofuncgraph --help)",
        ));
    }
    if patterns.is_empty() && what.uprobe_wildcards.is_empty() {
        bail!(Usage::new(
            "no program: which functions are to be traced?",
            "say it with -e 'trace main.handleBar', with a .gfg file, or with patterns after the executable",
        ));
    }
    not_misplaced(executable, patterns)?;
    let source = compiler::classic_program(&what.uprobe_wildcards, patterns, what.exclude_vendor)
        .map_err(|error| Usage::new(error.message, error.help))?;
    Ok((source, executable))
}

fn target(what: &What, files: &[String]) -> anyhow::Result<Option<Target>> {
    let mut targets = Vec::new();
    if let Some(pid) = what.pid {
        targets.push(Target::Process(pid));
    }
    if let Some((command, args)) = what.launch.split_first() {
        targets.push(Target::Launch {
            executable: find_command(command).with_context(|| {
                Usage::new(
                    format!("no command `{command}` on the PATH"),
                    "for a file in this folder, write ./ before its name",
                )
            })?,
            args: args.to_vec(),
        });
    }
    targets.extend(files.iter().map(|f| Target::Executable(f.into())));
    if targets.len() > 1 {
        let named: Vec<String> = targets.iter().map(ToString::to_string).collect();
        bail!(Usage::new(
            format!("more than one target: {}", named.join(", ")),
            "give one of: an executable, -p PID, -- COMMAND",
        ));
    }
    Ok(targets.pop())
}

/// A program by its name; everything else is an executable.
pub fn is_script(path: &Path) -> bool {
    path.extension().is_some_and(|e| e == "gfg")
}

/// Reads a script.
pub fn read_script(path: &Path) -> anyhow::Result<Source> {
    let bytes = std::fs::read(path).map_err(|e| {
        Usage::new(
            format!("cannot read {}: {e}", shown(path)),
            "is the path right?",
        )
    })?;
    let text = String::from_utf8(bytes).map_err(|_| {
        Usage::new(
            format!("{} is not UTF-8 text", shown(path)),
            "is it a program?",
        )
    })?;
    Ok(Source {
        name: path.display().to_string(),
        text,
    })
}

/// Finds a command as a shell would.
pub fn find_command(command: &str) -> Option<PathBuf> {
    if command.contains('/') {
        return Some(command.into());
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(command))
        .find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use compiler::{Budget, Limits, Settings};

    use clap::Parser;

    use super::*;
    use crate::args::Cli;

    fn request(args: &[&str]) -> anyhow::Result<Request> {
        let cli = Cli::try_parse_from([&["gofuncgraph"], args].concat())?;
        Request::new(&cli.what)
    }

    #[test]
    fn every_form_finds_its_target() {
        let server = Some(Target::Executable("./server".into()));
        assert_eq!(
            request(&["-e", "trace main.f", "./server"]).unwrap().target,
            server
        );
        assert_eq!(
            request(&["-e", "trace main.f", "-p", "42"]).unwrap().target,
            Some(Target::Process(42))
        );
        assert_eq!(request(&["-e", "trace main.f"]).unwrap().target, None);
        let launched = request(&["-e", "trace main.f", "--", "./server", "-x", "1"])
            .unwrap()
            .target;
        assert_eq!(
            launched,
            Some(Target::Launch {
                executable: "./server".into(),
                args: vec!["-x".into(), "1".into()]
            })
        );
        assert_eq!(request(&["./server", "*handleBar"]).unwrap().target, server);
        assert_eq!(
            request(&["--uprobe-wildcards", "net/http*", "./server"])
                .unwrap()
                .target,
            server
        );
        assert_eq!(
            request(&["-p", "7", "*handleBar"]).unwrap().target,
            Some(Target::Process(7))
        );
    }

    #[test]
    fn settings_of_the_command_line_go_before_those_of_the_program() {
        let program = Settings {
            budget: Budget::Share(50),
            compensate: true,
            values: Limits::default(),
        };
        for (args, budget, compensate) in [
            (&[][..], Budget::Share(50), true),
            (&["--budget", "12.5%"], Budget::Share(125), true),
            (&["--budget=off", "--compensate=off"], Budget::Off, false),
            (&["--compensate", "./server"], Budget::Share(50), true),
        ] {
            let request = request(&[&["-e", "trace main.f"], args].concat()).unwrap();
            let settings = Settings {
                budget,
                compensate,
                ..program
            };
            assert_eq!(request.overrides.over(program), settings, "{args:?}");
        }
        let cut = request(&["-e", "trace main.f", "--string=0", "--pointers", "4"]).unwrap();
        let values = Limits {
            elements: 9,
            ..Limits::default()
        };
        let program = Settings { values, ..program };
        let expected = Limits {
            string: 0,
            elements: 9,
            depth: 4,
        };
        assert_eq!(cut.overrides.over(program).values, expected);
        let classic = request(&["--compensate", "./server", "main.f"]).unwrap();
        assert!(classic.overrides.over(Settings::default()).compensate);
        for wrong in [
            "--budget=5",
            "--budget=0%",
            "--compensate=yes",
            "--string=513",
            "--elements=33",
            "--pointers=5",
        ] {
            assert!(request(&["-e", "trace main.f", wrong]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn bad_usage_is_told_apart() {
        for args in [
            &["./server"][..],
            &[],
            &["-e", "trace main.f", "-p", "1", "./server"],
            &["-e", "trace main.f", "--uprobe-wildcards", "x", "./server"],
            &["missing.gfg", "./server"],
            &["-e", "trace main.f", "-D", "a=1", "-D", "a=2", "./server"],
        ] {
            let error = request(args).unwrap_err();
            assert!(error.downcast_ref::<Usage>().is_some(), "{args:?}: {error}");
        }
    }

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }
}
