//! A figure: one number of a results file, with what it is about and where it stands.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::{
    printed::{Printed, Span},
    results::Cell,
};

/// Where a figure stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// The file.
    pub file: String,
    /// The line from 1 (`12`) or the path of keys (`scores.test[0].ndcg_at_10`).
    pub at: String,
}

impl Place {
    /// A line of a table.
    #[must_use]
    pub fn line(file: &str, line: u64) -> Place {
        Place { file: file.to_owned(), at: line.to_string() }
    }

    /// A value in a document.
    #[must_use]
    pub fn key(file: &str, key: impl Into<String>) -> Place {
        Place { file: file.to_owned(), at: key.into() }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.at)
    }
}

impl Serialize for Place {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A field that is not what it has to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The column or key.
    pub field: String,
    /// What stands there.
    pub found: String,
    /// What has to stand there.
    pub expected: String,
}

/// One number of a results file.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// Where it stands.
    pub place: Place,
    /// The table of a paper; empty elsewhere.
    pub table: String,
    /// What it is about; a published model has its variant behind a slash (`bge-m3/base`).
    pub cell: Cell,
    /// The metric as the file names it.
    pub name: String,
    /// The metric by its project name, without tie rule.
    pub measure: Measure,
    /// `best`, `worst`, or empty for the run's own tie rule.
    pub ties: String,
    /// The value in the metric's own unit; `None` where the file has no finite number.
    pub value: Option<Printed>,
    /// What the value is multiplied by in the file: 100 for percentages.
    pub factor: f64,
    /// The interval beside it, in the metric's own unit.
    pub interval: Option<Span>,
    /// Queries behind it, where the file says so.
    pub queries: Option<u64>,
    /// Documents in the pool, where the file says so.
    pub pool_size: Option<u64>,
    /// Fields that could not be read.
    pub faults: Vec<Fault>,
}

impl Figure {
    /// A figure without its numbers. `metric` may carry a tie rule (`max@r/worst`).
    #[must_use]
    pub fn new(place: Place, cell: Cell, metric: &str) -> Figure {
        let (name, ties) = metric.split_once('/').unwrap_or((metric, ""));
        Figure {
            place,
            table: String::new(),
            cell,
            name: metric.to_owned(),
            measure: Measure::of(name),
            ties: ties.to_owned(),
            value: None,
            factor: 1.0,
            interval: None,
            queries: None,
            pool_size: None,
            faults: Vec::new(),
        }
    }

    /// A number of this figure's unit as its file would print it, with `more` decimals.
    #[must_use]
    pub fn shown(&self, number: f64, more: usize) -> String {
        let decimals = self.value.map_or(6, |v| v.decimals(self.factor)) + more;
        format!("{:.decimals$}", number * self.factor)
    }

    /// A range of this figure's unit as its file would print it.
    #[must_use]
    pub fn shown_span(&self, span: Span) -> String {
        let (low, high) = (self.shown(span.low, 1), self.shown(span.high, 1));
        if low == high { low } else { format!("{low} to {high}") }
    }

    /// Languages of the pool.
    pub fn languages(&self) -> impl Iterator<Item = &str> {
        self.cell.pool_langs.split('+').filter(|l| !l.is_empty())
    }
}

/// A metric's name in two parts.
///
/// Wider than [`crate::metrics::Metric`]: files of other programs have cutoffs (`map@10`) and names
/// (`main_score`) that this project does not compute.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Measure {
    /// The name without its cutoff.
    pub stem: String,
    /// The cutoff.
    pub cutoff: Option<u32>,
}

/// Which numbers a metric can take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// 0 to 1.
    Fraction,
    /// From 1.
    Rank,
    /// 0 to 100.
    Percent,
    /// Not known here: any finite number.
    Unknown,
}

impl Measure {
    /// Parts of `ndcg@10`, `map`, `max@r`.
    #[must_use]
    pub fn of(name: &str) -> Measure {
        let cut = name.rsplit_once('@').and_then(|(stem, k)| Some((stem, k.parse().ok()?)));
        let (stem, cutoff) = cut.map_or((name, None), |(stem, k)| (stem, Some(k)));
        Measure { stem: stem.to_owned(), cutoff }
    }

    /// The numbers it can take.
    #[must_use]
    pub fn scale(&self) -> Scale {
        match self.stem.as_str() {
            "ndcg" | "mrr" | "recall" | "precision" | "map" | "hit" | "complete" => Scale::Fraction,
            // Of `run.json`.
            "tie_rate" | "truncated" | "unknown_tokens" => Scale::Fraction,
            // Of `bias.csv`, with the language behind a colon.
            "first_in_query_lang" => Scale::Fraction,
            stem if stem
                .split(':')
                .next()
                .is_some_and(|s| s.ends_with("_share") && !s.ends_with("over_share")) =>
            {
                Scale::Fraction
            }
            "max@r" => Scale::Rank,
            "max@r_norm" | "max@r_norm_of_mean" => Scale::Percent,
            _ => Scale::Unknown,
        }
    }

    /// Whether it is `stem` at `cutoff`.
    #[must_use]
    pub fn is(&self, stem: &str, cutoff: Option<u32>) -> bool {
        self.stem == stem && self.cutoff == cutoff
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.cutoff {
            Some(k) => write!(f, "{}@{k}", self.stem),
            None => f.write_str(&self.stem),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_apart() {
        let parts = |name| {
            let m = Measure::of(name);
            (m.stem.clone(), m.cutoff, m.to_string() == name)
        };
        assert_eq!(parts("ndcg@10"), ("ndcg".to_owned(), Some(10), true));
        assert_eq!(parts("max@r"), ("max@r".to_owned(), None, true));
        assert_eq!(parts("max@r_norm_of_mean"), ("max@r_norm_of_mean".to_owned(), None, true));
        assert_eq!(parts("recall@99999999999"), ("recall@99999999999".to_owned(), None, true));
    }

    #[test]
    fn shares_are_fractions_and_ratios_are_not() {
        assert_eq!(Measure::of("top10_share:en").scale(), Scale::Fraction);
        assert_eq!(Measure::of("top10_over_share:en").scale(), Scale::Unknown);
        assert_eq!(Measure::of("rank_gap").scale(), Scale::Unknown);
    }

    #[test]
    fn numbers_are_shown_in_the_units_of_the_file() {
        let mut figure = Figure::new(Place::line("t.csv", 2), Cell::default(), "recall@10/worst");
        assert_eq!((figure.measure.to_string().as_str(), figure.ties.as_str()), ("recall@10", "worst"));
        figure.value = Printed::parse("15.46").map(|p| p.scaled(0.01));
        figure.factor = 100.0;
        assert_eq!(figure.shown(0.1546, 0), "15.46");
        assert_eq!(figure.shown_span(Span { low: 0.15, high: 0.16 }), "15.000 to 16.000");
    }
}
