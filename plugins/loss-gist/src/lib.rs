//! GISTEmbed (Solatorio 2024): contrastive learning where a guide model hides false negatives.
//!
//! Columns are `query` (the anchor a), `positive` (p) and any number K of hard negatives (n^k). All
//! texts of a batch are candidates for every query. Their cosines come in blocks of n x n: ap, aa
//! (`contrast_anchors`), pp (`contrast_positives`) and an^1 .. an^K; row i of all of them is
//! divided by `temperature` and goes into one softmax, which should choose ap_ii. The value is the
//! mean cross-entropy.
//!
//! A frozen guide has embedded the same texts. With g its cosine and t_i = g(a_i, p_i), candidates
//! of row i are hidden whose guide cosine is above t_i - margin (`absolute`) or
//! t_i - |t_i| * margin (`relative`): the guide holds them for better answers than the positive. A
//! candidate exactly at the threshold stays, as does ap_ii always. In block pp the guide's cosine
//! is that of the two positives and the threshold is still that of row i.
//!
//! The diagonals of aa and pp are hidden whatever the guide says. Elsewhere (sentence-transformers)
//! they vanish because a text's cosine with itself, 1, is above the threshold; where the guide
//! thinks query and positive equal, t_i = 1, that would leave a candidate that can only be wrong.
//!
//! Part `masked` is the share of the candidates, ap_ii and those diagonals aside, that is hidden.

mod blocks;
mod mask;
mod options;

use clirbench_loss::{Batch, Objective, UnitRows, cross_entropy, evaluate};
use clirbench_plugin::{Host, Loss, LossBatch, LossInfo, Result};

use crate::blocks::Blocks;
use crate::mask::mask;
use crate::options::Options;

clirbench_plugin::export_plugin! {
    id: "loss-gist",
    interfaces: [loss: Gist { schema: include_str!("../schema.json"), }],
}

/// The loss with its options.
pub struct Gist {
    options: Options,
    threads: usize,
}

impl Loss for Gist {
    fn open(config: &serde_json::Value, host: Host) -> Result<Self> {
        Ok(Self { options: Options::read(config)?, threads: host.threads() })
    }

    fn info(&self) -> LossInfo {
        LossInfo {
            columns: vec!["query".to_owned(), "positive".to_owned()],
            negatives: true,
            guide: true,
            parts: vec!["masked".to_owned()],
            ..LossInfo::default()
        }
    }

    fn eval(&mut self, batch: &LossBatch<'_>, gradients: &mut [f32], parts: &mut [f64]) -> Result<f64> {
        evaluate(self, batch, gradients, parts)
    }
}

impl Objective for Gist {
    fn value(&self, batch: &Batch<'_>, gradients: &mut [f64], parts: &mut [f64]) -> f64 {
        let blocks = Blocks::new(batch, &self.options);
        let student = UnitRows::new(batch.embeddings, batch.dim);
        let mut logits = blocks.cosines(&student, self.threads);
        logits.iter_mut().for_each(|cosine| *cosine /= self.options.temperature);
        let hidden = {
            let guide = UnitRows::new(batch.guide, batch.guide_dim);
            let cosines = blocks.cosines(&guide, self.threads);
            mask(&mut logits, &cosines, &blocks, &self.options)
        };
        parts[0] = hidden.share();
        let value = cross_entropy(&mut logits, blocks.width(), blocks.own());
        logits.iter_mut().for_each(|derivative| *derivative /= self.options.temperature);
        blocks.backward(&logits, &student, gradients, self.threads);
        student.backward(gradients);
        value
    }
}
