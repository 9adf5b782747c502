//! Retrieval metrics, as trec_eval computes them and as Hong et al. 2026 define theirs.
//!
//! A metric turns one query's [`Ranking`] into a value and a cell's values into one number:
//!
//! ```
//! use clirbench_core::{metrics::{CellScores, Metric}, ranking::{Ranking, Standing, Ties}};
//!
//! // One relevant document, four others ahead of it, in a pool of 16.
//! let relevant = vec![Standing { grade: 1, score: 0.5, order: 0, above: 4, tied: 0, tied_ahead: 0, judged: 0 }];
//! let ranking = Ranking { relevant, pool_size: 16, ideal: vec![1] };
//!
//! let metric: Metric = "mrr@10".parse()?;
//! assert_eq!(metric.value(&ranking, Ties::Trec), Some(0.2));
//!
//! let cell = CellScores::of(metric, &[ranking], Ties::Trec)?;
//! assert_eq!((cell.value()?, cell.queries.len()), (0.2, 1));
//! # Ok::<(), clirbench_core::metrics::MetricError>(())
//! ```
//!
//! # Relevant documents that are not in the ranking
//!
//! A run that was cut off, or a pool that lacks a judged document, leaves `Ranking::ideal` longer
//! than `Ranking::relevant`. Such a document is found at no cutoff: `complete@k` is 0, the
//! denominators of `recall@k`, `map` and `ndcg@k` still count it, `max@r` is the pool size (the
//! last rank there is) and `max@r_norm` is 0.

mod cell;
mod error;
mod formula;
mod name;

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use crate::ranking::{Ranking, Ties};

pub use cell::{CellScores, Extent};
pub use error::MetricError;

/// A rank from 1: documents behind it do not count.
pub type Cutoff = NonZeroU32;

/// A metric; parse it from its name (`"ndcg@10".parse()`), print it with `Display`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Metric {
    /// `ndcg`, `ndcg@k`: discounted cumulative gain over that of the ideal ranking; gain = grade,
    /// discount = log2(rank + 1) (Järvelin and Kekäläinen 2002; trec_eval `ndcg`, `ndcg_cut`).
    Ndcg(Option<Cutoff>),
    /// `mrr`, `mrr@k`: 1 / rank of the first relevant document (trec_eval `recip_rank`).
    Mrr(Option<Cutoff>),
    /// `recall@k`: share of the relevant documents in the first k.
    Recall(Cutoff),
    /// `precision@k`: relevant documents in the first k, over k (trec_eval `P`).
    Precision(Cutoff),
    /// `map`: mean over the relevant documents of the precision at their ranks.
    Map,
    /// `hit@k`: 1 if a relevant document is in the first k, else 0 (trec_eval `success`).
    Hit(Cutoff),
    /// `complete@k`: 1 if all relevant documents are in the first k, else 0 (Qu et al. 2024).
    Complete(Cutoff),
    /// `max@r`: rank of the last relevant document (Hong et al. 2026, eq. 1). Lower is better.
    MaxR,
    /// `max@r_norm`: `100 (log2 |D| - log2 Max@R) / (log2 |D| - log2 |R|)` of each query, then the
    /// mean (Hong et al. 2026, the equation in section 5).
    MaxRNorm,
    /// `max@r_norm_of_mean`: that formula applied once to the mean Max@R, which is what the tables
    /// of Hong et al. 2026 print. A query's own value is its Max@R; see [`Extent`].
    MaxRNormOfMean,
}

/// The unit of a metric's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// 0 to 1; paper-style tables print it times 100.
    Fraction,
    /// A rank, from 1.
    Rank,
    /// 0 to 100.
    Percent,
}

