//! Jensen-Shannon divergence of parallel passages plus InfoNCE (Hong et al. 2026, eq. 2-7).
//!
//! Columns are `query` (q_en), `positive` (p_en) and `parallel` (p_tgt, the positive in the target
//! language). The value is `w_jsd` L_JSD + `w_nce` L_NCE (eq. 2 has both weights at 1), and parts
//! `jsd` and `nce` are the two before their weights; a weight of 0 is the paper's ablation.
//!
//! - L_JSD (eq. 3-6) is the mean over rows of sqrt(JSD(P(z_en) || P(z_tgt)) + `eps`), natural
//!   logarithm, where P(z) is the softmax over the components of one embedding (eq. 5). The paper
//!   prints eps behind the root and gives no number; it stands under the root here, because only
//!   there does it bound the gradient where two embeddings agree. The default of 1e-8 moves the
//!   value by at most 1e-4, and what f32 leaves of the difference of two equal texts pulls with less
//!   than a thousandth of the usual force (with 1e-12 that is some hundredths). Eq. 5 is over the raw
//!   embedding (`z = "raw"`); with `z = "normalized"` rows are scaled to unit length first.
//! - L_NCE (eq. 7): the parallel passage of row i has to choose q_en of row i among all queries of
//!   the batch by cosine over `temperature`. The paper prints no temperature, which is 1. With
//!   `nce_pairs = "psg"` p_en takes the place of q_en (the ablation L_NCE_psg), and the query's
//!   gradient is 0.

mod divergence;
mod options;

use clirbench_loss::{Batch, Matrix, Objective, UnitRows, add_product, cross_entropy, evaluate};
use clirbench_plugin::{Host, Loss, LossBatch, LossInfo, Result};

use crate::options::{NcePairs, Options, Z};

clirbench_plugin::export_plugin! {
    id: "loss-jsd-infonce",
    interfaces: [loss: JsdInfoNce { schema: include_str!("../schema.json"), }],
}

/// Columns, in the order of [`LossInfo::columns`].
const QUERY: usize = 0;
const POSITIVE: usize = 1;
const PARALLEL: usize = 2;

/// The loss with its options.
pub struct JsdInfoNce {
    options: Options,
    threads: usize,
}

impl Loss for JsdInfoNce {
    fn open(config: &serde_json::Value, host: Host) -> Result<Self> {
        Ok(Self { options: Options::read(config)?, threads: host.threads() })
    }

    fn info(&self) -> LossInfo {
        LossInfo {
            columns: ["query", "positive", "parallel"].map(str::to_owned).into(),
            parts: ["jsd", "nce"].map(str::to_owned).into(),
            ..LossInfo::default()
        }
    }

    fn eval(&mut self, batch: &LossBatch<'_>, gradients: &mut [f32], parts: &mut [f64]) -> Result<f64> {
        evaluate(self, batch, gradients, parts)
    }
}

impl Objective for JsdInfoNce {
    fn value(&self, batch: &Batch<'_>, gradients: &mut [f64], parts: &mut [f64]) -> f64 {
        let unit = UnitRows::new(batch.embeddings, batch.dim);
        // What arrives by way of the unit rows; for raw z the divergence goes past them.
        let mut by_unit = vec![0.0; gradients.len()];
        let nce = self.nce(batch, &unit, &mut by_unit);
        let jsd = match self.options.z {
            Z::Raw => self.jsd(batch, batch.embeddings, gradients),
            Z::Normalized => self.jsd(batch, unit.as_slice(), &mut by_unit),
        };
        unit.backward(&mut by_unit);
        gradients.iter_mut().zip(&by_unit).for_each(|(gradient, more)| *gradient += more);
        parts.copy_from_slice(&[jsd, nce]);
        self.options.w_jsd * jsd + self.options.w_nce * nce
    }
}

impl JsdInfoNce {
    /// L_JSD (eq. 6) of the rows `z`, `[3, n, d]`; adds its weighted derivatives to `gradients`.
    fn jsd(&self, batch: &Batch<'_>, z: &[f64], gradients: &mut [f64]) -> f64 {
        let (n, dim) = (batch.rows as f64, batch.dim);
        let column = |index: usize| index * batch.rows * dim..(index + 1) * batch.rows * dim;
        let (by_english, by_target) = gradients[column(POSITIVE).start..].split_at_mut(batch.rows * dim);
        let texts = z[column(POSITIVE)].chunks_exact(dim).zip(z[column(PARALLEL)].chunks_exact(dim));
        let gradients = by_english.chunks_exact_mut(dim).zip(by_target.chunks_exact_mut(dim));
        let mut sum = 0.0;
        for ((english, target), (by_english, by_target)) in texts.zip(gradients) {
            let divergence = divergence::between(english, target);
            let root = (divergence.value + self.options.eps).sqrt();
            sum += root;
            // The derivative of the weighted mean of the roots by this divergence.
            let factor = self.options.w_jsd / (2.0 * root * n);
            by_english.iter_mut().zip(&divergence.by_first).for_each(|(g, d)| *g += factor * d);
            by_target.iter_mut().zip(&divergence.by_second).for_each(|(g, d)| *g += factor * d);
        }
        sum / n
    }

    /// L_NCE (eq. 7); adds its weighted derivatives by the unit rows to `gradients`.
    fn nce(&self, batch: &Batch<'_>, unit: &UnitRows, gradients: &mut [f64]) -> f64 {
        let (n, size) = (batch.rows, batch.rows * batch.dim);
        let english = match self.options.nce_pairs {
            NcePairs::Query => QUERY,
            NcePairs::Psg => POSITIVE,
        };
        let rows = |column: usize| unit.matrix(column * n..(column + 1) * n);
        let mut logits = vec![0.0; n * n];
        add_product(&mut logits, rows(PARALLEL), rows(english).t(), self.threads);
        logits.iter_mut().for_each(|cosine| *cosine /= self.options.temperature);
        let value = cross_entropy(&mut logits, n, 0);
        let factor = self.options.w_nce / self.options.temperature;
        logits.iter_mut().for_each(|derivative| *derivative *= factor);
        let derivatives = Matrix::new(&logits, n, n);
        let gradient = |column: usize| column * size..(column + 1) * size;
        add_product(&mut gradients[gradient(PARALLEL)], derivatives, rows(english), self.threads);
        add_product(&mut gradients[gradient(english)], derivatives.t(), rows(PARALLEL), self.threads);
        value
    }
}
