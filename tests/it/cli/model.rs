//! `clirbench model`: what a directory holds, and its ONNX graph.

use clirbench_model::{SHARD_BYTES, TensorSpec, TensorWriter};
use serde_json::{Value, json};

use super::shown;
use crate::place::Place;

const HIDDEN: usize = 4;

/// A BERT of one layer, all zeros, in the folder `model`.
fn tiny(place: &Place, model_type: &str) {
    let config = json!({
        "model_type": model_type, "vocab_size": 5, "hidden_size": HIDDEN, "num_hidden_layers": 1,
        "num_attention_heads": 2, "intermediate_size": HIDDEN, "max_position_embeddings": 16, "type_vocab_size": 2
    });
    place.write("model/config.json", config.to_string());
    let modules = json!([
        {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
        {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
    ]);
    place.write("model/modules.json", modules.to_string());
    place.write("model/1_Pooling/config.json", r#"{"pooling_mode_mean_tokens": true}"#);
    let prompts = json!({"prompts": {"query": "query: ", "passage": "passage: "}});
    place.write("model/config_sentence_transformers.json", prompts.to_string());

    let layer = |name: &str| format!("encoder.layer.0.{name}");
    let mut shapes = vec![("embeddings.LayerNorm.weight".to_owned(), vec![HIDDEN])];
    shapes.push(("embeddings.LayerNorm.bias".into(), vec![HIDDEN]));
    for (table, rows) in [("word", 5), ("position", 16), ("token_type", 2)] {
        shapes.push((format!("embeddings.{table}_embeddings.weight"), vec![rows, HIDDEN]));
    }
    for linear in [
        "attention.self.query",
        "attention.self.key",
        "attention.self.value",
        "attention.output.dense",
        "intermediate.dense",
        "output.dense",
    ] {
        shapes.push((layer(&format!("{linear}.weight")), vec![HIDDEN, HIDDEN]));
        shapes.push((layer(&format!("{linear}.bias")), vec![HIDDEN]));
    }
    for norm in ["attention.output.LayerNorm", "output.LayerNorm"] {
        shapes.push((layer(&format!("{norm}.weight")), vec![HIDDEN]));
        shapes.push((layer(&format!("{norm}.bias")), vec![HIDDEN]));
    }
    let specs: Vec<TensorSpec> =
        shapes.into_iter().map(|(name, shape)| TensorSpec { name, dtype: "F32".into(), shape }).collect();
    let mut writer = TensorWriter::create(&place.path("model"), specs.clone(), SHARD_BYTES).expect("created");
    for spec in specs {
        let bytes = 4 * spec.shape.iter().product::<usize>();
        writer.write(&spec.name, &vec![0; bytes]).expect("written");
    }
    writer.finish().expect("finished");
}

#[test]
fn a_directory_before_and_after_its_export() {
    let place = Place::new();
    tiny(&place, "bert");
    let ended = place.end(["model", "info", "model"]);
    insta::assert_snapshot!("info_before_an_export", shown(&ended, &place));
    let ended = place.end(["model", "export-onnx", "model"]);
    insta::assert_snapshot!("an_export", shown(&ended, &place));
    let ended = place.end(["model", "export-onnx", "model"]);
    insta::assert_snapshot!("an_export_that_exists", shown(&ended, &place));
    let ended = place.end(["model", "export-onnx", "model", "--force", "--external-data", "--json"]);
    let report: Value = serde_json::from_str(&ended.stdout).expect("JSON");
    assert_eq!((ended.code, &report["data"]), (Some(0), &json!("model/onnx/model.onnx_data")));
    let ended = place.end(["model", "info", "model", "--json"]);
    let summary: Value = serde_json::from_str(&ended.stdout).expect("JSON");
    assert_eq!(summary["onnx"][0]["file"], "onnx/model.onnx");
    assert!(summary["onnx"][0]["bytes"].as_u64() > report["data_bytes"].as_u64(), "{summary}");
}

#[test]
fn what_is_no_model_or_none_that_can_be_exported() {
    let place = Place::new();
    let ended = place.end(["model", "info", "model"]);
    insta::assert_snapshot!("info_of_nothing", shown(&ended, &place));
    place.write("empty/README.md", "");
    let ended = place.end(["model", "info", "empty"]);
    insta::assert_snapshot!("info_of_an_empty_folder", shown(&ended, &place));
    tiny(&place, "distilbert");
    let ended = place.end(["model", "export-onnx", "model"]);
    insta::assert_snapshot!("an_architecture_that_cannot_be_exported", shown(&ended, &place));
    assert!(!place.path("model/onnx").exists());
}
