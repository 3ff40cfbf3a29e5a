//! What happens around a session: to the traced file, and to the processes that run it.

use std::{os::unix::fs::MetadataExt, path::Path, sync::Arc};

use compiler::escape_path;

use crate::{Hindrances, Loading, Source, Started, Traced};

/// Looks after it, and says what a person has to know.
pub struct Surroundings {
    traced: Arc<Traced>,
    /// The one process that is traced.
    pid: Option<u32>,
    /// The file was named by its path, where another one may be put.
    by_path: bool,
    /// Where one process is traced.
    started: Option<Started>,
    /// Where a library is traced.
    loading: Option<Loading>,
    hindrances: Hindrances,
    is_replaced: bool,
}

impl Surroundings {
    /// Of what is traced in one process or in all. `by_path`: the file was named by its path.
    ///
    /// # Errors
    /// The file's identity cannot be read.
    pub fn new(
        traced: Arc<Traced>,
        pid: Option<u32>,
        by_path: bool,
        loading: Option<Loading>,
        hindrances: Hindrances,
    ) -> Result<Self, runtime::Error> {
        let started = match pid {
            Some(pid) => Some(Started::new(pid, traced.binary.identity()?)),
            None => None,
        };
        Ok(Self {
            traced,
            pid,
            by_path,
            started,
            loading,
            hindrances,
            is_replaced: false,
        })
    }

    /// Looks now and then.
    pub(crate) fn tend(&mut self, source: &mut dyn Source, notices: &mut Vec<String>) {
        let path = &self.traced.plan.executable;
        if let Some(started) = &mut self.started {
            started.look(path, notices);
        }
        if let Some(loading) = &mut self.loading {
            loading.tend(notices);
        }
        self.hindrances.tend(|| source.processes_seen(), notices);
        if self.is_replaced {
            return;
        }
        if let Some(pid) = self.pid
            && self.runs_other(pid)
        {
            self.is_replaced = true;
            notices.push(format!(
                "process {pid} runs another executable now, which is not traced"
            ));
        }
        let binary = &self.traced.binary;
        if self.by_path && (self.traced.is_another(binary.path()) || source.is_copied(binary)) {
            self.is_replaced = true;
            notices.push(format!(
                "{} has been replaced: processes that run the old file are still traced; start again to trace the new file",
                escape_path(binary.path())
            ));
        }
    }

    /// Looks once more before the end.
    pub(crate) fn look_again(&mut self, source: &dyn Source, notices: &mut Vec<String>) {
        self.hindrances.look(source.processes_seen(), notices);
    }

    /// The one process has ended. `hit`: probes of it were hit.
    pub(crate) fn tell_end(&mut self, hit: bool, notices: &mut Vec<String>) {
        notices.push(match &self.loading {
            Some(loading) if !hit && loading.was_never_seen() => format!(
                "the process has ended, and was not seen to load {}",
                escape_path(self.traced.binary.path())
            ),
            _ => "the process has ended".to_owned(),
        });
        if let Some(started) = &mut self.started {
            started.look_behind(&self.traced.plan.executable, notices);
        }
    }

    /// Whether a process has gone on to what is not traced.
    fn runs_other(&self, pid: u32) -> bool {
        match &self.loading {
            Some(loading) => loading.is_gone(),
            None => {
                let path = runtime::process::executable_path(pid);
                self.traced.is_another(&path)
            }
        }
    }
}

impl Traced {
    /// Whether another file than the traced one stands at the path.
    #[must_use]
    pub fn is_another(&self, path: &Path) -> bool {
        let Ok(identity) = self.binary.identity() else {
            return false;
        };
        std::fs::metadata(path).is_ok_and(|meta| (meta.dev(), meta.ino()) != identity)
    }
}
