//! Batches that own their rows.

use clirbench_plugin::{Loss, LossBatch, Result};

use crate::Batch;

/// A batch that owns its rows, in f64; shapes as in [`Batch`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OwnedBatch {
    /// Rows of the batch, `n`.
    pub rows: usize,
    /// Length of one embedding, `d`.
    pub dim: usize,
    /// `[columns, n, d]`.
    pub embeddings: Vec<f64>,
    /// Length of one guide embedding; 0 without a guide.
    pub guide_dim: usize,
    /// `[columns, n, guide_dim]`.
    pub guide: Vec<f64>,
    /// One per row, or none.
    pub labels: Vec<f64>,
}

impl OwnedBatch {
    /// Embeddings without order, the same for the same `seed`: `columns` columns of `rows` rows,
    /// components between -1 and 1.
    #[must_use]
    pub fn random(columns: usize, rows: usize, dim: usize, seed: u64) -> Self {
        Self { rows, dim, embeddings: uniform(columns * rows * dim, seed), ..Self::default() }
    }

    /// The same with guide embeddings of length `guide_dim`.
    #[must_use]
    pub fn with_guide(mut self, guide_dim: usize, seed: u64) -> Self {
        self.guide_dim = guide_dim;
        self.guide = uniform(self.columns() * self.rows * guide_dim, seed);
        self
    }

    /// The same with labels.
    #[must_use]
    pub fn with_labels(mut self, labels: &[f64]) -> Self {
        self.labels = labels.to_vec();
        self
    }

    /// How many columns there are, hard negatives included.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.embeddings.len() / (self.rows * self.dim)
    }

    /// The batch as an [`Objective`](crate::Objective) takes it.
    #[must_use]
    pub fn view(&self) -> Batch<'_> {
        Batch {
            rows: self.rows,
            dim: self.dim,
            embeddings: &self.embeddings,
            guide_dim: self.guide_dim,
            guide: &self.guide,
            labels: &self.labels,
        }
    }

    /// The batch whose row `i` is row `order[i]` of this one, in every column.
    #[must_use]
    pub fn permuted(&self, order: &[usize]) -> Self {
        Self {
            rows: self.rows,
            dim: self.dim,
            embeddings: permuted(&self.embeddings, order, self.dim),
            guide_dim: self.guide_dim,
            guide: permuted(&self.guide, order, self.guide_dim.max(1)),
            labels: permuted(&self.labels, order, 1),
        }
    }

    /// The batch as it is after all of it was rounded to f32.
    #[must_use]
    pub fn rounded(&self) -> Self {
        let rounded = |values: &[f64]| values.iter().map(|&x| f64::from(x as f32)).collect();
        Self {
            embeddings: rounded(&self.embeddings),
            guide: rounded(&self.guide),
            labels: rounded(&self.labels),
            ..*self
        }
    }

    /// Rounds to f32 and evaluates as the host does: value, gradient and parts.
    ///
    /// # Errors
    /// Those of the loss.
    pub fn eval(&self, loss: &mut impl Loss) -> Result<(f64, Vec<f32>, Vec<f64>)> {
        let narrow = |values: &[f64]| -> Vec<f32> { values.iter().map(|&x| x as f32).collect() };
        let (embeddings, guide, labels) =
            (narrow(&self.embeddings), narrow(&self.guide), narrow(&self.labels));
        let batch = LossBatch {
            rows: self.rows,
            dim: self.dim,
            embeddings: &embeddings,
            guide_dim: self.guide_dim,
            guide: &guide,
            labels: &labels,
        };
        let mut gradients = vec![0.0; embeddings.len()];
        let mut parts = vec![0.0; loss.info().parts.len()];
        let value = loss.eval(&batch, &mut gradients, &mut parts)?;
        Ok((value, gradients, parts))
    }
}

/// `values`, `[columns, order.len(), dim]`, with row `i` of each column from row `order[i]`.
pub(super) fn permuted(values: &[f64], order: &[usize], dim: usize) -> Vec<f64> {
    let columns = values.chunks_exact(order.len() * dim);
    columns.flat_map(|column| order.iter().flat_map(|&row| &column[row * dim..][..dim])).copied().collect()
}

/// SplitMix64 (Steele et al. 2014), as numbers between -1 and 1.
fn uniform(count: usize, seed: u64) -> Vec<f64> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let bits = (z ^ (z >> 31)) >> 11;
        bits as f64 / (1_u64 << 52) as f64 - 1.0
    };
    (0..count).map(|_| next()).collect()
}
