//! A model that has learned nothing: a vocabulary of its own, and random weights.

mod vocabulary;
mod weights;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use clirbench_plugin::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::partial::{PartialDirectory, write_error};
pub use vocabulary::VocabularySpec;
use vocabulary::{PAD, UNKNOWN};

/// Rows of the segment table: there is one segment.
const SEGMENTS: usize = 1;

/// What a new model is made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlankSpec {
    /// The model's name, for its card.
    pub name: String,
    /// Of the random weights.
    pub seed: u64,
    /// Languages of the texts, for its card.
    #[serde(default)]
    pub languages: Vec<String>,
    /// The type that weights are stored in.
    #[serde(default)]
    pub dtype: Dtype,
    /// Its vocabulary.
    pub vocabulary: VocabularySpec,
    /// Its network. Token states are averaged and normalised.
    pub network: Network,
}

/// A network that is trained from scratch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Network {
    /// A transformer encoder.
    Bert(BertShape),
    /// A table of token embeddings and nothing else: sentence-transformers' `StaticEmbedding`. With little
    /// to learn from it is the better network, and it is trained in seconds.
    Static {
        /// Width of the table: the model's dimension.
        hidden_size: usize,
    },
}

impl Network {
    /// # Errors
    /// Kind `config` for a size of 0, or heads that do not divide the hidden size.
    fn check(&self) -> Result<()> {
        let fits = match self {
            Network::Static { hidden_size } => *hidden_size > 0,
            Network::Bert(shape) => {
                let sizes = [shape.hidden_size, shape.num_hidden_layers, shape.num_attention_heads];
                let others = [shape.intermediate_size, shape.max_position_embeddings];
                sizes.into_iter().chain(others).all(|size| size > 0)
                    && shape.hidden_size.is_multiple_of(shape.num_attention_heads)
                    && (0.0..1.0).contains(&shape.dropout)
            }
        };
        if fits {
            return Ok(());
        }
        Err(Error::config("[network] describes no network").hint(
            "every size is at least 1, `num_attention_heads` divides `hidden_size`, and `dropout` is below 1",
        ))
    }
}

/// Shape of a BERT, with the names of its `config.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BertShape {
    /// Width of the token states: the model's dimension.
    pub hidden_size: usize,
    /// Layers.
    pub num_hidden_layers: usize,
    /// Attention heads of a layer.
    pub num_attention_heads: usize,
    /// Width of the feed-forward block.
    pub intermediate_size: usize,
    /// The longest text, in tokens.
    pub max_position_embeddings: usize,
    /// Dropout in training.
    #[serde(default)]
    pub dropout: f32,
}

/// The type of stored weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dtype {
    /// 32 bits.
    #[default]
    F32,
    /// 16 bits, IEEE.
    F16,
    /// 16 bits, bfloat.
    Bf16,
}

/// Trains a vocabulary on `texts` and writes a sentence-transformers directory with random weights.
///
/// Equal arguments give equal bytes; the order of the texts is of no account.
///
/// # Errors
/// Kind `config` for a spec that makes no model, or an `out` that exists; `runtime` when nothing can be
/// written there.
pub fn create(spec: &BlankSpec, texts: &[String], out: &Path) -> Result<()> {
    spec.network.check()?;
    let folder = PartialDirectory::create(out)?;
    let tokenizer = vocabulary::train(&spec.vocabulary, texts)?;
    let size = tokenizer.get_vocab_size(true);
    for (name, content) in files(spec, size) {
        write(&folder, name, &format!("{content:#}\n"))?;
    }
    write(&folder, "README.md", &card(spec, texts.len()))?;
    let text = tokenizer.to_string(false).map_err(|e| Error::internal(e.to_string()))?;
    write(&folder, "tokenizer.json", &text)?;
    weights::write(folder.path(), &spec.network, size, spec.dtype, spec.seed)?;
    folder.commit()
}

fn write(folder: &PartialDirectory, name: &str, content: &str) -> Result<()> {
    let path = folder.path().join(name);
    let parent = path.parent().map_or(Ok(()), fs::create_dir_all);
    parent.and_then(|()| fs::write(&path, content)).map_err(|e| write_error(&path, &e))
}

/// The JSON files of the directory, in the layout that every version of sentence-transformers reads.
fn files(spec: &BlankSpec, vocabulary: usize) -> BTreeMap<&'static str, Value> {
    let modules = match &spec.network {
        Network::Bert(_) => &["Transformer", "Pooling", "Normalize"][..],
        Network::Static { .. } => &["StaticEmbedding", "Normalize"],
    };
    let module = |(idx, kind): (usize, &&str)| {
        json!({
            "idx": idx,
            "name": idx.to_string(),
            "path": if idx == 0 { String::new() } else { format!("{idx}_{kind}") },
            "type": format!("sentence_transformers.models.{kind}"),
        })
    };
    let modules: Vec<Value> = modules.iter().enumerate().map(module).collect();
    let mut tokenizer = json!({
        "tokenizer_class": "PreTrainedTokenizerFast",
        "pad_token": PAD,
        "unk_token": UNKNOWN,
    });
    let mut files = BTreeMap::from([
        ("modules.json", json!(modules)),
        (
            "config_sentence_transformers.json",
            json!({"prompts": {}, "default_prompt_name": null, "similarity_fn_name": "cosine"}),
        ),
    ]);
    if let Network::Bert(shape) = &spec.network {
        tokenizer["model_max_length"] = json!(shape.max_position_embeddings);
        files.insert("config.json", config(shape, spec.dtype, vocabulary));
        files.insert(
            "sentence_bert_config.json",
            json!({"max_seq_length": shape.max_position_embeddings, "do_lower_case": false}),
        );
        files.insert(
            "1_Pooling/config.json",
            json!({
                "word_embedding_dimension": shape.hidden_size,
                "pooling_mode_cls_token": false,
                "pooling_mode_mean_tokens": true,
                "pooling_mode_max_tokens": false,
                "pooling_mode_mean_sqrt_len_tokens": false,
            }),
        );
    }
    files.insert("tokenizer_config.json", tokenizer);
    files
}

