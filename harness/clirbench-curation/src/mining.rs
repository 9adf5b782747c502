//! Hard negatives: passages that a model ranks high for a query, and that do not answer it.
//!
//! Every query is searched exactly. What is near its positive or equal to it, and what lies outside
//! a window of ranks, is left; of the rest some are taken. The definitions are those of Jang et al.
//! 2025, appendix B.2 ([`RankSemantics::Raw`]) and of sentence-transformers' `mine_hard_negatives`
//! ([`RankSemantics::Survivors`]), which differ in what a rank counts.
//!
//! - Passages with the same text in the language that is mined in are one document.
//! - A query's own positives are those of all rows that share a text of the query, in any language,
//!   and every passage that shares a text with one of them, in any language: whatever language a
//!   composition takes, a negative never equals the positive.
//! - A score is the f32 dot product of [`clirbench_search`]. A limit that depends on the positive is
//!   computed in f64 from its f32 score and rounded to f32 once; a score equal to a limit survives.
//! - Equal scores are ordered by document: positives in the order of the rows, then negatives, then
//!   the corpus.

mod choice;
mod classes;
mod histogram;
mod options;
mod pool;
mod report;
mod rows;
mod search;
#[cfg(test)]
mod tests;

pub use choice::Mined;
pub use histogram::{Bin, Histogram};
pub use options::{Incomplete, MiningOptions, RankSemantics, Sampling};
pub use pool::{Origin, Pool};
pub use report::{Dropped, MiningReport};
pub use rows::{MiningRow, Passage};
pub use search::{Mining, NpyRows, Outcome};

use clirbench_search::SearchError;

/// Why nothing was mined. `Display` says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MiningError {
    /// An option makes no sense, alone or beside another.
    #[error("{0}")]
    Options(String),
    /// A text cannot be mined for, or mined.
    #[error("{column} of `{id}`: {problem}")]
    Text {
        /// `query`, or the column of an [`Origin`].
        column: &'static str,
        /// The row's name, or the passage's id in the corpus.
        id: String,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// The search failed or was stopped.
    #[error(transparent)]
    Search(#[from] SearchError),
    /// What was mined could not be written.
    #[error("cannot write what was mined: {0}; check the output's folder and its free space")]
    Write(#[from] std::io::Error),
}
