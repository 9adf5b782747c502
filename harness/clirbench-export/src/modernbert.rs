//! ModernBERT (Warner et al. 2024): layer normalisation before each sublayer, rotary positions, gated
//! feed-forward layers, and attention to near tokens only in most layers.

use std::collections::BTreeMap;

use clirbench_model::Tensors;
use clirbench_plugin::{Error, Result};
use serde::Deserialize;

use crate::builder::{Builder, Heads, Value};
use crate::graph::{Attribute, Element, Graph};

/// What config.json says, as transformers 4 or 5 writes it.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct ModernBertConfig {
    vocab_size: usize,
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    intermediate_size: usize,
    #[serde(default = "default_epsilon")]
    norm_eps: f32,
    #[serde(default)]
    norm_bias: bool,
    #[serde(default)]
    attention_bias: bool,
    #[serde(default)]
    mlp_bias: bool,
    #[serde(default = "default_activation")]
    hidden_activation: String,
    #[serde(default = "default_local_attention")]
    local_attention: usize,
    /// Newer configs: the kind of every layer.
    layer_types: Option<Vec<LayerType>>,
    /// Older configs: every so many layers one sees all tokens.
    #[serde(default = "default_global_every")]
    global_attn_every_n_layers: usize,
    /// Newer configs.
    rope_parameters: Option<BTreeMap<LayerType, Rope>>,
    /// Older configs.
    #[serde(default = "default_global_theta")]
    global_rope_theta: f32,
    /// Older configs; `null` means the global one.
    #[serde(default = "default_local_theta")]
    local_rope_theta: Option<f32>,
}

/// Which tokens a layer's attention sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LayerType {
    /// All.
    FullAttention,
    /// Those at most half of `local_attention` away.
    SlidingAttention,
}

#[derive(Clone, Debug, Deserialize)]
struct Rope {
    rope_type: Option<String>,
    rope_theta: Option<f32>,
}

fn default_epsilon() -> f32 {
    1e-5
}

fn default_activation() -> String {
    "gelu".to_owned()
}

fn default_local_attention() -> usize {
    128
}

fn default_global_every() -> usize {
    3
}

fn default_global_theta() -> f32 {
    160_000.0
}

fn default_local_theta() -> Option<f32> {
    Some(10_000.0)
}

impl ModernBertConfig {
    fn layer_types(&self) -> Result<Vec<LayerType>> {
        let every = self.global_attn_every_n_layers.max(1);
        let types = self.layer_types.clone().unwrap_or_else(|| {
            let of = |i| {
                if i % every == 0 { LayerType::FullAttention } else { LayerType::SlidingAttention }
            };
            (0..self.num_hidden_layers).map(of).collect()
        });
        if types.len() != self.num_hidden_layers {
            return Err(Error::model(format!(
                "config.json has {} layer_types for {} layers",
                types.len(),
                self.num_hidden_layers
            ))
            .hint("copy config.json from the model again"));
        }
        Ok(types)
    }

    /// The base of the rotary frequencies.
    fn theta(&self, layer: LayerType) -> Result<f32> {
        let rope = self.rope_parameters.as_ref().and_then(|parameters| parameters.get(&layer));
        let kind = rope.and_then(|rope| rope.rope_type.as_deref()).unwrap_or("default");
        if kind != "default" {
            return Err(Error::model(format!("rope_type `{kind}` cannot be exported")).hint("`default` can"));
        }
        let older = match layer {
            LayerType::FullAttention => self.global_rope_theta,
            LayerType::SlidingAttention => self.local_rope_theta.unwrap_or(self.global_rope_theta),
        };
        Ok(rope.and_then(|rope| rope.rope_theta).unwrap_or(older))
    }
}

/// What the layers of one type have in common.
struct Shared {
    /// `[sequence, size]`
    cosine: Value,
    /// The same.
    sine: Value,
    /// `[batch, 1, 1 or sequence, sequence]`
    mask: Value,
}

/// The encoder's graph.
///
/// # Errors
/// Kind `model`: an option that cannot be exported, a tensor that is missing or has another shape.
pub(crate) fn graph(config: &ModernBertConfig, tensors: &Tensors) -> Result<Graph> {
    let words = "embeddings.tok_embeddings.weight";
    let mut builder = Builder::new("modernbert", tensors, &["", "model."], words)?;
    let b = &mut builder;
    let hidden = config.hidden_size;
    let heads = Heads::of(hidden, config.num_attention_heads)?;
    let ids = b.input("input_ids");
    let attention_mask = b.input("attention_mask");

    b.scope("embeddings");
    let table = b.weight(words, &[config.vocab_size, hidden])?;
    let words = b.node("Gather", &[&table, &ids]);
    let mut x = norm(b, config, &words, "embeddings.norm")?;

    b.scope("positions");
    let shape = b.node("Shape", &[&ids]);
    let (zero, one) = (b.int(0), b.int(1));
    let length = b.node("Gather", &[&shape, &one]);
    let positions = b.node("Range", &[&zero, &length, &one]);
    let types = config.layer_types()?;
    let mut shared = BTreeMap::new();
    for kind in types.iter().copied() {
        if let std::collections::btree_map::Entry::Vacant(entry) = shared.entry(kind) {
            let (cosine, sine) = rotation(b, &positions, config.theta(kind)?, heads.size);
            let window = (kind == LayerType::SlidingAttention).then_some(config.local_attention / 2);
            entry.insert(Shared { cosine, sine, mask: mask(b, &attention_mask, &positions, window) });
        }
    }

    for (i, kind) in types.iter().enumerate() {
        let name = format!("layers.{i}");
        b.scope(&name);
        // The embeddings are normalised already.
        let input = if i == 0 { x.clone() } else { norm(b, config, &x, &format!("{name}.attn_norm"))? };
        let mixed = attention(b, config, heads, &format!("{name}.attn"), &input, &shared[kind])?;
        x = b.node("Add", &[&x, &mixed]);
        let input = norm(b, config, &x, &format!("{name}.mlp_norm"))?;
        let fed = feed_forward(b, config, &format!("{name}.mlp"), &input)?;
        x = b.node("Add", &[&x, &fed]);
    }
    b.scope("");
    let x = norm(b, config, &x, "final_norm")?;
    b.output(x, hidden);
    Ok(builder.finish())
}

