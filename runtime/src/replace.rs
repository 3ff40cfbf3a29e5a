//! Other probes in place of a trace's, without a moment in which there are none of them, or both.
//!
//! The new ones are loaded and attached beside the old ones, in a program instance of the next generation, which does nothing yet. Then one
//! word in shared memory says which generation is to work. Letting go of the old ones comes last and may take a second, which nobody
//! waits for. Before Linux 6.6 each site is an event of its own: those that stay are left alone, of the same program.

#![allow(unsafe_code)]

use std::{
    collections::HashMap,
    io,
    mem::offset_of,
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
};

use compiler::plan::{Plan, Site, TracePlan};
use ebpf_templates::{Config, MAX_AGGREGATIONS, MAX_TRACES, TraceState};
use memmap2::{MmapMut, MmapOptions};

use crate::{
    Binary, Error, attach,
    guard::{self, Held},
    loader::{self, Instance, Kind},
};

/// What it takes to attach other probes for a trace. That takes its time, and may be done in another thread.
pub struct Replacement {
    pub(crate) trace: usize,
    /// Of the trace, with the next generation.
    pub(crate) config: Config,
    pub(crate) maps: Arc<HashMap<String, OwnedFd>>,
    pub(crate) kind: Kind,
    /// The process that the kernel is to be asked for, or 0.
    pub(crate) process: u32,
    /// The probes of the file.
    pub(crate) guarded: Arc<guard::Probes>,
    /// Where events are attached one by one: the program that they run, and the sites that have one.
    pub(crate) events: Option<(OwnedFd, Vec<Site>)>,
}

/// Probes that are attached, and wait for their turn.
pub struct Prepared {
    pub(crate) trace: usize,
    pub(crate) generation: u32,
    pub(crate) probes: Probes,
}

pub(crate) enum Probes {
    /// In place of all.
    All { program: OwnedFd, held: Held },
    /// Beside those that stay, if any.
    Further(Option<Held>),
}

impl Replacement {
    /// Loads and attaches.
    ///
    /// # Errors
    /// The file differs from the plan, or the kernel refuses the program or all of the sites.
    pub fn prepare(self, plan: &Plan, binary: &Binary) -> Result<Prepared, Error> {
        let source = &plan.source;
        let plan = plan
            .traces
            .get(self.trace)
            .ok_or_else(|| Error::Object(format!("the plan has no trace {}", self.trace)))?;
        let (path, shown) = (binary.kernel_path(), binary.path());
        let probes = match self.events {
            None => {
                let instance = Instance {
                    config: &self.config,
                    code: &plan.code,
                    source,
                };
                let program = loader::load_beside(instance, &self.maps, self.kind)?;
                let (held, _) = self.guarded.attach(&plan.sites, || {
                    attach::attach_multi(program.as_fd(), &path, shown, &plan.sites, self.process)
                })?;
                Probes::All { program, held }
            }
            Some((program, there)) => {
                let new: Vec<Site> = plan
                    .sites
                    .iter()
                    .filter(|site| !there.iter().any(|other| same(site, other)))
                    .copied()
                    .collect();
                let attach = || {
                    let (program, process) = (program.as_fd(), self.process);
                    attach::attach_perf(program, &path, shown, &new, process, &mut |_, _| {})
                };
                Probes::Further(if new.is_empty() {
                    None
                } else {
                    Some(self.guarded.attach(&new, attach)?.0)
                })
            }
        };
        Ok(Prepared {
            trace: self.trace,
            generation: self.config.generation,
            probes,
        })
    }
}

impl Prepared {
    /// Index of the trace that they are for.
    #[must_use]
    pub fn trace(&self) -> usize {
        self.trace
    }
}

/// Whether a probe at one does for the other.
fn same(one: &Site, other: &Site) -> bool {
    (one.file_offset, one.cookie) == (other.file_offset, other.cookie)
}

/// Puts new probes in the place of others. Where each site is an event of its own, the new ones go beside those that `plan` still wants.
pub(crate) fn exchange(
    old: Held,
    new: Option<Held>,
    plan: &TracePlan,
    leaving: &mut Leaving,
) -> Held {
    let wanted = |site: &Site| plan.sites.iter().any(|wanted| same(site, wanted));
    if let Some(go) = old.exchange(new.as_ref(), wanted) {
        leaving.add(go);
        return old;
    }
    match new {
        Some(new) => {
            leaving.add(old);
            new
        }
        None => old,
    }
}

/// Probes that are being taken away, each in a thread, since the kernel waits for those that run. Dropping it waits for all of them:
/// where the process ends meanwhile, the kernel may fail to unregister them (kernel/events/uprobes.c).
#[derive(Default)]
pub(crate) struct Leaving(Vec<JoinHandle<()>>);

impl Leaving {
    fn add(&mut self, held: Held) {
        self.0.retain(|thread| !thread.is_finished());
        self.0.push(thread::spawn(move || drop(held)));
    }
}

impl Drop for Leaving {
    fn drop(&mut self) {
        for thread in self.0.drain(..) {
            let _ = thread.join();
        }
    }
}

/// What programs are told while they run, in the memory of the map `traces`: the generations that are to work, and the epochs of
/// aggregations.
pub(crate) struct Generations(MmapMut);

/// From one value of the map to the next (kernel/bpf/arraymap.c: rounded up to 8).
const STRIDE: usize = size_of::<TraceState>().next_multiple_of(8);

impl Generations {
    pub(crate) fn of(traces: BorrowedFd<'_>) -> io::Result<Self> {
        // SAFETY: the memory is the map's, which nothing shrinks; it is only used through atomics below.
        unsafe {
            MmapOptions::new()
                .len(MAX_TRACES * STRIDE)
                .map_mut(traces.as_raw_fd())
        }
        .map(Self)
    }

    /// Which programs of the trace are to work from now on.
    pub(crate) fn set(&mut self, trace: usize, generation: u32) {
        let at = offset_of!(TraceState, generation);
        self.store(trace, at, u64::from(generation));
    }

    /// None of them is.
    pub(crate) fn stop(&mut self, trace: usize) {
        self.set(trace, u32::MAX);
    }

    /// An aggregation of the trace was cleared.
    pub(crate) fn set_epoch(&mut self, trace: usize, aggregation: usize, epoch: u64) {
        if aggregation < MAX_AGGREGATIONS {
            let at = offset_of!(TraceState, epochs) + aggregation * size_of::<u64>();
            self.store(trace, at, epoch);
        }
    }

    /// Writes a word of a trace's state, `at` bytes into it.
    fn store(&mut self, trace: usize, at: usize, value: u64) {
        let at = trace * STRIDE + at;
        if at + size_of::<u64>() > self.0.len() {
            return;
        }
        // SAFETY: the eight bytes are in the mapping, aligned (it begins with a page, and stride and offsets are multiples of 8), and
        // others, which are programs in the kernel, only read them.
        let word = unsafe { AtomicU64::from_ptr(self.0.as_mut_ptr().add(at).cast()) };
        word.store(value, Ordering::SeqCst);
    }
}
