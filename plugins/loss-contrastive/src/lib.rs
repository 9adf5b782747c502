//! Contrastive loss of labelled pairs (Hadsell et al. 2006) on cosine distances.
//!
//! Columns are `query` and `positive`, the two texts of a pair, each row with a label y: 1 where
//! they match, 0 where they do not. With the cosine distance d = 1 - cos, the value is the mean of
//! (y d^2 + (1 - y) max(0, `margin` - d)^2) / 2: matching texts are pulled together, others pushed
//! apart until they are `margin` away. A label between 0 and 1 mixes both.
//!
//! This is the loss for word-level data, where pairs of words in context are labelled (XL-WiC,
//! Am2iCo, SenWiCh in Goworek et al. 2025, appendix D.4). Their loss is "symmetric", as this one is
//! in its two texts, "with dataset-provided negatives", which are the pairs with label 0; they give
//! no margin. The temperature of 0.1 in their table 10 has no place in this formula; for data with
//! negatives beside a positive, `loss-infonce` has it, and a symmetric form.
//!
//! Parts: `positive_distance` and `negative_distance`, the mean cosine distance of the pairs that
//! match (label at least 1/2) and of those that do not; 0 where a batch has none.

use clirbench_loss::{Batch, Objective, UnitRows, at_least_zero, evaluate};
use clirbench_plugin::{Host, Loss, LossBatch, LossInfo, Result, options};
use serde::Deserialize;

clirbench_plugin::export_plugin! {
    id: "loss-contrastive",
    interfaces: [loss: Contrastive { schema: include_str!("../schema.json"), }],
}

/// The loss with its options.
pub struct Contrastive {
    margin: f64,
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Options {
    margin: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self { margin: 0.5 }
    }
}

impl Loss for Contrastive {
    fn open(config: &serde_json::Value, _host: Host) -> Result<Self> {
        let Options { margin } = options(config)?;
        Ok(Self { margin: at_least_zero("margin", margin)? })
    }

    fn info(&self) -> LossInfo {
        LossInfo {
            columns: vec!["query".to_owned(), "positive".to_owned()],
            labels: true,
            parts: vec!["positive_distance".to_owned(), "negative_distance".to_owned()],
            ..LossInfo::default()
        }
    }

    fn eval(&mut self, batch: &LossBatch<'_>, gradients: &mut [f32], parts: &mut [f64]) -> Result<f64> {
        evaluate(self, batch, gradients, parts)
    }
}

impl Objective for Contrastive {
    fn value(&self, batch: &Batch<'_>, gradients: &mut [f64], parts: &mut [f64]) -> f64 {
        let (n, dim) = (batch.rows as f64, batch.dim);
        let unit = UnitRows::new(batch.embeddings, dim);
        let (first, second) = unit.as_slice().split_at(batch.rows * dim);
        let (by_first, by_second) = gradients.split_at_mut(batch.rows * dim);
        let pairs = first.chunks_exact(dim).zip(second.chunks_exact(dim));
        let by_pair = by_first.chunks_exact_mut(dim).zip(by_second.chunks_exact_mut(dim));
        let mut sum = 0.0;
        let mut distances = [(0.0, 0.0); 2];
        for (((a, b), (by_a, by_b)), &label) in pairs.zip(by_pair).zip(batch.labels) {
            let distance = 1.0 - a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
            let (total, count) = &mut distances[usize::from(label < 0.5)];
            (*total, *count) = (*total + distance, *count + 1.0);
            let short = (self.margin - distance).max(0.0);
            sum += 0.5 * (label * distance * distance + (1.0 - label) * short * short);
            // The derivative by the cosine, which is minus that by the distance.
            let slope = ((1.0 - label) * short - label * distance) / n;
            by_a.iter_mut().zip(b).for_each(|(g, b)| *g = slope * b);
            by_b.iter_mut().zip(a).for_each(|(g, a)| *g = slope * a);
        }
        parts.copy_from_slice(&distances.map(|(total, count): (f64, f64)| total / count.max(1.0)));
        unit.backward(gradients);
        sum / n
    }
}
