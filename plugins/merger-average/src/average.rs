//! The sum.

use clirbench_plugin::Real;

/// Elements that are summed at a time: what is accumulated stays in the first cache.
const BLOCK: usize = 1024;

/// What each model is multiplied by.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Coefficients {
    models: Vec<f64>,
    /// Their sum where the result is scaled by it; `None` for a true average.
    scale: Option<f64>,
}

impl Coefficients {
    /// Those of `weights`; `None` where their sum leaves nothing to divide by.
    pub(crate) fn new(weights: &[f64], normalize: bool) -> Option<Self> {
        let sum: f64 = weights.iter().sum();
        if !normalize {
            // A sum of one is an average, and has to be exact where all models agree.
            let scale = ((sum - 1.0).abs() > f64::EPSILON * weights.len() as f64).then_some(sum);
            return Some(Coefficients { models: weights.to_vec(), scale });
        }
        let models: Vec<f64> = weights.iter().map(|weight| weight / sum).collect();
        models.iter().all(|c| c.is_finite()).then_some(Coefficients { models, scale: None })
    }

    /// Writes the merged chunk; all of one length.
    pub(crate) fn merge<R: Real>(&self, models: &[&[f32]], out: &mut [f32]) {
        let mut differences = [R::default(); BLOCK];
        let coefficients: Vec<R> = self.models.iter().map(|c| R::round(*c)).collect();
        for (block, out) in out.chunks_mut(BLOCK).enumerate() {
            let part = block * BLOCK..block * BLOCK + out.len();
            let anchor = &models[0][part.clone()];
            let differences = &mut differences[..out.len()];
            differences.fill(R::default());
            for (model, coefficient) in models.iter().zip(&coefficients).skip(1) {
                for ((sum, x), anchor) in differences.iter_mut().zip(&model[part.clone()]).zip(anchor) {
                    *sum += *coefficient * (R::widen(*x) - R::widen(*anchor));
                }
            }
            match self.scale {
                None => anchored(anchor, differences, out),
                Some(scale) => {
                    let scale = R::round(scale);
                    for ((out, sum), anchor) in out.iter_mut().zip(differences).zip(anchor) {
                        *out = (scale * R::widen(*anchor) + *sum).narrow();
                    }
                }
            }
        }
    }
}

/// The anchor plus the differences. Where there is no difference the anchor's bits stay: adding zero
/// would turn -0.0 into 0.0.
fn anchored<R: Real>(anchor: &[f32], differences: &[R], out: &mut [f32]) {
    for ((out, sum), anchor) in out.iter_mut().zip(differences).zip(anchor) {
        let moved = (R::widen(*anchor) + *sum).narrow();
        *out = if *sum == R::default() { *anchor } else { moved };
    }
}
