//! How signatures are cut into bands, and what that finds.

/// A signature cut into `bands` of `rows` places; two texts are candidates where they agree in all
/// rows of a band (Leskovec et al. 2020, section 3.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bands {
    /// b, at least 1.
    pub bands: usize,
    /// r, at least 1.
    pub rows: usize,
}

impl Bands {
    /// The probability that two texts of Jaccard similarity s become candidates: 1 - (1 - s^r)^b.
    #[must_use]
    pub fn recall(self, similarity: f64) -> f64 {
        1.0 - (1.0 - similarity.powf(self.rows as f64)).powf(self.bands as f64)
    }

    /// The bands within `permutations` (at least 1) with the least weighted sum of two areas: of
    /// [`recall`](Self::recall) below the threshold (false candidates), weighing 1 - w, and of what it
    /// lacks to 1 above (missed pairs), weighing w. The first of equal ones, by bands, then rows. Zhu et
    /// al. 2016; datasketch computes the same.
    #[must_use]
    pub fn optimal(threshold: f64, permutations: usize, false_negative_weight: f64) -> Bands {
        let error = |bands: &Bands| {
            let false_candidates = area(0.0, threshold, |s| bands.recall(s));
            let missed = area(threshold, 1.0, |s| 1.0 - bands.recall(s));
            (1.0 - false_negative_weight) * false_candidates + false_negative_weight * missed
        };
        let every = (1..=permutations)
            .flat_map(|bands| (1..=permutations / bands).map(move |rows| Bands { bands, rows }));
        let best = every
            .map(|bands| (error(&bands), bands))
            .reduce(|best, next| if next.0 < best.0 { next } else { best });
        best.map_or(Bands { bands: 1, rows: 1 }, |(_, bands)| bands)
    }
}

/// The integral by the midpoints of steps of about 0.001.
fn area(from: f64, to: f64, f: impl Fn(f64) -> f64) -> f64 {
    let steps = ((to - from) * 1000.0).round().max(1.0);
    let step = (to - from) / steps;
    (0..steps as u32).map(|i| f(from + (f64::from(i) + 0.5) * step) * step).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recall_by_hand() {
        let bands = Bands { bands: 2, rows: 3 };
        // 1 - (1 - 1/8)^2 = 15/64.
        assert!((bands.recall(0.5) - 15.0 / 64.0).abs() < 1e-15);
        assert_eq!((bands.recall(0.0), bands.recall(1.0)), (0.0, 1.0));
    }

    /// datasketch 2.0.0, `datasketch.lsh._optimal_param(threshold, 128, 1 - w, w)`.
    #[test]
    fn the_choice_is_that_of_datasketch() {
        for (threshold, weight, bands, rows) in DATASKETCH {
            assert_eq!(Bands::optimal(threshold, 128, weight), Bands { bands, rows }, "{threshold} {weight}");
        }
    }

    const DATASKETCH: [(f64, f64, usize, usize); 10] = [
        (0.3, 0.5, 37, 3),
        (0.3, 0.9, 32, 2),
        (0.5, 0.5, 25, 5),
        (0.5, 0.9, 32, 4),
        (0.7, 0.5, 14, 9),
        (0.7, 0.9, 20, 6),
        (0.8, 0.5, 9, 13),
        (0.8, 0.9, 14, 9),
        (0.9, 0.5, 5, 25),
        (0.9, 0.9, 8, 16),
    ];
}
