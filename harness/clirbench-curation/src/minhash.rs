//! MinHash signatures (Broder 1997): two sets agree in a place with the probability of their Jaccard
//! similarity.

use crate::{draw::Draw, shingles::ShingleSet};

/// A family of hash functions, and the signatures that it gives.
///
/// The functions are `h(x) = (a x + b mod 2^64) >> 32` on 32 bits of a shingle's hash, with a and b
/// drawn by the seed: multiply-shift, strongly universal (Dietzfelbinger 1996).
#[derive(Clone, Debug)]
pub struct MinHash {
    multipliers: Vec<u64>,
    addends: Vec<u64>,
}

impl MinHash {
    /// So many functions ("permutations"), drawn by the seed.
    #[must_use]
    pub fn new(permutations: usize, seed: u64) -> MinHash {
        let draw = Draw::new("clirbench minhash", seed);
        let drawn = |what: &str| draw.numbers(what).take(permutations).collect();
        MinHash { multipliers: drawn("multipliers"), addends: drawn("addends") }
    }

    /// The least hash of the set under every function; the greatest number for an empty set.
    #[must_use]
    pub fn signature(&self, set: &ShingleSet) -> Vec<u32> {
        let mut least = vec![u32::MAX; self.multipliers.len()];
        for shingle in set.hashes() {
            // The better mixed half of a product of 64 bits is the upper one.
            let x = shingle >> 32;
            let functions = self.multipliers.iter().zip(&self.addends);
            for (least, (a, b)) in least.iter_mut().zip(functions) {
                *least = (*least).min((a.wrapping_mul(x).wrapping_add(*b) >> 32) as u32);
            }
        }
        least
    }

    /// Estimates the Jaccard similarity of two sets from their signatures of one length n: the share
    /// of places that agree, unbiased with standard deviation sqrt(J (1 - J) / n).
    #[must_use]
    pub fn estimate(a: &[u32], b: &[u32]) -> f64 {
        let agreeing = a.iter().zip(b).filter(|(a, b)| a == b).count();
        agreeing as f64 / a.len().max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shingles::{ShingleKind, Shingles};

    /// Two sets of words, `shared` of them in both, `own` in each alone.
    fn sets(name: usize, shared: usize, own: usize) -> [ShingleSet; 2] {
        let words = Shingles { kind: ShingleKind::Words, size: 1 };
        ["a", "b"].map(|side| {
            let common = (0..shared).map(|i| format!("s{name}x{i} "));
            let text: String = common.chain((0..own).map(|i| format!("{side}{name}x{i} "))).collect();
            words.of(&text)
        })
    }

    #[test]
    fn the_estimate_is_unbiased() {
        let minhash = MinHash::new(128, 1);
        for (shared, own) in [(10, 45), (50, 25), (80, 10), (95, 5), (4, 1)] {
            let pairs = 400;
            let mut sum = 0.0;
            let mut jaccard = 0.0;
            for pair in 0..pairs {
                let [a, b] = sets(pair, shared, own);
                jaccard = a.jaccard(&b);
                sum += MinHash::estimate(&minhash.signature(&a), &minhash.signature(&b));
            }
            // Five standard errors of a mean of 400 estimates from 128 functions.
            let error = (jaccard * (1.0 - jaccard) / (128.0 * pairs as f64)).sqrt() * 5.0;
            let mean = sum / pairs as f64;
            assert!((mean - jaccard).abs() < error, "J {jaccard}: {mean}, more than {error} apart");
        }
    }

    #[test]
    fn the_seed_decides() {
        let [a, _] = sets(0, 20, 5);
        assert_eq!(MinHash::new(16, 7).signature(&a), MinHash::new(16, 7).signature(&a));
        assert_ne!(MinHash::new(16, 7).signature(&a), MinHash::new(16, 8).signature(&a));
        // The first functions do not depend on how many there are.
        assert_eq!(MinHash::new(32, 7).signature(&a)[..16], MinHash::new(16, 7).signature(&a));
    }
}
