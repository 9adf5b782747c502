//! The search itself: what goes in, what comes out, and the scan.

use std::{
    iter,
    ops::Range,
    sync::atomic::{AtomicBool, Ordering},
};

use clirbench_core::ranking::Ranking;

use crate::{
    Rows, SearchError,
    block::Block,
    kernel::{DOCUMENTS, Kernel, QUERIES},
    tile::QueryTile,
    workers::share,
};

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
    /// Judged documents with their grades; positive is relevant.
    pub judged: Vec<(u32, i32)>,
    /// Documents that are not in this query's pool; none of them is judged.
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
#[derive(Clone, Debug, Default, PartialEq)]
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
    /// Threads to use; 0 is taken as 1.
    pub threads: usize,
    /// Polled per block.
    pub cancel: &'a AtomicBool,
}

/// How the work is cut. No outcome depends on it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Blocking {
    pub(crate) kernel: Kernel,
    /// Queries that pass over the documents together, in tiles.
    pub(crate) query_tiles: usize,
    /// Documents that a thread holds at a time, in panels.
    pub(crate) block_panels: usize,
}

impl Blocking {
    /// 2,040 queries; documents that stay in a core's L2 cache while the queries go by.
    fn new(dim: usize) -> Self {
        let panel_bytes = size_of::<f32>() * DOCUMENTS * dim.max(1);
        Self {
            kernel: Kernel::best(),
            query_tiles: 340,
            block_panels: (BLOCK_BYTES / panel_bytes).clamp(1, BLOCK_PANELS),
        }
    }
}

/// Leaves room in a typical L2 cache. 384 to 768 KiB measured alike within noise; 1,536 KiB was slower.
const BLOCK_BYTES: usize = 384 << 10;
/// So that short vectors make no block of endless length.
const BLOCK_PANELS: usize = 128;

impl<'a> Search<'a> {
    /// Finds the exact standings of every relevant document and the exact `top_k` documents.
    ///
    /// One outcome per query, in the order of `query_rows`. A score is the f32 dot product; vectors
    /// are compared as they are, so the caller normalises. The outcome is the same, bit for bit,
    /// whatever the number of threads and whatever the machine.
    ///
    /// Memory, beside the outcomes: 4 bytes per pool document, and up to 2,040 queries with
    /// `2 * top_k` candidates of 8 bytes each. A thread holds a block of documents of 384 KiB (64
    /// documents if those need more), 64 rows as they are read, and 6 scores per document.
    ///
    /// # Errors
    /// When the parts do not fit each other, a score is not finite, a matrix cannot be read, or
    /// `cancel` is raised; see [`SearchError`].
    pub fn run(&self) -> Result<Vec<Outcome>, SearchError> {
        self.run_in(Blocking::new(self.documents.dim()))
    }

    pub(crate) fn run_in(&self, blocking: Blocking) -> Result<Vec<Outcome>, SearchError> {
        self.check()?;
        let by_row = self.pool.by_row();
        let mut outcomes = Vec::with_capacity(self.targets.len());
        let queries = 0..self.targets.len();
        for start in queries.clone().step_by(blocking.query_tiles * QUERIES) {
            let end = queries.end.min(start + blocking.query_tiles * QUERIES);
            let tiles = self.open(start..end, blocking.kernel)?;
            self.scan(&tiles, &by_row, blocking)?;
            let pool_size = self.pool.rows.len() as u32;
            outcomes.extend(tiles.into_iter().flat_map(|tile| tile.finish(pool_size, self.pool.order)));
        }
        Ok(outcomes)
    }

    fn open(&self, queries: Range<usize>, kernel: Kernel) -> Result<Vec<QueryTile<'a>>, SearchError> {
        let end = queries.end;
        share(
            self.threads,
            queries.step_by(QUERIES),
            || (),
            |(), start| {
                self.poll_cancel()?;
                QueryTile::open(self, kernel, start..end.min(start + QUERIES))
            },
        )
    }

    /// Leads every tile past every distinct row of the pool.
    fn scan(&self, tiles: &[QueryTile<'a>], by_row: &[u32], blocking: Blocking) -> Result<(), SearchError> {
        let row = |position: &u32| self.pool.rows[*position as usize];
        let mut rows = by_row.chunk_by(|a, b| row(a) == row(b));
        let block_len = blocking.block_panels * DOCUMENTS;
        let blocks = iter::from_fn(|| {
            let block: Vec<&[u32]> = rows.by_ref().take(block_len).collect();
            (!block.is_empty()).then_some(block)
        });
        share(
            self.threads,
            blocks,
            || (Block::new(self.documents.dim()), Vec::new()),
            |(held, scores), block| {
                self.poll_cancel()?;
                let panels = held.fill(self.documents, &self.pool, &block)?;
                tiles.iter().try_for_each(|tile| tile.meet(blocking.kernel, panels, &self.pool, scores))
            },
        )?;
        Ok(())
    }

    fn poll_cancel(&self) -> Result<(), SearchError> {
        if self.cancel.load(Ordering::Relaxed) { Err(SearchError::Cancelled) } else { Ok(()) }
    }
}
