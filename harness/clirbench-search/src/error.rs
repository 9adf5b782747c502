//! What can go wrong in a search.

use std::{io, ops::Range};

use thiserror::Error;

/// Why a search gave no outcome.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SearchError {
    /// Two parts of the search do not fit each other.
    #[error("{what}: {left} and {right} differ; pass matrices and lists that belong together")]
    Mismatch {
        /// What is compared.
        what: &'static str,
        /// The one size.
        left: usize,
        /// The other size.
        right: usize,
    },
    /// More documents than positions can count.
    #[error("a pool of {pool} documents is too large: positions are 32 bits; search it in shards")]
    PoolTooLarge {
        /// Documents in the pool.
        pool: usize,
    },
    /// A row number points past its matrix.
    #[error(
        "{side} {index} names row {row}, but its matrix has {len} rows; rebuild the row numbers from the matrix"
    )]
    Row {
        /// `query` or `pool document`.
        side: &'static str,
        /// Position in the list of rows.
        index: usize,
        /// The row that it names.
        row: u32,
        /// Rows of the matrix.
        len: usize,
    },
    /// A target names a document that the pool does not have.
    #[error(
        "query {query} names pool document {document}, but the pool has {pool}; use positions in the pool"
    )]
    Document {
        /// Index of the query.
        query: usize,
        /// The position that it names.
        document: u32,
        /// Documents in the pool.
        pool: usize,
    },
    /// A target judges a document twice.
    #[error("query {query} judges pool document {document} twice; keep one grade")]
    JudgedTwice {
        /// Index of the query.
        query: usize,
        /// Position in the pool.
        document: u32,
    },
    /// A target judges a document that is not in its pool.
    #[error(
        "query {query} both judges and excludes pool document {document}; \
         an excluded document is in nobody's ranking, so drop the judgement or the exclusion"
    )]
    JudgedAndExcluded {
        /// Index of the query.
        query: usize,
        /// Position in the pool.
        document: u32,
    },
    /// A score is NaN or infinite.
    #[error(
        "query row {query_row} and document row {document_row} score {score}; \
         one of the two vectors holds NaN, infinity or huge values: encode that text again"
    )]
    NonFinite {
        /// Row in the query matrix.
        query_row: u32,
        /// Row in the document matrix.
        document_row: u32,
        /// The score.
        score: f32,
    },
    /// Vectors could not be read.
    #[error("cannot read rows {}..{} of the {side} matrix", rows.start, rows.end)]
    Read {
        /// `query` or `document`.
        side: &'static str,
        /// The rows.
        rows: Range<usize>,
        /// Why.
        source: io::Error,
    },
    /// The threads could not be started.
    #[error("cannot start {threads} search threads; ask for fewer")]
    Threads {
        /// How many.
        threads: usize,
        /// Why.
        source: io::Error,
    },
    /// The caller's cancel flag was raised.
    #[error("the search was cancelled")]
    Cancelled,
}
