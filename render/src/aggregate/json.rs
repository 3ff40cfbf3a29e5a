//! Aggregations as JSON; docs/json.md is the schema.

use compiler::plan::AggregationKind;
use serde::{Serialize, Serializer};

use super::{Aggregated, Row, buckets::bounds, is_histogram, texts};
use crate::value::json::{EXACT, Json};

/// An object on a line of its own.
#[derive(Serialize)]
pub(crate) struct Object<'a> {
    r#type: &'static str,
    trace: &'a str,
    name: Option<&'a str>,
    label: &'a str,
    function: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<&'static str>,
    time: String,
    keys: Vec<&'a str>,
    rows: Vec<RowObject<'a>>,
}

#[derive(Serialize)]
struct RowObject<'a> {
    key: Vec<Json<'a>>,
    text: Vec<String>,
    count: Number,
    #[serde(flatten)]
    numbers: Option<Numbers>,
    #[serde(skip_serializing_if = "Option::is_none")]
    buckets: Option<Vec<Bucket>>,
}

#[derive(Serialize)]
struct Numbers {
    sum: Number,
    mean: Mean,
    least: Number,
    greatest: Number,
}

#[derive(Serialize)]
struct Bucket {
    from: Option<Number>,
    to: Option<Number>,
    count: Number,
}

/// A string where not every reader would see the same number.
struct Number(i128);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match i64::try_from(self.0) {
            Ok(number) if number.unsigned_abs() <= EXACT => serializer.serialize_i64(number),
            _ => serializer.collect_str(&self.0),
        }
    }
}

#[derive(Serialize)]
#[serde(untagged)]
enum Mean {
    Whole(Number),
    Fraction(f64),
}

/// With its fraction, where numbers of that size have one.
fn mean(aggregated: &Aggregated<'_>, row: &Row) -> Mean {
    let rounded = row.mean();
    let is_whole = row.sum % i128::from(row.count.max(1)) == 0;
    if aggregated.is_duration() || is_whole || rounded.unsigned_abs() > EXACT {
        Mean::Whole(Number(rounded.into()))
    } else {
        Mean::Fraction(row.sum as f64 / row.count as f64)
    }
}

/// What an aggregation has come to at this time.
pub(crate) fn object<'a>(aggregated: &'a Aggregated<'a>, time: String) -> Object<'a> {
    let aggregation = aggregated.aggregation;
    Object {
        r#type: "aggregation",
        trace: aggregated.trace,
        name: aggregation.name.as_deref(),
        label: &aggregation.label,
        function: match aggregation.kind {
            AggregationKind::Count => "count",
            AggregationKind::Sum => "sum",
            AggregationKind::Average => "avg",
            AggregationKind::Stats => "stats",
            AggregationKind::Histogram => "hist",
            AggregationKind::Linear { .. } => "lhist",
        },
        unit: aggregated.is_duration().then_some("ns"),
        time,
        keys: (aggregation.keys.iter())
            .map(|key| key.label.as_str())
            .collect(),
        rows: (aggregated.rows.iter())
            .map(|row| row_object(aggregated, row))
            .collect(),
    }
}

fn row_object<'a>(aggregated: &Aggregated<'_>, row: &'a Row) -> RowObject<'a> {
    let kind = aggregated.aggregation.kind;
    let bucket = |(number, count): (&i64, &u64)| {
        let bounds = bounds(kind, *number);
        Bucket {
            from: bounds.from.map(Number),
            to: bounds.to.map(Number),
            count: Number((*count).into()),
        }
    };
    RowObject {
        key: row.keys.iter().map(Json).collect(),
        text: texts(&row.keys),
        count: Number(row.count.into()),
        numbers: (kind != AggregationKind::Count).then(|| Numbers {
            sum: Number(row.sum),
            mean: mean(aggregated, row),
            least: Number(row.least.into()),
            greatest: Number(row.greatest.into()),
        }),
        buckets: is_histogram(kind).then(|| row.buckets.iter().map(bucket).collect()),
    }
}
