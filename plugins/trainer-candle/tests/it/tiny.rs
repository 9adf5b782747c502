//! A sentence-transformers directory with a random BERT of two layers and 16 dimensions.

use std::fs;
use std::path::Path;

use clirbench_model::{TensorSpec, TensorWriter};
use serde_json::{Map, Value, json};

/// Words of the vocabulary, after the special tokens.
pub(crate) const WORDS: usize = 60;
const HIDDEN: usize = 16;
const INNER: usize = 32;
const LAYERS: usize = 2;
const POSITIONS: usize = 32;

/// Writes the model to `folder`, which is made; `dropout` is that of its config.
pub(crate) fn write(folder: &Path, dropout: f64) {
    fs::create_dir_all(folder.join("1_Pooling")).expect("a folder");
    let put = |name: &str, value: Value| {
        fs::write(folder.join(name), value.to_string()).expect("a file");
    };
    let module = |index: usize, path: &str, class: &str| {
        json!({ "idx": index, "name": index.to_string(), "path": path,
            "type": format!("sentence_transformers.models.{class}") })
    };
    put(
        "modules.json",
        json!([
            module(0, "", "Transformer"),
            module(1, "1_Pooling", "Pooling"),
            module(2, "2_Normalize", "Normalize")
        ]),
    );
    put(
        "1_Pooling/config.json",
        json!({ "word_embedding_dimension": HIDDEN, "pooling_mode_mean_tokens": true }),
    );
    put("sentence_bert_config.json", json!({ "max_seq_length": 16, "do_lower_case": false }));
    put("config_sentence_transformers.json", json!({ "prompts": { "query": "w59 ", "document": "" } }));
    put("tokenizer_config.json", json!({ "unk_token": "[UNK]", "pad_token": "[PAD]" }));
    put(
        "config.json",
        json!({
            "model_type": "bert", "architectures": ["BertModel"], "torch_dtype": "float32",
            "vocab_size": WORDS + 4, "hidden_size": HIDDEN, "num_hidden_layers": LAYERS,
            "num_attention_heads": 2, "intermediate_size": INNER, "max_position_embeddings": POSITIONS,
            "type_vocab_size": 2, "layer_norm_eps": 1e-12, "pad_token_id": 0,
            "hidden_dropout_prob": dropout, "attention_probs_dropout_prob": dropout,
        }),
    );
    put("tokenizer.json", tokenizer());
    fs::write(folder.join("README.md"), "---\nlanguage: en\n---\nA tiny model.\n").expect("a file");
    weights(folder);
}

/// Writes a static model to `folder`: a table of token embeddings, and nothing after their mean.
#[allow(dead_code, reason = "the unit tests share this file and need a transformer only")]
pub(crate) fn write_static(folder: &Path) {
    fs::create_dir_all(folder.join("0_StaticEmbedding")).expect("a folder");
    let modules = json!([
        { "idx": 0, "name": "0", "path": "0_StaticEmbedding", "type": "sentence_transformers.models.StaticEmbedding" },
        { "idx": 1, "name": "1", "path": "1_Normalize", "type": "sentence_transformers.models.Normalize" },
    ]);
    fs::write(folder.join("modules.json"), modules.to_string()).expect("a file");
    fs::write(folder.join("0_StaticEmbedding/tokenizer.json"), tokenizer().to_string()).expect("a file");
    write_weights(
        &folder.join("0_StaticEmbedding"),
        &[("embedding.weight".to_owned(), vec![WORDS + 4, HIDDEN])],
    );
}

fn tokenizer() -> Value {
    let special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"];
    let words = special.iter().map(|w| (*w).to_owned()).chain((0..WORDS).map(|i| format!("w{i}")));
    let vocabulary: Map<String, Value> = words.zip(0..).map(|(word, id)| (word, json!(id))).collect();
    let added = special.iter().zip(0..).map(|(token, id)| {
        json!({ "id": id, "content": token, "single_word": false, "lstrip": false, "rstrip": false,
            "normalized": false, "special": true })
    });
    json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": added.collect::<Vec<_>>(),
        "normalizer": null, "pre_tokenizer": { "type": "Whitespace" },
        "post_processor": { "type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2] },
        "decoder": null,
        "model": { "type": "WordLevel", "vocab": vocabulary, "unk_token": "[UNK]" },
    })
}

fn weights(folder: &Path) {
    let mut shapes: Vec<(String, Vec<usize>)> = Vec::new();
    let mut add = |name: &str, shape: &[usize]| shapes.push((name.to_owned(), shape.to_vec()));
    add("embeddings.word_embeddings.weight", &[WORDS + 4, HIDDEN]);
    add("embeddings.position_embeddings.weight", &[POSITIONS, HIDDEN]);
    add("embeddings.token_type_embeddings.weight", &[2, HIDDEN]);
    let norm = |add: &mut dyn FnMut(&str, &[usize]), name: &str| {
        add(&format!("{name}.weight"), &[HIDDEN]);
        add(&format!("{name}.bias"), &[HIDDEN]);
    };
    norm(&mut add, "embeddings.LayerNorm");
    for layer in 0..LAYERS {
        let at = |name: &str| format!("encoder.layer.{layer}.{name}");
        for (name, outputs, inputs) in [
            ("attention.self.query", HIDDEN, HIDDEN),
            ("attention.self.key", HIDDEN, HIDDEN),
            ("attention.self.value", HIDDEN, HIDDEN),
            ("attention.output.dense", HIDDEN, HIDDEN),
            ("intermediate.dense", INNER, HIDDEN),
            ("output.dense", HIDDEN, INNER),
        ] {
            add(&at(&format!("{name}.weight")), &[outputs, inputs]);
            add(&at(&format!("{name}.bias")), &[outputs]);
        }
        norm(&mut add, &at("attention.output.LayerNorm"));
        norm(&mut add, &at("output.LayerNorm"));
    }
    // Of another task: carried along, not trained.
    add("pooler.dense.weight", &[HIDDEN, HIDDEN]);
    add("pooler.dense.bias", &[HIDDEN]);

    write_weights(folder, &shapes);
}

/// Random weights; those of norms are about 1.
fn write_weights(folder: &Path, shapes: &[(String, Vec<usize>)]) {
    let spec = |(name, shape): &(String, Vec<usize>)| TensorSpec {
        name: name.clone(),
        dtype: "F32".to_owned(),
        shape: shape.clone(),
    };
    let mut writer =
        TensorWriter::create(folder, shapes.iter().map(spec).collect(), u64::MAX).expect("a writer");
    let mut state = 1u64;
    for (name, shape) in shapes {
        let offset = if name.ends_with("LayerNorm.weight") { 1.0 } else { 0.0 };
        let values = (0..shape.iter().product()).map(|_: usize| {
            // Knuth's linear congruential generator; its high bits are good enough for weights.
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            offset + ((state >> 40) as f32 / (1u64 << 24) as f32 - 0.5) * 0.4
        });
        let bytes: Vec<u8> = values.flat_map(f32::to_le_bytes).collect();
        writer.write(name, &bytes).expect("written");
    }
    writer.finish().expect("written");
}
