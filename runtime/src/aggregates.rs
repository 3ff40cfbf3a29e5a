//! Reading what the kernel has counted by keys.
//!
//! Programs count on while user space reads, so nothing is ever set back: what was cleared is remembered here and subtracted. Least and
//! greatest values cannot be subtracted, so the kernel begins them anew when it sees another epoch.

use std::collections::HashMap;

use aya::maps::{Map, MapData, MapError, PerCpuHashMap};
use ebpf_templates::{Aggregate, AggregateKey};

use crate::{Error, plain::Plain};

/// Entries of the map `aggregates`: different keys of all aggregations.
pub(crate) const ENTRIES: u32 = 16_384;
/// With more keys than this, those that have not been counted between two clearings are taken out.
const MANY: usize = ENTRIES as usize / 2;

/// The map `aggregates`.
pub(crate) struct Aggregates {
    map: PerCpuHashMap<MapData, Plain<AggregateKey>, Plain<Aggregate>>,
    /// What had been counted when it was cleared.
    cleared: HashMap<AggregateKey, Aggregate>,
    /// How often an aggregation was cleared, by trace.
    epochs: HashMap<(u32, u32), u64>,
}

impl Aggregates {
    pub(crate) fn new(map: MapData) -> Result<Self, Error> {
        let map = Map::from_map_data(map).and_then(PerCpuHashMap::try_from);
        Ok(Self {
            map: map.map_err(error)?,
            cleared: HashMap::new(),
            epochs: HashMap::new(),
        })
    }

    /// All entries, each summed over the processors.
    pub(crate) fn read(&self) -> Result<Vec<(AggregateKey, Aggregate)>, Error> {
        let all = self.counted()?.into_iter();
        let new = all.filter_map(|(key, whole)| Some((key, self.since_cleared(&key, whole)?)));
        Ok(new.collect())
    }

    /// The same of an aggregation, which is cleared by that; and its next epoch, which the kernel has to be told.
    pub(crate) fn take(
        &mut self,
        trace: u32,
        aggregation: u32,
    ) -> Result<(Vec<(AggregateKey, Aggregate)>, u64), Error> {
        let all = self.counted()?;
        let many = all.len() > MANY;
        let mut taken = Vec::new();
        for (key, whole) in all {
            if (key.trace, key.aggregation) != (trace, aggregation) {
                continue;
            }
            match self.since_cleared(&key, whole) {
                Some(new) => {
                    taken.push((key, new));
                    self.cleared.insert(key, whole);
                }
                // What has been counted since it was read stays.
                None if many && self.one(&key)?.is_none_or(|now| now.count == whole.count) => {
                    self.cleared.remove(&key);
                    match self.map.remove(&Plain(key)) {
                        Ok(()) | Err(MapError::KeyNotFound) => {}
                        Err(cause) => return Err(error(cause)),
                    }
                }
                None => {}
            }
        }
        let epoch = self.epochs.entry((trace, aggregation)).or_default();
        *epoch += 1;
        Ok((taken, *epoch))
    }

    /// All entries as they are in the map, each summed over the processors.
    fn counted(&self) -> Result<Vec<(AggregateKey, Aggregate)>, Error> {
        let mut all = Vec::new();
        for entry in self.map.iter() {
            let (key, values) = entry.map_err(error)?;
            all.extend(self.whole(&key.0, &values).map(|whole| (key.0, whole)));
        }
        Ok(all)
    }

    /// One entry, summed over the processors.
    fn one(&self, key: &AggregateKey) -> Result<Option<Aggregate>, Error> {
        match self.map.get(&Plain(*key), 0) {
            Ok(values) => Ok(self.whole(key, &values)),
            Err(MapError::KeyNotFound) => Ok(None),
            Err(cause) => Err(error(cause)),
        }
    }

    fn whole(&self, key: &AggregateKey, values: &[Plain<Aggregate>]) -> Option<Aggregate> {
        let epoch = self.epochs.get(&(key.trace, key.aggregation));
        let epoch = epoch.copied().unwrap_or(0);
        let each = values.iter().map(|value| value.0);
        each.fold(None, |whole, one| join(whole, one, epoch))
    }

    fn since_cleared(&self, key: &AggregateKey, whole: Aggregate) -> Option<Aggregate> {
        let Some(before) = self.cleared.get(key) else {
            return Some(whole);
        };
        let count = whole.count.wrapping_sub(before.count);
        let sum = whole.sum.wrapping_sub(before.sum);
        // A call that came between reading and the new epoch has left its value in the old one.
        let (min, max) = match count {
            1 => (sum, sum),
            _ => (whole.min, whole.max),
        };
        (count > 0).then_some(Aggregate {
            count,
            sum,
            upper: whole.upper.wrapping_sub(before.upper),
            min,
            max,
            ..whole
        })
    }
}

fn error(error: MapError) -> Error {
    Error::Object(format!("the map of aggregates: {error}"))
}

/// Of two processors. One that has not counted anything has no least and no greatest value, and one that has not done so in this epoch
/// has those of an earlier one, which do only where there are no others.
fn join(whole: Option<Aggregate>, one: Aggregate, epoch: u64) -> Option<Aggregate> {
    if one.count == 0 {
        return whole;
    }
    let Some(whole) = whole else {
        return Some(one);
    };
    let (least, greatest) = match (whole.epoch == epoch, one.epoch == epoch) {
        (true, false) => (whole.min, whole.max),
        (false, true) => (one.min, one.max),
        _ => (whole.min.min(one.min), whole.max.max(one.max)),
    };
    Some(Aggregate {
        count: whole.count.wrapping_add(one.count),
        sum: whole.sum.wrapping_add(one.sum),
        upper: whole.upper.wrapping_add(one.upper),
        min: least,
        max: greatest,
        epoch: whole.epoch.max(one.epoch),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(count: u64, sum: i64, min: i64, max: i64, epoch: u64) -> Aggregate {
        Aggregate {
            count,
            sum,
            upper: 0,
            min,
            max,
            epoch,
        }
    }

    fn joined<const N: usize>(values: [Aggregate; N], epoch: u64) -> Option<Aggregate> {
        values
            .into_iter()
            .fold(None, |whole, one| join(whole, one, epoch))
    }

    #[test]
    fn processors_that_have_counted_nothing_do_not_count() {
        let values = [
            of(0, 0, 0, 0, 0),
            of(2, 30, 10, 20, 0),
            of(1, -5, -5, -5, 0),
        ];
        assert_eq!(joined(values, 0), Some(of(3, 25, -5, 20, 0)));
        assert_eq!(joined([of(0, 0, 7, 7, 0)], 0), None);
    }

    #[test]
    fn least_and_greatest_are_those_of_the_epoch() {
        let (old, new) = (of(2, 30, 1, 90, 3), of(4, 50, 10, 20, 4));
        for values in [[old, new], [new, old]] {
            assert_eq!(joined(values, 4), Some(of(6, 80, 10, 20, 4)));
        }
    }
}
