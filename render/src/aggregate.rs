//! What the kernel has counted, put together for the formats: rows with keys, the greatest first.
//!
//! Two keys that read the same are one row: two call sites in one function, one function in two processes.

pub(crate) mod buckets;
mod decode;
pub(crate) mod histogram;
pub(crate) mod json;
mod number;
pub(crate) mod table;

use std::collections::{BTreeMap, HashMap};

use compiler::{
    plan::{Aggregation, AggregationKind},
    shape::Shape,
};
use ebpf_templates::{Aggregate, AggregateKey};

use crate::value::{Value, go};

/// What one aggregation has come to.
#[derive(Debug, Clone, PartialEq)]
pub struct Aggregated<'a> {
    /// The label of its trace.
    pub(crate) trace: &'a str,
    pub(crate) aggregation: &'a Aggregation,
    /// The greatest first.
    pub(crate) rows: Vec<Row>,
}

/// Calls with the same keys.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    pub(crate) keys: Vec<Value>,
    pub(crate) whole: Aggregate,
    /// How many fell into which bucket; empty where it is no histogram.
    pub(crate) buckets: BTreeMap<i64, u64>,
}

impl<'a> Aggregated<'a> {
    /// Puts together what has been counted for an aggregation. `counted` are its entries; `function` names the one that a link-time address is
    /// in, or right behind.
    pub fn new<'c>(
        trace: &'a str,
        aggregation: &'a Aggregation,
        counted: impl IntoIterator<Item = &'c (AggregateKey, Aggregate)>,
        function: &dyn Fn(u64) -> Option<String>,
    ) -> Self {
        let mut rows: HashMap<Vec<String>, Row> = HashMap::new();
        for (key, counted) in counted {
            let keys: Vec<Value> = aggregation
                .keys
                .iter()
                .map(|shown| decode::key(&shown.shape, &key.bytes, function))
                .collect();
            let row = rows.entry(texts(&keys)).or_insert_with(|| Row {
                keys,
                whole: Aggregate {
                    count: 0,
                    sum: 0,
                    min: i64::MAX,
                    max: i64::MIN,
                    epoch: 0,
                },
                buckets: BTreeMap::new(),
            });
            row.whole.count = row.whole.count.saturating_add(counted.count);
            row.whole.sum = row.whole.sum.saturating_add(counted.sum);
            row.whole.min = row.whole.min.min(counted.min);
            row.whole.max = row.whole.max.max(counted.max);
            if is_histogram(aggregation.kind) {
                let bucket = row.buckets.entry(key.bucket).or_default();
                *bucket = bucket.saturating_add(counted.count);
            }
        }
        let mut rows: Vec<(Vec<String>, Row)> = rows.into_iter().collect();
        rows.sort_by(|(one_keys, one), (other_keys, other)| {
            let size = |row: &Row| match aggregation.kind {
                AggregationKind::Sum => i128::from(row.whole.sum),
                AggregationKind::Average => mean(&row.whole).into(),
                _ => row.whole.count.into(),
            };
            let order = size(other).cmp(&size(one));
            order.then_with(|| one_keys.cmp(other_keys))
        });
        Self {
            trace,
            aggregation,
            rows: rows.into_iter().map(|(_, row)| row).collect(),
        }
    }

    /// Values are durations.
    pub(crate) fn is_duration(&self) -> bool {
        matches!(self.aggregation.value, Some(Shape::Duration(_)))
    }
}

/// How keys are written, in Go's syntax.
pub(crate) fn texts(keys: &[Value]) -> Vec<String> {
    let text = |key: &Value| {
        let mut text = String::new();
        go::write(&mut text, key);
        text
    };
    keys.iter().map(text).collect()
}

pub(crate) fn is_histogram(kind: AggregationKind) -> bool {
    matches!(
        kind,
        AggregationKind::Histogram | AggregationKind::Linear { .. }
    )
}

/// The mean, rounded to the nearest.
pub(crate) fn mean(whole: &Aggregate) -> i64 {
    let count = i128::from(whole.count.max(1));
    let doubled = 2 * i128::from(whole.sum) + count;
    // Within the values, and so within 64 bits.
    doubled.div_euclid(2 * count) as i64
}
