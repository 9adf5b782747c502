//! Results as they are kept and exported: one row per cell and metric, per-query values, bias.

use serde::{Deserialize, Serialize};

/// The coordinates of one leaderboard cell.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Cell {
    /// Model name.
    pub model: String,
    /// Dataset name.
    pub dataset: String,
    /// `unique` or `per-question`.
    pub documents: String,
    /// Scenario name.
    pub scenario: String,
    /// Language of the queries.
    pub query_lang: String,
    /// Languages of the pool joined by `+`, in the dataset's language order.
    pub pool_langs: String,
}

/// One row of `scores.csv`: field order is column order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScoreRow {
    /// Model name.
    pub model: String,
    /// Dataset name.
    pub dataset: String,
    /// `unique` or `per-question`.
    pub documents: String,
    /// Scenario name.
    pub scenario: String,
    /// Language of the queries.
    pub query_lang: String,
    /// Languages of the pool joined by `+`.
    pub pool_langs: String,
    /// Metric; a suffix `/best` or `/worst` names a tie rule other than the run's own.
    pub metric: String,
    /// Mean over queries: a fraction, except `max@r` (a rank) and the norms (0 to 100).
    pub value: f64,
    /// Lower end of the 95% interval.
    pub ci_low: f64,
    /// Upper end of the 95% interval.
    pub ci_high: f64,
    /// Queries that count (those with a relevant document).
    pub queries: u32,
    /// Documents in the pool before exclusions.
    pub pool_size: u32,
}

impl ScoreRow {
    /// The cell that this row belongs to.
    #[must_use]
    pub fn cell(&self) -> Cell {
        Cell {
            model: self.model.clone(),
            dataset: self.dataset.clone(),
            documents: self.documents.clone(),
            scenario: self.scenario.clone(),
            query_lang: self.query_lang.clone(),
            pool_langs: self.pool_langs.clone(),
        }
    }
}

/// Per-query values of one cell and metric: `values[i]` belongs to `queries[i]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QueryValues {
    /// The cell.
    pub cell: Cell,
    /// Metric name as in [`ScoreRow::metric`].
    pub metric: String,
    /// Query ids; parallel queries of all languages share one id, which is the bootstrap's cluster.
    pub queries: Vec<String>,
    /// The metric's value for each query.
    pub values: Vec<f64>,
}

/// One row of `bias.csv`: a statistic of language preference in a mixed pool.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BiasRow {
    /// Model name.
    pub model: String,
    /// Dataset name.
    pub dataset: String,
    /// `unique` or `per-question`.
    pub documents: String,
    /// Scenario name.
    pub scenario: String,
    /// Language of the queries; `en-ko` style for statistics that compare two query languages.
    pub query_lang: String,
    /// Languages of the pool joined by `+`.
    pub pool_langs: String,
    /// Statistic, as defined in [`crate::bias`] (`top10_share`, `first_in_query_lang`, `rank_gap`,
    /// `disparity:ndcg@10`, ...).
    pub statistic: String,
    /// The language it is about; empty where it is about the whole cell.
    pub language: String,
    /// Its value.
    pub value: f64,
    /// Queries behind it.
    pub queries: u32,
}

impl BiasRow {
    /// The cell that this row is about.
    #[must_use]
    pub fn cell(&self) -> Cell {
        Cell {
            model: self.model.clone(),
            dataset: self.dataset.clone(),
            documents: self.documents.clone(),
            scenario: self.scenario.clone(),
            query_lang: self.query_lang.clone(),
            pool_langs: self.pool_langs.clone(),
        }
    }
}

/// A ranked document for run files: TREC output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunLine {
    /// Query id.
    pub query: String,
    /// Document id, prefixed by its language (`en:p12`).
    pub document: String,
    /// Rank from 1.
    pub rank: u32,
    /// Score.
    pub score: f32,
}

/// A model that is a merge of others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Merged {
    /// Its name.
    pub model: String,
    /// How it was merged, options included: `uniform`, `ties density=0.2`.
    pub recipe: String,
    /// Names of the models that it was merged from.
    pub parents: Vec<String>,
    /// A weight per parent.
    pub weights: Vec<f64>,
}
