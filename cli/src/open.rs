//! From a target to the file that holds its Go code: the executable, or a library that a process has loaded or a command loads.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use anyhow::bail;
use gobinary::{Error, Executable};
use runtime::{
    Binary,
    mapped::{self, Mapped},
    process,
};

use crate::{
    debug,
    failure::Usage,
    hints, needed,
    request::Target,
    terminal::{say, shown, typed},
};

/// The file whose functions are traced.
pub struct Opened {
    /// The open file.
    pub binary: Binary,
    /// What it says of itself.
    pub executable: Executable,
    /// It is not what the process or the command runs, but is loaded by that.
    pub loaded: bool,
}

/// Opens the file with the Go code of a target: `library`, where one is named. Types are from `debug_file`, or from the one that belongs to
/// the file. Where there are several to choose from, `has` tells which have what is asked for.
pub fn open(
    target: &Target,
    library: Option<&Path>,
    debug_file: Option<&Path>,
    has: &dyn Fn(&Executable) -> bool,
) -> anyhow::Result<Opened> {
    let mut opened = match library {
        Some(library) => of_name(target, library)?,
        None => unnamed(target, has)?,
    };
    debug::find(&mut opened.executable, &opened.binary, target, debug_file)?;
    Ok(opened)
}

fn of_name(target: &Target, library: &Path) -> anyhow::Result<Opened> {
    let binary = match target {
        Target::Executable(path) => bail!(Usage::new(
            "--library needs -p PID or a command",
            format!(
                "to trace every process that loads the library, give it instead of {}",
                shown(path)
            ),
        )),
        Target::Launch { executable, .. } => {
            let needed = needed::libraries(executable);
            let named = needed.into_iter().find(|path| is_named(path, library));
            Binary::open(&named.unwrap_or_else(|| library.to_owned()))?
        }
        Target::Process(pid) => {
            if let Some(refused) = hints::no_process(*pid) {
                return Err(refused.into());
            }
            of_process(*pid, library)?
        }
    };
    match parse(&binary) {
        Ok(executable) => Ok(Opened {
            binary,
            executable,
            loaded: true,
        }),
        Err(error) => {
            let named = Target::Executable(binary.path().to_owned());
            Err(refusal(&named, &binary, &error, &[], &|_| false))
        }
    }
}

/// The executable, or, where that is no Go, the one library of Go code that goes with it.
fn unnamed(target: &Target, has: &dyn Fn(&Executable) -> bool) -> anyhow::Result<Opened> {
    let binary = main_file(target)?;
    let error = match parse(&binary) {
        Ok(executable) => {
            return Ok(Opened {
                binary,
                executable,
                loaded: false,
            });
        }
        Err(error) => error,
    };
    let mut found = match error {
        Error::NotGo | Error::Gccgo => libraries(target),
        _ => Vec::new(),
    };
    if let (false, [_]) = (matches!(target, Target::Executable(_)), found.as_slice())
        && let Some((library, executable)) = found.pop()
    {
        say!(
            "{}; its Go code is in {}",
            match target {
                Target::Process(pid) => format!(
                    "process {pid} runs {}, which is not a Go program",
                    shown(binary.path())
                ),
                _ => format!("{} is not a Go program", shown(binary.path())),
            },
            shown(library.path())
        );
        return Ok(Opened {
            binary: library,
            executable,
            loaded: true,
        });
    }
    Err(refusal(target, &binary, &error, &found, has))
}

/// What a target runs.
fn main_file(target: &Target) -> anyhow::Result<Binary> {
    let opened = match target {
        Target::Executable(path)
        | Target::Launch {
            executable: path, ..
        } => Binary::open(path),
        Target::Process(pid) => {
            if let Some(refused) = hints::no_process(*pid) {
                return Err(refused.into());
            }
            let way = process::executable_path(*pid);
            let name = fs::read_link(&way).unwrap_or_else(|_| way.clone());
            Binary::of(&name, File::open(&way))
        }
    };
    opened.map_err(|error| hints::not_readable(target, error))
}

