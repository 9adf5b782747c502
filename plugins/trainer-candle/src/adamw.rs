//! AdamW on a run of elements: the arithmetic, the same for dense tensors and for lazily updated rows.

use candle_core::Tensor;
use rayon::prelude::*;

use crate::options::Rates;
use crate::schedule::Schedule;

/// Elements that one thread takes at a time. Elements do not depend on each other, so the result
/// depends neither on this nor on the number of threads.
const RUN: usize = 1 << 15;

/// AdamW (Loshchilov and Hutter 2019, algorithm 2) with decoupled decay multiplied by the learning
/// rate and bias corrections in the order of operations of `torch.optim.AdamW`, in f32:
///
/// ```text
/// p *= 1 - lr wd;  m += (1 - b1)(g - m);  v = b2 v + (1 - b2) g g
/// p += -lr / (1 - b1^t) m / (sqrt(v) / sqrt(1 - b2^t) + eps)
/// ```
#[derive(Clone, Copy, Debug)]
pub(crate) struct AdamW {
    /// In f64, for the bias corrections.
    betas: [f64; 2],
    eps: f32,
}

/// The numbers of one step that all elements of a group share.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct StepSize {
    /// 1 - lr wd
    decay: f32,
    /// -lr / (1 - b1^t)
    step: f32,
    /// sqrt(1 - b2^t)
    root: f32,
}

/// First and second moments, one each per element.
#[derive(Debug, Default)]
pub(crate) struct Moments<'a> {
    pub(crate) first: &'a mut [f32],
    pub(crate) second: &'a mut [f32],
}

impl AdamW {
    pub(crate) fn new(betas: [f64; 2], eps: f64) -> Self {
        AdamW { betas, eps: eps as f32 }
    }

    /// The numbers of all steps of a fit for tensors with `rates`.
    pub(crate) fn step_sizes(&self, rates: Rates, schedule: &Schedule, steps: usize) -> Vec<StepSize> {
        (0..steps)
            .map(|step| {
                let rate = rates.learning_rate * schedule.factor(step);
                let [first, second] = self.betas.map(|beta| 1.0 - beta.powi(step as i32 + 1));
                StepSize {
                    decay: (1.0 - rate * rates.weight_decay) as f32,
                    step: (-rate / first) as f32,
                    root: second.sqrt() as f32,
                }
            })
            .collect()
    }

    /// One step of a whole tensor, on all threads. The gradient is multiplied by `scale` first.
    pub(crate) fn step(
        &self,
        size: StepSize,
        weights: &mut [f32],
        gradient: &[f32],
        scale: f32,
        moments: Moments<'_>,
    ) {
        let runs = weights.par_chunks_mut(RUN).zip(gradient.par_chunks(RUN));
        let moments = moments.first.par_chunks_mut(RUN).zip(moments.second.par_chunks_mut(RUN));
        runs.zip(moments).for_each(|((weights, gradient), (first, second))| {
            self.step_run(size, weights, gradient, scale, Moments { first, second });
        });
    }

    /// One step of a few elements, on this thread.
    pub(crate) fn step_run(
        &self,
        size: StepSize,
        weights: &mut [f32],
        gradient: &[f32],
        scale: f32,
        moments: Moments<'_>,
    ) {
        let moments = moments.first.iter_mut().zip(moments.second);
        for ((p, g), (m, v)) in weights.iter_mut().zip(gradient).zip(moments) {
            self.element(size, p, g * scale, m, v);
        }
    }

    /// Steps in which a few elements had a gradient of 0: bit for bit what [`AdamW::step_run`] does
    /// with zeros.
    pub(crate) fn idle(&self, sizes: &[StepSize], weights: &mut [f32], moments: Moments<'_>) {
        let moments = moments.first.iter_mut().zip(moments.second);
        for (p, (m, v)) in weights.iter_mut().zip(moments) {
            for size in sizes {
                self.element(*size, p, 0.0, m, v);
            }
        }
    }

    /// The same for elements that never had a gradient: both moments are 0, so that only the decay
    /// is left.
    pub(crate) fn idle_without_moments(sizes: &[StepSize], weights: &mut [f32]) {
        for size in sizes.iter().filter(|size| size.decay != 1.0) {
            weights.iter_mut().for_each(|p| *p *= size.decay);
        }
    }

    /// One step of a whole tensor on any device: the new weights, and the new first and second moments.
    pub(crate) fn step_tensor(
        &self,
        size: StepSize,
        weights: &Tensor,
        gradient: &Tensor,
        [first, second]: [&Tensor; 2],
    ) -> candle_core::Result<(Tensor, [Tensor; 2])> {
        let [beta1, beta2] = self.betas;
        let first = (first + ((gradient - first)? * (1.0 - beta1))?)?;
        let second = ((second * beta2)? + (gradient.sqr()? * (1.0 - beta2))?)?;
        let root = ((second.sqrt()? / f64::from(size.root))? + f64::from(self.eps))?;
        let step = ((&first * f64::from(size.step))? / root)?;
        Ok((((weights * f64::from(size.decay))? + step)?, [first, second]))
    }

