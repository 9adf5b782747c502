//! What cannot be exported, and what the error says about it.

use std::fs;

use clirbench_export::{ExportOptions, export};
use clirbench_plugin::Error;
use serde_json::{Value, json};

use crate::tiny::{Case, Model, cases};

/// The error of an export, after which the directory is as it was.
fn refused(model: &Model) -> Error {
    let before = model.files();
    let error = model.export(ExportOptions::default()).expect_err("refused");
    assert_eq!(model.files(), before, "something was left behind");
    assert!(!error.hint.is_empty(), "no hint: {error:?}");
    error
}

fn with(name: &str, key: &str, value: Value) -> Model {
    let mut case: Case = cases()[name].clone();
    case.config[key] = value;
    Model::new(&case, "")
}

#[test]
fn architectures_and_options_that_cannot_be_exported_are_named() {
    for (case, key, value, said) in [
        ("bert", "model_type", json!("distilbert"), "`distilbert`"),
        ("bert", "position_embedding_type", json!("relative_key"), "`relative_key`"),
        ("bert", "is_decoder", json!(true), "decoder"),
        ("bert", "hidden_act", json!("mish"), "`mish`"),
        ("bert", "num_attention_heads", json!(3), "3 heads"),
        ("bert", "num_attention_heads", json!(0), "0 heads"),
        ("bert", "hidden_size", json!("8"), "config.json"),
        ("modernbert, newer config", "layer_types", json!(["full_attention"]), "layer_types"),
        (
            "modernbert, newer config",
            "rope_parameters",
            json!({"full_attention": {"rope_type": "yarn", "rope_theta": 1.0}}),
            "`yarn`",
        ),
    ] {
        let error = refused(&with(case, key, value));
        assert_eq!(error.kind, "model");
        assert!(error.message.contains(said), "{key}: {}", error.message);
    }
}

#[test]
fn weights_that_do_not_fit_are_named() {
    let mut case = cases()["bert"].clone();
    case.tensors.remove("encoder.layer.1.output.dense.bias");
    let error = refused(&Model::new(&case, "bert."));
    assert!(error.message.contains("`bert.encoder.layer.1.output.dense.bias`"), "{}", error.message);

    case.tensors.remove("embeddings.word_embeddings.weight");
    assert!(refused(&Model::new(&case, "")).message.contains("embeddings.word_embeddings.weight"));

    let error = refused(&with("bert", "vocab_size", json!(12)));
    assert!(error.message.contains("[11, 8]") && error.message.contains("[12, 8]"), "{}", error.message);

    let model = Model::new(&cases()["bert"], "");
    for file in model.files().iter().filter(|f| f.to_string_lossy().contains("model")) {
        fs::remove_file(file).expect("removed");
    }
    assert!(refused(&model).message.contains("model.safetensors"));
}

#[test]
fn an_export_that_fails_half_way_leaves_nothing_behind() {
    // Nobody notices before its turn comes, after most of the others are written.
    let last = "encoder.layer.1.output.LayerNorm.bias";
    let integers = |name: &str| if name == last { "I32" } else { "F32" };
    let model = Model::with_types(&cases()["bert"], "", integers);
    let error = refused(&model);
    assert!(error.message.contains(last) && error.message.contains("I32"), "{}", error.message);
    let error = model.export(ExportOptions { external_data: true, force: false }).expect_err("refused");
    assert!(error.message.contains(last), "{}", error.message);
    assert!(!model.path().join("onnx").exists(), "{:?}", model.files());
}

#[test]
fn existing_files_are_replaced_only_by_force() {
    let model = Model::new(&cases()["bert"], "");
    let external = ExportOptions { external_data: true, force: false };
    model.export(external).expect("exported");
    let first = fs::read(model.graph()).expect("the graph");
    let error = refused(&model);
    assert_eq!(error.kind, "config");
    assert!(error.hint.contains("--force"), "{}", error.hint);

    // The data alone are protected too.
    fs::remove_file(model.graph()).expect("removed");
    assert_eq!(model.export(external).expect_err("data are there").kind, "config");
    assert!(refused(&model).message.contains("model.onnx_data"));

    model.export(ExportOptions { force: true, ..external }).expect("exported");
    assert_eq!(fs::read(model.graph()).expect("the graph"), first, "the same model, the same bytes");
    let data = model.path().join("onnx/model.onnx_data");
    assert!(data.exists());
    model.export(ExportOptions { force: true, external_data: false }).expect("exported");
    assert!(!data.exists(), "the graph does not use the old data any more");
}

#[test]
fn a_place_that_cannot_be_written_is_named() {
    let model = Model::new(&cases()["bert"], "");
    let before = model.files();
    // A file where a folder would have to be.
    let out = model.path().join("config.json/model.onnx");
    let error = export(model.path(), &out, ExportOptions::default()).expect_err("no folder");
    assert_eq!((error.kind.as_str(), model.files()), ("runtime", before));
    assert!(error.message.contains("config.json"), "{}", error.message);
    assert_eq!(
        export(&model.path().join("none"), &out, ExportOptions::default()).expect_err("none").kind,
        "model"
    );
}
