//! Heads of cross-encoders: Transformers' `...ForSequenceClassification` with one label.

use candle_core::Result as Candle;
use clirbench_plugin::{Error, Result};

use super::{OUTER_SITES, bert};
use crate::config::Architecture;
use crate::head::{Activation, Pooling, PoolingMode};
use crate::ops::{Linear, Norm, Ops};
use crate::parameters::Loader;
use crate::random::Dropout;

/// Pooling, dropout, a dense layer, a norm (ModernBERT only), dropout, and the score.
#[derive(Debug)]
pub(super) struct Classifier {
    pooling: Pooling,
    before_dense: Dropout,
    dense: Linear,
    activation: Activation,
    norm: Option<Norm>,
    before_score: Dropout,
    score: Linear,
}

impl Classifier {
    pub(super) fn load(architecture: &Architecture, loader: &mut Loader<'_>) -> Result<Self> {
        let dropout = |place: u32, rate: f32| Dropout { rate, site: OUTER_SITES + 1 + place };
        match architecture {
            Architecture::Bert(config) => {
                let hidden = config.hidden_size;
                let (dense, score) = if config.roberta {
                    ("classifier.dense", "classifier.out_proj")
                } else {
                    ("pooler.dense", "classifier")
                };
                let dense = match config.roberta {
                    true => outer_linear(loader, dense, hidden, hidden)?,
                    false => bert::linear(loader, dense, hidden, hidden)?,
                };
                let rate = config.classifier_dropout;
                Ok(Classifier {
                    pooling: Pooling::of(PoolingMode::Cls),
                    before_dense: dropout(0, if config.roberta { rate } else { 0.0 }),
                    dense,
                    activation: Activation::Tanh,
                    norm: None,
                    before_score: dropout(1, rate),
                    score: outer_linear(loader, score, 1, hidden)?,
                })
            }
            Architecture::ModernBert(config) => {
                let hidden = config.hidden_size;
                let weight = loader.take_unprefixed("head.dense.weight", &[hidden, hidden])?;
                let bias = match config.classifier_bias {
                    true => Some(loader.take_unprefixed("head.dense.bias", &[hidden])?),
                    false => None,
                };
                let norm_weight = loader.take_unprefixed("head.norm.weight", &[hidden])?;
                let norm_bias = match config.norm_bias {
                    true => Some(loader.take_unprefixed("head.norm.bias", &[hidden])?),
                    false => None,
                };
                Ok(Classifier {
                    pooling: Pooling::of(if config.classifier_mean {
                        PoolingMode::Mean
                    } else {
                        PoolingMode::Cls
                    }),
                    before_dense: dropout(0, 0.0),
                    dense: Linear { weight, bias, outputs: hidden },
                    activation: config.classifier_activation,
                    norm: Some(Norm { weight: norm_weight, bias: norm_bias, eps: config.norm_eps }),
                    before_score: dropout(1, config.classifier_dropout),
                    score: outer_linear(loader, "classifier", 1, hidden)?,
                })
            }
            Architecture::Static => Err(Error::model("a static model cannot be a cross-encoder")),
        }
    }

    /// Scores `[texts, 1]`.
    pub(super) fn forward<O: Ops>(&self, ops: &O, states: O::Value) -> Candle<O::Value> {
        let pooled = ops.dropout(ops.pool(states, &self.pooling)?, self.before_dense)?;
        let mut x = ops.activate(ops.linear(&pooled, &[self.dense])?, self.activation)?;
        if let Some(norm) = &self.norm {
            x = ops.norm(&x, norm)?;
        }
        ops.linear(&ops.dropout(x, self.before_score)?, &[self.score])
    }
}

/// A layer that stands beside the transformer, so that its name has no prefix.
fn outer_linear(loader: &mut Loader<'_>, name: &str, outputs: usize, inputs: usize) -> Result<Linear> {
    Ok(Linear {
        weight: loader.take_unprefixed(&format!("{name}.weight"), &[outputs, inputs])?,
        bias: Some(loader.take_unprefixed(&format!("{name}.bias"), &[outputs])?),
        outputs,
    })
}
