//! Tiny models of every architecture with random weights, written as Transformers names them.

use std::path::Path;

use candle_core::{DType, Device};
use clirbench_candle::{Activation, Batch, Head, Model, Pooling, PoolingMode, Step};
use safetensors::tensor::{Dtype, TensorView, serialize_to_file};
use serde_json::{Value, json};

/// Width of all tiny models; three heads of 6, which fill no vector register.
const HIDDEN: usize = 18;
const INNER: usize = 22;
const VOCABULARY: usize = 31;
const LAYERS: usize = 4;

/// Uniform numbers in [-1, 1), the same on every run.
pub(crate) struct Numbers(u64);

impl Numbers {
    pub(crate) fn new(seed: u64) -> Self {
        Numbers(seed)
    }

    pub(crate) fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / 8_388_608.0 - 1.0
    }

    pub(crate) fn take(&mut self, n: usize) -> Vec<f32> {
        (0..n).map(|_| self.next()).collect()
    }
}

/// An architecture with a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Bert,
    XlmR,
    ModernBert,
    Static,
    BertPairs,
    XlmRPairs,
    ModernBertPairs,
}

impl Kind {
    pub(crate) const ALL: [Kind; 7] = [
        Kind::Bert,
        Kind::XlmR,
        Kind::ModernBert,
        Kind::Static,
        Kind::BertPairs,
        Kind::XlmRPairs,
        Kind::ModernBertPairs,
    ];

    pub(crate) fn config(self) -> Option<Value> {
        match self {
            Kind::Static => None,
            Kind::ModernBert | Kind::ModernBertPairs => Some(json!({
                "model_type": "modernbert", "vocab_size": VOCABULARY, "hidden_size": HIDDEN,
                "num_hidden_layers": LAYERS, "num_attention_heads": 3, "intermediate_size": INNER,
                "max_position_embeddings": 64, "local_attention": 6, "global_attn_every_n_layers": 3,
                "global_rope_theta": 1000.0, "local_rope_theta": 100.0,
                "embedding_dropout": 0.1, "attention_dropout": 0.1, "mlp_dropout": 0.1,
                "classifier_pooling": "mean",
            })),
            _ => {
                let roberta = matches!(self, Kind::XlmR | Kind::XlmRPairs);
                Some(json!({
                    "model_type": if roberta { "xlm-roberta" } else { "bert" },
                    "vocab_size": VOCABULARY, "hidden_size": HIDDEN, "num_hidden_layers": LAYERS,
                    "num_attention_heads": 3, "intermediate_size": INNER, "hidden_act": "gelu",
                    "max_position_embeddings": 66, "type_vocab_size": if roberta { 1 } else { 2 },
                    "layer_norm_eps": 1e-5, "pad_token_id": 1,
                    "hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1,
                }))
            }
        }
    }

    /// Names and shapes of all tensors.
    pub(crate) fn tensors(self) -> Vec<(String, Vec<usize>)> {
        let mut all = Vec::new();
        let mut add = |name: String, shape: &[usize]| all.push((name, shape.to_vec()));
        let (h, inner) = (HIDDEN, INNER);
        match self {
            Kind::Static => add("embedding.weight".into(), &[VOCABULARY, h]),
            Kind::ModernBert | Kind::ModernBertPairs => {
                let prefix = if self == Kind::ModernBertPairs { "model." } else { "" };
                add(format!("{prefix}embeddings.tok_embeddings.weight"), &[VOCABULARY, h]);
                for norm in ["embeddings.norm", "final_norm"] {
                    add(format!("{prefix}{norm}.weight"), &[h]);
                }
                for layer in 0..LAYERS {
                    let at = |name: &str| format!("{prefix}layers.{layer}.{name}.weight");
                    if layer > 0 {
                        add(at("attn_norm"), &[h]);
                    }
                    add(at("attn.Wqkv"), &[3 * h, h]);
                    add(at("attn.Wo"), &[h, h]);
                    add(at("mlp_norm"), &[h]);
                    add(at("mlp.Wi"), &[2 * inner, h]);
                    add(at("mlp.Wo"), &[h, inner]);
                }
                if self == Kind::ModernBertPairs {
                    add("head.dense.weight".into(), &[h, h]);
                    add("head.norm.weight".into(), &[h]);
                    add("classifier.weight".into(), &[1, h]);
                    add("classifier.bias".into(), &[1]);
                }
            }
            _ => {
                let prefix = match self {
                    Kind::BertPairs => "bert.",
                    Kind::XlmRPairs => "roberta.",
                    _ => "",
                };
                let segments = if matches!(self, Kind::XlmR | Kind::XlmRPairs) { 1 } else { 2 };
                let embeddings = [("word", VOCABULARY), ("position", 66), ("token_type", segments)];
                for (name, rows) in embeddings {
                    add(format!("{prefix}embeddings.{name}_embeddings.weight"), &[rows, h]);
                }
                let mut both = |name: String, outputs: usize, inputs: Option<usize>| {
                    let weight = inputs.map_or(vec![outputs], |inputs| vec![outputs, inputs]);
                    add(format!("{name}.weight"), &weight);
                    add(format!("{name}.bias"), &[outputs]);
                };
                both(format!("{prefix}embeddings.LayerNorm"), h, None);
                for layer in 0..LAYERS {
                    let at = |name: &str| format!("{prefix}encoder.layer.{layer}.{name}");
                    for part in ["query", "key", "value"] {
                        both(at(&format!("attention.self.{part}")), h, Some(h));
                    }
                    both(at("attention.output.dense"), h, Some(h));
                    both(at("attention.output.LayerNorm"), h, None);
                    both(at("intermediate.dense"), inner, Some(h));
                    both(at("output.dense"), h, Some(inner));
                    both(at("output.LayerNorm"), h, None);
                }
                match self {
                    Kind::BertPairs => {
                        both("bert.pooler.dense".into(), h, Some(h));
                        both("classifier".into(), 1, Some(h));
                    }
                    Kind::XlmRPairs => {
                        both("classifier.dense".into(), h, Some(h));
                        both("classifier.out_proj".into(), 1, Some(h));
                    }
                    _ => {}
                }
            }
        }
        all
    }

