//! `config.json` of a transformer: the architectures and what sets their shape.

use std::path::Path;

use clirbench_plugin::{Error, Result};
use serde::Deserialize;
use serde_json::Value;

use crate::Activation;

/// An architecture and its shape.
#[derive(Clone, Debug, PartialEq)]
pub enum Architecture {
    /// BERT, RoBERTa and XLM-R: layer norm after each block, absolute positions.
    Bert(BertConfig),
    /// ModernBERT: layer norm before each block, rotary positions, local and global attention.
    ModernBert(ModernBertConfig),
    /// A table of token embeddings and nothing else.
    Static,
}

/// Shape of a BERT, RoBERTa or XLM-R.
#[derive(Clone, Debug, PartialEq)]
pub struct BertConfig {
    /// Rows of the token-embedding table.
    pub vocab_size: usize,
    /// Width of the token states.
    pub hidden_size: usize,
    /// Number of layers.
    pub layers: usize,
    /// Attention heads of a layer.
    pub heads: usize,
    /// Width of the feed-forward block.
    pub intermediate_size: usize,
    /// Function of the feed-forward block.
    pub activation: Activation,
    /// Rows of the position table.
    pub position_rows: usize,
    /// Row of the first position: 0, or the padding id + 1 for RoBERTa.
    pub first_position: usize,
    /// Rows of the segment table.
    pub segments: usize,
    /// Added to the variance in layer norms.
    pub norm_eps: f32,
    /// Dropout of embeddings and block outputs.
    pub hidden_dropout: f32,
    /// Dropout of attention probabilities.
    pub attention_dropout: f32,
    /// Dropout before the classifier of a cross-encoder.
    pub classifier_dropout: f32,
    /// Whether the classifier is RoBERTa's (`classifier.dense`, `classifier.out_proj`) or BERT's
    /// (`pooler.dense`, `classifier`).
    pub roberta: bool,
}

/// Shape of a ModernBERT.
#[derive(Clone, Debug, PartialEq)]
pub struct ModernBertConfig {
    /// Rows of the token-embedding table.
    pub vocab_size: usize,
    /// Width of the token states.
    pub hidden_size: usize,
    /// Attention heads of a layer.
    pub heads: usize,
    /// Width of the gated feed-forward block.
    pub intermediate_size: usize,
    /// Function of the feed-forward block's gate.
    pub activation: Activation,
    /// Longest text.
    pub max_positions: usize,
    /// Added to the variance in layer norms.
    pub norm_eps: f32,
    /// Whether layer norms have a bias.
    pub norm_bias: bool,
    /// Whether the projections of attention have a bias.
    pub attention_bias: bool,
    /// Whether the projections of the feed-forward block have a bias.
    pub mlp_bias: bool,
    /// For each layer: whether it attends to all tokens, or to a window only.
    pub global_layers: Vec<bool>,
    /// Tokens to each side that a local layer attends to.
    pub window: usize,
    /// Base of the rotary frequencies in global layers.
    pub global_theta: f64,
    /// Base of the rotary frequencies in local layers.
    pub local_theta: f64,
    /// Dropout of the embeddings.
    pub embedding_dropout: f32,
    /// Dropout of attention probabilities and of attention's output.
    pub attention_dropout: f32,
    /// Dropout inside the feed-forward block.
    pub mlp_dropout: f32,
    /// Dropout before the classifier of a cross-encoder.
    pub classifier_dropout: f32,
    /// Whether a cross-encoder pools the mean instead of the first token.
    pub classifier_mean: bool,
    /// Function of the cross-encoder's dense layer.
    pub classifier_activation: Activation,
    /// Whether that layer has a bias.
    pub classifier_bias: bool,
}

impl Architecture {
    /// Reads `config.json` in `dir`; a directory without one holds a static model.
    ///
    /// # Errors
    /// An unreadable file, an architecture or an option that is not supported: all name the file and
    /// the field.
    pub fn read(dir: &Path) -> Result<Self> {
        let path = dir.join("config.json");
        if !path.exists() {
            return Ok(Architecture::Static);
        }
        let text = std::fs::read_to_string(&path)
            .map_err(|e| Error::model(format!("{} cannot be read: {e}", path.display())))?;
        let named = |e: Error| Error { message: format!("{}: {}", path.display(), e.message), ..e };
        let json: Value = serde_json::from_str(&text).map_err(|e| named(Error::model(e.to_string())))?;
        Self::from_json(json).map_err(named)
    }

    /// Sets the probability of every dropout.
    pub fn set_dropout(&mut self, rate: f32) {
        match self {
            Architecture::Bert(config) => {
                config.hidden_dropout = rate;
                config.attention_dropout = rate;
                config.classifier_dropout = rate;
            }
            Architecture::ModernBert(config) => {
                config.embedding_dropout = rate;
                config.attention_dropout = rate;
                config.mlp_dropout = rate;
                config.classifier_dropout = rate;
            }
            Architecture::Static => {}
        }
    }

