//! A loss as a pure function in f64, and how a plugin's `eval` gets there.

use clirbench_plugin::{Error, Loss, LossBatch, Result};

use crate::check;

/// The rows of one batch in f64; shapes as in [`LossBatch`].
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// Rows of the batch, `n`; at least 1.
    pub rows: usize,
    /// Length of one embedding, `d`; 1 for scores.
    pub dim: usize,
    /// `[columns, n, d]`.
    pub embeddings: &'a [f64],
    /// Length of one guide embedding; 0 without a guide.
    pub guide_dim: usize,
    /// `[columns, n, guide_dim]`.
    pub guide: &'a [f64],
    /// One per row, between 0 and 1; empty for a loss without labels.
    pub labels: &'a [f64],
}

/// A loss as a pure function of f64 rows.
pub trait Objective: Loss {
    /// Returns the value; writes its derivative by each of `batch.embeddings` to `gradients` (same
    /// shape, zero on entry) and one number per part to `parts`.
    ///
    /// The batch fits [`Loss::info`]: columns, guide and labels are there, and all is finite.
    fn value(&self, batch: &Batch<'_>, gradients: &mut [f64], parts: &mut [f64]) -> f64;
}

/// What [`Loss::eval`] of an objective does: checks, widens, computes, rounds once.
///
/// # Errors
/// `input` where the batch has no rows, another shape than [`Loss::info`] asks for, a value that is
/// not finite (by column and row) or a label outside 0 to 1; `runtime` where the value or a
/// gradient is too large for its type; `internal` where `gradients` or `parts` has a wrong length.
pub fn evaluate(
    objective: &impl Objective,
    batch: &LossBatch<'_>,
    gradients: &mut [f32],
    parts: &mut [f64],
) -> Result<f64> {
    let info = objective.info();
    check::batch(&info, batch)?;
    if (gradients.len(), parts.len()) != (batch.embeddings.len(), info.parts.len()) {
        return Err(Error::internal(format!(
            "{} gradients and {} parts need as many places, not {} and {}",
            batch.embeddings.len(),
            info.parts.len(),
            gradients.len(),
            parts.len()
        )));
    }
    let wide = |values: &[f32]| -> Vec<f64> { values.iter().copied().map(f64::from).collect() };
    let (embeddings, guide, labels) = (wide(batch.embeddings), wide(batch.guide), wide(batch.labels));
    let wide = Batch {
        rows: batch.rows,
        dim: batch.dim,
        embeddings: &embeddings,
        guide_dim: batch.guide_dim,
        guide: &guide,
        labels: &labels,
    };
    let mut exact = vec![0.0; embeddings.len()];
    let value = objective.value(&wide, &mut exact, parts);
    for (rounded, exact) in gradients.iter_mut().zip(&exact) {
        *rounded = *exact as f32;
    }
    check::result(&info, batch, value, gradients)?;
    Ok(value)
}