    /// Writes config and weights to `dir`, and the head's dense layer to `dir/2_Dense`.
    pub(crate) fn write(self, dir: &Path) {
        if let Some(config) = self.config() {
            std::fs::write(dir.join("config.json"), config.to_string()).expect("written");
        }
        write_tensors(&dir.join("model.safetensors"), &self.tensors());
        let dense = dir.join("2_Dense");
        std::fs::create_dir(&dense).expect("made");
        let tensors =
            [("linear.weight".to_owned(), vec![10, 2 * HIDDEN]), ("linear.bias".to_owned(), vec![10])];
        write_tensors(&dense.join("model.safetensors"), &tensors);
    }

    /// Two poolings, a dense layer and unit length; or the classifier.
    pub(crate) fn head(self, dir: &Path) -> Head {
        if matches!(self, Kind::BertPairs | Kind::XlmRPairs | Kind::ModernBertPairs) {
            return Head::CrossEncoder;
        }
        let dense = Step::Dense {
            name: "2_Dense".to_owned(),
            weights: dir.join("2_Dense/model.safetensors"),
            activation: Activation::Tanh,
        };
        Head::Embedding {
            pooling: Pooling { modes: vec![PoolingMode::Mean, PoolingMode::Cls], skip: 0 },
            steps: vec![dense, Step::Normalize],
        }
    }

    /// The model in a directory of its own.
    pub(crate) fn model(self) -> Model {
        let dir = tempfile::tempdir().expect("a directory");
        self.write(dir.path());
        load(self, dir.path())
    }

    /// Texts of 1 to 13 tokens, with a second segment where the model has one.
    pub(crate) fn batch(self) -> Batch {
        let mut numbers = Numbers::new(5);
        let texts: Vec<Vec<u32>> = [5, 1, 13, 8]
            .iter()
            .map(|&n| (0..n).map(|_| ((numbers.next() + 1.0) * 0.5 * VOCABULARY as f32) as u32).collect())
            .collect();
        let mut batch = Batch::from_ids(&texts);
        if matches!(self, Kind::Bert | Kind::BertPairs) {
            batch.types = (0..batch.tokens() as u32).map(|i| i % 2).collect();
        }
        batch
    }
}

pub(crate) fn load(kind: Kind, dir: &Path) -> Model {
    Model::load(dir, &kind.head(dir), &Device::Cpu, DType::F32).expect("a tiny model")
}

/// Random tensors; those of norms are near 1 where they are weights.
pub(crate) fn write_tensors(path: &Path, tensors: &[(String, Vec<usize>)]) {
    let mut numbers = Numbers::new(9);
    let bytes: Vec<Vec<u8>> = tensors
        .iter()
        .map(|(name, shape)| {
            let norm = shape.len() == 1 && name.ends_with("weight");
            let values = numbers.take(shape.iter().product());
            values
                .iter()
                .map(|v| if norm { 1.0 + 0.3 * v } else { 0.4 * v })
                .flat_map(f32::to_le_bytes)
                .collect()
        })
        .collect();
    let views = tensors.iter().zip(&bytes).map(|((name, shape), bytes)| {
        (name, TensorView::new(Dtype::F32, shape.clone(), bytes).expect("a tensor"))
    });
    serialize_to_file(views, None, path).expect("written");
}
