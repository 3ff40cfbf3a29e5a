//! The probes of a tracer: put, exchanged for others, and taken away.

use std::{collections::HashSet, mem, os::fd::AsFd, sync::Arc};

use compiler::plan::Plan;
use ebpf_templates::LastCallKey;

use super::Tracer;
use crate::{
    Binary, Error, Progress, Refused, attach,
    clock::monotonic_ns,
    config::last_call,
    guard::{Guard, Held},
    inode::Inode,
    mapped,
    plain::Plain,
    replace::{Prepared, Probes, Replacement, exchange},
};

/// What attaching did.
#[derive(Debug, Clone, Default)]
pub struct Attachment {
    /// Sites probed, over all traces.
    pub sites: usize,
    /// Sites that the kernel refused.
    pub refused: Vec<Refused>,
    /// The sites were attached one by one.
    pub one_by_one: bool,
    /// Processes that run the file and have the probes; some of which that could not be looked at.
    pub processes: Vec<u32>,
    /// Processes that seem to run the file, and run another inode.
    pub missed: Vec<u32>,
}

/// Seconds that detaching one perf event costs (measured on Linux 6.18; Linux 6.1 is of that order).
const PERF_DETACH_SECONDS: f64 = 0.11;

impl Tracer {
    /// Attaches every trace of the plan. `pid` leaves other processes alone.
    ///
    /// # Errors
    /// The file differs from the plan, there are too many sites for this kernel, or it refuses all of them.
    pub fn attach(
        &mut self,
        plan: &Plan,
        binary: &Binary,
        pid: Option<u32>,
        progress: Progress<'_>,
    ) -> Result<Attachment, Error> {
        let all_sites: usize = plan.traces.iter().map(|t| t.sites.len()).sum();
        let multi = self.kernel.has_uprobe_multi();
        if !multi && all_sites > self.options.max_probes {
            return Err(Error::TooManyProbes {
                sites: all_sites,
                cap: self.options.max_probes,
                seconds: (all_sites as f64 * PERF_DETACH_SECONDS) as usize + 1,
            });
        }
        let guard = Guard::new(binary)?;
        let probes = Arc::clone(guard.probes());
        self.guard = Some(guard);
        let path = binary.kernel_path();
        // Into a library that the process loads later the kernel would put the probes without a word of what it refuses.
        let identity = binary.identity()?;
        let filter = match pid {
            Some(pid) if !multi => pid,
            Some(pid) if self.kernel.has_process_filter() && mapped::runs(pid, identity) => pid,
            _ => 0,
        };
        self.process = filter;
        // Where a process maps the file already, the kernel checks the sites there.
        self.changed_at = binary.changed_at();
        let inode = Inode::of(binary)?;
        let _mapping = if filter == 0 && inode.processes.is_empty() {
            binary.map_anew(true).ok()
        } else {
            None
        };
        let mut attachment = Attachment {
            one_by_one: !multi,
            ..Attachment::default()
        };
        for (index, trace) in plan.traces.iter().enumerate() {
            let program = self.programs[index].as_fd();
            let sites = &trace.sites;
            let (held, refused) = probes.attach(sites, || {
                let shown = binary.path();
                if multi {
                    attach::attach_multi(program, &path, shown, sites, filter)
                } else {
                    attach::attach_perf(program, &path, shown, sites, filter, &mut *progress)
                }
            })?;
            attachment.sites += trace.sites.len() - refused.len();
            attachment
                .refused
                .extend(refused.into_iter().map(|(site, error)| Refused {
                    trace: index,
                    site,
                    error,
                }));
            self.links[index] = Some(held);
        }
        let seeming = mapped::processes(identity, pid);
        let mut traced = Inode::of(binary)?;
        if traced.address != inode.address {
            return Err(Error::Written {
                path: binary.path().to_owned(),
            });
        }
        let missed: Vec<u32> = seeming
            .into_iter()
            .filter(|pid| !traced.processes.contains(pid) && mapped::has_mapped(*pid, identity))
            .collect();
        if let (Some(pid), [_, ..]) = (pid, missed.as_slice()) {
            return Err(Error::NotArrived {
                pid,
                path: plan.executable.clone(),
                overlay: binary.is_on_overlay(),
            });
        }
        traced
            .processes
            .retain(|of| pid.is_none_or(|pid| *of == pid));
        (attachment.processes, attachment.missed) = (traced.processes, missed);
        self.inode = inode.address;
        Ok(attachment)
    }

