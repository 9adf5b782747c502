//! Softmax over rows, and cross-entropy with its gradient.

/// Logarithms of the softmax of `logits`, in place; an entry of minus infinity stays one.
///
/// At least one logit is finite and none is plus infinity.
pub fn log_softmax(logits: &mut [f64]) {
    let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = logits.iter().map(|logit| (logit - largest).exp()).sum();
    // Not minus (largest + ln): beside a large logit the logarithm would be lost.
    logits.iter_mut().for_each(|logit| *logit = (*logit - largest) - sum.ln());
}

/// Mean cross-entropy of the rows of `logits`, `[n, width]`, where row `i` should choose column
/// `first_target + i`. Replaces each logit by the derivative by it, (softmax - onehot) / n; that of
/// minus infinity (a masked entry) is 0.
///
/// The logit of the target is finite; `width` is at least 1.
pub fn cross_entropy(logits: &mut [f64], width: usize, first_target: usize) -> f64 {
    let rows = (logits.len() / width) as f64;
    let mut sum = 0.0;
    for (i, row) in logits.chunks_exact_mut(width).enumerate() {
        log_softmax(row);
        sum -= row[first_target + i];
        row.iter_mut().for_each(|logit| *logit = logit.exp() / rows);
        row[first_target + i] -= 1.0 / rows;
    }
    sum / rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_in_the_ratio_of_their_weights() {
        let mut row = [1.0_f64.ln(), 2.0_f64.ln(), 5.0_f64.ln(), f64::NEG_INFINITY];
        log_softmax(&mut row);
        let probabilities = row.map(f64::exp);
        for (p, wanted) in probabilities.into_iter().zip([0.125, 0.25, 0.625, 0.0]) {
            assert!((p - wanted).abs() < 1e-15, "{probabilities:?}");
        }
    }

    #[test]
    fn logits_of_any_size_neither_overflow_nor_vanish() {
        let mut row = [3e38, 3e38, -3e38];
        log_softmax(&mut row);
        assert_eq!(row, [-std::f64::consts::LN_2, -std::f64::consts::LN_2, -6e38]);
    }

    /// Two rows; their targets are columns 1 and 2, with probabilities 1/2 and 1.
    #[test]
    fn cross_entropy_and_gradient_by_hand() {
        let (nothing, masked) = (0.0, f64::NEG_INFINITY);
        let mut logits = [nothing, nothing, masked, masked, masked, 7.0];
        let value = cross_entropy(&mut logits, 3, 1);
        assert!((value - std::f64::consts::LN_2 / 2.0).abs() < 1e-15, "{value}");
        assert_eq!(logits, [0.25, -0.25, 0.0, 0.0, 0.0, 0.0]);
    }
}
