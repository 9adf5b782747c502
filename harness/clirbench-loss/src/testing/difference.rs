//! Gradients against finite differences.

use std::fmt;

use super::OwnedBatch;
use crate::Objective;

/// The element of a gradient that is furthest from its finite difference.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// Where it is in the gradient.
    pub at: usize,
    /// The element as the loss gave it.
    pub analytic: f64,
    /// The element as differences of values give it.
    pub numeric: f64,
    /// The distance of the two, relative to the largest element of the gradient by size.
    pub relative: f64,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, analytic, numeric, relative } = self;
        write!(f, "gradient[{at}] is {analytic:e}, differences give {numeric:e} (off by {relative:e})")
    }
}

/// Compares every element of `gradient` with the five-point difference of `value` around `point`,
/// (8 (f(x+h) - f(x-h)) - (f(x+2h) - f(x-2h))) / 12h, whose error is of the order of h^4.
///
/// `gradient` and `point` are equally long and not empty.
pub fn largest_difference(
    point: &[f64],
    gradient: &[f64],
    step: f64,
    mut value: impl FnMut(&[f64]) -> f64,
) -> Difference {
    let mut x = point.to_vec();
    // An absolute floor, so that a gradient of zeros is compared and not divided by.
    let scale = gradient.iter().fold(1e-9_f64, |largest, g| largest.max(g.abs()));
    let mut worst = Difference { at: 0, analytic: gradient[0], numeric: gradient[0], relative: 0.0 };
    for (at, &analytic) in gradient.iter().enumerate() {
        let mut across = |h: f64| {
            let mut beside = |x_at: f64| {
                x[at] = x_at;
                value(&x)
            };
            beside(point[at] + h) - beside(point[at] - h)
        };
        let numeric = (8.0 * across(step) - across(2.0 * step)) / (12.0 * step);
        x[at] = point[at];
        let relative = (analytic - numeric).abs() / scale;
        // A difference that is no number is the worst there is.
        let relative = if relative.is_nan() { f64::INFINITY } else { relative };
        if relative > worst.relative {
            worst = Difference { at, analytic, numeric, relative };
        }
    }
    worst
}

/// Holds the gradient of `objective` at `batch` against [`largest_difference`] with steps of
/// `step`; it has to agree to `tolerance`, relative to its largest element.
///
/// # Panics
/// If it does not, with the worst element.
pub fn check_gradient(objective: &impl Objective, batch: &OwnedBatch, step: f64, tolerance: f64) {
    let mut parts = vec![0.0; objective.info().parts.len()];
    let mut gradient = vec![0.0; batch.embeddings.len()];
    objective.value(&batch.view(), &mut gradient, &mut parts);
    let mut unused = vec![0.0; gradient.len()];
    let worst = largest_difference(&batch.embeddings, &gradient, step, |embeddings| {
        unused.fill(0.0);
        let moved = crate::Batch { embeddings, ..batch.view() };
        objective.value(&moved, &mut unused, &mut parts)
    });
    assert!(worst.relative <= tolerance, "{worst}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(x: &[f64]) -> f64 {
        x[0].exp() * x[1] + x[2].sin()
    }

    #[test]
    fn a_right_gradient_agrees() {
        let point = [0.3, -1.2, 2.0];
        let gradient = [0.3_f64.exp() * -1.2, 0.3_f64.exp(), 2.0_f64.cos()];
        let worst = largest_difference(&point, &gradient, 1e-3, value);
        assert!(worst.relative < 1e-11, "{worst}");
    }

    #[test]
    fn a_wrong_element_is_found() {
        let point = [0.3, -1.2, 2.0];
        let gradient = [0.3_f64.exp() * -1.2, 0.3_f64.exp(), 2.0_f64.cos() + 1e-6];
        let worst = largest_difference(&point, &gradient, 1e-3, value);
        assert_eq!(worst.at, 2);
        assert!((worst.relative - 1e-6 / 1.62).abs() < 1e-8, "{worst}");
    }

    #[test]
    fn a_value_that_is_no_number_is_found() {
        let worst =
            largest_difference(&[1.0; 3], &[0.0; 3], 1e-3, |x| if x[1] == 1.0 { 0.0 } else { f64::NAN });
        assert_eq!(worst.at, 1);
        assert_eq!(worst.relative, f64::INFINITY);
    }
}
