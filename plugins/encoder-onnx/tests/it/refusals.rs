//! What cannot be run, and what the error says about it.

use clirbench_plugin::{Device, Encoder, Error, Host, Role};
use serde_json::{Value, json};

use crate::model::{Model, table};
use crate::onnx::{FLOAT, Graph, INT64};
use crate::{encode, folder_of};

const ORT: &str = "ORT_DYLIB_PATH";

fn refused(model: &Model, options: Value) -> Error {
    let error = model.open(options, Host::detached().with_threads(1)).err().expect("refused");
    assert!(!error.hint.is_empty(), "no hint: {error:?}");
    error
}

#[test]
fn missing_and_damaged_configs_are_named() {
    let model = Model::new();
    model.write("1_Pooling/config.json", b"{\"word_embedding_dimension\": ");
    let error = refused(&model, json!({}));
    assert!(error.kind == "model" && error.message.contains("1_Pooling/config.json"), "{error:?}");

    let model = Model::new();
    model.remove("tokenizer.json");
    let error = refused(&model, json!({}));
    assert!(error.kind == "model" && error.message.contains("tokenizer.json"), "{error:?}");
    model.write("tokenizer.json", b"{}");
    assert_eq!(refused(&model, json!({})).kind, "model");

    let model = Model::new();
    model.modules(&[("", "Transformer"), ("1_LSTM", "LSTM")]);
    assert!(refused(&model, json!({})).message.contains("LSTM"));
    let model = Model::new();
    model.remove("config.json");
    assert!(refused(&model, json!({})).message.contains("config.json"));
}

#[test]
fn options_that_make_no_sense_are_config_errors() {
    let model = Model::new();
    for options in [
        json!({"poolin": "mean"}),
        json!({"max_length": 2}),
        json!({"max_length": 17}),
        json!({"query_prompt_name": "query"}),
        json!({"variant": "fp32", "file": "onnx/model.onnx"}),
    ] {
        let error = refused(&model, options.clone());
        assert_eq!(error.kind, "config", "{options}: {error:?}");
    }
}

#[test]
fn graphs_that_cannot_be_run_are_model_errors() {
    if folder_of(ORT).is_none() {
        return;
    }
    let model = Model::new();
    let bytes = std::fs::read(model.path().join("onnx/model.onnx")).expect("the graph");
    model.write("onnx/model.onnx", &bytes[..bytes.len() / 2]);
    assert_eq!(refused(&model, json!({})).kind, "model");
    model.write("onnx/model.onnx", b"version https://git-lfs.github.com/spec/v1");
    assert_eq!(refused(&model, json!({})).kind, "model");
    model.remove("onnx/model.onnx");
    assert!(refused(&model, json!({})).message.contains("no ONNX file"));

    let table = Graph::default().weights("table", &[9, 2], &table());
    let gather = |input: &str, output: &str| {
        table
            .clone()
            .input(input, INT64)
            .node("Gather", &["table", input], output)
            .output(output, FLOAT, &["batch", "tokens", "hidden"])
            .model()
    };
    model.write("onnx/model.onnx", &gather("tokens", "last_hidden_state"));
    assert!(refused(&model, json!({})).message.contains("tokens"));
    model.write("onnx/model.onnx", &gather("input_ids", "logits"));
    let error = refused(&model, json!({}));
    assert!(error.message.contains("logits") && error.hint.contains("last_hidden_state"), "{error:?}");
}

#[test]
fn lengths_that_do_not_fit_are_refused() {
    if folder_of(ORT).is_none() {
        return;
    }
    let model = Model::new();
    assert_eq!(refused(&model, json!({"dim": 3})).kind, "config");
    model.json(
        "1_Pooling/config.json",
        json!({"word_embedding_dimension": 3, "pooling_mode_cls_token": true}),
    );
    let error = refused(&model, json!({}));
    assert!(error.kind == "model" && error.message.contains('3'), "{error:?}");
}

#[test]
fn weights_that_do_not_fit_the_graph_are_refused_by_name() {
    if folder_of(ORT).is_none() {
        return;
    }
    let model = Model::new();
    assert_eq!(
        refused(&model, json!({"weights": "model.safetensors"})).kind,
        "config",
        "the graph has its own"
    );
    model.graph("onnx/graph.onnx", Graph::default().external("table", &[9, 2], "model.safetensors"));
    assert!(refused(&model, json!({"variant": "graph"})).message.contains("model.safetensors"));
    model.safetensors("model.safetensors", &[("tables", &[9, 2], &table())]);
    assert!(refused(&model, json!({"variant": "graph"})).message.contains("`table`"));
    model.safetensors("model.safetensors", &[("table", &[2, 9], &table())]);
    let error = refused(&model, json!({"variant": "graph"}));
    assert!(error.message.contains("[2, 9]") && error.message.contains("[9, 2]"), "{error:?}");
    model.graph("onnx/model.onnx", Graph::default().external("table", &[9, 2], "model.onnx_data"));
    assert!(refused(&model, json!({})).message.contains("model.onnx_data"));
}

/// On a machine with a GPU and a GPU build of the runtime both devices work, and there is nothing to see.
#[test]
fn cuda_is_an_error_where_it_cannot_be_used_and_auto_falls_back_with_one_warning() {
    if folder_of(ORT).is_none() {
        return;
    }
    let model = Model::new();
    let on = |device| model.open(json!({}), Host::detached().with_threads(1).with_device(device));
    let Err(error) = on(Device::Cuda) else {
        println!("skipped: CUDA works here");
        return;
    };
    assert_eq!(error.kind, "runtime");
    assert!(error.hint.contains("cuda"), "{}", error.hint);

    let mut encoder = on(Device::Auto).expect("the CPU");
    let info = encoder.info();
    assert!(info.runtime.ends_with(" cpu"), "{}", info.runtime);
    assert_eq!(info.warnings.iter().filter(|w| w.contains("CUDA")).count(), 1, "{:?}", info.warnings);
    assert_eq!(encode(&mut encoder, Role::Query, &["a"]).0[0], [3.0, 29.0 / 3.0]);
}
