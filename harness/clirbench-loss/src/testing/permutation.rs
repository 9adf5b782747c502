//! Losses do not care in which order the rows of a batch come.

use super::OwnedBatch;
use super::batch::permuted;
use crate::Objective;

/// Holds that the rows of `batch` in another order have the same value and parts and, row by row,
/// the same gradient, to `1e-12` relative: sums in another order differ in their last bits.
///
/// # Panics
/// If they do not, or if the gradient is zero everywhere.
pub fn check_permutation(objective: &impl Objective, batch: &OwnedBatch, order: &[usize]) {
    let of = |batch: &OwnedBatch| {
        let mut parts = vec![0.0; objective.info().parts.len()];
        let mut gradient = vec![0.0; batch.embeddings.len()];
        let value = objective.value(&batch.view(), &mut gradient, &mut parts);
        (value, parts, gradient)
    };
    let (value, parts, gradient) = of(batch);
    let (moved_value, moved_parts, moved_gradient) = of(&batch.permuted(order));
    let largest = |values: &[f64]| values.iter().fold(0.0_f64, |largest, x| largest.max(x.abs()));
    assert!(largest(&gradient) > 0.0, "a gradient of zeros shows nothing");
    let close = |a: &[f64], b: &[f64]| {
        let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
        a.len() == b.len() && largest(&differences) <= 1e-12 * largest(a)
    };
    assert!(close(&[value], &[moved_value]), "value {value} became {moved_value}");
    assert!(close(&parts, &moved_parts), "parts {parts:?} became {moved_parts:?}");
    assert!(
        close(&permuted(&gradient, order, batch.dim), &moved_gradient),
        "gradients moved with other rows"
    );
}
