//! The learning rate over a fit: warm-up, then a schedule; and clipping of the gradient.

use clirbench_plugin::{Error, Result};
use serde::{Deserialize, Serialize};

/// What follows the warm-up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Shape {
    /// Falls to 0 on a straight line.
    #[default]
    Linear,
    /// Stays.
    Constant,
    /// Falls to 0 on half a cosine.
    Cosine,
}

/// The factor of the learning rate in each step.
///
/// Step counting is that of Hugging Face's `get_{linear,constant,cosine}_schedule_with_warmup` in
/// its `Trainer`: steps count from 0, so with a warm-up the first step has a factor of 0; the warm-up
/// takes `ceil(ratio * steps)` steps.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Schedule {
    shape: Shape,
    warmup: usize,
    steps: usize,
}

impl Schedule {
    /// The schedule of a fit of `steps` steps.
    ///
    /// # Errors
    /// `config` when the warm-up leaves no step with a learning rate.
    pub(crate) fn new(shape: Shape, warmup_ratio: f64, steps: usize) -> Result<Self> {
        let warmup = (warmup_ratio * steps as f64).ceil() as usize;
        let schedule = Schedule { shape, warmup, steps };
        if (0..steps).all(|step| schedule.factor(step) == 0.0) {
            return Err(Error::config(format!(
                "the learning rate is 0 in all {steps} steps: {warmup} of them are warm-up, which begins at 0"
            ))
            .hint("set `warmup_ratio` to 0, or train for more steps"));
        }
        Ok(schedule)
    }

    /// What the learning rate is multiplied by in a step, counted from 0.
    pub(crate) fn factor(&self, step: usize) -> f64 {
        if step < self.warmup {
            return step as f64 / self.warmup as f64;
        }
        let done = (step - self.warmup) as f64 / self.steps.saturating_sub(self.warmup).max(1) as f64;
        match self.shape {
            Shape::Linear => (1.0 - done).max(0.0),
            Shape::Constant => 1.0,
            Shape::Cosine => (0.5 * (1.0 + (std::f64::consts::PI * done).cos())).max(0.0),
        }
    }
}

/// What gradients of total norm `norm` are multiplied by to have a norm of at most `max`, as torch's
/// `clip_grad_norm_` does it; `max` 0 is no limit.
pub(crate) fn clip_factor(norm: f64, max: f64) -> f32 {
    if max > 0.0 { (max / (norm + 1e-6)).min(1.0) as f32 } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn factors(shape: Shape, ratio: f64, steps: usize) -> Vec<f64> {
        let schedule = Schedule::new(shape, ratio, steps).expect("some learning rate");
        (0..steps).map(|step| schedule.factor(step)).collect()
    }

    fn close(a: &[f64], b: &[f64]) -> bool {
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-12)
    }

    #[test]
    fn linear_is_that_of_transformers() {
        // get_linear_schedule_with_warmup(optimizer, 3, 10), get_last_lr() before each step, lr 1.
        let third = 1.0 / 3.0;
        let fall = [1.0, 6.0 / 7.0, 5.0 / 7.0, 4.0 / 7.0, 3.0 / 7.0, 2.0 / 7.0, 1.0 / 7.0];
        assert!(close(&factors(Shape::Linear, 0.3, 10), &[&[0.0, third, 2.0 * third], &fall[..]].concat()));
        assert!(close(&factors(Shape::Linear, 0.0, 4), &[1.0, 0.75, 0.5, 0.25]));
        // ceil(0.15 * 10) = 2
        assert!(close(&factors(Shape::Linear, 0.15, 10)[..3], &[0.0, 0.5, 1.0]));
    }

    #[test]
    fn the_other_shapes_share_the_warm_up() {
        assert!(close(&factors(Shape::Constant, 0.5, 4), &[0.0, 0.5, 1.0, 1.0]));
        let half = 0.5f64.sqrt();
        let cosine = [0.0, 1.0, 0.5 * (1.0 + half), 0.5, 0.5 * (1.0 - half)];
        assert!(close(&factors(Shape::Cosine, 0.2, 5), &cosine));
    }

    #[test]
    fn a_fit_without_learning_rate_is_refused() {
        let error = Schedule::new(Shape::Linear, 0.1, 1).expect_err("the only step is warm-up");
        assert!(error.message.contains("all 1 steps") && error.hint.contains("warmup_ratio"), "{error}");
        assert!(Schedule::new(Shape::Linear, 0.0, 1).is_ok());
        assert!(Schedule::new(Shape::Constant, 1.0, 3).is_ok());
    }

    #[test]
    fn clipping_scales_to_the_limit_and_never_up() {
        // torch: clip_coef = max_norm / (total_norm + 1e-6), at most 1.
        assert_eq!(clip_factor(4.0, 1.0), (1.0 / (4.0 + 1e-6)) as f32);
        assert_eq!(clip_factor(0.5, 1.0), 1.0);
        assert_eq!(clip_factor(100.0, 0.0), 1.0, "no limit");
    }
}
