//! ModernBERT (Warner et al. 2024).

use candle_core::Result as Candle;
use clirbench_plugin::Result;

use super::{OUTER_SITES, layer_site};
use crate::config::ModernBertConfig;
use crate::head::Activation;
use crate::ops::{Attention, Embeddings, Linear, Norm, Ops};
use crate::parameters::Loader;
use crate::random::Dropout;

#[derive(Debug)]
pub(super) struct ModernBert {
    pub(super) embeddings: Embeddings,
    norm: Norm,
    dropout: Dropout,
    layers: Vec<Layer>,
    final_norm: Norm,
}

#[derive(Debug)]
struct Layer {
    /// The first layer has none: the embeddings are normalised already.
    attention_norm: Option<Norm>,
    qkv: Linear,
    attention: Attention,
    output: Linear,
    output_dropout: Dropout,
    mlp_norm: Norm,
    up_and_gate: Linear,
    activation: Activation,
    mlp_dropout: Dropout,
    down: Linear,
}

impl ModernBert {
    pub(super) fn load(config: &ModernBertConfig, loader: &mut Loader<'_>) -> Result<Self> {
        let table = [config.vocab_size, config.hidden_size];
        let tokens = loader.take("embeddings.tok_embeddings.weight", &table)?;
        let embeddings = Embeddings { tokens, positions: None, segments: None };
        let norm = norm(loader, "embeddings.norm", config)?;
        let layers =
            (0..config.global_layers.len()).map(|i| Layer::load(config, i, loader)).collect::<Result<_>>()?;
        let final_norm = self::norm(loader, "final_norm", config)?;
        let dropout = Dropout { rate: config.embedding_dropout, site: OUTER_SITES };
        Ok(ModernBert { embeddings, norm, dropout, layers, final_norm })
    }

    /// Token states `[tokens, hidden]`.
    pub(super) fn forward<O: Ops>(&self, ops: &O) -> Candle<O::Value> {
        let x = ops.embed(&self.embeddings)?;
        let mut x = ops.dropout(ops.norm(&x, &self.norm)?, self.dropout)?;
        for layer in &self.layers {
            x = layer.forward(ops, &x)?;
        }
        ops.norm(&x, &self.final_norm)
    }
}

impl Layer {
    fn load(config: &ModernBertConfig, layer: usize, loader: &mut Loader<'_>) -> Result<Self> {
        let (hidden, inner) = (config.hidden_size, config.intermediate_size);
        let at = |name: &str| format!("layers.{layer}.{name}");
        let attention_norm = match layer {
            0 => None,
            _ => Some(norm(loader, &at("attn_norm"), config)?),
        };
        let global = config.global_layers[layer];
        let dropout = |place: u32, rate: f32| Dropout { rate, site: layer_site(layer, place) };
        Ok(Layer {
            attention_norm,
            qkv: linear(loader, &at("attn.Wqkv"), 3 * hidden, hidden, config.attention_bias)?,
            attention: Attention {
                heads: config.heads,
                window: (!global).then_some(config.window),
                rope: Some(if global { config.global_theta } else { config.local_theta }),
                dropout: dropout(0, config.attention_dropout),
            },
            output: linear(loader, &at("attn.Wo"), hidden, hidden, config.attention_bias)?,
            output_dropout: dropout(1, config.attention_dropout),
            mlp_norm: norm(loader, &at("mlp_norm"), config)?,
            up_and_gate: linear(loader, &at("mlp.Wi"), 2 * inner, hidden, config.mlp_bias)?,
            activation: config.activation,
            mlp_dropout: dropout(2, config.mlp_dropout),
            down: linear(loader, &at("mlp.Wo"), hidden, inner, config.mlp_bias)?,
        })
    }

    fn forward<O: Ops>(&self, ops: &O, x: &O::Value) -> Candle<O::Value> {
        let qkv = match &self.attention_norm {
            Some(norm) => ops.linear(&ops.norm(x, norm)?, &[self.qkv])?,
            None => ops.linear(x, &[self.qkv])?,
        };
        let output = ops.linear(&ops.attention(qkv, &self.attention)?, &[self.output])?;
        let x = ops.add(output, x, self.output_dropout)?;
        let inner = ops.linear(&ops.norm(&x, &self.mlp_norm)?, &[self.up_and_gate])?;
        let inner = ops.dropout(ops.gate(inner, self.activation)?, self.mlp_dropout)?;
        ops.add(ops.linear(&inner, &[self.down])?, &x, super::NONE)
    }
}

/// `{name}.weight` `[outputs, inputs]`, and `{name}.bias` if it has one.
fn linear(loader: &mut Loader<'_>, name: &str, outputs: usize, inputs: usize, bias: bool) -> Result<Linear> {
    let weight = loader.take(&format!("{name}.weight"), &[outputs, inputs])?;
    let bias = if bias { Some(loader.take(&format!("{name}.bias"), &[outputs])?) } else { None };
    Ok(Linear { weight, bias, outputs })
}

fn norm(loader: &mut Loader<'_>, name: &str, config: &ModernBertConfig) -> Result<Norm> {
    let weight = loader.take(&format!("{name}.weight"), &[config.hidden_size])?;
    let bias = match config.norm_bias {
        true => Some(loader.take(&format!("{name}.bias"), &[config.hidden_size])?),
        false => None,
    };
    Ok(Norm { weight, bias, eps: config.norm_eps })
}
