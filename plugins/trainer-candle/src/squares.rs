//! Sums of squared gradients: the diagonal of the Fisher information.
//!
//! The estimate is that of Matena and Raffel 2022 with the data's positives and labels in place of draws
//! from the model (the empirical Fisher information), in the unit of one row. For batches `b` of `n_b`
//! rows with a mean loss `L_b`, and the weights `theta`:
//!
//! ```text
//! F = sum_b (n_b dL_b/dtheta)^2 / sum_b n_b
//! ```
//!
//! A loss plugin gives the mean over a batch, whose terms may depend on every other row: per-row gradients
//! do not exist for a contrastive loss. So a batch is the sample, and `n_b L_b` its negative log-likelihood.
//! With one row per batch this is the mean `h` of squared per-row gradients, as in the paper. Where the terms
//! of rows do not depend on each other, batches of `n` out of `N` rows have the expectation
//!
//! ```text
//! v h + (n - v) g^2,  v = (N - n) / (N - 1)
//! ```
//!
//! with `g` the gradient of the mean loss of all rows: `n` times the second moment of a mean of draws
//! without replacement (Khan et al. 2018, on the gradient magnitude approximation). So the unit does not
//! depend on the batch size, and small batches keep down what a mean gradient that is not 0 adds. A
//! contrastive loss is another one with each number of negatives in the batch: merge what was estimated with
//! one batch size.

use clirbench_candle::{Gradient, Gradients, cpu};
use clirbench_plugin::{Error, Result};
use rayon::prelude::*;

use crate::optimizer::failed;

/// Elements that one thread takes at a time. Elements do not depend on each other, so the result
/// depends neither on this nor on the number of threads.
const RUN: usize = 1 << 15;

/// The sums of all weights of a model, in f64.
#[derive(Debug)]
pub(crate) struct SquareSums {
    sums: Vec<Vec<f64>>,
    rows: usize,
}

impl SquareSums {
    /// No batch yet, for parameters of these numbers of elements.
    pub(crate) fn new(sizes: impl Iterator<Item = usize>) -> Self {
        SquareSums { sums: sizes.map(|size| vec![0.0; size]).collect(), rows: 0 }
    }

    /// Adds a batch of `rows` rows, given the gradients of its mean loss times `scale`. Parameters
    /// without a gradient do not move the loss.
    ///
    /// # Errors
    /// `runtime`, with the parameter, for a gradient that is not finite, or when the runtime fails.
    pub(crate) fn add(&mut self, gradients: &Gradients, rows: usize, scale: f32) -> Result<()> {
        self.rows += rows;
        let factor = rows as f64 / f64::from(scale);
        for (index, sums) in self.sums.iter_mut().enumerate() {
            let Some(gradient) = gradients.get(index) else { continue };
            let values = gradient.values().to_device(&candle_core::Device::Cpu).map_err(failed)?;
            let values = cpu::values(&values).map_err(failed)?;
            let finite = match gradient {
                Gradient::Dense(_) => {
                    let runs = sums.par_chunks_mut(RUN).zip(values.par_chunks(RUN));
                    runs.map(|(sums, values)| add(sums, values, factor)).reduce(|| true, |a, b| a && b)
                }
                Gradient::Rows { ids, .. } => {
                    let dim = values.len() / ids.len().max(1);
                    ids.iter().zip(values.chunks_exact(dim.max(1))).fold(true, |finite, (id, row)| {
                        add(&mut sums[*id as usize * dim..][..dim], row, factor) && finite
                    })
                }
            };
            if !finite {
                let name = &gradients.names()[index];
                return Err(Error::runtime(format!("the gradient of `{name}` is not finite"))
                    .hint("nothing was written; try `precision = \"f32\"`, or look at the batch's rows"));
            }
        }
        Ok(())
    }

    /// Rows of all batches.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// The estimate of each element of a parameter.
    pub(crate) fn per_row(&self, index: usize) -> impl Iterator<Item = f32> {
        let rows = self.rows.max(1) as f64;
        self.sums[index].iter().map(move |sum| (sum / rows) as f32)
    }

    /// Whether nothing moves the loss through a parameter.
    pub(crate) fn is_zero(&self, index: usize) -> bool {
        self.sums[index].iter().all(|sum| *sum == 0.0)
    }
}

/// Adds the squares of `factor * values`; returns whether all are finite.
fn add(sums: &mut [f64], values: &[f32], factor: f64) -> bool {
    let mut finite = true;
    for (sum, value) in sums.iter_mut().zip(values) {
        let gradient = factor * f64::from(*value);
        *sum += gradient * gradient;
        finite &= value.is_finite();
    }
    finite
}
