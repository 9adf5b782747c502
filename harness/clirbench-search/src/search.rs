//! The search itself: what goes in, what comes out, and the scan.

use std::sync::atomic::{AtomicBool, Ordering};

use clirbench_core::ranking::Ranking;
use rayon::prelude::*;

use crate::{
    Rows, SearchError,
    block::Panel,
    kernel::{DOCUMENTS, Kernel, QUERIES, Scores},
    tile::QueryTile,
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
    /// Tiles that one thread takes at a time.
    pub(crate) group_tiles: usize,
    /// Documents that are in memory together, in panels.
    pub(crate) block_panels: usize,
    /// Panels that stay in a core's L2 cache while a group meets them.
    pub(crate) slice_panels: usize,
}

impl Blocking {
    /// 2,040 queries; a block of 8 MiB, a slice of 768 KiB.
    fn new(dim: usize) -> Self {
        let panel_bytes = size_of::<f32>() * DOCUMENTS * dim.max(1);
        Self {
            kernel: Kernel::available()[0],
            query_tiles: 170,
            group_tiles: 6,
            block_panels: ((8 << 20) / panel_bytes).max(1),
            slice_panels: ((768 << 10) / panel_bytes).max(1),
        }
    }
}

impl<'a> Search<'a> {
    /// Finds the exact standings of every relevant document and the exact `top_k` documents.
    ///
    /// One outcome per query, in the order of `query_rows`. A score is the f32 dot product; vectors
    /// are compared as they are, so the caller normalises. The outcome is the same, bit for bit,
    /// whatever the number of threads and whatever the machine.
    ///
    /// Memory, beside the outcomes: 4 bytes per pool document, one block of documents (8 MiB) and up
    /// to 2,040 queries with `2 * top_k` candidates each; a thread adds 32 rows. Scores live in a tile
    /// of 12 x 32.
    ///
    /// # Errors
    /// When the parts do not fit each other, a score is not finite, a matrix cannot be read, or
    /// `cancel` is raised; see [`SearchError`].
    pub fn run(&self) -> Result<Vec<Outcome>, SearchError> {
        self.run_in(Blocking::new(self.documents.dim()))
    }

    pub(crate) fn run_in(&self, blocking: Blocking) -> Result<Vec<Outcome>, SearchError> {
        self.check()?;
        let threads = self.threads.max(1);
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .map_err(|source| SearchError::Threads { threads, source })?
            .install(|| {
                let by_row = self.pool.by_row();
                let mut outcomes = Vec::with_capacity(self.targets.len());
                let mut panels = Vec::new();
                for start in (0..self.targets.len()).step_by(blocking.query_tiles * QUERIES) {
                    let end = self.targets.len().min(start + blocking.query_tiles * QUERIES);
                    let mut tiles = self.open(blocking.kernel, start, end)?;
                    self.scan(&mut tiles, &by_row, &mut panels, blocking)?;
                    let pool_size = self.pool.rows.len() as u32;
                    outcomes.extend(tiles.into_iter().flat_map(|tile| tile.finish(pool_size)));
                }
                Ok(outcomes)
            })
    }

    fn open(&self, kernel: Kernel, start: usize, end: usize) -> Result<Vec<QueryTile<'a>>, SearchError> {
        let starts: Vec<usize> = (start..end).step_by(QUERIES).collect();
        let tiles: Vec<_> = starts
            .into_par_iter()
            .map(|start| {
                self.poll_cancel()?;
                QueryTile::open(self, kernel, start..end.min(start + QUERIES))
            })
            .collect();
        tiles.into_iter().collect()
    }

    /// Leads every tile past every distinct row of the pool.
    fn scan<'p>(
        &self,
        tiles: &mut [QueryTile<'a>],
        by_row: &'p [u32],
        panels: &mut Vec<Panel<'p>>,
        blocking: Blocking,
    ) -> Result<(), SearchError> {
        let row = |position: &u32| self.pool.rows[*position as usize];
        let mut rows = by_row.chunk_by(|a, b| row(a) == row(b));
        loop {
            self.poll_cancel()?;
            let block: Vec<&[u32]> = rows.by_ref().take(blocking.block_panels * DOCUMENTS).collect();
            if block.is_empty() {
                return Ok(());
            }
            let filled = block.len().div_ceil(DOCUMENTS);
            if panels.len() < filled {
                panels.resize_with(filled, || Panel::new(self.documents.dim()));
            }
            let panels = &mut panels[..filled];
            first_error(
                panels
                    .par_iter_mut()
                    .zip(block.par_chunks(DOCUMENTS))
                    .map_init(Vec::new, |buffer, (panel, copies)| {
                        panel.fill(self.documents, &self.pool, copies, buffer)
                    })
                    .collect(),
            )?;
            let panels = &*panels;
            first_error(
                tiles
                    .par_chunks_mut(blocking.group_tiles)
                    .map(|group| {
                        let mut scores = Scores::ZERO;
                        for slice in panels.chunks(blocking.slice_panels) {
                            for tile in &mut *group {
                                for panel in slice {
                                    tile.meet(blocking.kernel, panel, &self.pool, &mut scores)?;
                                }
                            }
                        }
                        Ok(())
                    })
                    .collect(),
            )?;
        }
    }

    fn poll_cancel(&self) -> Result<(), SearchError> {
        if self.cancel.load(Ordering::Relaxed) { Err(SearchError::Cancelled) } else { Ok(()) }
    }
}

/// The first error in order, so that it does not depend on which thread was faster.
fn first_error(results: Vec<Result<(), SearchError>>) -> Result<(), SearchError> {
    results.into_iter().collect()
}
