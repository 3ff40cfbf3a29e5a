//! Gathers the records of each goroutine until its graph has ended.

use std::{collections::HashMap, mem, sync::Arc};

use ebpf_templates::{
    CHUNK_NO_ROOM, CHUNK_STACK_LEFT, CHUNK_UNREAD, CHUNK_UNTIL, CallExit, CallRecord, Chunk,
    ChunkKind, Frame, Goroutine, GoroutineKey, INLINE_FRAMES, NO_OFFSET, Values,
};
use zerocopy::FromBytes;

use crate::{
    attach::{self, attach},
    malformed::Malformed,
    order::preorder,
    packed::{pack, unpack},
    tree::{Call, Dropped, Exit, Graph, is_whole},
};

/// Bytes that spilled calls and captured values may take before further ones are dropped, and counted as lost.
const HELD_MAX: usize = 48 << 20;
/// What a graph that has spilled takes besides its calls: its entry in the table, which is up to half empty.
const PENDING_BYTES: usize = 2 * (size_of::<GoroutineKey>() + size_of::<Pending>());
/// Abandoned graphs kept for [`Builder::gone`]; beyond this only their number is.
const ABANDONED_MAX: usize = 1_024;

/// Turns records into graphs.
///
/// Records of one goroutine have to come in the order in which the probe program sent them; those of different goroutines may be
/// interleaved at will.
#[derive(Debug)]
pub struct Builder {
    pending: HashMap<GoroutineKey, Pending>,
    abandoned: Vec<(GoroutineKey, Pending)>,
    abandoned_count: u64,
    dropped_calls: u64,
    /// For each trace, by the time at which it happened.
    dropped: HashMap<u32, Arc<[Dropped]>>,
    held: usize,
    held_max: usize,
}

/// What has come of a graph that has not ended.
#[derive(Debug, Default)]
struct Pending {
    start_ns: u64,
    entry_ip: u64,
    tid: u32,
    lost: u32,
    missing: u32,
    lost_values: u32,
    unread: bool,
    no_room: bool,
    until: bool,
    dropped: u64,
    dropped_values: u64,
    chunks: Vec<Box<[u8]>>,
    values: Vec<Box<[u8]>>,
    stack: Vec<u64>,
    stack_left: bool,
}

impl Pending {
    fn begin(header: &Chunk) -> Self {
        Self {
            start_ns: header.start_ns,
            entry_ip: header.entry_ip,
            ..Self::default()
        }
    }

    /// The header's counts are those of the whole graph up to it.
    fn heard(&mut self, header: &Chunk) {
        self.tid = header.tid;
        self.lost = self.lost.max(header.lost);
        self.missing = self.missing.max(header.missing);
        self.lost_values = self.lost_values.max(header.lost_values);
        self.unread |= header.flags & CHUNK_UNREAD != 0;
        self.no_room |= header.flags & CHUNK_NO_ROOM != 0;
        self.until |= header.flags & CHUNK_UNTIL != 0;
    }

    fn bytes(&self) -> usize {
        PENDING_BYTES
            + self
                .chunks
                .iter()
                .chain(&self.values)
                .map(|chunk| chunk_bytes(chunk))
                .sum::<usize>()
            + mem::size_of_val(self.stack.as_slice())
    }

    fn calls(&self) -> impl Iterator<Item = CallRecord> {
        self.chunks
            .iter()
            .flat_map(|chunk| unpack(chunk, self.start_ns, self.entry_ip))
    }

    fn graph(
        self,
        key: &GoroutineKey,
        finished: Vec<Call>,
        dropped: Arc<[Dropped]>,
        open: bool,
    ) -> Graph {
        let mut calls = preorder(finished);
        let lost_calls = u64::from(self.lost) + self.dropped;
        let below: u64 = calls.iter().map(|call| u64::from(call.missing)).sum();
        let missing_calls = below.max(u64::from(self.missing));
        let whole = is_whole(&calls);
        let captured = attach(&self.values, &calls, self.start_ns);
        let lost_values = u64::from(self.lost_values) + self.dropped_values;
        // There is one target call a graph; whoever walks the tree may rely on it.
        calls
            .iter_mut()
            .skip(1)
            .for_each(|call| call.level = call.level.max(1));
        // Nobody saw the end of a call whose function was dropped meanwhile: it looks as if it had been unwound.
        for call in calls.iter_mut().filter(|call| call.exit == Exit::Unwound) {
            let began = self.start_ns.saturating_add(call.start_ns);
            let ended = self.start_ns.saturating_add(call.end_ns());
            let gone = dropped.iter().find(|dropped| {
                dropped.function == call.function && (began..=ended).contains(&dropped.since_ns)
            });
            if let Some(gone) = gone {
                call.exit = Exit::Open;
                call.duration_ns = gone.since_ns - began;
            }
        }
        Graph {
            trace: key.trace,
            pid: key.tgid,
            tid: self.tid,
            goroutine: key.goid,
            start_ns: self.start_ns,
            entry_ip: self.entry_ip,
            complete: whole
                && lost_calls == 0
                && missing_calls == 0
                && lost_values == 0
                && !self.unread
                && dropped.is_empty(),
            lost_calls,
            missing_calls,
            lost_values,
            no_room: self.no_room,
            unread: self.unread,
            dropped,
            compensated: false,
            open,
            until: self.until,
            calls,
            stack: self.stack,
            stack_left: self.stack_left,
            captured,
        }
    }
}

