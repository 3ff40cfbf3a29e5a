//! A running trace: programs loaded, probes attached, records read, and everything given back at the end.

#![allow(unsafe_code)]

use std::{
    collections::HashSet,
    io, mem,
    os::fd::{AsFd, AsRawFd, OwnedFd},
    sync::Arc,
    time::Duration,
};

use aya::maps::{Array, HashMap, Map, MapData, RingBuf};
use compiler::plan::{Plan, TlsPlace, TracePlan};
use ebpf_templates::{
    Aggregate, AggregateKey, COUNTER_MAX, Chunk, Config, DeepKey, Frame, Goroutine, GoroutineKey,
    Hits, INLINE_FRAMES, LastCall, LastCallKey, MAX_FRAMES, Process, ProcessKey, Stack, Step,
    TraceState, Values,
};

use crate::{
    Binary, Error, Kernel, Progress, Refused,
    aggregates::{self, Aggregates},
    attach,
    clock::monotonic_ns,
    config::{config, last_call, last_calls_room, step, tell_callback, tell_tls, values_room},
    guard::{Guard, Held},
    hits::HitCounters,
    inode::Inode,
    kernel,
    lifetime::{self, Ended, Lifetime},
    loader::{self, Instance, Kind, MapSizes},
    mapped,
    plain::Plain,
    replace::{Generations, Leaving, Prepared, Probes, Replacement, exchange},
    rooms::{Rooms, words},
};

/// Sizes and caps.
#[derive(Debug, Clone)]
pub struct Options {
    /// Goroutines that can be in graphs at once.
    pub max_goroutines: u32,
    /// Bytes of the ring buffer, a power of two.
    pub ring_bytes: u32,
    /// Most sites on kernels that attach them one by one.
    pub max_probes: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            max_goroutines: 10_240,
            ring_bytes: 8 << 20,
            max_probes: 100,
        }
    }
}

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

/// A goroutine that is in a graph: its state, and the frames that did not fit into it, by level.
#[derive(Debug, Clone)]
pub struct OpenGoroutine {
    /// Whose.
    pub key: GoroutineKey,
    /// State.
    pub state: Box<Goroutine>,
    /// Frames from level [`INLINE_FRAMES`] on.
    pub deep: Vec<Frame>,
    /// What was captured of its calls and not sent; `None` where nothing is captured, or there was no room.
    pub values: Option<Box<Values>>,
}

/// Seconds that detaching one perf event costs (measured on Linux 6.18; Linux 6.1 is of that order).
const PERF_DETACH_SECONDS: f64 = 0.11;
/// Records read before the caller is asked again whether to go on.
const RECORDS_PER_POLL: usize = 8192;
/// Deep frames, shared by all goroutines.
const DEEP_FRAMES: u32 = 65_536;

/// Programs, maps and links of one plan. Dropping it detaches.
pub struct Tracer {
    kernel: Kernel,
    options: Options,
    kind: Kind,
    /// What each trace's program was loaded with.
    configs: Vec<Config>,
    programs: Vec<OwnedFd>,
    /// The process that the kernel was asked for, or 0.
    process: u32,
    /// In which the probes are ([`Inode::address`]), and when it was last looked whether that is still the file's.
    inode: u64,
    changed_at: Option<(i64, i64)>,
    links: Vec<Option<Held>>,
    /// When each trace ended, CLOCK_MONOTONIC.
    ended_ns: Vec<Option<u64>>,
    leaving: Leaving,
    /// After what it guards.
    guard: Option<Guard>,
    events: RingBuf<MapData>,
    goroutines: HashMap<MapData, Plain<GoroutineKey>, Plain<Goroutine>>,
    deep_frames: HashMap<MapData, Plain<DeepKey>, Plain<Frame>>,
    stacks: HashMap<MapData, Plain<GoroutineKey>, Plain<Stack>>,
    processes: HashMap<MapData, Plain<ProcessKey>, Plain<Process>>,
    _lifetime: Lifetime,
    traces: Array<MapData, Plain<TraceState>>,
    counters: Array<MapData, u64>,
    last_calls: HashMap<MapData, Plain<LastCallKey>, Plain<LastCall>>,
    steps: Array<MapData, Plain<Step>>,
    entries: Array<MapData, u64>,
    starts: Array<MapData, u64>,
    values: Array<MapData, Plain<Values>>,
    aggregates: Aggregates,
    hits: HitCounters,
    generations: Generations,
    rooms: Rooms,
    /// All of them, for programs that are loaded later.
    maps: Arc<std::collections::HashMap<String, OwnedFd>>,
}

