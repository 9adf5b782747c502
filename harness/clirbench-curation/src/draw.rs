//! Seeded draws that depend on a key alone, not on the order of draws or on what else is drawn.

/// Numbers from a seed, a purpose and a key, by BLAKE3.
pub(crate) struct Draw(blake3::Hasher);

impl Draw {
    pub(crate) fn new(purpose: &'static str, seed: u64) -> Draw {
        let mut hasher = blake3::Hasher::new_derive_key(purpose);
        hasher.update(&seed.to_le_bytes());
        Draw(hasher)
    }

    /// Uniform over all numbers.
    pub(crate) fn number(&self, key: &str) -> u64 {
        let mut bytes = [0; 8];
        self.stream(key).fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    /// Uniform in [0, 1).
    pub(crate) fn fraction(&self, key: &str) -> f64 {
        // An f64 holds 53 bits.
        (self.number(key) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// As many numbers as are asked for.
    pub(crate) fn numbers(&self, key: &str) -> impl Iterator<Item = u64> {
        let mut stream = self.stream(key);
        std::iter::repeat_with(move || {
            let mut bytes = [0; 8];
            stream.fill(&mut bytes);
            u64::from_le_bytes(bytes)
        })
    }

    fn stream(&self, key: &str) -> blake3::OutputReader {
        let mut hasher = self.0.clone();
        hasher.update(key.as_bytes());
        hasher.finalize_xof()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draw_depends_on_purpose_seed_and_key() {
        let draw = Draw::new("a", 1);
        assert_eq!(draw.number("x"), Draw::new("a", 1).number("x"));
        assert_eq!(draw.numbers("x").next(), Some(draw.number("x")));
        for other in [Draw::new("b", 1).number("x"), Draw::new("a", 2).number("x"), draw.number("y")] {
            assert_ne!(draw.number("x"), other);
        }
    }

    #[test]
    fn fractions_are_uniform() {
        let draw = Draw::new("a", 1);
        let mut bins = [0u32; 10];
        (0..10_000).for_each(|i| bins[(draw.fraction(&i.to_string()) * 10.0) as usize] += 1);
        // Chi-square with 9 degrees of freedom: 27.9 is passed once in a thousand.
        let chi: f64 = bins.iter().map(|&n| (f64::from(n) - 1000.0).powi(2) / 1000.0).sum();
        assert!(chi < 27.9, "{bins:?}");
    }
}