impl Default for Builder {
    fn default() -> Self {
        Self::new()
    }
}

impl Builder {
    /// A builder that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::with_limit(HELD_MAX)
    }

    /// One that keeps at most about `bytes` of calls whose graphs have not ended, and of values captured of them. What comes beyond is
    /// dropped and counted.
    #[must_use]
    pub fn with_limit(bytes: usize) -> Self {
        Self {
            pending: HashMap::new(),
            abandoned: Vec::new(),
            abandoned_count: 0,
            dropped_calls: 0,
            dropped: HashMap::new(),
            held: 0,
            held_max: bytes,
        }
    }

    /// Takes one record of the ring buffer; returns the graph that it ends, if it ends one. Bytes after the announced entries are
    /// ignored.
    ///
    /// # Errors
    /// [`Malformed`]; the builder is then as it was before.
    pub fn record(&mut self, bytes: &[u8]) -> Result<Option<Graph>, Malformed> {
        let (header, body) =
            Chunk::read_from_prefix(bytes).map_err(|_| Malformed::Short(bytes.len()))?;
        let key = GoroutineKey {
            tgid: header.tgid,
            trace: header.trace,
            goid: header.goid,
            image: header.image,
        };
        match header.kind {
            kind if kind == ChunkKind::Calls as u32 => {
                let calls: Vec<CallRecord> = entries(body, header.count)?;
                check_exits(&calls)?;
                self.spilled(key, &header, &calls);
                Ok(None)
            }
            kind if kind == ChunkKind::Stack as u32 => {
                let stack: Vec<u64> = entries(body, header.count)?;
                let pending = self.pending(key, &header);
                let before = mem::size_of_val(pending.stack.as_slice());
                let now = mem::size_of_val(stack.as_slice());
                pending.stack = stack;
                pending.stack_left = header.flags & CHUNK_STACK_LEFT != 0;
                self.held = (self.held + now).saturating_sub(before);
                Ok(None)
            }
            kind if kind == ChunkKind::Values as u32 => {
                let body = body.get(..header.count as usize);
                let body = body.ok_or(Malformed::Count {
                    announced: header.count,
                    held: bytes.len() - size_of::<Chunk>(),
                })?;
                let count = attach::count(body)?;
                self.captured(key, &header, body, count);
                Ok(None)
            }
            kind if kind == ChunkKind::Graph as u32 => {
                let last: Vec<CallRecord> = entries(body, header.count)?;
                check_exits(&last)?;
                let mut pending = self
                    .take(&key, header.start_ns)
                    .unwrap_or_else(|| Pending::begin(&header));
                pending.heard(&header);
                let start_ns = header.start_ns;
                let calls: Vec<Call> = pending
                    .calls()
                    .chain(last)
                    .map(|record| call(&record, start_ns))
                    .collect();
                let took = calls.iter().map(Call::end_ns).max().unwrap_or(0);
                let dropped = self.dropped_before(key.trace, start_ns.saturating_add(took));
                Ok(Some(pending.graph(&key, calls, dropped, false)))
            }
            kind if kind == ChunkKind::Discard as u32 => {
                self.take(&key, header.start_ns);
                Ok(None)
            }
            kind => Err(Malformed::Kind(kind)),
        }
    }

    /// The graph of a goroutine that was still in one when tracing stopped or its process ended: what it had sent, what its state held,
    /// and its open frames, which have lasted until `now_ns`, when that happened; `exit` tells how they ended. `deep` holds the frames from
    /// level [`INLINE_FRAMES`] on; where some are missing the graph is not complete. `values` are what was captured and not sent. `None`
    /// where the goroutine was in no graph, or in one that was not traced.
    pub fn open(
        &mut self,
        key: &GoroutineKey,
        state: &Goroutine,
        deep: &[Frame],
        values: Option<&Values>,
        now_ns: u64,
        exit: Exit,
    ) -> Option<Graph> {
        if state.level == 0 || state.skip_depth != 0 {
            return None;
        }
        let header = &state.chunk;
        let start_ns = header.start_ns;
        let mut pending = self
            .take(key, start_ns)
            .unwrap_or_else(|| Pending::begin(header));
        pending.heard(header);
        match values.map(attach::unsent) {
            Some(Ok(values)) => pending.values.push(values.into()),
            Some(Err(_)) => pending.dropped_values += u64::from(values.map_or(0, |v| v.records)),
            None => {}
        }
        let held = state
            .calls
            .iter()
            .take(header.count as usize)
            .filter(|record| known_exit(record.exit).is_some());
        let mut calls: Vec<Call> = pending
            .calls()
            .chain(held.copied())
            .map(|record| call(&record, start_ns))
            .collect();
        let frames = state.frames.iter().take(INLINE_FRAMES).chain(deep);
        let open: Vec<Call> = (0..state.level)
            .zip(frames)
            .map(|(level, frame)| Call {
                function: frame.function,
                level,
                start_ns: frame.entry_ns.saturating_sub(start_ns),
                duration_ns: now_ns.saturating_sub(frame.entry_ns),
                caller_pc: frame.caller_pc,
                return_offset: None,
                exit,
                missing: frame.missing,
                hits: state.hits.wrapping_sub(frame.hits),
                stepped: state.stepped.wrapping_sub(frame.stepped),
                probe_ns: 0,
            })
            .collect();
        pending.dropped += u64::from(state.level) - open.len() as u64;
        calls.extend(open.into_iter().rev());
        let dropped = self.dropped_before(key.trace, now_ns);
        Some(pending.graph(key, calls, dropped, true))
    }

    /// The graphs whose end never came, as far as they had come, oldest first: those that another graph of the same goroutine has
    /// followed, and those `of` goroutines whose processes have ended. They lack the target's own call,
    /// so they are not complete, and whether the trace's filters would have kept them is not known.
    ///
    /// Ask [`Builder::open`] for the goroutines that are still in a graph first.
    pub fn gone(&mut self, of: impl Fn(&GoroutineKey) -> bool) -> Vec<Graph> {
        let mut gone = mem::take(&mut self.abandoned);
        gone.extend(self.pending.extract_if(|key, _| of(key)));
        gone.sort_by_key(|(key, pending)| (pending.start_ns, key.tgid, key.trace, key.goid));
        gone.into_iter()
            .map(|(key, pending)| {
                self.held = self.held.saturating_sub(pending.bytes());
                let calls = pending
                    .calls()
                    .map(|record| call(&record, pending.start_ns))
                    .collect();
                // When it ended is not known.
                let dropped = self.dropped_before(key.trace, u64::MAX);
                pending.graph(&key, calls, dropped, false)
            })
            .collect()
    }

    /// Takes note that the probes of these functions of a trace were taken away at `at_ns` (CLOCK_MONOTONIC). Graphs that end
    /// later are marked ([`Graph::dropped`]); so ask before further records are taken.
    pub fn dropped(&mut self, trace: u32, functions: &[u32], at_ns: u64) {
        let before = self.dropped.entry(trace).or_default();
        let mut all = before.to_vec();
        for &function in functions {
            if !all.iter().any(|dropped| dropped.function == function) {
                all.push(Dropped {
                    function,
                    since_ns: at_ns,
                });
            }
        }
        all.sort_by_key(|dropped| dropped.since_ns);
        *before = all.into();
    }

    /// Functions dropped so far, in the order in which that happened, each once.
    #[must_use]
    pub fn dropped_functions(&self) -> Vec<u32> {
        let mut all: Vec<Dropped> = self.dropped.values().flat_map(|d| d.to_vec()).collect();
        all.sort_by_key(|dropped| (dropped.since_ns, dropped.function));
        let mut functions: Vec<u32> = Vec::with_capacity(all.len());
        for dropped in all {
            if !functions.contains(&dropped.function) {
                functions.push(dropped.function);
            }
        }
        functions
    }

    /// Bytes taken by graphs that have not ended.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.held
    }

    /// Graphs so far whose goroutine began another one before their end had come: it was lost on the way.
    #[must_use]
    pub fn abandoned(&self) -> u64 {
        self.abandoned_count
    }

    /// Calls so far that there was no room for.
    #[must_use]
    pub fn dropped_calls(&self) -> u64 {
        self.dropped_calls
    }

    fn dropped_before(&self, trace: u32, end_ns: u64) -> Arc<[Dropped]> {
        let Some(all) = self.dropped.get(&trace) else {
            return Arc::default();
        };
        match all.partition_point(|dropped| dropped.since_ns < end_ns) {
            count if count == all.len() => Arc::clone(all),
            count => all.iter().take(count).copied().collect(),
        }
    }

    fn spilled(&mut self, key: GoroutineKey, header: &Chunk, calls: &[CallRecord]) {
        let packed = pack(calls, header.start_ns, header.entry_ip);
        let bytes = chunk_bytes(&packed);
        let fits = self.held + bytes <= self.held_max;
        let pending = self.pending(key, header);
        if fits {
            pending.chunks.push(packed);
            self.held += bytes;
        } else {
            pending.dropped += calls.len() as u64;
            self.dropped_calls += calls.len() as u64;
        }
    }

    fn captured(&mut self, key: GoroutineKey, header: &Chunk, values: &[u8], count: u64) {
        let bytes = chunk_bytes(values);
        let fits = self.held + bytes <= self.held_max;
        let pending = self.pending(key, header);
        if fits {
            pending.values.push(values.into());
            self.held += bytes;
        } else {
            pending.dropped_values += count;
        }
    }

    /// The entry of the graph that `header` belongs to, begun if need be.
    fn pending(&mut self, key: GoroutineKey, header: &Chunk) -> &mut Pending {
        if self
            .pending
            .get(&key)
            .is_some_and(|pending| pending.start_ns != header.start_ns)
        {
            self.abandon(&key);
        }
        let held = &mut self.held;
        let pending = self.pending.entry(key).or_insert_with(|| {
            *held += PENDING_BYTES;
            Pending::begin(header)
        });
        pending.heard(header);
        pending
    }

    /// Removes and returns what has come of the graph that began at `start_ns`.
    fn take(&mut self, key: &GoroutineKey, start_ns: u64) -> Option<Pending> {
        if self.pending.get(key)?.start_ns != start_ns {
            self.abandon(key);
            return None;
        }
        let pending = self.pending.remove(key)?;
        self.held = self.held.saturating_sub(pending.bytes());
        Some(pending)
    }

    fn abandon(&mut self, key: &GoroutineKey) {
        let Some(pending) = self.pending.remove(key) else {
            return;
        };
        self.abandoned_count += 1;
        if self.abandoned.len() < ABANDONED_MAX {
            self.abandoned.push((*key, pending));
        } else {
            self.held = self.held.saturating_sub(pending.bytes());
        }
    }
}