impl Tracer {
    /// Loads the programs for the plan's traces; `pid` narrows them all to one process.
    ///
    /// # Errors
    /// The kernel is too old, a capability is missing, or the kernel refuses a map or a program.
    pub fn load(plan: &Plan, pid: Option<u32>, options: Options) -> Result<Self, Error> {
        let kernel = Kernel::detect();
        kernel.require()?;
        let values = values_room(plan, options.max_goroutines);
        let configs: Vec<Config> = plan
            .traces
            .iter()
            .enumerate()
            .map(|(index, trace)| {
                let mut config = config(trace);
                config.rooms = words(values);
                config.trace = index as u32;
                config.goid_offset = plan.goid_offset;
                tell_tls(&mut config, plan.tls_place);
                tell_callback(&mut config, plan.callback);
                config.have_loop = u32::from(kernel.has_loop());
                config.write_registers = u32::from(kernel.writes_registers());
                config.sleepable = u32::from(kernel.sleeps());
                config.wakeup_bytes = options.ring_bytes / 8;
                config.first_hit = (index * plan.functions.len()) as u32;
                if let Some((dev, ino)) = kernel::pid_namespace() {
                    (config.pid_ns_dev, config.pid_ns_ino) = (dev, ino);
                }
                if let Some(pid) = pid {
                    // The trace's own pids have been checked against this one before.
                    config.pids[0] = pid;
                    config.pid_count = 1;
                }
                config
            })
            .collect();
        let with_stack = configs.iter().any(|c| c.stack > 0);
        let sizes = MapSizes {
            goroutines: options.max_goroutines.max(1),
            deep_frames: DEEP_FRAMES,
            stacks: if with_stack {
                options.max_goroutines.max(1)
            } else {
                1
            },
            ring_bytes: options.ring_bytes,
            hits: (plan.traces.len() * plan.functions.len()).max(1) as u32,
            last_calls: last_calls_room(plan),
            steps: plan.functions.len().max(1) as u32,
            values,
            aggregates: if configs.iter().any(|c| c.aggregation_count > 0) {
                aggregates::ENTRIES
            } else {
                1
            },
        };
        let kind = Kind {
            multi: kernel.has_uprobe_multi(),
            sleepable: kernel.sleeps(),
        };
        let instances = configs
            .iter()
            .zip(&plan.traces)
            .map(|(config, trace)| Instance {
                config,
                code: &trace.code,
                source: &plan.source,
            });
        let (lifetime, processes) = Lifetime::watch()?;
        let mut loaded = loader::load(instances, processes, sizes, kind)?;
        let duplicate = |(name, map): (&String, &MapData)| {
            Ok((name.clone(), map.fd().as_fd().try_clone_to_owned()?))
        };
        let maps: std::collections::HashMap<String, OwnedFd> = loaded
            .maps
            .iter()
            .map(duplicate)
            .collect::<io::Result<_>>()
            .map_err(system("duplicating a descriptor"))?;
        let traces = maps.get("traces").ok_or_else(|| no_map("traces"))?;
        let generations =
            Generations::of(traces.as_fd()).map_err(system("mapping the map `traces`"))?;
        let rooms = maps.get("rooms").ok_or_else(|| no_map("rooms"))?;
        let rooms = Rooms::of(rooms.as_fd(), values).map_err(system("mapping the map `rooms`"))?;
        let hits = loaded.maps.remove("hits").ok_or_else(|| no_map("hits"))?;
        let aggregates = loaded.maps.remove("aggregates");
        let aggregates = Aggregates::new(aggregates.ok_or_else(|| no_map("aggregates"))?)?;
        let mut map = |name: &str| {
            loaded
                .maps
                .remove(name)
                .ok_or_else(|| no_map(name))
                .and_then(|data| Map::from_map_data(data).map_err(|e| Error::Object(e.to_string())))
        };
        let wrong = |e: aya::maps::MapError| Error::Object(e.to_string());
        let mut tracer = Self {
            last_calls: map("last_calls")?.try_into().map_err(wrong)?,
            steps: map("steps")?.try_into().map_err(wrong)?,
            entries: map("entries")?.try_into().map_err(wrong)?,
            starts: map("starts")?.try_into().map_err(wrong)?,
            values: map("values")?.try_into().map_err(wrong)?,
            aggregates,
            hits: HitCounters::new(hits, sizes.hits as usize)?,
            generations,
            rooms,
            maps: Arc::new(maps),
            kind,
            process: 0,
            inode: 0,
            changed_at: None,
            events: map("events")?.try_into().map_err(wrong)?,
            goroutines: map("goroutines")?.try_into().map_err(wrong)?,
            deep_frames: map("deep_frames")?.try_into().map_err(wrong)?,
            stacks: map("stacks")?.try_into().map_err(wrong)?,
            processes: map(lifetime::PROCESSES)?.try_into().map_err(wrong)?,
            _lifetime: lifetime,
            traces: map("traces")?.try_into().map_err(wrong)?,
            counters: map("counters")?.try_into().map_err(wrong)?,
            links: loaded.programs.iter().map(|_| None).collect(),
            ended_ns: vec![None; loaded.programs.len()],
            leaving: Leaving::default(),
            guard: None,
            programs: loaded.programs,
            configs,
            kernel,
            options,
        };
        for (index, trace) in plan.traces.iter().enumerate() {
            tracer.write_last_calls(index, trace)?;
        }
        tracer.write_steps(plan)?;
        Ok(tracer)
    }

