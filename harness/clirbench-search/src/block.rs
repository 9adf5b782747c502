//! The pool as the scan meets it: each distinct row once, 32 rows to a panel.

use rayon::prelude::*;

use crate::{
    Pool, Rows, SearchError,
    kernel::{DOCUMENTS, DocumentLanes},
    pack::pack,
};

impl Pool<'_> {
    /// Pool positions by row, then order: copies of a row lie side by side, foremost first.
    pub(crate) fn by_row(&self) -> Vec<u32> {
        let mut positions: Vec<u32> = (0..self.rows.len() as u32).collect();
        positions.par_sort_unstable_by_key(|&p| (self.rows[p as usize], self.order[p as usize], p));
        positions
    }
}

/// 32 distinct rows, packed for the kernel, and who they are in the pool.
pub(crate) struct Panel<'a> {
    /// One entry per component.
    pub(crate) vectors: Vec<DocumentLanes>,
    /// Per lane the pool positions that share its row, in tie order; empty where there is no row.
    pub(crate) copies: [&'a [u32]; DOCUMENTS],
    /// Per lane the number of copies.
    pub(crate) weights: [u32; DOCUMENTS],
}

impl<'a> Panel<'a> {
    pub(crate) fn new(dim: usize) -> Self {
        Self {
            vectors: vec![DocumentLanes([0.0; DOCUMENTS]); dim],
            copies: [&[]; DOCUMENTS],
            weights: [0; DOCUMENTS],
        }
    }

    /// Takes up to 32 rows, each named by its copies in the pool.
    pub(crate) fn fill(
        &mut self,
        documents: &dyn Rows,
        pool: &Pool<'_>,
        copies: &[&'a [u32]],
        buffer: &mut Vec<f32>,
    ) -> Result<(), SearchError> {
        let rows: Vec<u32> = copies.iter().map(|copies| pool.rows[copies[0] as usize]).collect();
        pack(documents, "document", &rows, buffer, &mut self.vectors)?;
        self.copies = std::array::from_fn(|i| copies.get(i).copied().unwrap_or_default());
        self.weights = self.copies.map(|copies| copies.len() as u32);
        Ok(())
    }
}
