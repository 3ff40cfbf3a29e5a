//! What the kernel has counted, put together for the formats: rows with keys, the greatest first.
//!
//! Two keys that read the same are one row: two call sites in one function, one function in two processes.

pub(crate) mod buckets;
mod decode;
pub(crate) mod histogram;
pub(crate) mod json;
mod number;
pub(crate) mod table;

use std::{
    cmp::Ordering::{self, Equal},
    collections::{BTreeMap, HashMap},
};

use compiler::{
    plan::{Aggregation, AggregationKind},
    shape::Shape,
};
use ebpf_templates::{Aggregate, AggregateKey};

use crate::value::{Value, go};

/// Names of functions.
pub struct Functions<'f> {
    /// The one that a link-time address is in, or right behind.
    pub at: &'f dyn Fn(u64) -> Option<String>,
    /// The one with this number in the plan.
    pub numbered: &'f dyn Fn(u32) -> Option<String>,
}

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
    pub(crate) count: u64,
    /// Of the calls' values, as all below; of no use where there are none.
    pub(crate) sum: i128,
    pub(crate) least: i64,
    pub(crate) greatest: i64,
    /// How many fell into which bucket; empty where it is no histogram.
    pub(crate) buckets: BTreeMap<i64, u64>,
}

impl<'a> Aggregated<'a> {
    /// Puts together what has been counted for an aggregation. `counted` are its entries.
    pub fn new<'c>(
        trace: &'a str,
        aggregation: &'a Aggregation,
        counted: impl IntoIterator<Item = &'c (AggregateKey, Aggregate)>,
        functions: &Functions<'_>,
    ) -> Self {
        let mut rows: HashMap<Vec<String>, Row> = HashMap::new();
        for (key, counted) in counted {
            let keys: Vec<Value> = aggregation
                .keys
                .iter()
                .map(|shown| decode::key(&shown.shape, &key.bytes, functions))
                .collect();
            let row = rows.entry(texts(&keys)).or_insert_with(|| Row {
                keys,
                count: 0,
                sum: 0,
                least: i64::MAX,
                greatest: i64::MIN,
                buckets: BTreeMap::new(),
            });
            row.count = row.count.saturating_add(counted.count);
            row.sum = row.sum.saturating_add(counted.total());
            row.least = row.least.min(counted.min);
            row.greatest = row.greatest.max(counted.max);
            if is_histogram(aggregation.kind) {
                let bucket = row.buckets.entry(key.bucket).or_default();
                *bucket = bucket.saturating_add(counted.count);
            }
        }
        let mut rows: Vec<(Vec<String>, Row)> = rows.into_iter().collect();
        rows.sort_by(|(one_texts, one), (other_texts, other)| {
            let order = match aggregation.kind {
                AggregationKind::Sum => other.sum.cmp(&one.sum),
                AggregationKind::Average => other.by_mean(one),
                _ => other.count.cmp(&one.count),
            };
            let keys = one.keys.iter().zip(&other.keys);
            let order = order.then_with(|| keys.map(by_key).find(|o| o.is_ne()).unwrap_or(Equal));
            order.then_with(|| one_texts.cmp(other_texts))
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

impl Row {
    /// The mean, rounded to the nearest.
    pub(crate) fn mean(&self) -> i64 {
        let count = i128::from(self.count.max(1));
        let doubled = self.sum.saturating_mul(2).saturating_add(count);
        // Within the values, and so within 64 bits.
        doubled.div_euclid(2 * count) as i64
    }

    /// Which mean is greater, not rounded.
    fn by_mean(&self, other: &Self) -> Ordering {
        let parts = |row: &Self| {
            let count = i128::from(row.count.max(1));
            let rest = row.sum.rem_euclid(count).unsigned_abs();
            (row.sum.div_euclid(count), rest, count.unsigned_abs())
        };
        let ((whole, rest, count), (other_whole, other_rest, other_count)) =
            (parts(self), parts(other));
        whole
            .cmp(&other_whole)
            .then_with(|| (rest * other_count).cmp(&(other_rest * count)))
    }
}

/// Numbers go by their size, and what else there is as it reads.
fn by_key((one, other): (&Value, &Value)) -> Ordering {
    match (one, other) {
        (Value::Int(one), Value::Int(other)) | (Value::Duration(one), Value::Duration(other)) => {
            one.cmp(other)
        }
        (Value::Uint(one), Value::Uint(other)) | (Value::Address(one), Value::Address(other)) => {
            one.cmp(other)
        }
        (Value::Float(one), Value::Float(other)) => one.number().total_cmp(&other.number()),
        _ => Equal,
    }
}