    fn write_last_calls(&mut self, index: usize, trace: &TracePlan) -> Result<(), Error> {
        for last in &trace.last_calls {
            let (key, value) = last_call(index, last);
            self.last_calls
                .insert(Plain(key), Plain(value), 0)
                .map_err(|error| Error::Object(error.to_string()))?;
        }
        Ok(())
    }

    fn write_steps(&mut self, plan: &Plan) -> Result<(), Error> {
        for (id, function) in plan.functions.iter().enumerate() {
            if let Some(entry) = &function.entry_step {
                self.steps
                    .set(id as u32, Plain(step(entry)), 0)
                    .map_err(|error| Error::Object(error.to_string()))?;
            }
            if matches!(plan.tls_place, Some(TlsPlace::Got(_))) {
                self.starts
                    .set(id as u32, function.address, 0)
                    .map_err(|error| Error::Object(error.to_string()))?;
            }
            if plan.traces.iter().any(|trace| trace.code.needs_bias) {
                self.entries
                    .set(id as u32, function.entry_site, 0)
                    .map_err(|error| Error::Object(error.to_string()))?;
            }
        }
        Ok(())
    }

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

    /// Waits until there are records or the time is over, and hands out what is there.
    ///
    /// # Errors
    /// [`Error::System`].
    pub fn poll(
        &mut self,
        timeout: Duration,
        on_record: &mut dyn FnMut(&[u8]),
    ) -> Result<usize, Error> {
        let mut fd = libc::pollfd {
            fd: self.events.as_raw_fd(),
            events: libc::POLLIN,
            revents: 0,
        };
        let milliseconds = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
        // SAFETY: one pollfd is passed, and its descriptor lives as long as `self`.
        if unsafe { libc::poll(&mut fd, 1, milliseconds) } < 0 {
            let error = io::Error::last_os_error();
            if error.kind() != io::ErrorKind::Interrupted {
                return Err(Error::System {
                    what: "waiting for records",
                    error,
                });
            }
        }
        let mut records = 0;
        while records < RECORDS_PER_POLL {
            let Some(record) = self.events.next() else {
                break;
            };
            on_record(&record);
            records += 1;
        }
        Ok(records)
    }

    /// No more records than these wait at once.
    #[must_use]
    pub fn most_waiting(&self) -> usize {
        self.options.ring_bytes as usize / size_of::<Chunk>()
    }

