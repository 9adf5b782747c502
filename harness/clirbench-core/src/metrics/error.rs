//! What can be wrong with a metric's name or its values.

use super::{Metric, Scale, name::FORMS};

/// Why there is no score.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum MetricError {
    /// The name is not a metric's.
    #[error("unknown metric `{name}`{}{hint}; metrics are {FORMS} (K a cutoff from 1)", if hint.is_empty() { "" } else { ": " })]
    Unknown {
        /// The name as given.
        name: String,
        /// The nearest valid name, as a question; empty when none is near.
        hint: String,
    },
    /// No query has a relevant document.
    #[error("{metric} has no value: no query of this cell has a relevant document; check the qrels")]
    NoQueries {
        /// The metric.
        metric: Metric,
    },
    /// A value that the metric cannot take, which means that a ranking is wrong.
    #[error("{metric} is {value} for {}, outside {}: the ranking behind it is inconsistent (pool size, duplicate documents or scores)", place(*query), bounds(*metric, *query))]
    Invariant {
        /// The metric.
        metric: Metric,
        /// Index of the query among those that count; `None` for the cell's own number.
        query: Option<usize>,
        /// The value.
        value: f64,
    },
}

fn place(query: Option<usize>) -> String {
    query.map_or_else(|| "the cell".to_owned(), |query| format!("query {query}"))
}

fn bounds(metric: Metric, query: Option<usize>) -> &'static str {
    match if query.is_some() { metric.query_scale() } else { metric.scale() } {
        Scale::Fraction => "0..=1",
        Scale::Rank => "the ranks from 1",
        Scale::Percent => "0..=100",
    }
}
