//! Rotary positions (Su et al. 2021): dimension `i` of a head turns against dimension `i + half`, by
//! an angle of `position / theta^(i / half)`.

use candle_core::{D, Device, Result, Tensor};

/// Cosines and sines `[positions, half]` of the angles.
pub(crate) struct Angles {
    pub(crate) cos: Vec<f32>,
    pub(crate) sin: Vec<f32>,
    pub(crate) half: usize,
}

impl Angles {
    pub(crate) fn new(theta: f64, head_size: usize, positions: usize) -> Self {
        let half = head_size / 2;
        let angle = |p: usize, i: usize| {
            // Transformers computes frequencies and angles in f32; so does this, for equal embeddings.
            let frequency = 1.0 / (theta as f32).powf((2 * i) as f32 / head_size as f32);
            p as f32 * frequency
        };
        let table =
            |f: fn(f32) -> f32| (0..positions).flat_map(|p| (0..half).map(move |i| f(angle(p, i)))).collect();
        Angles { cos: table(f32::cos), sin: table(f32::sin), half }
    }

    /// Turns one head's vector at `position`; `direction` is 1, or -1 for the way back.
    #[inline(always)]
    pub(crate) fn turn(&self, head: &mut [f32], position: usize, direction: f32) {
        let at = position * self.half;
        let (cos, sin) = (&self.cos[at..at + self.half], &self.sin[at..at + self.half]);
        let (first, second) = head.split_at_mut(self.half);
        for (((a, b), cos), sin) in first.iter_mut().zip(second).zip(cos).zip(sin) {
            let sin = sin * direction;
            (*a, *b) = (*a * cos - *b * sin, *b * cos + *a * sin);
        }
    }

    /// Turns heads `[.., positions, head size]` of a tensor.
    pub(crate) fn plain(&self, x: &Tensor, device: &Device) -> Result<Tensor> {
        let positions = self.cos.len() / self.half;
        let table =
            |values: &[f32]| Tensor::from_slice(values, (positions, self.half), device)?.to_dtype(x.dtype());
        let (cos, sin) = (table(&self.cos)?, table(&self.sin)?);
        let a = x.narrow(D::Minus1, 0, self.half)?;
        let b = x.narrow(D::Minus1, self.half, self.half)?;
        let first = (a.broadcast_mul(&cos)? - b.broadcast_mul(&sin)?)?;
        let second = (b.broadcast_mul(&cos)? + a.broadcast_mul(&sin)?)?;
        Tensor::cat(&[first, second], D::Minus1)
    }
}
