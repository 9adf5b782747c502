//! BERT (Devlin et al. 2019) and RoBERTa with its descendants (Liu et al. 2019, Conneau et al. 2020):
//! layer normalisation after each sublayer, learned positions.

use clirbench_model::Tensors;
use clirbench_plugin::{Error, Result};
use serde::Deserialize;

use crate::builder::{Builder, Heads, Value};
use crate::graph::{Attribute, Element, Graph};

/// What config.json says.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct BertConfig {
    vocab_size: usize,
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    intermediate_size: usize,
    max_position_embeddings: usize,
    type_vocab_size: usize,
    #[serde(default = "default_epsilon")]
    layer_norm_eps: f32,
    #[serde(default = "default_activation")]
    hidden_act: String,
    #[serde(default)]
    pad_token_id: Option<i64>,
    position_embedding_type: Option<String>,
    #[serde(default)]
    is_decoder: bool,
}

fn default_epsilon() -> f32 {
    1e-12
}

fn default_activation() -> String {
    "gelu".to_owned()
}

/// Where the position of a token comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Positions {
    /// 0, 1, 2, ...
    Absolute,
    /// Tokens other than padding count from the one after the padding's id, which is padding's position.
    AfterPadding,
}

/// The encoder's graph.
///
/// # Errors
/// Kind `model`: an option that cannot be exported, a tensor that is missing or has another shape.
pub(crate) fn graph(
    model_type: &str,
    config: &BertConfig,
    positions: Positions,
    tensors: &Tensors,
) -> Result<Graph> {
    if let Some(other) = config.position_embedding_type.as_deref().filter(|kind| *kind != "absolute") {
        return Err(Error::model(format!("position_embedding_type `{other}` cannot be exported"))
            .hint("`absolute` can"));
    }
    if config.is_decoder {
        return Err(Error::model("a decoder (is_decoder in config.json) cannot be exported")
            .hint("encoders can: those whose tokens see the tokens after them too"));
    }
    let prefixes = ["", "bert.", "roberta."];
    let mut builder = Builder::new(model_type, tensors, &prefixes, "embeddings.word_embeddings.weight")?;
    let b = &mut builder;
    let heads = Heads::of(config.hidden_size, config.num_attention_heads)?;
    let ids = b.input("input_ids");
    let attention_mask = b.input("attention_mask");
    let mut x = embeddings(b, config, positions, &ids)?;
    let mask = mask(b, &attention_mask);
    for layer in 0..config.num_hidden_layers {
        x = self::layer(b, config, heads, &format!("encoder.layer.{layer}"), &x, &mask)?;
    }
    b.output(x, config.hidden_size);
    Ok(builder.finish())
}

/// Sum of word, type and position embeddings, normalised.
fn embeddings(b: &mut Builder, config: &BertConfig, positions: Positions, ids: &Value) -> Result<Value> {
    b.scope("embeddings");
    let hidden = config.hidden_size;
    let words = b.weight("embeddings.word_embeddings.weight", &[config.vocab_size, hidden])?;
    let types = b.weight("embeddings.token_type_embeddings.weight", &[config.type_vocab_size, hidden])?;
    let table =
        b.weight("embeddings.position_embeddings.weight", &[config.max_position_embeddings, hidden])?;
    let words = b.node("Gather", &[&words, ids]);
    let (types, positions) = match positions {
        Positions::Absolute => {
            let type_ids = b.input("token_type_ids");
            // The first rows of the table: all texts have the same positions.
            let start = b.ints(&[0]);
            let end =
                b.node_with("Shape", &[ids], vec![("start", Attribute::Int(1)), ("end", Attribute::Int(2))]);
            (b.node("Gather", &[&types, &type_ids]), b.node("Slice", &[&table, &start, &end]))
        }
        Positions::AfterPadding => {
            let positions = positions_after_padding(b, ids, config.pad_token_id.unwrap_or(1));
            // Texts are never pairs, so all tokens are of the first type.
            let first = b.int(0);
            (b.node("Gather", &[&types, &first]), b.node("Gather", &[&table, &positions]))
        }
    };
    let sum = b.node("Add", &[&words, &types]);
    let sum = b.node("Add", &[&sum, &positions]);
    b.layer_norm(&sum, "embeddings.LayerNorm", hidden, config.layer_norm_eps, true)
}

/// cumsum(id != pad) * (id != pad) + pad, as transformers counts: by ids, not by the attention mask.
fn positions_after_padding(b: &mut Builder, ids: &Value, pad: i64) -> Value {
    let (pad, axis) = (b.int(pad), b.int(1));
    let is_pad = b.node("Equal", &[ids, &pad]);
    let is_text = b.node("Not", &[&is_pad]);
    let is_text = b.cast(&is_text, Element::I64);
    let count = b.node("CumSum", &[&is_text, &axis]);
    let count = b.node("Mul", &[&count, &is_text]);
    b.node("Add", &[&count, &pad])
}

/// `[batch, sequence]` of 1 and 0 to `[batch, 1, 1, sequence]` of 0 and the lowest number: added to a
/// score, the latter leaves nothing of it.
fn mask(b: &mut Builder, attention_mask: &Value) -> Value {
    b.scope("mask");
    let (one, lowest) = (b.float(1.0), b.float(f32::MIN));
    let mask = b.unsqueeze(attention_mask, &[1]);
    let mask = b.unsqueeze(&mask, &[2]);
    let mask = b.cast(&mask, Element::F32);
    let hidden = b.node("Sub", &[&one, &mask]);
    b.node("Mul", &[&hidden, &lowest])
}

fn layer(
    b: &mut Builder,
    config: &BertConfig,
    heads: Heads,
    name: &str,
    x: &Value,
    mask: &Value,
) -> Result<Value> {
    let (hidden, inner, epsilon) = (config.hidden_size, config.intermediate_size, config.layer_norm_eps);
    let attention = format!("{name}.attention");
    b.scope(&attention);
    let mut project = |which: &str| -> Result<Value> {
        let y = b.linear(x, &format!("{attention}.self.{which}"), (hidden, hidden), true)?;
        Ok(b.split_heads(&y, heads))
    };
    let (query, key, value) = (project("query")?, project("key")?, project("value")?);
    let mixed = b.attention(&query, &key, &value, mask, heads);
    let mixed = b.linear(&mixed, &format!("{attention}.output.dense"), (hidden, hidden), true)?;
    let sum = b.node("Add", &[&mixed, x]);
    let x = b.layer_norm(&sum, &format!("{attention}.output.LayerNorm"), hidden, epsilon, true)?;

    b.scope(name);
    let wide = b.linear(&x, &format!("{name}.intermediate.dense"), (hidden, inner), true)?;
    let wide = b.activation(&config.hidden_act, &wide)?;
    let narrow = b.linear(&wide, &format!("{name}.output.dense"), (inner, hidden), true)?;
    let sum = b.node("Add", &[&narrow, &x]);
    b.layer_norm(&sum, &format!("{name}.output.LayerNorm"), hidden, epsilon, true)
}
