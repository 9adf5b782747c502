//! Which differences dare keeps: a coin per element that depends on nothing but where the element is.

/// The coins of one model in one tensor.
///
/// A counter-based generator: the i-th number is SplitMix64's output function (Steele, Lea and Flood 2014)
/// of the i-th multiple of its increment, from a key of seed, tensor name and model. So any chunk can be
/// drawn at any time, and chunks change nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Draws {
    key: u64,
    /// Numbers of 53 bits below this keep.
    below: u64,
}

/// SplitMix64's increment: 2^64 over the golden ratio.
const INCREMENT: u64 = 0x9e37_79b9_7f4a_7c15;

impl Draws {
    /// Coins that come up with probability `density`.
    pub(crate) fn new(seed: u64, tensor: &str, model: usize, density: f64) -> Self {
        let key = mix(mix(seed ^ fnv(tensor)).wrapping_add(INCREMENT.wrapping_mul(model as u64 + 1)));
        Draws { key, below: (density * (1u64 << 53) as f64) as u64 }
    }

    /// Whether the element of this index is kept.
    pub(crate) fn keeps(&self, element: usize) -> bool {
        let number = mix(self.key.wrapping_add(INCREMENT.wrapping_mul(element as u64 + 1)));
        number >> 11 < self.below
    }

    /// Writes 1 for each element from `offset` on that is kept, else 0.
    pub(crate) fn keep(&self, offset: usize, factors: &mut [f32]) {
        for (i, factor) in factors.iter_mut().enumerate() {
            *factor = if self.keeps(offset + i) { 1.0 } else { 0.0 };
        }
    }
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}

/// FNV-1a of a name.
fn fnv(name: &str) -> u64 {
    name.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(draws: &Draws, count: usize) -> Vec<bool> {
        (0..count).map(|i| draws.keeps(i)).collect()
    }

    #[test]
    fn splitmix64_gives_its_published_numbers() {
        // The first outputs for the seed 1234567, as in the reference implementation's tests.
        let output = |i: u64| mix(1_234_567u64.wrapping_add(INCREMENT.wrapping_mul(i)));
        assert_eq!(output(1), 6_457_827_717_110_365_317);
        assert_eq!(output(2), 3_203_168_211_198_807_973);
        assert_eq!(output(3), 9_817_491_932_198_370_423);
    }

    #[test]
    fn coins_are_fair_and_independent_of_each_other() {
        const N: usize = 100_000;
        let first = kept(&Draws::new(1, "w", 0, 0.2), N);
        for other in [Draws::new(2, "w", 0, 0.2), Draws::new(1, "v", 0, 0.2), Draws::new(1, "w", 1, 0.2)] {
            let other = kept(&other, N);
            let share = other.iter().filter(|kept| **kept).count() as f64 / N as f64;
            let both = first.iter().zip(&other).filter(|(a, b)| **a && **b).count() as f64 / N as f64;
            // Five standard deviations: 0.0063 and 0.0031.
            assert!((share - 0.2).abs() < 0.0063 && (both - 0.04).abs() < 0.0031, "{share} {both}");
        }
        let after: f64 = first.windows(2).filter(|pair| pair[0] && pair[1]).count() as f64 / N as f64;
        assert!((after - 0.04).abs() < 0.0031, "{after}");
    }

    #[test]
    fn a_coin_depends_on_its_place_alone() {
        let draws = Draws::new(7, "encoder.layer.0.output.dense.weight", 3, 0.5);
        let mut factors = vec![f32::NAN; 50];
        let (head, tail) = factors.split_at_mut(13);
        draws.keep(13, tail);
        draws.keep(0, head);
        let expected: Vec<f32> = kept(&draws, 50).into_iter().map(|k| f32::from(u8::from(k))).collect();
        assert_eq!(factors, expected);
        assert!(kept(&Draws::new(7, "w", 0, 1.0), 1000).into_iter().all(|kept| kept));
    }
}
