//! What was named cannot be traced: what it is instead, and what to type.

use std::{
    collections::HashSet,
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use gobinary::Executable;
use runtime::{
    Binary, Kernel,
    process::{self, Task},
};

use crate::{
    failure::Refused,
    request::{self, Target},
    terminal::{shown, typed},
};

/// Most words of a command or a script that are looked at.
const MOST_WORDS: usize = 500;
/// Most bytes of a script that are looked at.
const MOST_BYTES: usize = 64 << 10;
/// Most processes that are named.
const MOST_NAMED: usize = 5;

/// A number that belongs to no process which runs an executable.
pub fn no_process(pid: u32) -> Option<Refused> {
    if !process::shows_own_numbers() {
        return Some(Refused::new(
            format!("cannot look for process {pid}: /proc shows another PID namespace"),
            Some("mount the one of this namespace: mount -t proc proc /proc (or, before, unshare --mount-proc)".to_owned()),
        ));
    }
    let Some(task) = Task::of(pid) else {
        let message = format!("there is no process {pid}");
        return Some(Refused::new(message, same_number_elsewhere(pid)));
    };
    let name = render::escape(&task.name);
    if task.is_of_the_kernel() {
        Some(Refused::new(
            format!("{pid} ({name}) is a thread of the kernel"),
            same_number_elsewhere(pid),
        ))
    } else if task.process != pid {
        Some(Refused::new(
            format!("{pid} ({name}) is a thread, not a process"),
            Some(format!("it belongs to process {0}: -p {0}", task.process)),
        ))
    } else if task.has_ended() {
        Some(Refused::new(
            format!(
                "process {pid} ({name}) has ended, and is a zombie until its parent, process {}, waits for it",
                task.parent
            ),
            None,
        ))
    } else {
        None
    }
}

/// A file that cannot be opened.
pub fn not_readable(target: &Target, error: runtime::Error) -> anyhow::Error {
    let runtime::Error::Read { path, error: cause } = &error else {
        return error.into();
    };
    let help = match target {
        // It may have ended at this moment.
        Target::Process(pid) => match no_process(*pid) {
            Some(refused) => return refused.into(),
            None => match same_number_elsewhere(*pid) {
                Some(help) => help,
                None if cause.kind() == ErrorKind::PermissionDenied => {
                    if let Err(error @ runtime::Error::UserNamespace) = Kernel::detect().require() {
                        return error.into();
                    }
                    "to read another user's process, CAP_SYS_PTRACE is needed too; root has it outside of containers (setcap cap_bpf,cap_perfmon,cap_lease,cap_sys_ptrace+ep)".to_owned()
                }
                None => return error.into(),
            },
        },
        Target::Executable(path)
        | Target::Launch {
            executable: path, ..
        } => {
            let on_path = path.to_str().and_then(request::find_command);
            match on_path.filter(|found| found != path) {
                _ if path.is_dir() => "it is a folder: name the executable in it".to_owned(),
                Some(found) if cause.kind() == ErrorKind::NotFound => {
                    format!(
                        "there is {0} on the PATH: gofuncgraph … {0}",
                        pasted(&found)
                    )
                }
                _ => return error.into(),
            }
        }
    };
    Refused::new(format!("cannot read {}: {cause}", shown(path)), Some(help)).into()
}

/// A file that is not a Go executable. `instead` is what to do where more is known of it.
pub fn not_traceable(
    target: &Target,
    file: &Binary,
    error: &gobinary::Error,
    instead: Option<String>,
) -> anyhow::Error {
    let path = shown(file.path());
    let is_script = file.bytes().starts_with(b"#!");
    let what = if is_script {
        "it is a script, not a Go executable".to_owned()
    } else {
        error.to_string()
    };
    let what = match target {
        Target::Process(pid) => {
            let name = Task::of(*pid).map(|task| task.name).unwrap_or_default();
            format!(
                "cannot trace process {pid} ({}), which runs {path}: {what}",
                render::escape(&name)
            )
        }
        _ => format!("cannot trace {path}: {what}"),
    };
    let is_something_else = matches!(error, gobinary::Error::NotElf | gobinary::Error::NotGo);
    let help = match target {
        _ if instead.is_some() => instead,
        _ if !is_something_else => None,
        Target::Process(pid) => Some(instead_of_process(*pid)),
        Target::Launch { args, .. } => Some(instead_of_command(file, args)),
        Target::Executable(_) => instead_of_file(file),
    };
    Refused::new(what, help).into()
}

/// The go command is a Go executable, too, but hardly ever the one that is meant.
pub fn builds_another(target: &Target) -> Option<String> {
    let Target::Launch { executable, args } = target else {
        return None;
    };
    if executable.file_name()? != "go" {
        return None;
    }
    let build = match args.first()?.as_str() {
        "run" => "go build",
        "test" => "go test -c",
        _ => return None,
    };
    Some(format!(
        "note: this traces the go command, not the program that it builds and starts; to trace that program: {build} -o program, then gofuncgraph … -- ./program"
    ))
}

/// What to type in the place of a process that does not run Go.
fn instead_of_process(pid: u32) -> String {
    let started = going(process::descendants(pid).into_iter());
    if let Some(first) = started.first() {
        let named: Vec<_> = started.iter().map(ToString::to_string).collect();
        return format!(
            "it has started Go processes: {}; trace one of them with -p, as in -p {}, or all of them by the path of their executable",
            named.join(", "),
            first.pid
        );
    }
    same_number_elsewhere(pid).unwrap_or_else(|| {
        "it has started no Go process; to trace all processes of a Go executable, now and later, give its path"
            .to_owned()
    })
}

/// What to type in the place of a command that is not itself a Go executable.
fn instead_of_command(command: &Binary, args: &[String]) -> String {
    let what = match go_executable_in(command, args) {
        Some(path) => format!("trace {0} by its path, gofuncgraph … {0},", pasted(&path)),
        None => {
            "trace the Go executable that it starts by its path, gofuncgraph … ./server,".to_owned()
        }
    };
    format!(
        "only the launched process itself is traced, not what it starts: {what} and run the command in another terminal"
    )
}

/// What to type in the place of a file that is not a Go executable.
fn instead_of_file(file: &Binary) -> Option<String> {
    if file.bytes().starts_with(b"#!") {
        return Some(match go_executable_in(file, &[]) {
            Some(path) => format!(
                "trace {0}, which the script names: gofuncgraph … {0}, and run the script in another terminal",
                pasted(&path)
            ),
            None => "name the Go executable that it starts, and run the script in another terminal: gofuncgraph … ./server".to_owned(),
        });
    }
    let is_source = file.path().extension().is_some_and(|e| e == "go");
    is_source.then(|| {
        "it is source code: build it (go build), and give the executable instead".to_owned()
    })
}

/// A process that runs Go.
struct Going {
    pid: u32,
    executable: PathBuf,
}

impl std::fmt::Display for Going {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.pid, shown(&self.executable))
    }
}

