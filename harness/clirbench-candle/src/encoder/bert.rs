//! BERT (Devlin et al. 2019), RoBERTa (Liu et al. 2019) and XLM-R (Conneau et al. 2020).

use candle_core::Result as Candle;
use clirbench_plugin::Result;

use super::{OUTER_SITES, layer_site};
use crate::config::BertConfig;
use crate::head::Activation;
use crate::ops::{Attention, Embeddings, Linear, Norm, Ops};
use crate::parameters::Loader;
use crate::random::Dropout;

#[derive(Debug)]
pub(super) struct Bert {
    pub(super) embeddings: Embeddings,
    norm: Norm,
    dropout: Dropout,
    layers: Vec<Layer>,
}

#[derive(Debug)]
struct Layer {
    qkv: [Linear; 3],
    attention: Attention,
    output: Linear,
    output_norm: Norm,
    output_dropout: Dropout,
    up: Linear,
    activation: Activation,
    down: Linear,
    down_norm: Norm,
    down_dropout: Dropout,
}

impl Bert {
    pub(super) fn load(config: &BertConfig, loader: &mut Loader<'_>) -> Result<Self> {
        let hidden = config.hidden_size;
        let tokens = loader.take("embeddings.word_embeddings.weight", &[config.vocab_size, hidden])?;
        let positions =
            loader.take("embeddings.position_embeddings.weight", &[config.position_rows, hidden])?;
        let segments = loader.take("embeddings.token_type_embeddings.weight", &[config.segments, hidden])?;
        let embeddings = Embeddings {
            tokens,
            positions: Some((positions, config.first_position)),
            segments: Some(segments),
        };
        let norm = norm(loader, "embeddings.LayerNorm", config)?;
        let layers = (0..config.layers).map(|i| Layer::load(config, i, loader)).collect::<Result<_>>()?;
        let dropout = Dropout { rate: config.hidden_dropout, site: OUTER_SITES };
        Ok(Bert { embeddings, norm, dropout, layers })
    }

    /// Token states `[tokens, hidden]`.
    pub(super) fn forward<O: Ops>(&self, ops: &O) -> Candle<O::Value> {
        let x = ops.embed(&self.embeddings)?;
        let mut x = ops.dropout(ops.norm(&x, &self.norm)?, self.dropout)?;
        for layer in &self.layers {
            x = layer.forward(ops, &x)?;
        }
        Ok(x)
    }
}

impl Layer {
    fn load(config: &BertConfig, layer: usize, loader: &mut Loader<'_>) -> Result<Self> {
        let (hidden, inner) = (config.hidden_size, config.intermediate_size);
        let at = |name: &str| format!("encoder.layer.{layer}.{name}");
        let query = linear(loader, &at("attention.self.query"), hidden, hidden)?;
        let key = linear(loader, &at("attention.self.key"), hidden, hidden)?;
        let value = linear(loader, &at("attention.self.value"), hidden, hidden)?;
        let dropout = |place: u32, rate: f32| Dropout { rate, site: layer_site(layer, place) };
        Ok(Layer {
            qkv: [query, key, value],
            attention: Attention {
                heads: config.heads,
                window: None,
                rope: None,
                dropout: dropout(0, config.attention_dropout),
            },
            output: linear(loader, &at("attention.output.dense"), hidden, hidden)?,
            output_norm: norm(loader, &at("attention.output.LayerNorm"), config)?,
            output_dropout: dropout(1, config.hidden_dropout),
            up: linear(loader, &at("intermediate.dense"), inner, hidden)?,
            activation: config.activation,
            down: linear(loader, &at("output.dense"), hidden, inner)?,
            down_norm: norm(loader, &at("output.LayerNorm"), config)?,
            down_dropout: dropout(2, config.hidden_dropout),
        })
    }

    fn forward<O: Ops>(&self, ops: &O, x: &O::Value) -> Candle<O::Value> {
        let context = ops.attention(ops.linear(x, &self.qkv)?, &self.attention)?;
        let output = ops.linear(&context, &[self.output])?;
        drop(context);
        let x = ops.add_norm(output, x, &self.output_norm, self.output_dropout)?;
        let inner = ops.activate(ops.linear(&x, &[self.up])?, self.activation)?;
        let output = ops.linear(&inner, &[self.down])?;
        drop(inner);
        ops.add_norm(output, &x, &self.down_norm, self.down_dropout)
    }
}

/// `{name}.weight` `[outputs, inputs]` and `{name}.bias`.
pub(super) fn linear(loader: &mut Loader<'_>, name: &str, outputs: usize, inputs: usize) -> Result<Linear> {
    Ok(Linear {
        weight: loader.take(&format!("{name}.weight"), &[outputs, inputs])?,
        bias: Some(loader.take(&format!("{name}.bias"), &[outputs])?),
        outputs,
    })
}

/// `{name}.weight` and `{name}.bias`, which files converted from TensorFlow call gamma and beta.
fn norm(loader: &mut Loader<'_>, name: &str, config: &BertConfig) -> Result<Norm> {
    let old = loader.has(&format!("{name}.gamma"));
    let (weight, bias) = if old { ("gamma", "beta") } else { ("weight", "bias") };
    Ok(Norm {
        weight: loader.take(&format!("{name}.{weight}"), &[config.hidden_size])?,
        bias: Some(loader.take(&format!("{name}.{bias}"), &[config.hidden_size])?),
        eps: config.norm_eps,
    })
}
