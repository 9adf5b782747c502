//! From features to a vector: signed hashing, sublinear counts, unit length.

use std::ops::RangeInclusive;

use crate::features::Features;
use crate::hash::Hash;
use crate::words::normalise;

/// Stands for a text without features, and for one whose features cancel out.
const EMPTY_TEXT: u64 = Hash::EMPTY.then(b"e\0").finish();

/// What a vector depends on besides the text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Vectoriser {
    pub(crate) ngrams: RangeInclusive<usize>,
    pub(crate) word_weight: f32,
}

impl Vectoriser {
    /// Writes the unit vector of `text` into `row` and returns its number of words.
    ///
    /// Each distinct feature adds `sign * weight * (1 + ln count)` to one component; the high bits
    /// of its hash choose the component, the lowest the sign (Weinberger et al. 2009, eq. 1).
    pub(crate) fn write(&self, text: &str, features: &mut Features, row: &mut [f32]) -> u32 {
        row.fill(0.0);
        features.extract(&normalise(text), &self.ngrams);
        add(&mut features.words, self.word_weight, row);
        add(&mut features.ngrams, 1.0, row);
        let length = row.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>().sqrt();
        if length > 0.0 {
            row.iter_mut().for_each(|x| *x = (f64::from(*x) / length) as f32);
        } else {
            row[component(EMPTY_TEXT, row.len())] = 1.0;
        }
        features.tokens
    }
}

/// Sums in the order of the hashes, so that a text's vector never depends on anything else.
fn add(hashes: &mut [u64], weight: f32, row: &mut [f32]) {
    hashes.sort_unstable();
    for equal in hashes.chunk_by(|a, b| a == b) {
        let value = f64::from(weight) * (1.0 + (equal.len() as f64).ln());
        let signed = if equal[0] & 1 == 0 { value } else { -value };
        row[component(equal[0], row.len())] += signed as f32;
    }
}

/// `hash / 2^64 * dim`, without division.
fn component(hash: u64, dim: usize) -> usize {
    ((u128::from(hash) * dim as u128) >> 64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vector(text: &str, dim: usize) -> Vec<f32> {
        let vectoriser = Vectoriser { ngrams: 2..=4, word_weight: 1.0 };
        let mut row = vec![7.0; dim];
        vectoriser.write(text, &mut Features::default(), &mut row);
        row
    }

    #[test]
    fn counts_grow_sublinearly_and_the_sign_is_the_lowest_bit() {
        let mut row = [0.0; 4];
        let low = 0u64; // component 0, positive
        let high = u64::MAX; // component 3, negative
        add(&mut [high, low, low, low], 2.0, &mut row);
        let three = (2.0 * (1.0 + 3f64.ln())) as f32;
        assert_eq!(row, [three, 0.0, 0.0, -2.0]);
    }

    #[test]
    fn components_cover_the_vector_evenly() {
        assert_eq!(component(0, 10), 0);
        assert_eq!(component(u64::MAX, 10), 9);
        assert_eq!(component(1 << 63, 10), 5);
        let mut counts = [0u32; 10];
        for i in 0..10_000u32 {
            counts[component(Hash::EMPTY.then(&i.to_le_bytes()).finish(), 10)] += 1;
        }
        assert!(counts.iter().all(|c| (900..1100).contains(c)), "{counts:?}");
    }

    #[test]
    fn every_vector_has_unit_length() {
        // One component: features of opposite signs cancel for about every other text.
        for dim in [1, 2, 16, 1024] {
            for i in 0..200 {
                let row = vector(&format!("text number {i}"), dim);
                let length = row.iter().map(|x| x * x).sum::<f32>();
                assert!((length - 1.0).abs() < 1e-5, "{dim} {i} {length}");
            }
        }
        for text in ["", " \n", "\u{200D}"] {
            assert_eq!(vector(text, 8), vector("", 8));
            assert_eq!(vector(text, 8).iter().filter(|&&x| x == 1.0).count(), 1);
        }
    }

    #[test]
    fn case_and_width_do_not_matter() {
        assert_eq!(vector("Ｆｅａｔｕｒｅ HASHING", 256), vector("feature hashing", 256));
    }
}
