//! Weights as they are stored, and as f32.

use half::slice::{HalfBitsSliceExt, HalfFloatSliceExt};
use half::{bf16, f16};
use serde::{Deserialize, Serialize};

/// A floating-point type that weights are stored in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StoredType {
    /// IEEE 754 single precision.
    F32,
    /// IEEE 754 half precision: up to 65504.
    F16,
    /// The upper half of an f32.
    Bf16,
}

impl StoredType {
    /// The type that a safetensors file calls so; `None` for integers and others.
    #[must_use]
    pub fn of(dtype: &str) -> Option<Self> {
        [StoredType::F32, StoredType::F16, StoredType::Bf16].into_iter().find(|t| t.name() == dtype)
    }

    /// Its name in a safetensors file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            StoredType::F32 => "F32",
            StoredType::F16 => "F16",
            StoredType::Bf16 => "BF16",
        }
    }

    /// Bytes of an element.
    pub(crate) fn bytes(self) -> usize {
        if self == StoredType::F32 { 4 } else { 2 }
    }

    /// Widens stored elements, exactly. `bytes` holds as many as `out`; `bits` is scratch.
    pub(crate) fn decode(self, bytes: &[u8], bits: &mut Vec<u16>, out: &mut [f32]) {
        if self == StoredType::F32 {
            for (out, word) in out.iter_mut().zip(bytes.as_chunks::<4>().0) {
                *out = f32::from_le_bytes(*word);
            }
            return;
        }
        bits.clear();
        bits.extend(bytes.as_chunks::<2>().0.iter().map(|word| u16::from_le_bytes(*word)));
        match self {
            StoredType::F16 => bits.reinterpret_cast::<f16>().convert_to_f32_slice(out),
            _ => bits.reinterpret_cast::<bf16>().convert_to_f32_slice(out),
        }
    }

    /// Rounds finite `values` as storing and reading them does.
    ///
    /// # Errors
    /// The index of the first value that is too large for the type.
    pub fn round(self, values: &mut [f32]) -> std::result::Result<(), usize> {
        if self != StoredType::F32 {
            let (mut bits, mut bytes) = (Vec::new(), Vec::new());
            self.encode(values, &mut bits, &mut bytes)?;
            self.decode(&bytes, &mut bits, values);
        }
        Ok(())
    }

    /// Rounds finite `values` to the nearest that the type has, ties to even. `bytes` is overwritten,
    /// `bits` is scratch.
    ///
    /// # Errors
    /// The index of the first value that is too large for the type.
    pub(crate) fn encode(
        self,
        values: &[f32],
        bits: &mut Vec<u16>,
        bytes: &mut Vec<u8>,
    ) -> std::result::Result<(), usize> {
        bytes.resize(values.len() * self.bytes(), 0);
        if self == StoredType::F32 {
            for (word, value) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(values) {
                *word = value.to_le_bytes();
            }
            return Ok(());
        }
        bits.resize(values.len(), 0);
        // All ones in the exponent: infinite.
        let infinite: u16 = match self {
            StoredType::F16 => {
                bits.reinterpret_cast_mut::<f16>().convert_from_f32_slice(values);
                0x7c00
            }
            _ => {
                bits.reinterpret_cast_mut::<bf16>().convert_from_f32_slice(values);
                0x7f80
            }
        };
        for (word, bits) in bytes.as_chunks_mut::<2>().0.iter_mut().zip(&*bits) {
            *word = bits.to_le_bytes();
        }
        match bits.iter().position(|bits| bits & infinite == infinite) {
            Some(at) => Err(at),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(stored: StoredType, values: &[f32]) -> std::result::Result<Vec<f32>, usize> {
        let (mut bits, mut bytes) = (Vec::new(), Vec::new());
        stored.encode(values, &mut bits, &mut bytes)?;
        assert_eq!(bytes.len(), values.len() * stored.bytes());
        let mut out = vec![f32::NAN; values.len()];
        stored.decode(&bytes, &mut bits, &mut out);
        Ok(out)
    }

    #[test]
    fn every_half_comes_back_bit_for_bit() {
        for stored in [StoredType::F16, StoredType::Bf16] {
            let bytes: Vec<u8> = (0..=u16::MAX).flat_map(u16::to_le_bytes).collect();
            let mut values = vec![0.0; 1 << 16];
            stored.decode(&bytes, &mut Vec::new(), &mut values);
            let finite: Vec<f32> = values.into_iter().filter(|x| x.is_finite()).collect();
            let back = round_trip(stored, &finite).expect("all fit");
            assert!(finite.iter().zip(&back).all(|(a, b)| a.to_bits() == b.to_bits()), "{stored:?}");
        }
    }

    #[test]
    fn rounding_is_to_the_nearest_and_what_does_not_fit_is_found() {
        // 1 + 2^-11 lies half-way between two f16 numbers, of which 1 is even.
        let values = [1.0 + f32::powi(2.0, -11), -0.0, 1.0 + 3.0 * f32::powi(2.0, -11)];
        let expected = [1.0, -0.0, 1.0 + f32::powi(2.0, -9)];
        let back = round_trip(StoredType::F16, &values).expect("they fit");
        assert_eq!(back.map_bits(), expected.to_vec().map_bits());
        assert_eq!(round_trip(StoredType::F16, &[1.0, 65504.0, -65520.0]), Err(2));
        assert_eq!(round_trip(StoredType::Bf16, &[f32::MAX]), Err(0));
        let exact = [f32::MAX, -0.0, f32::MIN_POSITIVE / 2.0];
        assert_eq!(
            round_trip(StoredType::F32, &exact).expect("as they are").map_bits(),
            exact.to_vec().map_bits()
        );
    }

    trait Bits {
        fn map_bits(self) -> Vec<u32>;
    }

    impl Bits for Vec<f32> {
        fn map_bits(self) -> Vec<u32> {
            self.into_iter().map(f32::to_bits).collect()
        }
    }
}
