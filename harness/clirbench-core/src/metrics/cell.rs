//! One metric over all queries of a cell.

use super::{Metric, MetricError};
use crate::{
    ranking::{Ranking, Ties},
    stats::{Interval, Resamples, StatsError},
};

/// Mean pool size and mean number of relevant documents of the queries that count.
///
/// Only `max@r_norm_of_mean` needs it: |D| and |R| of its formula. They are the same for every
/// query of most cells; where exclusions or judgements make them vary (`multi-1` with
/// `remove = "text"`, several relevant documents), the formula takes their means over the same
/// queries as the mean Max@R. Intervals keep them fixed and resample Max@R alone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Extent {
    /// Mean of |D|: documents in the query's pool, exclusions taken off.
    pub pool_size: f64,
    /// Mean of |R|: relevant documents, retrieved or not.
    pub relevant: f64,
}

impl Extent {
    /// Means over the rankings that have a relevant document; 0 and 0 when none has.
    #[must_use]
    pub fn of(rankings: &[Ranking]) -> Extent {
        let (mut queries, mut pool, mut relevant) = (0_u64, 0_u64, 0_u64);
        for ranking in rankings.iter().filter(|r| !r.ideal.is_empty()) {
            queries += 1;
            pool += u64::from(ranking.pool_size);
            relevant += ranking.ideal.len() as u64;
        }
        let mean = |sum: u64| sum as f64 / queries.max(1) as f64;
        Extent { pool_size: mean(pool), relevant: mean(relevant) }
    }
}

/// One metric's values over the queries of a cell, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct CellScores {
    /// The metric.
    pub metric: Metric,
    /// Queries that count, as indices into the cell's rankings; the others have no relevant document.
    pub queries: Vec<u32>,
    /// The metric's value for each of `queries`.
    pub values: Vec<f64>,
    /// Queries left out because nothing is relevant to them.
    pub left_out: u32,
    /// Mean |D| and |R|.
    pub extent: Extent,
}

impl CellScores {
    /// Evaluates `metric` on every ranking under one tie rule.
    ///
    /// # Errors
    /// [`MetricError::Invariant`] when a query's value is one that the metric cannot take.
    pub fn of(metric: Metric, rankings: &[Ranking], ties: Ties) -> Result<CellScores, MetricError> {
        let (mut queries, mut values) =
            (Vec::with_capacity(rankings.len()), Vec::with_capacity(rankings.len()));
        for (query, ranking) in (0..).zip(rankings) {
            let Some(value) = metric.value(ranking, ties) else { continue };
            metric.check(value, Some(query as usize))?;
            queries.push(query);
            values.push(value);
        }
        let left_out = (rankings.len() - queries.len()) as u32;
        Ok(CellScores { metric, queries, values, left_out, extent: Extent::of(rankings) })
    }

    /// The cell's number.
    ///
    /// # Errors
    /// As [`Metric::aggregate`].
    pub fn value(&self) -> Result<f64, MetricError> {
        self.metric.aggregate(&self.values, self.extent)
    }

    /// Its 95% interval; `resamples` is over the ids of `queries`, in this order.
    ///
    /// # Errors
    /// When `resamples` was made for another number of queries.
    pub fn interval(&self, resamples: &Resamples) -> Result<Interval, StatsError> {
        resamples.interval_of(&self.values, |mean| self.metric.of_mean(mean, self.extent))
    }
}