/// Those of the processes that run Go.
fn going(pids: impl Iterator<Item = u32>) -> Vec<Going> {
    let runs_go = pids.filter_map(|pid| {
        let link = process::executable_path(pid);
        is_go(&link).then(|| Going {
            pid,
            executable: fs::read_link(&link).unwrap_or(link),
        })
    });
    runs_go.take(MOST_NAMED).collect()
}

/// A process in a PID namespace of its own, as in a container, has another number there, which may be the one that was meant.
fn same_number_elsewhere(pid: u32) -> Option<String> {
    let inside = |number: &u32| {
        let inner =
            Task::of(*number).is_some_and(|task| task.numbers.iter().skip(1).any(|n| *n == pid));
        *number != pid && inner
    };
    let there = going(process::all().filter(inside));
    let named: Vec<_> = there.iter().map(ToString::to_string).collect();
    let first = there.first()?;
    Some(format!(
        "-p takes the number that ps shows where gofuncgraph runs; {pid} in a container is {} here: -p {}",
        named.join(" or "),
        first.pid
    ))
}

/// The first Go executable that the arguments or a script name, as a shell would find it.
fn go_executable_in(command: &Binary, args: &[String]) -> Option<PathBuf> {
    let bytes = command.bytes();
    let script = bytes.get(..bytes.len().min(MOST_BYTES));
    let script = script
        .filter(|text| text.starts_with(b"#!"))
        .unwrap_or_default();
    let script = String::from_utf8_lossy(script);
    let texts = args.iter().map(String::as_str).chain([&*script]);
    let words = texts.flat_map(|text| {
        let apart = |c: char| c.is_whitespace() || "'\"`;&|()<>=".contains(c);
        [text].into_iter().chain(text.split(apart))
    });
    let mut seen = HashSet::new();
    words
        .filter(|word| !word.is_empty() && word.len() < 4096 && seen.insert(*word))
        .take(MOST_WORDS)
        .filter_map(request::find_command)
        .find(|path| is_go(path))
}

/// A path as it can be pasted.
fn pasted(path: &Path) -> String {
    typed(&path.to_string_lossy())
}

fn is_go(path: &Path) -> bool {
    Binary::open(path).is_ok_and(|file| Executable::parse(file.bytes()).is_ok())
}
