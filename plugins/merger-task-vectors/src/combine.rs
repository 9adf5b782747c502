//! Adds what is kept of the differences to the base.

use clirbench_plugin::Real;

use crate::options::Options;

/// Elements that are combined at a time: what is accumulated stays in the first cache.
const BLOCK: usize = 1024;

/// Weights below which there is nothing to divide by.
const NOTHING: f64 = 1e-8;

/// How differences are combined in one tensor.
#[derive(Clone, Debug)]
pub(crate) struct Combination {
    weights: Vec<f64>,
    lambda: f64,
    elects: bool,
    normalizes: bool,
}

impl Combination {
    pub(crate) fn new(options: &Options, weights: &[f64]) -> Self {
        Combination {
            weights: weights.to_vec(),
            lambda: options.lambda,
            elects: options.elects(),
            normalizes: options.normalizes(),
        }
    }

    /// Writes the merged chunk. `factors` (one per element of each model) and `scales` (one per model)
    /// multiply the differences.
    pub(crate) fn merge<R: Real>(
        &self,
        base: &[f32],
        models: &[&[f32]],
        factors: &[Vec<f32>],
        scales: &[f64],
        out: &mut [f32],
    ) {
        let zero = R::default();
        // Per model: its weight, and the weight of its rescaled differences.
        let weights: Vec<(R, R)> =
            self.weights.iter().zip(scales).map(|(w, scale)| (R::round(*w), R::round(w * scale))).collect();
        let (mut sums, mut positive, mut divisors) = ([zero; BLOCK], [false; BLOCK], [zero; BLOCK]);
        for (block, out) in out.chunks_mut(BLOCK).enumerate() {
            let part = block * BLOCK..block * BLOCK + out.len();
            let base = &base[part.clone()];
            let (sums, positive, divisors) =
                (&mut sums[..out.len()], &mut positive[..out.len()], &mut divisors[..out.len()]);
            let differences = |model: usize| {
                let elements =
                    models[model][part.clone()].iter().zip(base).zip(&factors[model][part.clone()]);
                let weight = weights[model].1;
                elements.map(move |((x, base), factor)| {
                    weight * (R::widen(*factor) * (R::widen(*x) - R::widen(*base)))
                })
            };
            sums.fill(zero);
            for model in 0..models.len() {
                sums.iter_mut().zip(differences(model)).for_each(|(sum, difference)| *sum += difference);
            }
            let mut divisor = R::round(1.0);
            if self.elects {
                positive.iter_mut().zip(&*sums).for_each(|(positive, sum)| *positive = *sum >= zero);
                sums.fill(zero);
                divisors.fill(zero);
                for (model, (weight, _)) in weights.iter().enumerate() {
                    let elements =
                        sums.iter_mut().zip(&mut *divisors).zip(&*positive).zip(differences(model));
                    for (((sum, divisor), positive), difference) in elements {
                        // What was dropped has no sign, and agrees with none.
                        let agrees = if *positive { difference > zero } else { difference < zero };
                        *sum += if agrees { difference } else { zero };
                        *divisor += if agrees { *weight } else { zero };
                    }
                }
            } else if self.normalizes {
                divisor = divisible(R::round(self.weights.iter().sum()));
            }
            let lambda = R::round(self.lambda);
            for (i, (out, base)) in out.iter_mut().zip(base).enumerate() {
                let divisor = if self.elects && self.normalizes { divisible(divisors[i]) } else { divisor };
                let moved = (R::widen(*base) + lambda * (sums[i] / divisor)).narrow();
                // No difference keeps the base's bits: -0.0 plus zero would be 0.0.
                *out = if sums[i] == zero { *base } else { moved };
            }
        }
    }
}

/// `sum`, or 1 where there is nothing to divide by.
fn divisible<R: Real>(sum: R) -> R {
    let nothing = R::round(NOTHING);
    if sum < nothing && R::default() - sum < nothing { R::round(1.0) } else { sum }
}
