//! Binary cross-entropy of a cross-encoder's scores.
//!
//! The model scores each pair of `query` and `positive`; a row's label y is 1 where they match and 0
//! where they do not. With the score s, the value is the mean of
//! -(`pos_weight` y log sigmoid(s) + (1 - y) log(1 - sigmoid(s))). A label between 0 and 1 mixes
//! both. It is computed from s itself, so that no score is too large for it.
//!
//! Goworek et al. 2025 (appendix D.5) train their cross-encoders with it, without weights.

use clirbench_loss::{Batch, Objective, evaluate, positive};
use clirbench_plugin::{Host, Loss, LossBatch, LossInfo, LossInput, Result, options};
use serde::Deserialize;

clirbench_plugin::export_plugin! {
    id: "loss-bce",
    interfaces: [loss: Bce { schema: include_str!("../schema.json"), }],
}

/// The loss with its options.
pub struct Bce {
    pos_weight: f64,
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Options {
    pos_weight: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self { pos_weight: 1.0 }
    }
}

impl Loss for Bce {
    fn open(config: &serde_json::Value, _host: Host) -> Result<Self> {
        let Options { pos_weight } = options(config)?;
        Ok(Self { pos_weight: positive("pos_weight", pos_weight)? })
    }

    fn info(&self) -> LossInfo {
        LossInfo {
            columns: vec!["query".to_owned(), "positive".to_owned()],
            labels: true,
            input: LossInput::Scores,
            ..LossInfo::default()
        }
    }

    fn eval(&mut self, batch: &LossBatch<'_>, gradients: &mut [f32], parts: &mut [f64]) -> Result<f64> {
        evaluate(self, batch, gradients, parts)
    }
}

impl Objective for Bce {
    fn value(&self, batch: &Batch<'_>, gradients: &mut [f64], _parts: &mut [f64]) -> f64 {
        let n = batch.rows as f64;
        let mut sum = 0.0;
        for ((&score, &label), gradient) in batch.embeddings.iter().zip(batch.labels).zip(gradients) {
            let (matches, others) = (self.pos_weight * label, 1.0 - label);
            sum += matches * softplus(-score) + others * softplus(score);
            *gradient = (others * sigmoid(score) - matches * sigmoid(-score)) / n;
        }
        sum / n
    }
}

/// log(1 + e^x), which is -log(1 - sigmoid(x)).
fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}
