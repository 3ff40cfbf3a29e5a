//! A running trace: programs loaded, probes attached, records read, and everything given back at the end.

#![allow(unsafe_code)]

mod attaching;
mod state;

use std::{
    io,
    os::fd::{AsFd, AsRawFd, OwnedFd},
    sync::Arc,
    time::Duration,
};

use aya::maps::{Array, HashMap, Map, MapData, RingBuf};
use compiler::plan::{Plan, TlsPlace, TracePlan};
use ebpf_templates::{
    Chunk, Config, DeepKey, Frame, Goroutine, GoroutineKey, LastCall, LastCallKey, Process,
    ProcessKey, Stack, Step, TraceState, Values,
};

pub use self::{attaching::Attachment, state::OpenGoroutine};
use crate::{
    Error, Kernel,
    aggregates::{self, Aggregates},
    config::{config, last_call, last_calls_room, step, tell_callback, tell_tls, values_room},
    guard::{Guard, Held},
    hits::HitCounters,
    kernel,
    lifetime::{self, Lifetime},
    loader::{self, Instance, Kind, MapSizes},
    plain::Plain,
    replace::{Generations, Leaving},
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
}

fn no_map(name: &str) -> Error {
    Error::Object(format!("it holds no map `{name}`"))
}

fn system(what: &'static str) -> impl Fn(io::Error) -> Error {
    move |error| Error::System { what, error }
}
