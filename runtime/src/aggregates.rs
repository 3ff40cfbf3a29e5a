//! Reading what the kernel has counted by keys.

use std::os::fd::{AsFd, OwnedFd};

use aya::maps::{Map, MapData, MapError, PerCpuHashMap};
use ebpf_templates::{Aggregate, AggregateKey};
use zerocopy::{FromBytes, IntoBytes};

use crate::{Error, plain::Plain, sys};

/// The map `aggregates`.
pub(crate) struct Aggregates {
    map: PerCpuHashMap<MapData, Plain<AggregateKey>, Plain<Aggregate>>,
    /// The same.
    fd: OwnedFd,
    processors: usize,
}

impl Aggregates {
    pub(crate) fn new(map: MapData) -> Result<Self, Error> {
        let fd = map.fd().as_fd().try_clone_to_owned();
        let processors = aya::util::nr_cpus().map_err(|(what, error)| Error::Read {
            path: what.into(),
            error,
        })?;
        let map = Map::from_map_data(map).and_then(PerCpuHashMap::try_from);
        Ok(Self {
            map: map.map_err(error)?,
            fd: fd.map_err(|error| Error::System {
                what: "duplicating a descriptor",
                error,
            })?,
            processors,
        })
    }

    /// All entries, each summed over the processors.
    pub(crate) fn read(&self) -> Result<Vec<(AggregateKey, Aggregate)>, Error> {
        let mut all = Vec::new();
        for entry in self.map.iter() {
            let (key, values) = entry.map_err(error)?;
            let whole = values.iter().map(|value| value.0).fold(None, join);
            all.extend(whole.map(|whole| (key.0, whole)));
        }
        Ok(all)
    }

    /// Takes out what these aggregations of a trace have counted: what is counted from now on is counted anew.
    pub(crate) fn take(
        &mut self,
        trace: u32,
        aggregations: &[u32],
    ) -> Result<Vec<(AggregateKey, Aggregate)>, Error> {
        let keys: Vec<_> = self.map.keys().collect::<Result<_, _>>().map_err(error)?;
        let mut values = vec![0_u8; self.processors * size_of::<Aggregate>()];
        let mut taken = Vec::new();
        for Plain(key) in keys {
            if key.trace != trace || !aggregations.contains(&key.aggregation) {
                continue;
            }
            let there =
                sys::take(self.fd.as_fd(), key.as_bytes(), &mut values).map_err(|error| {
                    Error::System {
                        what: "taking out what was counted",
                        error,
                    }
                })?;
            if !there {
                continue;
            }
            let each = values.chunks_exact(size_of::<Aggregate>());
            let whole = each
                .filter_map(|bytes| Aggregate::read_from_bytes(bytes).ok())
                .fold(None, join);
            taken.extend(whole.map(|whole| (key, whole)));
        }
        Ok(taken)
    }
}

fn error(error: MapError) -> Error {
    Error::Object(format!("the map of aggregates: {error}"))
}

/// Of two processors; one that has not counted anything has no least and no greatest value.
fn join(whole: Option<Aggregate>, one: Aggregate) -> Option<Aggregate> {
    if one.count == 0 {
        return whole;
    }
    Some(match whole {
        None => one,
        Some(whole) => Aggregate {
            count: whole.count.wrapping_add(one.count),
            sum: whole.sum.wrapping_add(one.sum),
            min: whole.min.min(one.min),
            max: whole.max.max(one.max),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processors_that_have_counted_nothing_do_not_count() {
        let of = |count, sum, min, max| Aggregate {
            count,
            sum,
            min,
            max,
        };
        let values = [of(0, 0, 0, 0), of(2, 30, 10, 20), of(1, -5, -5, -5)];
        let whole = values.into_iter().fold(None, join);
        assert_eq!(whole, Some(of(3, 25, -5, 20)));
        assert_eq!(join(None, of(0, 0, 7, 7)), None);
    }
}
