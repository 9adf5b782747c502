//! The scenario interface: which queries meet which pool, and what is relevant, in indices.

use serde::{Deserialize, Serialize};

use crate::{Host, Result};

/// A collection without its texts, as a scenario sees it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DatasetView {
    /// Language codes; everything else refers to them by index.
    pub languages: Vec<String>,
    /// `query_present[language]` lists the queries (ascending) that have a text in it.
    pub query_present: Vec<Vec<u32>>,
    /// `document_present[language]` lists the documents (ascending) that have a text in it.
    pub document_present: Vec<Vec<u32>>,
    /// `text_group[language][document]`: the first document with an equal text in that language
    /// (a document with no equal is its own group); parallel to all documents, `u32::MAX` where absent.
    pub text_group: Vec<Vec<u32>>,
    /// Per query, `(document, grade)`.
    pub qrels: Vec<Vec<(u32, i32)>>,
    /// `unique` or `per-question`.
    pub documents: String,
}

/// A document of the pool: `(language, document)` indices.
pub type PoolDocument = (u32, u32);

/// One cell of a leaderboard: the JSON twin of the harness's task.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// Scenario name as in `scores.csv`.
    pub scenario: String,
    /// Index of the queries' language.
    pub query_lang: u32,
    /// Languages of the pool, ascending; the pool holds every document present in them.
    pub pool_langs: Vec<u32>,
    /// Query indices, ascending.
    pub queries: Vec<u32>,
    /// Per query, judged documents of the pool with their grades.
    pub relevant: Vec<Vec<(PoolDocument, i32)>>,
    /// Per query, documents taken out of its pool; empty when nothing is.
    pub excluded: Vec<Vec<PoolDocument>>,
    /// Metric names (`ndcg@10`, `mrr`, `complete@10`, `max@r`, ...).
    pub metrics: Vec<String>,
    /// What a reader of the numbers has to know.
    pub notes: Vec<String>,
}

/// A way to lay queries against pools.
pub trait Scenario: Send + Sized + 'static {
    /// Opens the scenario with its options (checked against the manifest's schema).
    fn open(config: &serde_json::Value, host: Host) -> Result<Self>;

    /// Every cell of the leaderboard that the scenario has on this dataset, in a fixed order.
    fn tasks(&self, view: &DatasetView) -> Result<Vec<Task>>;
}
