//! Which differences of a tensor are the largest: exact, in two passes, whatever the size of the tensor.

/// The k-th largest |difference| of one model in one tensor, found by radix select.
///
/// Sizes are compared as f32. The bits of positive floats rise with their value, so the first pass counts
/// upper halves, which says in which half the k-th lies, and the second pass counts the lower halves
/// there. Of equal ones those of lower index are kept, so that it is exactly k.
pub(crate) struct Trim {
    keep: u64,
    /// How many differences have each upper, then lower half.
    counts: Vec<u64>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Counting upper halves.
    Upper,
    /// Counting lower halves below this upper one, in which the `rank`-th largest is looked for.
    Lower { upper: u32, rank: u64 },
    /// Everything above `least` is kept, and so many of those that equal it.
    Found { least: u32, equal: u64 },
}

impl Trim {
    /// Passes over a tensor before its differences can be trimmed.
    pub(crate) const PASSES: usize = 2;

    /// Keeps the share `density` of a tensor's differences, rounded down, but one at least.
    pub(crate) fn new(elements: usize, density: f64) -> Self {
        let keep = ((elements as f64 * density) as u64).max(1);
        Trim { keep, counts: vec![0; 1 << 16], state: State::Upper }
    }

    /// Looks at a chunk in pass 0 or 1.
    pub(crate) fn observe(&mut self, pass: usize, base: &[f32], model: &[f32]) {
        if pass == 1 && self.state == State::Upper {
            let (upper, rank) = self.select(self.keep);
            self.state = State::Lower { upper, rank };
            self.counts.fill(0);
        }
        let sizes = base.iter().zip(model).map(|(base, x)| size(*base, *x));
        match self.state {
            State::Lower { upper, .. } => {
                for size in sizes.filter(|size| size >> 16 == upper) {
                    self.counts[(size & 0xffff) as usize] += 1;
                }
            }
            State::Upper | State::Found { .. } => {
                sizes.for_each(|size| self.counts[(size >> 16) as usize] += 1)
            }
        }
    }

    /// Writes 1 for each difference of the chunk that is kept, else 0. Chunks come in order.
    pub(crate) fn keep(&mut self, base: &[f32], model: &[f32], factors: &mut [f32]) {
        if let State::Lower { upper, rank } = self.state {
            let (lower, equal) = self.select(rank);
            self.state = State::Found { least: upper << 16 | lower, equal };
        }
        let State::Found { least, equal } = &mut self.state else { return factors.fill(0.0) };
        for ((base, x), factor) in base.iter().zip(model).zip(factors) {
            let size = size(*base, *x);
            let ties = size == *least && *equal > 0;
            *equal -= u64::from(ties);
            *factor = if size > *least || ties { 1.0 } else { 0.0 };
        }
    }

    /// The half that holds the `rank`-th largest (from 1), and its rank among those of that half.
    fn select(&self, rank: u64) -> (u32, u64) {
        let mut left = rank;
        for (half, &count) in self.counts.iter().enumerate().rev() {
            if left <= count {
                return (half as u32, left);
            }
            left -= count;
        }
        // Fewer differences than are to be kept: an empty tensor.
        (0, left)
    }
}

/// The bits of |x - base|.
fn size(base: f32, x: f32) -> u32 {
    (x - base).abs().to_bits()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn trimmed(base: &[f32], model: &[f32], density: f64, chunk: usize) -> Vec<f32> {
        let mut trim = Trim::new(base.len(), density);
        let parts = || base.chunks(chunk).zip(model.chunks(chunk));
        for pass in 0..Trim::PASSES {
            parts().for_each(|(base, model)| trim.observe(pass, base, model));
        }
        let mut factors = vec![f32::NAN; base.len()];
        parts().zip(factors.chunks_mut(chunk)).for_each(|((base, model), out)| trim.keep(base, model, out));
        factors
    }

    #[test]
    fn the_largest_are_kept_and_of_equal_ones_the_first() {
        let base = [0.0; 6];
        assert_eq!(trimmed(&base, &[1.0, -3.0, 2.0, 0.5, -0.1, 0.0], 0.5, 2), [1.0, 1.0, 1.0, 0.0, 0.0, 0.0]);
        assert_eq!(trimmed(&base, &[1.0, -1.0, 1.0, 2.0, 1.0, -1.0], 0.5, 4), [1.0, 1.0, 0.0, 1.0, 0.0, 0.0]);
        assert_eq!(trimmed(&base, &[0.0; 6], 0.34, 6), [1.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
        // Rounded down, but one at least.
        assert_eq!(trimmed(&base, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 0.01, 5).iter().sum::<f32>(), 1.0);
        assert_eq!(trimmed(&[7.0], &[7.0], 0.1, 1), [1.0]);
    }

    proptest! {
        #[test]
        fn it_is_what_sorting_says(
            values in prop::collection::vec((prop::sample::select(vec![0.0f32, 1.0, -1.0, 0.5]), -2.0..2.0f32, any::<bool>()), 1..300),
            density in 0.01..0.99f64,
            chunk in 1..80usize,
        ) {
            let base: Vec<f32> = values.iter().map(|v| v.0).collect();
            // Many equal sizes, and many that differ in their lower halves only.
            let model: Vec<f32> = values.iter().map(|v| if v.2 { v.0 + 1.0 } else { v.0 + v.1 }).collect();
            let mut order: Vec<usize> = (0..values.len()).collect();
            order.sort_by_key(|&i| (std::cmp::Reverse(size(base[i], model[i])), i));
            let keep = ((values.len() as f64 * density) as usize).max(1);
            let mut expected = vec![0.0; values.len()];
            order[..keep].iter().for_each(|&i| expected[i] = 1.0);
            prop_assert_eq!(trimmed(&base, &model, density, chunk), expected);
        }
    }
}
