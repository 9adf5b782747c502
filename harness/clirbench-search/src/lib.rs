//! Exact ranks of relevant documents and exact top-k, blocked and multi-threaded.

use std::{io, ops::Range, sync::atomic::AtomicBool};

use clirbench_core::ranking::Ranking;

/// A matrix that is read row block by row block: memory-mapped shards, or a plain slice.
pub trait Rows: Sync {
    /// Number of rows.
    fn len(&self) -> usize;
    /// Whether there are no rows.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Length of one row.
    fn dim(&self) -> usize;
    /// Copies `rows` into `out`, row-major, `rows.len() * dim` values.
    fn read(&self, rows: Range<usize>, out: &mut [f32]) -> io::Result<()>;
}

/// The documents that queries are ranked against.
#[derive(Clone, Copy, Debug)]
pub struct Pool<'a> {
    /// Row of each pool document in the document matrix. Equal texts share a row.
    pub rows: &'a [u32],
    /// Tie order of each pool document (distinct values): of two equal scores the smaller is ahead.
    pub order: &'a [u32],
}

/// What one query is judged by; all positions are pool positions.
#[derive(Clone, Debug, Default)]
pub struct Target {
    /// Judged documents with their grades.
    pub judged: Vec<(u32, i32)>,
    /// Documents that are not in this query's pool.
    pub excluded: Vec<u32>,
}

/// A retrieved document.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    /// Position in the pool.
    pub document: u32,
    /// Dot product.
    pub score: f32,
}

/// One query's outcome.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Where the relevant documents stand.
    pub ranking: Ranking,
    /// The first `top_k` documents, by score descending then order ascending.
    pub top: Vec<Hit>,
}

/// A search of many queries over one pool.
pub struct Search<'a> {
    /// Query vectors.
    pub queries: &'a dyn Rows,
    /// Row of each query in `queries`.
    pub query_rows: &'a [u32],
    /// Document vectors.
    pub documents: &'a dyn Rows,
    /// The pool over `documents`.
    pub pool: Pool<'a>,
    /// Parallel to `query_rows`.
    pub targets: &'a [Target],
    /// How many documents to retrieve; 0 for ranks only.
    pub top_k: usize,
    /// Threads to use.
    pub threads: usize,
    /// Polled per block.
    pub cancel: &'a AtomicBool,
}
