//! The pool as the scan meets it: each distinct row once, 64 rows to a panel.

use crate::{
    Pool, Rows, SearchError,
    kernel::{DOCUMENTS, DocumentLanes},
    pack::pack,
};

impl Pool<'_> {
    /// Pool positions by row, then order: copies of a row lie side by side, foremost first.
    pub(crate) fn by_row(&self) -> Vec<u32> {
        let mut positions: Vec<u32> = (0..self.rows.len() as u32).collect();
        positions.sort_unstable_by_key(|&p| (self.rows[p as usize], self.order[p as usize], p));
        positions
    }
}

/// 64 distinct rows, packed for the kernel, and who they are in the pool.
pub(crate) struct Panel<'a> {
    /// One entry per component. Lanes without a row hold zeros or an earlier row.
    pub(crate) vectors: Vec<DocumentLanes>,
    /// Per lane the pool positions that share its row, in tie order; empty where there is no row.
    pub(crate) copies: [&'a [u32]; DOCUMENTS],
    /// Per lane the number of copies.
    pub(crate) weights: [u32; DOCUMENTS],
}

impl<'a> Panel<'a> {
    fn new(dim: usize) -> Self {
        Self {
            vectors: vec![DocumentLanes([0.0; DOCUMENTS]); dim],
            copies: [&[]; DOCUMENTS],
            weights: [0; DOCUMENTS],
        }
    }

    /// Takes up to 64 rows, each named by its copies in the pool.
    fn fill(
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

/// Lanes whose score passes `test`, ascending.
#[inline]
pub(crate) fn lanes(scores: &[f32; DOCUMENTS], test: impl Fn(f32) -> bool) -> Lanes {
    let mut passing = 0;
    for (half, scores) in scores.as_chunks::<32>().0.iter().enumerate() {
        // Masks instead of branches: this loop becomes vector instructions.
        let mut bits = 0;
        for (&score, bit) in scores.iter().zip(BITS) {
            bits |= bit & u32::from(test(score)).wrapping_neg();
        }
        passing |= u64::from(bits) << (32 * half);
    }
    Lanes(passing)
}

/// Lane numbers of the bits of a mask, ascending.
pub(crate) struct Lanes(u64);

impl Iterator for Lanes {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        let lane = self.0.trailing_zeros();
        self.0 &= self.0.wrapping_sub(1);
        (lane < u64::BITS).then_some(lane as usize)
    }
}

/// The bits of a word.
const BITS: [u32; 32] = {
    let mut bits = [0; 32];
    let mut i = 0;
    while i < 32 {
        bits[i] = 1 << i;
        i += 1;
    }
    bits
};

/// The panels that a thread holds, used again and again.
pub(crate) struct Block<'a> {
    dim: usize,
    panels: Vec<Panel<'a>>,
    /// Rows as they are read.
    buffer: Vec<f32>,
}

impl<'a> Block<'a> {
    pub(crate) fn new(dim: usize) -> Self {
        Self { dim, panels: Vec::new(), buffer: Vec::new() }
    }

    /// Holds `rows`, each named by its copies in the pool, instead of those before.
    pub(crate) fn fill(
        &mut self,
        documents: &dyn Rows,
        pool: &Pool<'_>,
        rows: &[&'a [u32]],
    ) -> Result<&[Panel<'a>], SearchError> {
        let needed = rows.len().div_ceil(DOCUMENTS);
        let held = self.panels.len().max(needed);
        self.panels.resize_with(held, || Panel::new(self.dim));
        for (panel, copies) in self.panels.iter_mut().zip(rows.chunks(DOCUMENTS)) {
            panel.fill(documents, pool, copies, &mut self.buffer)?;
        }
        Ok(&self.panels[..needed])
    }
}