    /// Takes the probes of one trace away.
    pub fn detach_trace(&mut self, trace: usize) {
        drop(self.stop(trace));
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

    /// When a trace ended, by CLOCK_MONOTONIC, if it has.
    #[must_use]
    pub fn ended_ns(&self, trace: usize) -> Option<u64> {
        self.ended_ns.get(trace).copied().flatten()
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

    /// What each function's probes have been hit, of all functions of the plan for each trace.
    ///
    /// # Errors
    /// [`Error::System`].
    pub fn hits(&self) -> Result<Vec<Hits>, Error> {
        self.hits.read()
    }

    /// Whether a trace has probes.
    #[must_use]
    pub fn has_probes(&self, trace: usize) -> bool {
        self.links.get(trace).is_some_and(Option::is_some)
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

    /// Whether any probe is attached.
    #[must_use]
    pub fn is_attached(&self) -> bool {
        self.links.iter().any(Option::is_some)
    }

    /// Those goroutines that are in a graph. To be called when their probes cannot run any more.
    #[must_use]
    pub fn open_goroutines(&self, of: impl Fn(&GoroutineKey) -> bool) -> Vec<OpenGoroutine> {
        let mut open = Vec::new();
        for key in self.goroutines.keys().filter_map(Result::ok) {
            if !of(&key.0) {
                continue;
            }
            let Ok(state) = self.goroutines.get(&key, 0) else {
                continue;
            };
            let deepest = (state.0.level as usize).min(MAX_FRAMES);
            let deep = (INLINE_FRAMES..deepest)
                .map_while(|level| {
                    let key = DeepKey {
                        goroutine: key.0,
                        level: level as u32,
                        unused: 0,
                    };
                    self.deep_frames
                        .get(&Plain(key), 0)
                        .ok()
                        .map(|frame| frame.0)
                })
                .collect();
            open.push(OpenGoroutine {
                key: key.0,
                values: self.values_of(&state.0),
                state: Box::new(state.0),
                deep,
            });
        }
        open.sort_by_key(|g| (g.key.tgid, g.key.trace, g.state.chunk.start_ns, g.key.goid));
        open
    }

    fn values_of(&self, state: &Goroutine) -> Option<Box<Values>> {
        let slot = state.slot.checked_sub(1)?;
        let values = self.values.get(&slot, 0).ok()?;
        Some(Box::new(values.0))
    }

    /// What the aggregations have counted, summed over the processors.
    ///
    /// # Errors
    /// [`Error::Object`].
    pub fn aggregates(&self) -> Result<Vec<(AggregateKey, Aggregate)>, Error> {
        self.aggregates.read()
    }

    /// The same of one aggregation of a trace, which counts anew from then on.
    ///
    /// # Errors
    /// [`Error::Object`].
    pub fn take_aggregate(
        &mut self,
        trace: u32,
        aggregation: u32,
    ) -> Result<Vec<(AggregateKey, Aggregate)>, Error> {
        let (taken, epoch) = self.aggregates.take(trace, aggregation)?;
        self.generations
            .set_epoch(trace as usize, aggregation as usize, epoch);
        Ok(taken)
    }

    /// Processes that have been in a graph and have not ended.
    #[must_use]
    pub fn processes_seen(&self) -> Vec<u32> {
        let all = self.processes.iter().filter_map(Result::ok);
        all.filter(|(_, process)| process.0.end == 0)
            .map(|(_, process)| process.0.tgid)
            .collect()
    }

    /// Processes that have been in a graph and have ended since the last call, or run another program now. Their goroutines stay until
    /// [`Self::forget`].
    #[must_use]
    pub fn ended_processes(&mut self) -> Vec<Ended> {
        lifetime::take_ended(&mut self.processes)
    }

    /// Frees the state of goroutines that no probe asks for any more: their process or their trace has ended.
    pub fn forget(&mut self, goroutines: &[OpenGoroutine]) {
        for open in goroutines {
            let _ = self.goroutines.remove(&Plain(open.key));
            let _ = self.stacks.remove(&Plain(open.key));
            if let Some(slot) = open.state.slot.checked_sub(1) {
                self.rooms.free(slot);
            }
            for n in 0..open.deep.len() {
                let key = DeepKey {
                    goroutine: open.key,
                    level: (INLINE_FRAMES + n) as u32,
                    unused: 0,
                };
                let _ = self.deep_frames.remove(&Plain(key));
            }
        }
    }

    /// The counters, indexed by [`ebpf_templates::Counter`].
    #[must_use]
    pub fn counters(&self) -> [u64; COUNTER_MAX] {
        std::array::from_fn(|n| self.counters.get(&(n as u32), 0).unwrap_or(0))
    }

    /// Graphs that the trace has kept; only counted where it has a limit.
    #[must_use]
    pub fn kept(&self, trace: u32) -> u64 {
        self.traces.get(&trace, 0).map_or(0, |state| state.0.kept)
    }
}

fn no_map(name: &str) -> Error {
    Error::Object(format!("it holds no map `{name}`"))
}

fn system(what: &'static str) -> impl Fn(io::Error) -> Error {
    move |error| Error::System { what, error }
}