    #[inline(always)]
    fn element(&self, size: StepSize, p: &mut f32, g: f32, m: &mut f32, v: &mut f32) {
        let [rest1, rest2] = self.betas.map(|beta| (1.0 - beta) as f32);
        *m += rest1 * (g - *m);
        *v = *v * self.betas[1] as f32 + rest2 * g * g;
        *p = *p * size.decay + size.step * *m / (v.sqrt() / size.root + self.eps);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::Shape;

    fn close(a: &[f32], b: &[f64]) -> bool {
        a.iter().zip(b).all(|(a, b)| (f64::from(*a) - b).abs() <= 1e-6 * b.abs())
    }

    #[test]
    fn four_steps_are_those_of_torch() {
        // torch 2.15, torch.optim.AdamW([p], betas=(0.9, 0.99), eps=1e-8, weight_decay=0.05) with
        // lr 0.1, 0.075, 0.05 and 0.025 in the four steps and p.grad set to the rows below.
        let gradients = [[0.1, -2.0, 0.0, 1e-4], [0.3, 1.0, 0.0, -1e-4], [-0.2, 0.5, 4.0, 0.0], [0.0; 4]];
        let expected: [[f64; 4]; 4] = [
            [0.397499979, -1.14374995, 2.98500013, -0.0989950001],
            [0.327299953, -1.11945832, 2.97380638, -0.0946767926],
            [0.313598901, -1.11358023, 2.93457484, -0.0924015045],
            [0.307918459, -1.11092412, 2.91785383, -0.0914491639],
        ];
        let adamw = AdamW::new([0.9, 0.99], 1e-8);
        let schedule = Schedule::new(Shape::Linear, 0.0, 4).expect("a schedule");
        let sizes = adamw.step_sizes(Rates { learning_rate: 0.1, weight_decay: 0.05 }, &schedule, 4);
        let mut weights = [0.5, -1.25, 3.0, 1e-3];
        let (mut first, mut second) = ([0.0; 4], [0.0; 4]);
        for ((size, gradient), expected) in sizes.iter().zip(&gradients).zip(&expected) {
            let moments = Moments { first: &mut first, second: &mut second };
            adamw.step(*size, &mut weights, gradient, 1.0, moments);
            assert!(close(&weights, expected), "{weights:?} {expected:?}");
        }
        assert!(close(&first, &[0.0135900024, -0.0197999999, 0.360000014, -8.09999847e-07]), "{first:?}");
        assert!(close(&second, &[0.00137512002, 0.0510879606, 0.158399999, 1.95039901e-10]), "{second:?}");
    }

    #[test]
    fn a_step_of_tensors_is_a_step_of_slices() {
        let adamw = AdamW::new([0.9, 0.99], 1e-8);
        let schedule = Schedule::new(Shape::Linear, 0.0, 3).expect("a schedule");
        let sizes = adamw.step_sizes(Rates { learning_rate: 0.1, weight_decay: 0.05 }, &schedule, 3);
        let tensor = |values: &[f32]| Tensor::new(values, &candle_core::Device::Cpu).expect("a tensor");
        let start = [0.5, -1.25, 3.0];
        let (mut weights, mut first, mut second) = (start, [0.0; 3], [0.0; 3]);
        let mut tensors = (tensor(&start), [tensor(&[0.0; 3]), tensor(&[0.0; 3])]);
        for (size, gradient) in sizes.iter().zip([[0.1, -2.0, 0.0], [0.3, 1.0, 0.0], [-0.2, 0.5, 4.0]]) {
            let moments = Moments { first: &mut first, second: &mut second };
            adamw.step(*size, &mut weights, &gradient, 1.0, moments);
            let (before, [m, v]) = &tensors;
            tensors = adamw.step_tensor(*size, before, &tensor(&gradient), [m, v]).expect("a step");
            let after: Vec<f32> = tensors.0.to_vec1().expect("numbers");
            assert!(close(&after, &weights.map(f64::from)), "{after:?} {weights:?}");
        }
    }

    #[test]
    fn idle_steps_are_steps_with_a_gradient_of_zero() {
        let adamw = AdamW::new([0.9, 0.999], 1e-8);
        let schedule = Schedule::new(Shape::Linear, 0.1, 50).expect("a schedule");
        let sizes = adamw.step_sizes(Rates { learning_rate: 1e-2, weight_decay: 0.1 }, &schedule, 50);
        let start = ([0.3, -0.7, 0.0], [1e-3, -5.0, 1e-38], [1e-6, 2.0, 0.0]);
        let (mut weights, mut first, mut second) = start;
        for size in &sizes {
            let moments = Moments { first: &mut first, second: &mut second };
            adamw.step_run(*size, &mut weights, &[0.0; 3], 0.5, moments);
        }
        let (mut lazy, mut lazy_first, mut lazy_second) = start;
        let moments = Moments { first: &mut lazy_first, second: &mut lazy_second };
        adamw.idle(&sizes, &mut lazy, moments);
        assert_eq!((weights, first, second), (lazy, lazy_first, lazy_second));

        let mut with = [0.3, -0.7, -0.0f32];
        let mut without = with;
        adamw.idle(&sizes, &mut with, Moments { first: &mut [0.0; 3], second: &mut [0.0; 3] });
        AdamW::idle_without_moments(&sizes, &mut without);
        assert_eq!(with.map(f32::to_bits), without.map(f32::to_bits));
        assert_ne!(without[0], 0.3, "it decayed");
    }
}