    /// The architecture that a parsed `config.json` describes.
    ///
    /// # Errors
    /// As [`Architecture::read`].
    pub fn from_json(json: Value) -> Result<Self> {
        let model_type = json.get("model_type").and_then(Value::as_str).unwrap_or_default().to_owned();
        match model_type.as_str() {
            "bert" => bert(json, false).map(Architecture::Bert),
            "roberta" | "xlm-roberta" | "camembert" => bert(json, true).map(Architecture::Bert),
            "modernbert" => modern_bert(json).map(Architecture::ModernBert),
            other => Err(Error::model(format!("model_type {other:?} is not supported")).hint(
                "supported: bert, roberta, xlm-roberta, camembert, modernbert, and static models without \
                 a config.json",
            )),
        }
    }
}

#[derive(Deserialize)]
struct RawBert {
    vocab_size: usize,
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    intermediate_size: usize,
    #[serde(default = "gelu")]
    hidden_act: String,
    max_position_embeddings: usize,
    #[serde(default = "two")]
    type_vocab_size: usize,
    #[serde(default = "bert_eps")]
    layer_norm_eps: f64,
    #[serde(default = "tenth")]
    hidden_dropout_prob: f32,
    #[serde(default = "tenth")]
    attention_probs_dropout_prob: f32,
    classifier_dropout: Option<f32>,
    pad_token_id: Option<usize>,
    position_embedding_type: Option<String>,
    #[serde(default)]
    is_decoder: bool,
    #[serde(default)]
    num_labels: Option<usize>,
}

fn bert(json: Value, roberta: bool) -> Result<BertConfig> {
    let raw: RawBert = serde_json::from_value(json).map_err(|e| Error::model(e.to_string()))?;
    if let Some(kind) = raw.position_embedding_type.filter(|kind| kind != "absolute") {
        return Err(Error::model(format!("position_embedding_type {kind:?} is not supported")));
    }
    if raw.is_decoder {
        return Err(Error::model("is_decoder: causal attention is not supported"));
    }
    if raw.num_labels.is_some_and(|n| n != 1) {
        return Err(Error::model("num_labels: only 1 is supported"));
    }
    check_heads(raw.hidden_size, raw.num_attention_heads)?;
    check_rate("hidden_dropout_prob", raw.hidden_dropout_prob)?;
    check_rate("attention_probs_dropout_prob", raw.attention_probs_dropout_prob)?;
    let classifier_dropout = raw.classifier_dropout.unwrap_or(raw.hidden_dropout_prob);
    check_rate("classifier_dropout", classifier_dropout)?;
    Ok(BertConfig {
        vocab_size: raw.vocab_size,
        hidden_size: raw.hidden_size,
        layers: raw.num_hidden_layers,
        heads: raw.num_attention_heads,
        intermediate_size: raw.intermediate_size,
        activation: activation("hidden_act", &raw.hidden_act)?,
        position_rows: raw.max_position_embeddings,
        first_position: if roberta { raw.pad_token_id.unwrap_or(1) + 1 } else { 0 },
        segments: raw.type_vocab_size,
        norm_eps: raw.layer_norm_eps as f32,
        hidden_dropout: raw.hidden_dropout_prob,
        attention_dropout: raw.attention_probs_dropout_prob,
        classifier_dropout,
        roberta,
    })
}

#[derive(Deserialize)]
struct RawModernBert {
    vocab_size: usize,
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    intermediate_size: usize,
    #[serde(default = "gelu")]
    hidden_activation: String,
    max_position_embeddings: usize,
    #[serde(default = "modern_eps")]
    norm_eps: f64,
    #[serde(default)]
    norm_bias: bool,
    #[serde(default)]
    attention_bias: bool,
    #[serde(default)]
    mlp_bias: bool,
    #[serde(default = "three")]
    global_attn_every_n_layers: usize,
    layer_types: Option<Vec<String>>,
    #[serde(default = "default_window")]
    local_attention: usize,
    global_rope_theta: Option<f64>,
    local_rope_theta: Option<f64>,
    rope_parameters: Option<Value>,
    rope_scaling: Option<Value>,
    #[serde(default)]
    embedding_dropout: f32,
    #[serde(default)]
    attention_dropout: f32,
    #[serde(default)]
    mlp_dropout: f32,
    #[serde(default)]
    classifier_dropout: f32,
    #[serde(default = "cls")]
    classifier_pooling: String,
    #[serde(default = "gelu")]
    classifier_activation: String,
    #[serde(default)]
    classifier_bias: bool,
}

