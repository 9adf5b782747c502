//! A model directory of a few weights: a token's vector is its row of a table, so that every
//! embedding can be worked out by hand.

use std::fs;
use std::path::Path;

use clirbench_plugin::{Encoder, Host, Result};
use encoder_onnx::OnnxEncoder;
use safetensors::Dtype;
use safetensors::tensor::{TensorView, serialize_to_file};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::onnx::{FLOAT, Graph, INT64};

/// Words by id; `query:` is a prompt.
pub(crate) const VOCABULARY: [&str; 9] = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "b", "c", "d", "query:"];
/// Length of a token's vector.
pub(crate) const HIDDEN: usize = 2;

/// Row `i` of the table is `[i, i * i]`. Padding is not zero: it would show if it took part.
pub(crate) fn table() -> Vec<f32> {
    (0..VOCABULARY.len())
        .flat_map(|i| if i == 0 { [1e6, -1e6] } else { [i as f32, (i * i) as f32] })
        .collect()
}

/// A directory that is put together by the tests.
pub(crate) struct Model {
    dir: TempDir,
}

impl Model {
    /// A whole directory in the older layout: mean pooling, no Normalize, at most 6 tokens.
    pub(crate) fn new() -> Self {
        let model = Model { dir: tempfile::tempdir().expect("a temporary directory") };
        model.json(
            "config.json",
            json!({"model_type": "bert", "max_position_embeddings": 16, "pad_token_id": 0}),
        );
        model.json("sentence_bert_config.json", json!({"max_seq_length": 6, "do_lower_case": false}));
        model.json("tokenizer.json", tokenizer());
        model.modules(&[("", "Transformer"), ("1_Pooling", "Pooling")]);
        model.json(
            "1_Pooling/config.json",
            json!({"word_embedding_dimension": HIDDEN, "pooling_mode_mean_tokens": true}),
        );
        model.graph("onnx/model.onnx", Graph::default().weights("table", &[9, 2], &table()));
        model
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("created");
        fs::write(path, bytes).expect("written");
    }

    pub(crate) fn json(&self, name: &str, value: Value) {
        self.write(name, value.to_string().as_bytes());
    }

    pub(crate) fn remove(&self, name: &str) {
        fs::remove_file(self.path().join(name)).expect("removed");
    }

    /// modules.json of these paths and classes.
    pub(crate) fn modules(&self, modules: &[(&str, &str)]) {
        let modules: Vec<Value> = modules
            .iter()
            .enumerate()
            .map(|(idx, (path, class))| {
                json!({"idx": idx, "name": idx.to_string(), "path": path,
                       "type": format!("sentence_transformers.models.{class}")})
            })
            .collect();
        self.json("modules.json", json!(modules));
    }

    /// Completes `weights` (which holds `table`) to the usual graph: ids in, token vectors out.
    pub(crate) fn graph(&self, name: &str, weights: Graph) {
        let graph = weights
            .input("input_ids", INT64)
            .input("attention_mask", INT64)
            .node("Gather", &["table", "input_ids"], "last_hidden_state")
            .output("last_hidden_state", FLOAT, &["batch", "tokens", "hidden"]);
        self.write(name, &graph.model());
    }

    /// A safetensors file of f32 tensors.
    pub(crate) fn safetensors(&self, name: &str, tensors: &[(&str, &[usize], &[f32])]) {
        self.write(name, b"");
        let bytes: Vec<Vec<u8>> = tensors
            .iter()
            .map(|(_, _, values)| values.iter().flat_map(|x| x.to_le_bytes()).collect())
            .collect();
        let views = tensors.iter().zip(&bytes).map(|((name, shape, _), bytes)| {
            (*name, TensorView::new(Dtype::F32, shape.to_vec(), bytes).expect("a view"))
        });
        serialize_to_file(views, None, &self.path().join(name)).expect("written");
    }

    /// Opens the directory with `options` beside its path.
    pub(crate) fn open(&self, options: Value, host: Host) -> Result<OnnxEncoder> {
        let mut config = options;
        config["path"] = json!(self.path());
        OnnxEncoder::open(&config, host)
    }

    /// Opens on one thread of the CPU.
    pub(crate) fn opened(&self, options: Value) -> OnnxEncoder {
        self.open(options, Host::detached().with_threads(1)).expect("opened")
    }
}

/// Words split at white space, `[CLS]` and `[SEP]` around them, and the truncation and padding that
/// must not matter.
fn tokenizer() -> Value {
    let vocabulary: serde_json::Map<String, Value> =
        VOCABULARY.iter().enumerate().map(|(id, word)| ((*word).to_owned(), json!(id))).collect();
    let special: Vec<Value> = (0..4)
        .map(|id| {
            json!({"id": id, "content": VOCABULARY[id], "single_word": false, "lstrip": false, "rstrip": false,
                   "normalized": false, "special": true})
        })
        .collect();
    let piece = |id: usize| json!({"SpecialToken": {"id": VOCABULARY[id], "type_id": 0}});
    let entry = |id: usize| json!({"id": VOCABULARY[id], "ids": [id], "tokens": [VOCABULARY[id]]});
    json!({
        "version": "1.0",
        "truncation": {"max_length": 3, "strategy": "LongestFirst", "stride": 0, "direction": "Right"},
        "padding": {"strategy": {"Fixed": 12}, "direction": "Right", "pad_to_multiple_of": null, "pad_id": 0,
                    "pad_type_id": 0, "pad_token": "[PAD]"},
        "added_tokens": special,
        "normalizer": null,
        "pre_tokenizer": {"type": "WhitespaceSplit"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [piece(2), {"Sequence": {"id": "A", "type_id": 0}}, piece(3)],
            "pair": [piece(2), {"Sequence": {"id": "A", "type_id": 0}}, piece(3), {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {"[CLS]": entry(2), "[SEP]": entry(3)}
        },
        "decoder": null,
        "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "[UNK]"}
    })
}
