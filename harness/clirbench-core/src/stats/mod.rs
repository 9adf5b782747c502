//! Uncertainty and significance over per-query values.
//!
//! Parallel queries (one id, several languages) are not independent observations, so everything
//! here resamples or permutes *clusters* of rows that share a query id, never single rows
//! (Field and Welsh 2007 on the cluster bootstrap; Smucker et al. 2007 on the randomization test
//! in information retrieval).
//!
//! ```
//! use clirbench_core::stats::{Clusters, Resamples};
//!
//! let clusters = Clusters::of(&["q1", "q2", "q3", "q1", "q2", "q3"])?;
//! let resamples = Resamples::new(clusters, 1000, 42)?;
//! let ndcg = resamples.interval(&[0.5, 0.25, 1.0, 0.5, 0.75, 1.0])?; // one draw ...
//! let mrr = resamples.interval(&[0.5, 0.5, 1.0, 0.5, 0.5, 1.0])?; //    ... serves every metric
//! assert!(ndcg.low < 0.66 && 0.66 < ndcg.high && mrr.low >= 0.5);
//! # Ok::<(), clirbench_core::stats::StatsError>(())
//! ```

mod bootstrap;
mod clusters;
mod holm;
mod panel;
mod randomization;

pub use bootstrap::{DEFAULT_RESAMPLES, Interval, LEVEL, Resamples};
pub use clusters::Clusters;
pub use holm::holm;
pub use panel::{CellStatistic, Panel, PanelCell};
pub use randomization::{DEFAULT_PERMUTATIONS, EXACT_CLUSTERS, Randomization, randomization_test};

/// Why a statistic has no value.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum StatsError {
    /// There is nothing to resample.
    #[error("no queries to resample: a cell needs at least one query with a relevant document")]
    Empty,
    /// Values and query ids are not parallel.
    #[error("{found} values for {expected} query ids: give one value per query id, in the same order")]
    Length {
        /// Number of query ids.
        expected: usize,
        /// Number of values.
        found: usize,
    },
    /// Values are not given for each cell of a panel.
    #[error(
        "values or statistics of {found} cells for a panel of {expected}: give one per cell, in its order"
    )]
    Cells {
        /// Number of cells.
        expected: usize,
        /// Number that was given.
        found: usize,
    },
    /// A value is NaN or infinite.
    #[error("value {value} of row {row} is not finite: check the scores that it was computed from")]
    NotFinite {
        /// Index of the row.
        row: usize,
        /// The value.
        value: f64,
    },
    /// Zero resamples or permutations were asked for.
    #[error("0 resamples or permutations asked for: use at least 1 (the default is 1000 or 10000)")]
    NoDraws,
}