fn modern_bert(json: Value) -> Result<ModernBertConfig> {
    let raw: RawModernBert = serde_json::from_value(json).map_err(|e| Error::model(e.to_string()))?;
    check_heads(raw.hidden_size, raw.num_attention_heads)?;
    if !(raw.hidden_size / raw.num_attention_heads).is_multiple_of(2) {
        return Err(Error::model("hidden_size / num_attention_heads is odd: no rotary positions"));
    }
    if raw.rope_scaling.is_some_and(|v| !v.is_null()) {
        return Err(Error::model("rope_scaling is not supported"));
    }
    for (field, rate) in [
        ("embedding_dropout", raw.embedding_dropout),
        ("attention_dropout", raw.attention_dropout),
        ("mlp_dropout", raw.mlp_dropout),
        ("classifier_dropout", raw.classifier_dropout),
    ] {
        check_rate(field, rate)?;
    }
    let global_layers = match &raw.layer_types {
        None if raw.global_attn_every_n_layers == 0 => {
            return Err(Error::model("global_attn_every_n_layers is 0"));
        }
        None => (0..raw.num_hidden_layers).map(|i| i % raw.global_attn_every_n_layers == 0).collect(),
        Some(types) if types.len() != raw.num_hidden_layers => {
            return Err(Error::model(format!(
                "layer_types has {} entries, num_hidden_layers is {}",
                types.len(),
                raw.num_hidden_layers
            )));
        }
        Some(types) => types
            .iter()
            .map(|kind| match kind.as_str() {
                "full_attention" => Ok(true),
                "sliding_attention" => Ok(false),
                other => Err(Error::model(format!("layer_types: {other:?} is not supported"))),
            })
            .collect::<Result<Vec<_>>>()?,
    };
    let theta = |kind: &str, older: Option<f64>, default: f64| -> Result<f64> {
        let Some(newer) = raw.rope_parameters.as_ref().and_then(|p| p.get(kind)) else {
            return Ok(older.unwrap_or(default));
        };
        match newer.get("rope_type").and_then(Value::as_str) {
            None | Some("default") => {}
            Some(other) => return Err(Error::model(format!("rope_type {other:?} is not supported"))),
        }
        Ok(newer.get("rope_theta").and_then(Value::as_f64).or(older).unwrap_or(default))
    };
    Ok(ModernBertConfig {
        vocab_size: raw.vocab_size,
        hidden_size: raw.hidden_size,
        heads: raw.num_attention_heads,
        intermediate_size: raw.intermediate_size,
        activation: activation("hidden_activation", &raw.hidden_activation)?,
        max_positions: raw.max_position_embeddings,
        norm_eps: raw.norm_eps as f32,
        norm_bias: raw.norm_bias,
        attention_bias: raw.attention_bias,
        mlp_bias: raw.mlp_bias,
        global_theta: theta("full_attention", raw.global_rope_theta, 160_000.0)?,
        local_theta: theta("sliding_attention", raw.local_rope_theta, 10_000.0)?,
        global_layers,
        window: raw.local_attention / 2,
        embedding_dropout: raw.embedding_dropout,
        attention_dropout: raw.attention_dropout,
        mlp_dropout: raw.mlp_dropout,
        classifier_dropout: raw.classifier_dropout,
        classifier_mean: match raw.classifier_pooling.as_str() {
            "cls" => false,
            "mean" => true,
            other => return Err(Error::model(format!("classifier_pooling {other:?} is not supported"))),
        },
        classifier_activation: activation("classifier_activation", &raw.classifier_activation)?,
        classifier_bias: raw.classifier_bias,
    })
}

fn check_heads(hidden: usize, heads: usize) -> Result<()> {
    if hidden == 0 || heads == 0 || !hidden.is_multiple_of(heads) {
        return Err(Error::model(format!(
            "hidden_size {hidden} is not a multiple of num_attention_heads {heads}"
        )));
    }
    Ok(())
}

fn check_rate(field: &str, rate: f32) -> Result<()> {
    if (0.0..1.0).contains(&rate) {
        return Ok(());
    }
    Err(Error::model(format!("{field} is {rate}, not in [0, 1)")))
}

fn activation(field: &str, name: &str) -> Result<Activation> {
    Activation::from_name(name).ok_or_else(|| {
        Error::model(format!("{field} {name:?} is not supported"))
            .hint("supported: gelu, gelu_new, gelu_pytorch_tanh, gelu_fast, relu, tanh")
    })
}

fn gelu() -> String {
    "gelu".to_owned()
}

fn cls() -> String {
    "cls".to_owned()
}

fn bert_eps() -> f64 {
    1e-12
}

fn modern_eps() -> f64 {
    1e-5
}

fn tenth() -> f32 {
    0.1
}

fn two() -> usize {
    2
}

fn three() -> usize {
    3
}

fn default_window() -> usize {
    128
}
