//! InfoNCE (van den Oord et al. 2018) over a batch, known as multiple negatives ranking (Henderson
//! et al. 2017).
//!
//! Columns are `query`, `positive` and any number K of hard negatives. Candidates of every query
//! are all positives and all hard negatives of the batch, (1 + K) n texts; the softmax of their
//! cosines times `scale` should choose the query's own positive. The value is the mean
//! cross-entropy.
//!
//! With `symmetric` each positive has to find its query among the queries of the batch as well
//! (hard negatives take no part in that direction), and the value is the mean of both.
//!
//! Goworek et al. 2025 (appendix D.4) train with a temperature of 0.1, which is a `scale` of 10, at
//! phrase and query-document level with in-batch negatives. Their word level is "symmetric" with
//! the dataset's negatives: `symmetric = true` where these come as hard negatives of a pair, and
//! the plugin `loss-contrastive` where they come as labelled pairs.

use clirbench_loss::{Batch, Matrix, Objective, UnitRows, add_product, cross_entropy, evaluate, positive};
use clirbench_plugin::{Host, Loss, LossBatch, LossInfo, Result, options};
use serde::Deserialize;

clirbench_plugin::export_plugin! {
    id: "loss-infonce",
    interfaces: [loss: InfoNce { schema: include_str!("../schema.json"), }],
}

/// The loss with its options.
pub struct InfoNce {
    options: Options,
    threads: usize,
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Options {
    scale: f64,
    symmetric: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { scale: 20.0, symmetric: false }
    }
}

impl Loss for InfoNce {
    fn open(config: &serde_json::Value, host: Host) -> Result<Self> {
        let options: Options = options(config)?;
        positive("scale", options.scale)?;
        Ok(Self { options, threads: host.threads() })
    }

    fn info(&self) -> LossInfo {
        LossInfo {
            columns: vec!["query".to_owned(), "positive".to_owned()],
            negatives: true,
            ..LossInfo::default()
        }
    }

    fn eval(&mut self, batch: &LossBatch<'_>, gradients: &mut [f32], parts: &mut [f64]) -> Result<f64> {
        evaluate(self, batch, gradients, parts)
    }
}

impl Objective for InfoNce {
    fn value(&self, batch: &Batch<'_>, gradients: &mut [f64], _parts: &mut [f64]) -> f64 {
        let rows = UnitRows::new(batch.embeddings, batch.dim);
        let (n, all) = (batch.rows, batch.embeddings.len() / batch.dim);
        let direction = |texts: Matrix<'_>, candidates: Matrix<'_>, width: usize| {
            let mut logits = vec![0.0; n * width];
            add_product(&mut logits, texts, candidates.t(), self.threads);
            logits.iter_mut().for_each(|cosine| *cosine *= self.options.scale);
            let value = cross_entropy(&mut logits, width, 0);
            let share = if self.options.symmetric { 0.5 } else { 1.0 };
            logits.iter_mut().for_each(|derivative| *derivative *= self.options.scale * share);
            (value * share, logits)
        };
        let queries = rows.matrix(0..n);
        let (by_query, by_candidate) = gradients.split_at_mut(n * batch.dim);

        let candidates = rows.matrix(n..all);
        let (mut value, derivatives) = direction(queries, candidates, all - n);
        let derivatives = Matrix::new(&derivatives, n, all - n);
        add_product(by_query, derivatives, candidates, self.threads);
        add_product(by_candidate, derivatives.t(), queries, self.threads);

        if self.options.symmetric {
            let positives = rows.matrix(n..2 * n);
            let (back, derivatives) = direction(positives, queries, n);
            let derivatives = Matrix::new(&derivatives, n, n);
            value += back;
            add_product(&mut by_candidate[..n * batch.dim], derivatives, queries, self.threads);
            add_product(by_query, derivatives.t(), positives, self.threads);
        }
        rows.backward(gradients);
        value
    }
}