impl Metric {
    /// The metric's value for one query, or `None` when the query has no relevant document.
    ///
    /// A query with relevant documents of which none was retrieved has a value: the worst one. For
    /// [`Metric::MaxRNormOfMean`] it is the query's Max@R.
    #[must_use]
    pub fn value(&self, ranking: &Ranking, ties: Ties) -> Option<f64> {
        if ranking.ideal.is_empty() {
            return None;
        }
        let ranks = ranking.ranks(ties);
        let all = ranking.ideal.len();
        Some(match *self {
            Metric::Ndcg(k) => formula::ndcg(ranks, &ranking.ideal, k),
            Metric::Mrr(k) => formula::reciprocal_rank(ranks, k),
            Metric::Recall(k) => formula::found(ranks, k) as f64 / all as f64,
            Metric::Precision(k) => formula::found(ranks, k) as f64 / f64::from(k.get()),
            Metric::Map => formula::average_precision(ranks, all),
            Metric::Hit(k) => f64::from(formula::found(ranks, k) > 0),
            Metric::Complete(k) => f64::from(formula::found(ranks, k) == all),
            Metric::MaxR | Metric::MaxRNormOfMean => f64::from(formula::max_at_r(ranking, ties)),
            Metric::MaxRNorm if formula::is_truncated(ranking) => 0.0,
            Metric::MaxRNorm => {
                let last = f64::from(formula::max_at_r(ranking, ties));
                formula::max_at_r_norm(last, f64::from(ranking.pool_size), all as f64)
            }
        })
    }

    /// The cell's number from the mean of its per-query values: the mean itself, except for
    /// [`Metric::MaxRNormOfMean`], which applies its formula here.
    #[must_use]
    pub fn of_mean(&self, mean: f64, extent: Extent) -> f64 {
        match self {
            Metric::MaxRNormOfMean => formula::max_at_r_norm(mean, extent.pool_size, extent.relevant),
            _ => mean,
        }
    }

    /// The cell's number from its per-query values.
    ///
    /// # Errors
    /// When there is no value, or one (or the result) breaks the metric's invariant: see
    /// [`MetricError`].
    pub fn aggregate(&self, values: &[f64], extent: Extent) -> Result<f64, MetricError> {
        if values.is_empty() {
            return Err(MetricError::NoQueries { metric: *self });
        }
        for (query, &value) in values.iter().enumerate() {
            self.check(value, Some(query))?;
        }
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let value = self.of_mean(mean, extent);
        self.check(value, None)?;
        Ok(value)
    }

    /// Refuses a value that the metric cannot take: NaN, a fraction above 1, rank 0.
    fn check(&self, value: f64, query: Option<usize>) -> Result<(), MetricError> {
        let scale = if query.is_some() { self.query_scale() } else { self.scale() };
        if scale.contains(value) {
            return Ok(());
        }
        Err(MetricError::Invariant { metric: *self, query, value })
    }

    /// Unit of the cell's number.
    #[must_use]
    pub fn scale(&self) -> Scale {
        match self {
            Metric::MaxR => Scale::Rank,
            Metric::MaxRNorm | Metric::MaxRNormOfMean => Scale::Percent,
            _ => Scale::Fraction,
        }
    }

    /// Unit of one query's value.
    #[must_use]
    pub fn query_scale(&self) -> Scale {
        if *self == Metric::MaxRNormOfMean { Scale::Rank } else { self.scale() }
    }

    /// Whether the cell's number grows as retrieval gets better; only `max@r` does not.
    #[must_use]
    pub fn higher_is_better(&self) -> bool {
        *self != Metric::MaxR
    }
}

impl Scale {
    /// Whether `value` is finite and can occur on this scale. The upper ends leave room for the rounding of a
    /// mean, nothing more.
    #[must_use]
    pub fn contains(self, value: f64) -> bool {
        let rounding = 1e-9;
        match self {
            Scale::Fraction => (0.0..=1.0 + rounding).contains(&value),
            Scale::Rank => value.is_finite() && value >= 1.0,
            Scale::Percent => (0.0..=100.0 + rounding).contains(&value),
        }
    }
}