fn norm(b: &mut Builder, config: &ModernBertConfig, x: &Value, name: &str) -> Result<Value> {
    b.layer_norm(x, name, config.hidden_size, config.norm_eps, config.norm_bias)
}

/// Cosine and sine of position times frequency theta^(-2i/size) (Su et al. 2021, eq. 34), the
/// frequencies twice, `[sequence, size]`.
fn rotation(b: &mut Builder, positions: &Value, theta: f32, size: usize) -> (Value, Value) {
    let frequencies =
        (0..size).step_by(2).map(|i| 1.0 / theta.powf(i as f32 / size as f32)).collect::<Vec<f32>>();
    let frequencies = b.floats(frequencies);
    let positions = b.cast(positions, Element::F32);
    let positions = b.unsqueeze(&positions, &[1]);
    let angles = b.node("Mul", &[&positions, &frequencies]);
    let angles = b.node_with("Concat", &[&angles, &angles], vec![("axis", Attribute::Int(-1))]);
    (b.node("Cos", &[&angles]), b.node("Sin", &[&angles]))
}

/// 0 where a token sees another, the lowest number where it does not: padding, and tokens more than
/// `window` away.
fn mask(b: &mut Builder, attention_mask: &Value, positions: &Value, window: Option<usize>) -> Value {
    let (seen, lowest) = (b.float(0.0), b.float(f32::MIN));
    let mut sees = b.cast(attention_mask, Element::Bool);
    sees = b.unsqueeze(&sees, &[1, 2]);
    if let Some(window) = window {
        let (from, to) = (b.unsqueeze(positions, &[1]), b.unsqueeze(positions, &[0]));
        let distance = b.node("Sub", &[&from, &to]);
        let distance = b.node("Abs", &[&distance]);
        let limit = b.int(window as i64);
        let near = b.node("LessOrEqual", &[&distance, &limit]);
        sees = b.node("And", &[&sees, &near]);
    }
    b.node("Where", &[&sees, &seen, &lowest])
}

fn attention(
    b: &mut Builder,
    config: &ModernBertConfig,
    heads: Heads,
    name: &str,
    x: &Value,
    shared: &Shared,
) -> Result<Value> {
    let (hidden, bias) = (config.hidden_size, config.attention_bias);
    let all = b.linear(x, &format!("{name}.Wqkv"), (hidden, 3 * hidden), bias)?;
    let [query, key, value] = b.split(&all, -1).map(|part| b.split_heads(&part, heads));
    let (query, key) = (rotate(b, &query, shared), rotate(b, &key, shared));
    let mixed = b.attention(&query, &key, &value, &shared.mask, heads);
    b.linear(&mixed, &format!("{name}.Wo"), (hidden, hidden), bias)
}

/// x cos + (-x2, x1) sin, where x1 and x2 are the halves of x: pairs of components turned by their
/// position's angle.
fn rotate(b: &mut Builder, x: &Value, shared: &Shared) -> Value {
    let [first, second] = b.split(x, -1);
    let second = b.node("Neg", &[&second]);
    let turned = b.node_with("Concat", &[&second, &first], vec![("axis", Attribute::Int(-1))]);
    let straight = b.node("Mul", &[x, &shared.cosine]);
    let turned = b.node("Mul", &[&turned, &shared.sine]);
    b.node("Add", &[&straight, &turned])
}

/// W_o (act(a) * g), where (a, g) are the halves of W_i x (Shazeer 2020).
fn feed_forward(b: &mut Builder, config: &ModernBertConfig, name: &str, x: &Value) -> Result<Value> {
    let (hidden, inner, bias) = (config.hidden_size, config.intermediate_size, config.mlp_bias);
    let both = b.linear(x, &format!("{name}.Wi"), (hidden, 2 * inner), bias)?;
    let [input, gate] = b.split(&both, -1);
    let active = b.activation(&config.hidden_activation, &input)?;
    let gated = b.node("Mul", &[&active, &gate]);
    b.linear(&gated, &format!("{name}.Wo"), (inner, hidden), bias)
}