/// `config.json` of a `BertModel`.
fn config(shape: &BertShape, dtype: Dtype, vocabulary: usize) -> Value {
    json!({
        "architectures": ["BertModel"],
        "model_type": "bert",
        "vocab_size": vocabulary,
        "hidden_size": shape.hidden_size,
        "num_hidden_layers": shape.num_hidden_layers,
        "num_attention_heads": shape.num_attention_heads,
        "intermediate_size": shape.intermediate_size,
        "hidden_act": "gelu",
        "max_position_embeddings": shape.max_position_embeddings,
        "type_vocab_size": SEGMENTS,
        "hidden_dropout_prob": shape.dropout,
        "attention_probs_dropout_prob": shape.dropout,
        "initializer_range": weights::DEVIATION,
        "layer_norm_eps": 1e-12,
        "pad_token_id": 0,
        "torch_dtype": dtype.torch_name(),
    })
}

fn card(spec: &BlankSpec, texts: usize) -> String {
    let languages: String = spec.languages.iter().map(|language| format!("- {language}\n")).collect();
    let languages = if languages.is_empty() { languages } else { format!("language:\n{languages}") };
    format!(
        "---\n{languages}library_name: sentence-transformers\npipeline_tag: sentence-similarity\n---\n\n\
         # {}\n\nA model that has learned nothing yet: random weights (seed {}) and a unigram vocabulary \
         that was trained on {texts} texts.\n",
        spec.name, spec.seed
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Summary;

    fn spec(network: Value) -> BlankSpec {
        serde_json::from_value(json!({
            "name": "blank",
            "seed": 1,
            "languages": ["en", "ko"],
            "dtype": "f16",
            "vocabulary": {"size": 50},
            "network": network,
        }))
        .expect("a spec")
    }

    fn bert(heads: usize) -> BlankSpec {
        spec(json!({"bert": {
            "hidden_size": 8,
            "num_hidden_layers": 1,
            "num_attention_heads": heads,
            "intermediate_size": 16,
            "max_position_embeddings": 32,
        }}))
    }

    fn texts() -> Vec<String> {
        (0..99).map(|i| format!("강은 {} 바다로 흐른다, and the river {} too", i % 5, i % 9)).collect()
    }

    #[test]
    fn a_new_model_is_a_whole_directory_and_always_the_same() {
        let folder = tempfile::tempdir().expect("a folder");
        let reversed: Vec<String> = texts().into_iter().rev().collect();
        for (name, spec, modules, max_length) in [
            ("bert", bert(2), &["Transformer", "Pooling", "Normalize"][..], Some(32)),
            ("static", spec(json!({"static": {"hidden_size": 8}})), &["StaticEmbedding", "Normalize"], None),
        ] {
            let bytes = |name: String, texts: &[String]| {
                let out = folder.path().join(name);
                create(&spec, texts, &out).expect("created");
                let read = |file: &str| fs::read(out.join(file)).expect(file);
                (read("tokenizer.json"), read("model.safetensors"))
            };
            assert!(bytes(format!("{name}-a"), &texts()) == bytes(format!("{name}-b"), &reversed));
            let summary = Summary::of(&folder.path().join(format!("{name}-a"))).expect("readable");
            assert_eq!(summary.modules.iter().map(|m| m.kind.as_str()).collect::<Vec<_>>(), modules);
            assert_eq!(
                (&summary.missing, summary.hidden, summary.max_length),
                (&vec![], Some(8), max_length)
            );
            assert_eq!(summary.languages, ["en", "ko"]);
            assert_eq!(summary.types.keys().collect::<Vec<_>>(), ["F16"]);
        }
    }

    #[test]
    fn what_makes_no_model_is_refused_before_anything_is_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let error = create(&bert(3), &texts(), &folder.path().join("m")).expect_err("3 does not divide 8");
        assert!(error.hint.contains("`num_attention_heads` divides `hidden_size`"), "{error:?}");
        fs::write(folder.path().join("taken"), "").expect("written");
        let error = create(&bert(2), &texts(), &folder.path().join("taken")).expect_err("it exists");
        assert!(error.message.contains("already exists"), "{error:?}");
        assert_eq!(fs::read_dir(folder.path()).expect("listed").count(), 1);
    }
}