/// The library of this name of a process.
fn of_process(pid: u32, library: &Path) -> anyhow::Result<Binary> {
    let files: Vec<Mapped> = mapped::files(pid)
        .into_iter()
        .filter(|file| is_named(&file.path, library) || is_same(file, library))
        .collect();
    match files.as_slice() {
        [file] => open_mapped(file),
        // It may be loaded later.
        [] if library.is_file() => Ok(Binary::open(library)?),
        [] => {
            // It may have ended at this moment.
            if let Some(refused) = hints::no_process(pid) {
                return Err(refused.into());
            }
            bail!(Usage::new(
                format!("process {pid} has not loaded {}", shown(library)),
                match libraries(&Target::Process(pid)).as_slice() {
                    [] => "it has loaded no library with Go code; name a library that it loads later by its path".to_owned(),
                    found => format!("libraries with Go code that it has loaded: {}", names(found)),
                },
            ))
        }
        several => bail!(Usage::new(
            format!(
                "process {pid} has loaded several files called {}",
                shown(library)
            ),
            format!(
                "name one of them: {}",
                joined(several.iter().map(|file| file.path.as_path()))
            ),
        )),
    }
}

/// The libraries of Go code that go with a target, beside the file that it runs: what the process has loaded, or what the dynamic
/// linker loads with the command.
pub fn libraries(target: &Target) -> Vec<(Binary, Executable)> {
    let opened: Vec<Binary> = match target {
        Target::Process(pid) => {
            let own = process::identity_of(&process::executable_path(*pid)).ok();
            mapped::files(*pid)
                .iter()
                .filter(|file| file.identity() != own)
                .filter_map(|file| open_mapped(file).ok())
                .collect()
        }
        Target::Launch { executable, .. } | Target::Executable(executable) => {
            needed::libraries(executable)
                .iter()
                .filter_map(|path| Binary::open(path).ok())
                .collect()
        }
    };
    opened
        .into_iter()
        .filter_map(|binary| parse(&binary).ok().map(|executable| (binary, executable)))
        .collect()
}

fn open_mapped(file: &Mapped) -> anyhow::Result<Binary> {
    Ok(Binary::of(&file.path, file.open())?)
}

fn parse(binary: &Binary) -> Result<Executable, Error> {
    Executable::parse(binary.bytes())
}

/// Does a path end in what was given as a name?
fn is_named(path: &Path, name: &Path) -> bool {
    path.ends_with(name.strip_prefix("./").unwrap_or(name))
}

fn is_same(file: &Mapped, path: &Path) -> bool {
    process::identity_of(path).is_ok_and(|named| file.identity() == Some(named))
}

fn names(libraries: &[(Binary, Executable)]) -> String {
    joined(libraries.iter().map(|(binary, _)| binary.path()))
}

fn joined<'a>(paths: impl Iterator<Item = &'a Path>) -> String {
    let all: Vec<String> = paths.map(shown).collect();
    all.join(", ")
}

/// Why a file cannot be traced, and what to do about it.
fn refusal(
    target: &Target,
    binary: &Binary,
    error: &Error,
    libraries: &[(Binary, Executable)],
    has: &dyn Fn(&Executable) -> bool,
) -> anyhow::Error {
    if let Err(written) = binary.unchanged() {
        return written.into();
    }
    let mut having = libraries.iter().filter(|(_, library)| has(library));
    let typed = |(library, _): &(Binary, Executable)| typed(&library.path().to_string_lossy());
    let only = match libraries {
        [] | [_] => None,
        _ => having.next().filter(|_| having.next().is_none()).map(typed),
    };
    let found = |command: String| format!("; what you asked for is in one of them: {command}");
    let instead = match (target, libraries) {
        (_, []) => None,
        (Target::Executable(_), libraries) => Some(format!(
            "its Go code is in a library; name the library instead: {}{}",
            names(libraries),
            only.map_or_else(String::new, |path| found(format!("gofuncgraph … {path}")))
        )),
        (_, libraries) => Some(format!(
            "its Go code is in several libraries; say which with --library: {}{}",
            names(libraries),
            only.map_or_else(String::new, |path| found(format!(
                "gofuncgraph … --library {path} {target}"
            )))
        )),
    };
    hints::not_traceable(target, binary, error, instead)
}

/// Where to look for functions that a file does not have: the Go libraries of its target, and what the arguments of a command name.
pub fn elsewhere(target: &Target, traced: &Binary) -> Vec<(Binary, Executable)> {
    let mut found = libraries(target);
    if let Target::Launch { args, .. } = target {
        let libraries = args.iter().map(PathBuf::from);
        let libraries = libraries.filter(|path| path.extension().is_some_and(|end| end == "so"));
        found.extend(libraries.filter_map(|path| {
            let binary = Binary::open(&path).ok()?;
            let executable = parse(&binary).ok()?;
            Some((binary, executable))
        }));
    }
    let own = traced.identity().ok();
    found.retain(|(binary, _)| binary.identity().ok() != own);
    found
}