    /// Takes the probes of one trace away.
    pub fn detach_trace(&mut self, trace: usize) {
        drop(self.stop(trace));
    }

    /// Takes all probes away. The kernel waits for running probes; the links are closed side by side so that it waits once.
    pub fn detach(&mut self) {
        let all = 0..self.links.len();
        let links: Vec<Held> = all.filter_map(|trace| self.stop(trace)).collect();
        std::thread::scope(|scope| {
            for link in links {
                scope.spawn(move || drop(link));
            }
        });
    }

    /// When a trace ended, by CLOCK_MONOTONIC, if it has.
    #[must_use]
    pub fn ended_ns(&self, trace: usize) -> Option<u64> {
        self.ended_ns.get(trace).copied().flatten()
    }

    /// What it takes to attach other probes for a trace, of the same functions or fewer; `None` where it has none any more.
    #[must_use]
    pub fn replacement(&self, trace: usize) -> Option<Replacement> {
        let held = self.links.get(trace)?.as_ref()?;
        let mut config = self.configs.get(trace)?.clone();
        let events = match held.events() {
            None => {
                config.generation += 1;
                None
            }
            Some(sites) => Some((self.programs.get(trace)?.try_clone().ok()?, sites)),
        };
        Some(Replacement {
            trace,
            config,
            maps: Arc::clone(&self.maps),
            kind: self.kind,
            process: self.process,
            guarded: Arc::clone(self.guard.as_ref()?.probes()),
            events,
        })
    }

    /// Has a trace watched by other probes from now on: those of `plan`, for which they were prepared.
    ///
    /// # Errors
    /// The kernel refuses an entry of a map. The trace keeps its probes then.
    pub fn replace(&mut self, prepared: Prepared, plan: &Plan) -> Result<(), Error> {
        let Prepared {
            trace: index,
            generation,
            probes,
        } = prepared;
        let (Some(trace), Some(Some(_))) = (plan.traces.get(index), self.links.get(index)) else {
            return Ok(());
        };
        self.write_last_calls(index, trace)?;
        self.write_steps(plan)?;
        let (program, held) = match probes {
            Probes::All { program, held } => (Some(program), Some(held)),
            Probes::Further(held) => (None, held),
        };
        self.generations.set(index, generation);
        if let Some(config) = self.configs.get_mut(index) {
            config.generation = generation;
        }
        if let (Some(program), Some(old)) = (program, self.programs.get_mut(index)) {
            *old = program;
        }
        if let Some(link) = self.links.get_mut(index)
            && let Some(old) = link.take()
        {
            *link = Some(exchange(old, held, trace, &mut self.leaving));
        }
        let wanted: HashSet<LastCallKey> = trace
            .last_calls
            .iter()
            .map(|last| last_call(index, last).0)
            .collect();
        let there: Vec<LastCallKey> = self.last_calls.keys().flatten().map(|key| key.0).collect();
        for key in there {
            if key.trace as usize == index && !wanted.contains(&key) {
                let _ = self.last_calls.remove(&Plain(key));
            }
        }
        Ok(())
    }

    /// Whether a trace has probes.
    #[must_use]
    pub fn has_probes(&self, trace: usize) -> bool {
        self.links.get(trace).is_some_and(Option::is_some)
    }

    /// Whether any probe is attached.
    #[must_use]
    pub fn is_attached(&self) -> bool {
        self.links.iter().any(Option::is_some)
    }

    /// Whether the probes are gone because the executable is written to.
    #[must_use]
    pub fn is_written(&self) -> bool {
        self.guard.as_ref().is_some_and(Guard::is_written)
    }

    /// Whether processes that are started from now on run another inode than the probed one, under the same number: their overlay file
    /// system has copied the file.
    #[must_use]
    pub fn is_copied(&mut self, binary: &Binary) -> bool {
        // Copying changes the file too, and looking is not for nothing.
        let now = binary.changed_at();
        if !binary.is_on_overlay() || mem::replace(&mut self.changed_at, now) == now {
            return false;
        }
        self.is_attached() && Inode::of(binary).is_ok_and(|inode| inode.address != self.inode)
    }

    /// Ends a trace, and hands out its probes. Taking them away takes its time, in which nothing is to be counted.
    fn stop(&mut self, trace: usize) -> Option<Held> {
        let link = self.links.get_mut(trace)?.take()?;
        self.generations.stop(trace);
        if let Some(ended) = self.ended_ns.get_mut(trace) {
            *ended = Some(monotonic_ns());
        }
        Some(link)
    }
}
