//! Tensors that a base does not have: the classifier of a new cross-encoder.

use candle_core::{Device, Result, Tensor};

use crate::random::mix64;

/// The standard deviation of new weights, as BERT's `initializer_range`.
const DEVIATION: f64 = 0.02;

/// Makes tensors that depend on a seed and their name only.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Initial {
    seed: u64,
}

impl Initial {
    pub(crate) fn new(seed: u64) -> Self {
        Initial { seed }
    }

    /// Zeros for a bias, ones for the weight of a norm, else uniform numbers of mean 0 and [`DEVIATION`].
    pub(crate) fn tensor(self, name: &str, shape: &[usize], device: &Device) -> Result<Tensor> {
        let count = shape.iter().product();
        let values = if name.ends_with("bias") {
            vec![0.0; count]
        } else if shape.len() == 1 {
            vec![1.0; count]
        } else {
            let key = name.bytes().fold(mix64(self.seed), |key, byte| mix64(key ^ u64::from(byte)));
            let uniform = |index: usize| (mix64(key ^ index as u64) >> 11) as f64 / (1u64 << 53) as f64;
            let width = DEVIATION * 12f64.sqrt();
            (0..count).map(|index| ((uniform(index) - 0.5) * width) as f32).collect()
        };
        Tensor::from_vec(values, shape, device)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_have_the_deviation_and_depend_on_seed_and_name() {
        let of = |seed, name: &str, shape: &[usize]| -> Vec<f32> {
            let tensor = Initial::new(seed).tensor(name, shape, &Device::Cpu).expect("a tensor");
            tensor.flatten_all().and_then(|t| t.to_vec1()).expect("numbers")
        };
        let weights = of(1, "classifier.weight", &[100, 100]);
        let mean = weights.iter().sum::<f32>() / 1e4;
        let deviation = (weights.iter().map(|w| (w - mean).powi(2)).sum::<f32>() / 1e4).sqrt();
        assert!(mean.abs() < 1e-3 && (deviation - 0.02).abs() < 1e-3, "{mean} {deviation}");
        assert_eq!(weights, of(1, "classifier.weight", &[100, 100]));
        assert_ne!(weights, of(2, "classifier.weight", &[100, 100]));
        assert_ne!(weights, of(1, "pooler.dense.weight", &[100, 100]));
        assert_eq!(of(1, "classifier.bias", &[2]), [0.0, 0.0]);
        assert_eq!(of(1, "head.norm.weight", &[2]), [1.0, 1.0]);
    }
}
