//! A task: one leaderboard cell's queries, pool and relevance, in indices of a collection.

use serde::{Deserialize, Serialize};

/// A document of the pool: a document of the collection in one language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PoolDocument {
    /// Index into the collection's languages.
    pub language: u32,
    /// Index into the collection's documents.
    pub document: u32,
}

/// One cell of a leaderboard before any model has been run on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// Scenario name as in `scores.csv` (`mono`, `clir`, `multi`, `multi-1`, `pool-3`, ...).
    pub scenario: String,
    /// Language of the queries: an index into the collection's languages.
    pub query_lang: u32,
    /// Languages of the pool, ascending. The pool holds every document that has a text in one of
    /// them: all documents of the first language in collection order, then of the second, and so on.
    pub pool_langs: Vec<u32>,
    /// Query indices, ascending.
    pub queries: Vec<u32>,
    /// Per query (parallel to `queries`), the judged documents and grades.
    pub relevant: Vec<Vec<(PoolDocument, i32)>>,
    /// Per query (parallel to `queries`, or empty when nothing is excluded), documents taken out
    /// of this query's pool. An excluded document is never relevant.
    pub excluded: Vec<Vec<PoolDocument>>,
    /// Metric names (see [`crate::metrics`]).
    pub metrics: Vec<String>,
    /// What a reader of the numbers has to know (printed with the results).
    pub notes: Vec<String>,
}
