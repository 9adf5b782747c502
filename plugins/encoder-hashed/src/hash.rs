//! A 64-bit hash that is the same on every machine and in every release.
//!
//! FNV-1a (Fowler, Noll, Vo) with the finaliser of MurmurHash3 (Appleby): FNV-1a extends byte by
//! byte, so all n-grams that start at one character share their work; the finaliser spreads its
//! weak high bits, which choose the component.

/// The state of a hash that can still be extended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hash(u64);

impl Hash {
    /// The hash of nothing.
    pub(crate) const EMPTY: Self = Self(0xcbf2_9ce4_8422_2325);

    /// The hash of what came before, followed by `bytes`.
    pub(crate) const fn then(self, bytes: &[u8]) -> Self {
        let mut state = self.0;
        let mut i = 0;
        while i < bytes.len() {
            state = (state ^ bytes[i] as u64).wrapping_mul(0x0000_0100_0000_01b3);
            i += 1;
        }
        Self(state)
    }

    /// The hash's value, all 64 bits usable.
    pub(crate) const fn finish(self) -> u64 {
        let mut h = self.0;
        h = (h ^ (h >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
        h = (h ^ (h >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
        h ^ (h >> 33)
    }
}

#[cfg(test)]
mod tests {
    use super::Hash;

    #[test]
    fn states_are_the_published_fnv_1a_values() {
        assert_eq!(Hash::EMPTY.then(b"a").0, 0xaf63_dc4c_8601_ec8c);
        assert_eq!(Hash::EMPTY.then(b"foobar").0, 0x8594_4171_f739_67e8);
        assert_eq!(Hash::EMPTY.then(b"foo").then(b"bar"), Hash::EMPTY.then(b"foobar"));
    }

    #[test]
    fn the_finaliser_is_murmur3s() {
        assert_eq!(Hash(0).finish(), 0);
        assert_eq!(Hash(1).finish(), 0xb456_bcfc_34c2_cb2c);
    }
}
