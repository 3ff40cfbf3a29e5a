//! What the programs keep in maps while they run: what is open, who was seen, and what was counted.

use ebpf_templates::{
    Aggregate, AggregateKey, COUNTER_MAX, DeepKey, Frame, Goroutine, GoroutineKey, Hits,
    INLINE_FRAMES, MAX_FRAMES, Values,
};

use super::Tracer;
use crate::{
    Error,
    lifetime::{self, Ended},
    plain::Plain,
};

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

impl Tracer {
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

    /// What each function's probes have been hit, of all functions of the plan for each trace.
    ///
    /// # Errors
    /// [`Error::System`].
    pub fn hits(&self) -> Result<Vec<Hits>, Error> {
        self.hits.read()
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

    fn values_of(&self, state: &Goroutine) -> Option<Box<Values>> {
        let slot = state.slot.checked_sub(1)?;
        let values = self.values.get(&slot, 0).ok()?;
        Some(Box::new(values.0))
    }
}
