//! What keeps traced processes from running, or may harm them: said when tracing begins, and once when that comes later.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use runtime::{
    freezer::{Freezers, Frozen},
    process::Task,
};

use crate::typed;

/// How often processes are looked at.
const LOOK: Duration = Duration::from_secs(1);
/// Where looking takes long, it is done so many times its own time apart.
const APART: u32 = 100;
/// Most processes that are named at once.
const MOST_NAMED: usize = 5;

/// What has been said of the traced processes.
pub struct Hindrances {
    /// Those that ran when tracing began, as far as they are not gone.
    pids: Vec<u32>,
    freezers: Freezers,
    said: HashSet<(u32, Hindrance)>,
    due: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Hindrance {
    Stopped,
    Frozen,
    /// By this process.
    Traced(u32),
}

impl Hindrances {
    /// Of processes that are traced from now on.
    pub fn new(pids: Vec<u32>) -> Self {
        Self {
            pids,
            freezers: Freezers::find(),
            said: HashSet::new(),
            due: Instant::now(),
        }
    }

    /// Looks now and then, also at `more` processes that have been seen.
    pub fn tend(&mut self, more: impl FnOnce() -> Vec<u32>, notices: &mut Vec<String>) {
        if Instant::now() >= self.due {
            self.look(more(), notices);
        }
    }

    /// Looks at these and at `more`, and says what is new.
    pub fn look(&mut self, mut more: Vec<u32>, notices: &mut Vec<String>) {
        let began = Instant::now();
        more.retain(|pid| !self.pids.contains(pid));
        let mut new = Vec::new();
        let mut look = |pid: u32| {
            let Some(task) = Task::of(pid).filter(|task| !task.has_ended()) else {
                return false;
            };
            let frozen = self.freezers.frozen(pid);
            let mut sentences = Vec::new();
            for (hindrance, sentence) in hindrances(pid, &task, frozen.as_ref()) {
                if self.said.insert((pid, hindrance)) {
                    sentences.push(sentence);
                }
            }
            if !sentences.is_empty() {
                new.push(sentences);
            }
            true
        };
        self.pids.retain(|pid| look(*pid));
        for pid in more {
            look(pid);
        }
        for sentence in new.iter().take(MOST_NAMED).flatten() {
            notices.push(format!("  {sentence}"));
        }
        if let Some(more @ 1..) = new.len().checked_sub(MOST_NAMED) {
            notices.push(format!(
                "  {more} more processes are stopped, frozen or traced"
            ));
        }
        let now = Instant::now();
        self.due = now + LOOK.max((now - began) * APART);
    }
}

fn hindrances(pid: u32, task: &Task, frozen: Option<&Frozen>) -> Vec<(Hindrance, String)> {
    let mut found = Vec::new();
    if let Some(tracer) = task.tracer {
        let name = Task::of(tracer).map(|task| task.name).unwrap_or_default();
        let stopped = if task.is_stopped() {
            "stopped, and "
        } else {
            ""
        };
        let sentence = format!(
            "process {pid} is {stopped}traced by process {tracer} ({}); if a debugger has a breakpoint where a probe is, remove it before this trace ends, or never: removed later, it writes the probe's byte back, which kills the process",
            render::escape(&name)
        );
        found.push((Hindrance::Traced(tracer), sentence));
    } else if task.is_stopped() {
        let sentence = format!(
            "process {pid} is stopped, and makes no calls until it is continued: kill -CONT {pid}"
        );
        found.push((Hindrance::Stopped, sentence));
    }
    if let Some(frozen) = frozen {
        let how = match &frozen.thaw {
            Some((word, file)) => format!(": echo {word} > {}", typed(&file.to_string_lossy())),
            None => String::new(),
        };
        let sentence = format!(
            "process {pid} is frozen with its control group, and makes no calls until the group is thawed{how}"
        );
        found.push((Hindrance::Frozen, sentence));
    }
    found
}
