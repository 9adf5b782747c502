//! Dropout that replays: whether an element is kept is a function of seed, site and place, and of
//! nothing that a thread could change.

/// Where dropout happens and how much.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dropout {
    /// Probability of dropping an element.
    pub(crate) rate: f32,
    /// Number of the place in the model.
    pub(crate) site: u32,
}

/// Dropout of one site in one forward pass.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mask {
    key: u64,
    threshold: u32,
    /// What kept elements are multiplied by: `1 / (1 - rate)`.
    pub(crate) scale: f32,
}

/// The two words that decide over a row.
#[derive(Clone, Copy)]
pub(crate) struct RowMask {
    add: u32,
    xor: u32,
    threshold: u32,
    scale: f32,
}

impl Mask {
    /// The mask of `dropout`; `None` without a seed or with rate 0.
    pub(crate) fn new(seed: Option<u64>, dropout: Dropout) -> Option<Self> {
        let seed = seed.filter(|_| dropout.rate > 0.0)?;
        Some(Mask {
            key: mix64(mix64(seed) ^ u64::from(dropout.site)),
            threshold: (f64::from(dropout.rate) * 4_294_967_296.0) as u32,
            scale: 1.0 / (1.0 - dropout.rate),
        })
    }

    /// A word that no other site or seed shares.
    pub(crate) fn key(&self) -> u64 {
        self.key
    }

    /// The mask of one row.
    pub(crate) fn row(&self, row: u64) -> RowMask {
        let key = mix64(self.key ^ row);
        RowMask { add: key as u32, xor: (key >> 32) as u32, threshold: self.threshold, scale: self.scale }
    }
}

impl RowMask {
    /// What the element `col` of the row is multiplied by: 0, or `1 / (1 - rate)`.
    #[inline(always)]
    pub(crate) fn factor(&self, col: u32) -> f32 {
        let hash = mix32(mix32(col.wrapping_add(self.add)) ^ self.xor);
        // A mask of bits instead of a branch, which loops with more in them would keep as one.
        let kept = u32::from(hash >= self.threshold).wrapping_neg();
        f32::from_bits(self.scale.to_bits() & kept)
    }
}

/// A bijection of 64-bit words that mixes all bits (Steele, Lea and Flood 2014, SplitMix64, with the
/// golden-ratio increment).
pub(crate) fn mix64(x: u64) -> u64 {
    let mut x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// The finaliser of MurmurHash3: a bijection of 32-bit words, two multiplications.
#[inline(always)]
fn mix32(mut x: u32) -> u32 {
    x = (x ^ (x >> 16)).wrapping_mul(0x85eb_ca6b);
    x = (x ^ (x >> 13)).wrapping_mul(0xc2b2_ae35);
    x ^ (x >> 16)
}
