//! What a probe costs on this machine, measured at start by running into some.
//!
//! The figures decide where returns are watched, tell the user what a trace costs, and hold the tracer to its budget. They differ by a
//! factor of ten and more between machines, by processor, hypervisor and kernel, so they are measured: a few milliseconds of a child
//! process that calls functions of this executable, probed by an empty program and then by the real one.

use std::{
    collections::HashMap,
    io,
    os::fd::AsFd,
    path::Path,
    sync::mpsc::{Receiver, Sender, TryRecvError, channel},
    thread::{self, JoinHandle},
};

use aya::maps::{Map, RingBuf};
use compiler::{Prices, plan::Site};
use ebpf_templates::{CallRecord, Chunk, Config};
use zerocopy::FromBytes;

use self::{
    child::{CALLS, Child, FEW_CALLS, Real},
    code::{EMULATED, FUNCTIONS, GOID_OFFSET, STEPPED, Sites},
};
use crate::{
    Error, Kernel,
    attach::{self, Attached},
    kernel,
    loader::{self, Instance, Kind, MapSizes, by_hand},
};

mod child;
mod code;

/// Enough for every graph of the measurement.
const RING_BYTES: u32 = 512 << 10;

/// A measurement in two parts, beside other work: the traps at once; the rest, which takes ten times as long, when it is asked for.
/// Dropping it waits until nothing of it is left.
pub struct Calibration {
    results: Receiver<Known>,
    latest: Option<Result<Prices, Error>>,
    done: bool,
    go_on: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What a measurement tells.
enum Known {
    /// What traps cost; the rest is guessed.
    Traps(Prices),
    /// There is nothing more to come.
    All(Result<Prices, Error>),
}

impl Calibration {
    /// Starts measuring in a thread.
    #[must_use]
    pub fn start() -> Self {
        let (send, results) = channel();
        let (go_on, told) = channel();
        let measuring = thread::Builder::new()
            .name("calibration".into())
            .spawn(move || {
                let mut probes = Vec::new();
                let result = measure(&send, &told, &mut probes);
                let _ = send.send(Known::All(result));
                // Where somebody still ran into them, the kernel would have to remove breakpoints; and where this process ended meanwhile,
                // it would fail to (kernel/events/uprobes.c, "failed to unregister").
                thread::scope(|scope| {
                    for attached in probes {
                        scope.spawn(move || drop(attached));
                    }
                });
            });
        let (thread, latest) = match measuring {
            Ok(thread) => (Some(thread), None),
            Err(error) => (None, Some(Err(system("starting a thread")(error)))),
        };
        Self {
            results,
            done: latest.is_some(),
            latest,
            go_on: Some(go_on),
            thread,
        }
    }

    /// What traps cost, with the work of the probe program guessed from that; known a few milliseconds after the start. `None` where it
    /// could not be measured.
    pub fn traps(&mut self) -> Option<Prices> {
        if self.latest.is_none() {
            let known = self.results.recv();
            self.take(known.ok());
        }
        self.latest.as_ref()?.as_ref().ok().copied()
    }

    /// Has the rest measured, in as long as it takes to load the probe program. Without this, it is when somebody waits for it.
    pub fn go_on(&mut self) {
        if let Some(go_on) = self.go_on.take() {
            let _ = go_on.send(());
        }
    }

    /// Whether there is nothing more to be known. Does not wait.
    pub fn is_done(&mut self) -> bool {
        while !self.done {
            match self.results.try_recv() {
                Ok(known) => self.take(Some(known)),
                Err(TryRecvError::Disconnected) => self.take(None),
                Err(TryRecvError::Empty) => break,
            }
        }
        self.done
    }

    /// What is known by now, without waiting: of the traps only, or everything.
    pub fn so_far(&mut self) -> Option<Prices> {
        self.is_done();
        self.latest.as_ref()?.as_ref().ok().copied()
    }

    /// Waits until everything is known.
    pub fn wait(&mut self) {
        self.go_on();
        while !self.done {
            let known = self.results.recv();
            self.take(known.ok());
        }
    }

    /// Waits, and tells what is known.
    ///
    /// # Errors
    /// No privilege, or something that the kernel refuses.
    pub fn finish(mut self) -> Result<Prices, Error> {
        self.wait();
        self.latest
            .take()
            .unwrap_or_else(|| Err(Error::Object("the measurement ended early".into())))
    }

