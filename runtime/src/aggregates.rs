//! Reading what the kernel has counted by keys.

use aya::maps::{Map, MapData, MapError, PerCpuHashMap};
use ebpf_templates::{Aggregate, AggregateKey};

use crate::{Error, plain::Plain};

/// The map `aggregates`.
pub(crate) struct Aggregates {
    map: PerCpuHashMap<MapData, Plain<AggregateKey>, Plain<Aggregate>>,
}

impl Aggregates {
    pub(crate) fn new(map: MapData) -> Result<Self, Error> {
        let map = Map::from_map_data(map).and_then(PerCpuHashMap::try_from);
        Ok(Self {
            map: map.map_err(error)?,
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

    /// Forgets what these aggregations of a trace have counted.
    pub(crate) fn clear(&mut self, trace: u32, aggregations: &[u32]) -> Result<(), Error> {
        let keys: Vec<_> = self.map.keys().collect::<Result<_, _>>().map_err(error)?;
        for key in keys {
            if key.0.trace == trace && aggregations.contains(&key.0.aggregation) {
                match self.map.remove(&key) {
                    Ok(()) | Err(MapError::KeyNotFound) => {}
                    Err(cause) => return Err(error(cause)),
                }
            }
        }
        Ok(())
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
