//! Correction for a family of tests.

/// Holm's step-down adjusted p-values, in the order given (Holm 1979).
///
/// Sorted ascending, the i-th of m becomes the largest of `min(1, (m - j + 1) p_(j))` for j <= i:
/// comparing it with a level controls the chance of any false positive in the family.
#[must_use]
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut ascending: Vec<usize> = (0..p.len()).collect();
    ascending.sort_by(|&a, &b| p[a].total_cmp(&p[b]));
    let mut adjusted = vec![0.0; p.len()];
    let mut largest = 0.0_f64;
    for (done, &i) in ascending.iter().enumerate() {
        largest = largest.max((p[i] * (p.len() - done) as f64).min(1.0));
        adjusted[i] = largest;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        // Sorted: 0.01 * 4 = 0.04, 0.03 * 3 = 0.09, 0.04 * 2 = 0.08 -> 0.09, 0.5 * 1 = 0.5.
        let adjusted = holm(&[0.04, 0.01, 0.5, 0.03]);
        for (found, expected) in adjusted.iter().zip([0.09, 0.04, 0.5, 0.09]) {
            assert!((found - expected).abs() < 1e-15, "{adjusted:?}");
        }
    }

    #[test]
    fn never_above_one() {
        assert_eq!(holm(&[0.6, 0.9]), [1.0, 1.0]);
    }

    #[test]
    fn a_family_of_one_is_unchanged() {
        assert_eq!(holm(&[0.03]), [0.03]);
        assert!(holm(&[]).is_empty());
    }
}