/// What a packed chunk takes: its bytes, its place in the list (which grows by doubling) and the allocator's header.
fn chunk_bytes(chunk: &[u8]) -> usize {
    chunk.len() + 2 * size_of::<Box<[u8]>>() + 16
}

fn entries<T: FromBytes>(body: &[u8], count: u32) -> Result<Vec<T>, Malformed> {
    let malformed = || Malformed::Count {
        announced: count,
        held: body.len() / size_of::<T>(),
    };
    let length = size_of::<T>()
        .checked_mul(count as usize)
        .ok_or_else(malformed)?;
    let body = body.get(..length).ok_or_else(malformed)?;
    body.chunks_exact(size_of::<T>())
        .map(|entry| T::read_from_bytes(entry).map_err(|_| malformed()))
        .collect()
}

fn check_exits(calls: &[CallRecord]) -> Result<(), Malformed> {
    match calls
        .iter()
        .find(|record| known_exit(record.exit).is_none())
    {
        Some(record) => Err(Malformed::Exit(record.exit)),
        None => Ok(()),
    }
}

fn known_exit(byte: u8) -> Option<Exit> {
    [CallExit::Return, CallExit::Unwound, CallExit::Open]
        .into_iter()
        .find(|exit| *exit as u8 == byte)
}

/// `record.exit` has been checked.
fn call(record: &CallRecord, start_ns: u64) -> Call {
    Call {
        function: record.function,
        level: u32::from(record.level),
        start_ns: record.entry_ns.saturating_sub(start_ns),
        duration_ns: record.duration_ns,
        caller_pc: record.caller_pc,
        return_offset: (record.return_offset != NO_OFFSET).then_some(record.return_offset),
        exit: known_exit(record.exit).unwrap_or(Exit::Unwound),
        missing: record.missing,
        hits: record.hits,
        stepped: record.stepped,
        probe_ns: 0,
    }
}
