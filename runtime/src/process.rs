//! Processes: which run a file's code, what they are and have started, and which are gone.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// The path that leads to a process's executable, also in another mount namespace.
#[must_use]
pub fn executable_path(pid: u32) -> PathBuf {
    PathBuf::from(format!("/proc/{pid}/exe"))
}

/// Device and inode of the file at a path.
///
/// # Errors
/// There is none.
pub fn identity_of(path: &Path) -> io::Result<(u64, u64)> {
    fs::metadata(path).map(|meta| (meta.dev(), meta.ino()))
}

/// Whether the process is there and not a zombie.
#[must_use]
pub fn is_alive(pid: u32) -> bool {
    Task::of(pid).is_some_and(|task| !task.has_ended())
}

/// Whether `/proc` has for this process the number that it has for itself: it may be the one of another PID namespace.
#[must_use]
pub fn shows_own_numbers() -> bool {
    let own = std::process::id().to_string();
    fs::read_link("/proc/self").is_ok_and(|number| number == Path::new(&own))
}

/// To how many bytes of addresses this process is limited, if it is (setrlimit(2), RLIMIT_AS).
#[must_use]
pub fn address_space() -> Option<u64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let mut lines = limits.lines();
    let limit = lines.find_map(|line| line.strip_prefix("Max address space"))?;
    limit.split_ascii_whitespace().next()?.parse().ok()
}

/// A process or one of its threads, as proc(5) tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Its name.
    pub name: String,
    /// The process that it belongs to.
    pub process: u32,
    /// The process that started it.
    pub parent: u32,
    /// Its number in each PID namespace that has one for it, from this one inwards.
    pub numbers: Vec<u32>,
    /// The process that traces it: a debugger, strace.
    pub tracer: Option<u32>,
    state: char,
    flags: u32,
}

impl Task {
    /// PF_KTHREAD of the kernel's `include/linux/sched.h`.
    const KERNEL_THREAD: u32 = 0x0020_0000;

    /// What has this number.
    #[must_use]
    pub fn of(number: u32) -> Option<Self> {
        let folder = Path::new("/proc").join(number.to_string());
        let stat = fs::read(folder.join("stat")).ok()?;
        let status = fs::read(folder.join("status")).ok()?;
        Self::parse(
            &String::from_utf8_lossy(&stat),
            &String::from_utf8_lossy(&status),
        )
    }

    fn parse(stat: &str, status: &str) -> Option<Self> {
        // The state follows the parenthesised name, which may itself hold parentheses.
        let (start, rest) = stat.rsplit_once(") ")?;
        let mut fields = rest.split_ascii_whitespace();
        let line = |name: &str| {
            let mut lines = status.lines();
            lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(":\t"))
        };
        Some(Self {
            name: start.split_once('(')?.1.to_owned(),
            state: fields.next()?.chars().next()?,
            parent: fields.next()?.parse().ok()?,
            flags: fields.nth(4)?.parse().ok()?,
            process: line("Tgid")?.parse().ok()?,
            tracer: line("TracerPid")
                .and_then(|number| number.parse().ok())
                .filter(|number| *number != 0),
            numbers: line("NSpid")
                .unwrap_or_default()
                .split_ascii_whitespace()
                .filter_map(|number| number.parse().ok())
                .collect(),
        })
    }

    /// It is a zombie, or about to be gone.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        matches!(self.state, 'Z' | 'X')
    }

    /// It does nothing until somebody has it go on: a signal, or who traces it.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        matches!(self.state, 'T' | 't')
    }

    /// It runs in the kernel only.
    #[must_use]
    pub fn is_of_the_kernel(&self) -> bool {
        self.flags & Self::KERNEL_THREAD != 0
    }
}

/// Every process, by its number.
pub fn all() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten();
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

/// The processes that a process has started, those that these have started, and so on: nearest first, as far as they are not gone.
#[must_use]
pub fn descendants(pid: u32) -> Vec<u32> {
    let mut found = vec![pid];
    let mut next = 0;
    while let Some(pid) = found.get(next) {
        for child in children(*pid) {
            if !found.contains(&child) {
                found.push(child);
            }
        }
        next += 1;
    }
    found.remove(0);
    found
}

/// A child is listed with the thread that has started it.
fn children(pid: u32) -> Vec<u32> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task"))
        .into_iter()
        .flatten();
    let lists =
        tasks.filter_map(|task| fs::read_to_string(task.ok()?.path().join("children")).ok());
    lists
        .flat_map(|list| {
            let numbers = list.split_ascii_whitespace().map(str::parse);
            numbers.filter_map(Result::ok).collect::<Vec<u32>>()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_whose_name_has_parentheses() {
        let stat = "4242 (a) (b c) S 17 4242 4242 0 -1 4194560 1 2 3";
        let status = "Name:\ta) (b c\nTgid:\t4242\nPid:\t4242\nPPid:\t17\nNSpid:\t4242\t7\n";
        let task = Task::parse(stat, status).expect("a task");
        assert_eq!(task.name, "a) (b c");
        assert_eq!((task.process, task.parent), (4242, 17));
        assert_eq!(task.numbers, [4242, 7]);
        assert!(!task.has_ended() && !task.is_of_the_kernel());
        assert!(task.tracer.is_none() && !task.is_stopped());
        let traced = status.to_owned() + "TracerPid:\t99\n";
        let traced = Task::parse(&stat.replace(" S ", " t "), &traced).expect("a task");
        assert!(traced.tracer == Some(99) && traced.is_stopped());
        let zombie = Task::parse(&stat.replace(" S ", " Z "), status).expect("a task");
        assert!(zombie.has_ended());
        assert_eq!(Task::parse("", status), None);
        assert_eq!(Task::parse("1 (a) ", status), None);
    }

    #[test]
    fn this_process_and_what_it_starts() {
        let this = Task::of(std::process::id()).expect("this process");
        assert_eq!(this.process, std::process::id());
        assert_eq!(this.numbers.first(), Some(&std::process::id()));
        assert!(!this.is_of_the_kernel());
        let mut shell = std::process::Command::new("sh")
            .args(["-c", "sleep 60 & read line"])
            .stdin(std::process::Stdio::piped())
            .spawn()
            .expect("sh runs");
        let wait = || {
            for _ in 0..500 {
                let started = descendants(std::process::id());
                let names: Vec<_> = started.iter().filter_map(|pid| Task::of(*pid)).collect();
                let sleeping = names
                    .iter()
                    .find(|task| task.name == "sleep" && task.parent == shell.id());
                if let (true, Some(task)) = (started.contains(&shell.id()), sleeping) {
                    return task.process;
                }
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
            panic!("sleep was not seen");
        };
        let sleeping = wait();
        assert!(is_alive(sleeping));
        let ended = std::process::Command::new("kill")
            .arg(sleeping.to_string())
            .status();
        assert!(ended.expect("kill runs").success());
        let _ = shell.kill();
        let _ = shell.wait();
        assert!(!is_alive(shell.id()));
    }
}
