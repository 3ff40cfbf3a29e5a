//! What a benchmark found: figures with their spread, and the bars that they are held against.

use std::fmt;

use serde::Serialize;

/// The result of a benchmark.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// What was measured.
    pub title: String,
    /// In the order of measuring.
    pub figures: Vec<Figure>,
    /// What the project promises.
    pub bars: Vec<Bar>,
    /// What else has to be known.
    pub notes: Vec<String>,
}

/// A measured quantity over all rounds.
#[derive(Debug, Clone, Serialize)]
pub struct Figure {
    /// Of what.
    pub what: String,
    /// How to read the numbers.
    pub unit: Unit,
    /// The middle one.
    pub median: f64,
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
    /// How many there are.
    pub rounds: usize,
}

/// A promise.
#[derive(Debug, Clone, Serialize)]
pub struct Bar {
    /// Of what.
    pub what: String,
    /// The median.
    pub value: f64,
    /// At most this, or at least.
    pub limit: f64,
    /// Which of the two.
    pub at_least: bool,
    /// Of both.
    pub unit: Unit,
    /// Whether it is kept.
    pub kept: bool,
}

/// The unit of a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Shown as ns, µs, ms or s.
    Nanoseconds,
    /// Shown as MB.
    Bytes,
    /// Shown with ×.
    Ratio,
    /// Of 1, shown as %.
    Share,
    /// A number of things a second.
    PerSecond,
    /// A number of things.
    Count,
}

impl Figure {
    /// The median and the spread of `values`; zeroes where there are none.
    pub fn new(what: impl Into<String>, unit: Unit, values: &[f64]) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let at = |n: usize| sorted.get(n).copied().unwrap_or_default();
        let half = sorted.len() / 2;
        let median = if sorted.len() % 2 == 1 {
            at(half)
        } else {
            (at(half.saturating_sub(1)) + at(half)) / 2.0
        };
        Self {
            what: what.into(),
            unit,
            median,
            min: at(0),
            max: at(sorted.len().saturating_sub(1)),
            rounds: sorted.len(),
        }
    }
}

impl Report {
    /// An empty one.
    pub fn new(title: &str) -> Self {
        Self {
            title: title.to_owned(),
            ..Self::default()
        }
    }

    /// Adds a figure and returns its median.
    pub fn figure(&mut self, what: impl Into<String>, unit: Unit, values: &[f64]) -> f64 {
        let figure = Figure::new(what, unit, values);
        let median = figure.median;
        self.figures.push(figure);
        median
    }

    /// Holds a value against what was promised.
    pub fn bar(&mut self, what: impl Into<String>, unit: Unit, value: f64, limit: f64) {
        self.bars.push(Bar {
            what: what.into(),
            value,
            limit,
            at_least: false,
            unit,
            kept: value <= limit,
        });
    }

    /// The same of a value that was promised not to be less.
    pub fn floor(&mut self, what: impl Into<String>, unit: Unit, value: f64, limit: f64) {
        self.bars.push(Bar {
            what: what.into(),
            value,
            limit,
            at_least: true,
            unit,
            kept: value >= limit,
        });
    }
}

impl Unit {
    fn show(self, value: f64) -> String {
        match self {
            Self::Nanoseconds if value.abs() < 1e3 => format!("{value:.0} ns"),
            Self::Nanoseconds if value.abs() < 1e6 => format!("{:.2} µs", value / 1e3),
            Self::Nanoseconds if value.abs() < 1e9 => format!("{:.1} ms", value / 1e6),
            Self::Nanoseconds => format!("{:.2} s", value / 1e9),
            Self::Bytes => format!("{:.1} MB", value / 1e6),
            Self::Ratio => format!("{value:.2} ×"),
            Self::Share => format!("{:.1} %", value * 100.0),
            Self::PerSecond => format!("{value:.0} /s"),
            Self::Count => format!("{value:.0}"),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.title)?;
        for figure in &self.figures {
            let show = |value| figure.unit.show(value);
            write!(f, "   {:<66} {:>11}", figure.what, show(figure.median))?;
            if figure.rounds > 1 {
                write!(f, "   {} – {}", show(figure.min), show(figure.max))?;
            }
            writeln!(f)?;
        }
        for bar in &self.bars {
            let verdict = if bar.kept { "kept" } else { "NOT KEPT" };
            writeln!(
                f,
                "   bar: {:<61} {:>11}   at {} {}: {verdict}",
                bar.what,
                bar.unit.show(bar.value),
                if bar.at_least { "least" } else { "most" },
                bar.unit.show(bar.limit)
            )?;
        }
        for note in &self.notes {
            writeln!(f, "   note: {note}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_of_odd_and_even_numbers() {
        let odd = Figure::new("odd", Unit::Count, &[9.0, 1.0, 5.0]);
        assert_eq!(
            (odd.min, odd.median, odd.max, odd.rounds),
            (1.0, 5.0, 9.0, 3)
        );
        let even = Figure::new("even", Unit::Count, &[4.0, 1.0, 2.0, 9.0]);
        assert_eq!((even.min, even.median, even.max), (1.0, 3.0, 9.0));
        let none = Figure::new("none", Unit::Count, &[]);
        assert_eq!(
            (none.min, none.median, none.max, none.rounds),
            (0.0, 0.0, 0.0, 0)
        );
    }

    #[test]
    fn a_bar_is_kept_up_to_its_limit() {
        let mut report = Report::new("Bars");
        report.bar("at the limit", Unit::Ratio, 1.5, 1.5);
        report.bar("above", Unit::Nanoseconds, 51e6, 50e6);
        report.floor("as much", Unit::Share, 0.5, 0.5);
        report.floor("less", Unit::Share, 0.499, 0.5);
        assert_eq!(
            report.bars.iter().map(|b| b.kept).collect::<Vec<_>>(),
            [true, false, true, false]
        );
        assert!(
            report.to_string().contains("at most 50.0 ms: NOT KEPT"),
            "{report}"
        );
        assert!(
            report.to_string().contains("at least 50.0 %: NOT KEPT"),
            "{report}"
        );
    }
}
