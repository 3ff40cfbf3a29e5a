//! Reading what the probes have been hit: a counter for each function, trace and processor.

use std::os::fd::AsFd;

use aya::maps::MapData;
use ebpf_templates::Hits;
use zerocopy::FromBytes;

use crate::{Error, sys};

/// Values read by one system call.
const AT_ONCE: usize = 4096;

/// The map `hits`.
pub(crate) struct HitCounters {
    map: MapData,
    entries: usize,
    processors: usize,
}

impl HitCounters {
    pub(crate) fn new(map: MapData, entries: usize) -> Result<Self, Error> {
        let processors = aya::util::nr_cpus().map_err(|(what, error)| Error::Read {
            path: what.into(),
            error,
        })?;
        Ok(Self {
            map,
            entries,
            processors,
        })
    }

    /// The sums over all processors.
    pub(crate) fn read(&self) -> Result<Vec<Hits>, Error> {
        let value_size = size_of::<Hits>() * self.processors;
        let at_once = AT_ONCE.min(self.entries);
        let mut keys = vec![0; at_once];
        let mut values = vec![0; at_once * value_size];
        let mut hits = Vec::with_capacity(self.entries);
        while hits.len() < self.entries {
            let first = u32::try_from(hits.len()).ok();
            let count = sys::lookup_batch(self.map.fd().as_fd(), first, &mut keys, &mut values)
                .map_err(|error| Error::System {
                    what: "reading how often probes were hit",
                    error,
                })?;
            if count == 0 {
                break;
            }
            hits.extend(values.chunks_exact(value_size).take(count).map(sum));
        }
        Ok(hits)
    }
}

/// Of one counter's values, one for each processor.
fn sum(values: &[u8]) -> Hits {
    let each = values.chunks_exact(size_of::<Hits>());
    each.filter_map(|bytes| Hits::read_from_bytes(bytes).ok())
        .fold(
            Hits {
                emulated: 0,
                stepped: 0,
            },
            |sum, hits| Hits {
                emulated: sum.emulated.wrapping_add(hits.emulated),
                stepped: sum.stepped.wrapping_add(hits.stepped),
            },
        )
}