    /// Takes what the thread has told; nothing, where it told nothing and is gone.
    fn take(&mut self, known: Option<Known>) {
        self.done = !matches!(known, Some(Known::Traps(_)));
        let result = match known {
            Some(Known::Traps(prices)) => Ok(prices),
            Some(Known::All(result)) => result,
            None => return,
        };
        // Figures of the traps alone are better than none.
        if result.is_ok() || !matches!(self.latest, Some(Ok(_))) {
            self.latest = Some(result);
        }
    }
}

impl Drop for Calibration {
    fn drop(&mut self) {
        self.go_on = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Measures what probes cost on this machine.
///
/// # Errors
/// As [`Calibration::finish`].
pub fn calibrate() -> Result<Prices, Error> {
    Calibration::start().finish()
}

/// Measures, and leaves the probes, which nobody can run into any more.
fn measure(
    early: &Sender<Known>,
    go_on: &Receiver<()>,
    probes: &mut Vec<Attached>,
) -> Result<Prices, Error> {
    let kernel = Kernel::detect();
    kernel.require()?;
    let sites = Sites::find()?;
    let mut child = Child::start()?;
    let kind = Kind {
        multi: kernel.has_uprobe_multi(),
        sleepable: kernel.sleeps(),
    };
    let empty = by_hand::load_empty(kind).map_err(system("loading an empty program"))?;
    probes.push(attach(empty.as_fd(), &sites.bare, &child, kind)?);
    let prices = traps(&mut child, &kernel)?;
    if !kind.multi {
        // Each site takes 0.1 s to take away: these two must do.
        return Ok(prices);
    }
    let _ = early.send(Known::Traps(prices));

    let asked = go_on.try_recv();
    if asked == Err(TryRecvError::Disconnected) {
        return Ok(prices);
    }
    loader::prepare_kernel_types()?;
    if asked.is_err() && go_on.recv().is_err() {
        return Ok(prices);
    }
    let config = config(&kernel);
    let instances = [Instance::plain(&config)].into_iter();
    let mut loaded = loader::load(instances, HashMap::new(), SIZES, kind)?;
    let program = loaded.programs.first().ok_or_else(no_program)?;
    probes.push(attach(program.as_fd(), &sites.real, &child, kind)?);
    let times = child.real()?;
    let events = loaded
        .maps
        .remove("events")
        .and_then(|data| RingBuf::try_from(Map::from_map_data(data).ok()?).ok())
        .ok_or_else(no_program)?;
    Ok(conclude(&times, &Records::read(events)))
}

fn system(what: &'static str) -> impl Fn(io::Error) -> Error {
    move |error| Error::System { what, error }
}

fn no_program() -> Error {
    Error::Object("it lacks its program or a map".into())
}

const SIZES: MapSizes = MapSizes {
    goroutines: 16,
    deep_frames: 1,
    stacks: 1,
    ring_bytes: RING_BYTES,
    hits: FUNCTIONS,
    last_calls: 1,
    steps: FUNCTIONS,
    values: 1,
    aggregates: 1,
};

fn config(kernel: &Kernel) -> Config {
    let (pid_ns_dev, pid_ns_ino) = kernel::pid_namespace().unwrap_or_default();
    Config {
        goid_offset: GOID_OFFSET as u32,
        have_loop: u32::from(kernel.has_loop()),
        sleepable: u32::from(kernel.sleeps()),
        write_registers: u32::from(kernel.writes_registers()),
        wakeup_bytes: u32::MAX,
        pid_ns_dev,
        pid_ns_ino,
        ..Config::default()
    }
}

fn attach(
    program: std::os::fd::BorrowedFd<'_>,
    sites: &[Site],
    child: &Child,
    kind: Kind,
) -> Result<Attached, Error> {
    let (path, shown) = (c"/proc/self/exe", Path::new("/proc/self/exe"));
    let (attached, refused) = if kind.multi {
        attach::attach_multi(program, path, shown, sites, child.pid())?
    } else {
        attach::attach_perf(program, path, shown, sites, child.pid(), &mut |_, _| {})?
    };
    if refused.is_empty() {
        Ok(attached)
    } else {
        Err(Error::AllRefused {
            path: shown.into(),
            sites: refused.len(),
        })
    }
}

/// Has the traps measured. The rest is as many of them as it was on a machine where everything was measured.
fn traps(child: &mut Child, kernel: &Kernel) -> Result<Prices, Error> {
    let times = child.bare()?;
    let emulated_ns = median(times.iter().map(|t| t.emulated)) / CALLS;
    let stepped_ns = median(times.iter().map(|t| t.stepped)) / FEW_CALLS;
    let program_ns = emulated_ns / 8;
    Ok(Prices {
        measured: true,
        emulated_ns: emulated_ns + program_ns,
        stepped_ns: stepped_ns + program_ns,
        carried_out_ns: program_ns
            + if kernel.writes_registers() {
                emulated_ns
            } else {
                stepped_ns
            },
        recorded_ns: emulated_ns * 3 / 8,
        graph_ns: emulated_ns / 2,
        inside_ns: emulated_ns,
        inside_stepped_ns: stepped_ns,
    })
}

/// What the records of the measurement's graphs tell: nanoseconds from one call to the next, and recorded durations.
#[derive(Default)]
struct Records {
    period: Vec<u64>,
    duration: Vec<u64>,
    duration_stepped: Vec<u64>,
}

impl Records {
    fn read(mut events: RingBuf<aya::maps::MapData>) -> Self {
        let mut all = Vec::new();
        while let Some(record) = events.next() {
            all.extend(calls(&record));
        }
        Self::of(&all)
    }

    /// From all recorded calls in the order in which they returned.
    fn of(calls: &[CallRecord]) -> Self {
        let mut records = Self::default();
        // A target's own record ends its graph.
        for graph in calls.split(|call| call.level == 0) {
            let durations = graph.iter().map(|call| call.duration_ns);
            match graph {
                [first, .., last] if first.function == EMULATED => {
                    let between = graph.len() as u64 - 1;
                    let time = last.entry_ns.saturating_sub(first.entry_ns);
                    records.period.push(time / between);
                    records.duration.extend(durations);
                }
                [first, ..] if first.function == STEPPED => {
                    records.duration_stepped.extend(durations);
                }
                _ => {}
            }
        }
        records
    }
}

/// The calls in a record of the ring buffer.
fn calls(record: &[u8]) -> Vec<CallRecord> {
    let Ok((chunk, mut rest)) = Chunk::read_from_prefix(record) else {
        return Vec::new();
    };
    (0..chunk.count)
        .map_while(|_| {
            let (call, after) = CallRecord::read_from_prefix(rest).ok()?;
            rest = after;
            Some(call)
        })
        .collect()
}

fn conclude(times: &[Real], records: &Records) -> Prices {
    let each = |of: fn(&Real) -> u64, calls| median(times.iter().map(of)) / calls;
    // Two emulated hits; a stepped one and an emulated one; an emulated one and a ret.
    let call = each(|t| t.emulated, CALLS);
    let emulated_ns = call / 2;
    let other = |with: u64| with.saturating_sub(emulated_ns);
    let recorded_ns = median(records.period.iter().copied()).saturating_sub(call);
    let target = each(|t| t.graphs, FEW_CALLS);
    Prices {
        measured: true,
        emulated_ns,
        stepped_ns: other(each(|t| t.stepped, FEW_CALLS)),
        carried_out_ns: other(each(|t| t.returning, FEW_CALLS)),
        recorded_ns,
        graph_ns: target.saturating_sub(call + recorded_ns),
        inside_ns: median(records.duration.iter().copied()),
        inside_stepped_ns: median(records.duration_stepped.iter().copied()),
    }
}

/// The upper of two in the middle; 0 of nothing.
fn median(values: impl Iterator<Item = u64>) -> u64 {
    let mut values: Vec<u64> = values.collect();
    let middle = values.len() / 2;
    if values.is_empty() {
        return 0;
    }
    *values.select_nth_unstable(middle).1
}

#[cfg(test)]
mod tests {
    use zerocopy::{FromZeros, IntoBytes};

    use super::*;

    fn call(function: u32, level: u16, entry_ns: u64, duration_ns: u64) -> CallRecord {
        CallRecord {
            function,
            level,
            entry_ns,
            duration_ns,
            ..CallRecord::new_zeroed()
        }
    }

    #[test]
    fn records_are_read_as_far_as_they_go() {
        let header = Chunk {
            count: 3,
            ..Chunk::new_zeroed()
        };
        let mut bytes = header.as_bytes().to_vec();
        bytes.extend(call(1, 1, 10, 5).as_bytes());
        bytes.extend(call(0, 0, 9, 50).as_bytes());
        bytes.push(0);
        let found: Vec<u64> = calls(&bytes).iter().map(|call| call.entry_ns).collect();
        assert_eq!(found, [10, 9]);
        assert!(calls(&bytes[..8]).is_empty());
    }

    #[test]
    fn what_is_measured_is_taken_apart() {
        let times = |n: u64| Real {
            emulated: CALLS * (2_000 + n),
            stepped: FEW_CALLS * (11_000 + n),
            returning: FEW_CALLS * (10_900 + n),
            graphs: FEW_CALLS * (3_700 + n),
        };
        let records = Records::of(&[
            call(0, 0, 0, 9),
            call(EMULATED, 1, 10_000, 701),
            call(EMULATED, 1, 12_300, 700),
            call(EMULATED, 1, 14_600, 699),
            call(0, 0, 9_000, 9_000),
            call(STEPPED, 1, 20_000, 10_800),
            call(0, 0, 19_000, 9_000),
        ]);
        let prices = conclude(&[times(900), times(0), times(0)], &records);
        let expected = Prices {
            measured: true,
            emulated_ns: 1_000,
            stepped_ns: 10_000,
            carried_out_ns: 9_900,
            recorded_ns: 300,
            graph_ns: 1_400,
            inside_ns: 700,
            inside_stepped_ns: 10_800,
        };
        assert_eq!(prices, expected);
    }

    #[test]
    fn the_median_of_nothing_is_nothing() {
        assert_eq!(median([].into_iter()), 0);
        assert_eq!(median([3, 1, 2].into_iter()), 2);
    }
}
