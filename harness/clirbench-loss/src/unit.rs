//! Rows of unit length, and the way back to the rows that they came from.

use std::ops::Range;

use crate::Matrix;

/// A norm below this counts as this, as in PyTorch's `cosine_similarity`.
pub const NORM_FLOOR: f64 = 1e-8;

/// Rows divided by their length, x^ = x / max(|x|, 1e-8), so that a dot product is a cosine.
#[derive(Clone, Debug)]
pub struct UnitRows {
    unit: Vec<f64>,
    norms: Vec<f64>,
    dim: usize,
}

impl UnitRows {
    /// Scales `rows`, `[n, dim]`. `dim` is at least 1.
    #[must_use]
    pub fn new(rows: &[f64], dim: usize) -> Self {
        let norms: Vec<f64> =
            rows.chunks_exact(dim).map(|row| row.iter().map(|x| x * x).sum::<f64>().sqrt()).collect();
        let mut unit = rows.to_vec();
        for (row, norm) in unit.chunks_exact_mut(dim).zip(&norms) {
            row.iter_mut().for_each(|x| *x /= norm.max(NORM_FLOOR));
        }
        Self { unit, norms, dim }
    }

    /// `[n, dim]`.
    #[must_use]
    pub fn as_slice(&self) -> &[f64] {
        &self.unit
    }

    /// Some of the rows, `[rows.len(), dim]`.
    #[must_use]
    pub fn matrix(&self, rows: Range<usize>) -> Matrix<'_> {
        let unit = &self.unit[rows.start * self.dim..rows.end * self.dim];
        Matrix::new(unit, rows.len(), self.dim)
    }

    /// From the derivative by the unit rows to that by the rows, in place:
    /// dx = (dx^ - (dx^ . x^) x^) / |x|, and dx^ / 1e-8 where the norm is below that.
    pub fn backward(&self, gradients: &mut [f64]) {
        let rows = self.unit.chunks_exact(self.dim).zip(&self.norms);
        for ((unit, &norm), gradient) in rows.zip(gradients.chunks_exact_mut(self.dim)) {
            // The divisor of a short row is a constant: its gradient keeps what lies along the row.
            let along = if norm < NORM_FLOOR { 0.0 } else { dot(gradient, unit) };
            for (g, x) in gradient.iter_mut().zip(unit) {
                *g = (*g - along * x) / norm.max(NORM_FLOOR);
            }
        }
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_scaled_and_its_gradient_loses_what_lies_along_it() {
        let rows = UnitRows::new(&[3.0, 4.0], 2);
        assert_eq!(rows.as_slice(), [0.6, 0.8]);
        // (1, 1) has 1.4 along (0.6, 0.8); what is left is (0.16, -0.12), over the norm 5.
        let mut gradient = [1.0, 1.0];
        rows.backward(&mut gradient);
        assert!((gradient[0] - 0.032).abs() < 1e-15 && (gradient[1] + 0.024).abs() < 1e-15, "{gradient:?}");
    }

    /// Below the floor the divisor is a constant, and a row may grow along itself.
    #[test]
    fn a_short_row_is_scaled_by_the_floor() {
        let rows = UnitRows::new(&[0.0, 0.0, 0.5 * NORM_FLOOR, 0.0], 2);
        assert_eq!(rows.as_slice(), [0.0, 0.0, 0.5, 0.0]);
        let mut gradients = [1.0, -2.0, 1.0, -2.0];
        rows.backward(&mut gradients);
        assert_eq!(gradients, [1.0, -2.0, 1.0, -2.0].map(|g| g / NORM_FLOOR));
    }
}
