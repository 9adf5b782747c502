//! Whole encoders over models small enough to do the sums by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use clirbench_plugin::{Device, Encoder, Host, Role, TextStats};
use serde_json::json;

use crate::model::{HIDDEN, Model, table};
use crate::onnx::{FLOAT, FLOAT16, Graph, INT32, INT64};
use crate::{cosine, encode, folder_of};

const ORT: &str = "ORT_DYLIB_PATH";

/// Mean of `[i, i * i]` over ids.
fn mean(ids: &[u32]) -> Vec<f32> {
    let n = ids.len() as f32;
    let sum = |f: fn(f32) -> f32| ids.iter().map(|id| f(*id as f32)).sum::<f32>() / n;
    vec![sum(|i| i), sum(|i| i * i)]
}

#[test]
fn texts_of_any_length_are_pooled_without_their_padding() {
    if folder_of(ORT).is_none() {
        return;
    }
    let mut encoder = Model::new().opened(json!({}));
    // [CLS] = 2 and [SEP] = 3 around a = 4 to d = 7; unknown words are 1; six tokens at most.
    let texts = ["a", "a b c d a b", "", "b zebra", "d"];
    let (vectors, stats) = encode(&mut encoder, Role::Document, &texts);
    assert_eq!(vectors[0], mean(&[2, 4, 3]));
    assert_eq!(vectors[1], mean(&[2, 4, 5, 6, 7, 3]));
    assert_eq!(vectors[2], mean(&[2, 3]));
    assert_eq!(vectors[3], mean(&[2, 5, 1, 3]));
    assert_eq!(vectors[4], mean(&[2, 7, 3]));
    assert_eq!(stats[0], TextStats { tokens: 3, unknown: 0, truncated: false });
    assert_eq!(stats[1], TextStats { tokens: 6, unknown: 0, truncated: true });
    assert_eq!(stats[3], TextStats { tokens: 4, unknown: 1, truncated: false });

    let info = encoder.info();
    assert_eq!((info.dim, info.max_tokens, info.symmetric), (HIDDEN, Some(6), true));
    assert_eq!(info.similarity, "cosine");
    assert!(info.runtime.starts_with("onnxruntime ") && info.runtime.ends_with(" cpu"), "{}", info.runtime);
    assert_eq!(
        info.files,
        [
            "1_Pooling/config.json",
            "config.json",
            "modules.json",
            "onnx/model.onnx",
            "sentence_bert_config.json",
            "tokenizer.json"
        ]
    );
    assert!(info.warnings.is_empty(), "{:?}", info.warnings);
    assert_eq!(encode(&mut encoder, Role::Query, &[]).0.len(), 0);
}

#[test]
fn options_change_pooling_length_dimension_and_norm() {
    if folder_of(ORT).is_none() {
        return;
    }
    let model = Model::new();
    let run = |options| encode(&mut model.opened(options), Role::Query, &["a b"]).0.remove(0);
    assert_eq!(run(json!({"pooling": "cls"})), [2.0, 4.0]);
    assert_eq!(run(json!({"pooling": "max"})), [5.0, 25.0]);
    assert_eq!(run(json!({"pooling": ["cls", "last-token"]})), [2.0, 4.0, 3.0, 9.0]);
    assert_eq!(run(json!({"max_length": 3})), mean(&[2, 4, 3]));
    assert_eq!(run(json!({"dim": 1})), mean(&[2, 4, 5, 3])[..1]);
    assert_eq!(run(json!({"dim": 1, "normalize": true})), [1.0]);
    let unit = run(json!({"normalize": true}));
    assert!((unit.iter().map(|x| x * x).sum::<f32>() - 1.0).abs() < 1e-6, "{unit:?}");
    assert!((cosine(&unit, &mean(&[2, 4, 5, 3])) - 1.0).abs() < 1e-9);
}

#[test]
fn the_newer_layout_with_dense_and_normalize() {
    if folder_of(ORT).is_none() {
        return;
    }
    let model = Model::new();
    model.modules(&[
        ("", "Transformer"),
        ("1_Pooling", "Pooling"),
        ("2_Dense", "Dense"),
        ("3_Normalize", "Normalize"),
    ]);
    model.json("1_Pooling/config.json", json!({"embedding_dimension": 2, "pooling_mode": ["cls", "mean"]}));
    model.json(
        "2_Dense/config.json",
        json!({"in_features": 4, "out_features": 2, "bias": true,
               "activation_function": "torch.nn.modules.linear.Identity"}),
    );
    let weight = [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0];
    model.safetensors(
        "2_Dense/model.safetensors",
        &[("linear.weight", &[2, 4], &weight), ("linear.bias", &[2], &[1.0, 0.0])],
    );
    // "b": cls (2, 4), mean of 2, 5, 3 = (10/3, 38/3); Dense gives (2 + 1, 38/3).
    let expected = [3.0, 38.0 / 3.0];
    let plain = encode(&mut model.opened(json!({"normalize": false})), Role::Query, &["b"]).0.remove(0);
    assert!((plain[0] - expected[0]).abs() < 1e-5 && (plain[1] - expected[1]).abs() < 1e-5, "{plain:?}");
    let mut encoder = model.opened(json!({}));
    let unit = encode(&mut encoder, Role::Query, &["b"]).0.remove(0);
    let norm = (expected[0] * expected[0] + expected[1] * expected[1]).sqrt();
    assert!((unit[0] - expected[0] / norm).abs() < 1e-6, "{unit:?}");
    assert!(encoder.info().files.contains(&"2_Dense/model.safetensors".to_owned()));
}

#[test]
fn prompts_belong_to_roles_and_can_be_kept_out_of_the_mean() {
    if folder_of(ORT).is_none() {
        return;
    }
    let model = Model::new();
    model.json("config_sentence_transformers.json", json!({"prompts": {"query": "query: "}}));
    let mut encoder = model.opened(json!({}));
    assert_eq!(encode(&mut encoder, Role::Query, &["a"]).0[0], mean(&[2, 8, 4, 3]));
    assert_eq!(encode(&mut encoder, Role::Document, &["a"]).0[0], mean(&[2, 4, 3]));
    assert_eq!(encoder.render(Role::Query, "a").expect("rendered"), "[CLS] query: a [SEP]");
    let info = encoder.info();
    assert_eq!(
        (info.query_prompt.as_str(), info.document_prompt.as_str(), info.symmetric),
        ("query: ", "", false)
    );

    let without = model.opened(json!({"query_prompt": ""})).info();
    assert!(without.symmetric);
    assert!(without.warnings.iter().any(|w| w.contains("query: ")), "{:?}", without.warnings);

    model.json(
        "1_Pooling/config.json",
        json!({"word_embedding_dimension": 2, "pooling_mode_mean_tokens": true, "include_prompt": false}),
    );
    // [CLS] and the prompt are left out; the text and [SEP] stay.
    assert_eq!(encode(&mut model.opened(json!({})), Role::Query, &["a"]).0[0], mean(&[4, 3]));
}

#[test]
fn graphs_of_other_exporters() {
    if folder_of(ORT).is_none() {
        return;
    }
    let model = Model::new();
    // i32 inputs, types and positions added to the vectors, f16 out: 1 for each token, plus its position.
    let wide = Graph::default()
        .weights("table", &[9, 2], &table())
        .weights("types", &[2, 2], &[100.0, 0.0, 0.0, 0.0])
        .weights("positions", &[16, 2], &(0..32).map(|i| (i / 2) as f32).collect::<Vec<_>>())
        .input("input_ids", INT32)
        .input("token_type_ids", INT32)
        .input("position_ids", INT64)
        .node("Gather", &["table", "input_ids"], "word")
        .node("Gather", &["types", "token_type_ids"], "type")
        .node("Gather", &["positions", "position_ids"], "position")
        .node("Add", &["word", "type"], "sum")
        .node("Add", &["sum", "position"], "total")
        .node_with("Cast", &["total"], "token_embeddings", &[("to", FLOAT16)])
        .output("token_embeddings", FLOAT16, &["batch", "tokens", "hidden"]);
    model.write("onnx/model_fp16.onnx", &wide.model());
    let mut encoder = model.opened(json!({"variant": "fp16"}));
    let (vectors, _) = encode(&mut encoder, Role::Query, &["a b", "a"]);
    // Positions 0 to 2: their mean is 1.
    assert_eq!(vectors[1], [mean(&[2, 4, 3])[0] + 101.0, (4.0 + 16.0 + 9.0) / 3.0 + 1.0]);
    assert_eq!(vectors[0], [mean(&[2, 4, 5, 3])[0] + 101.5, mean(&[2, 4, 5, 3])[1] + 1.5]);

    // A graph that pools by itself: its vector is used as it is, except for Normalize.
    let pooled = Graph::default()
        .weights("table", &[9, 2], &table())
        .input("input_ids", INT64)
        .node("Gather", &["table", "input_ids"], "tokens")
        .node_with("ArgMax", &["tokens"], "argmax", &[("axis", 1), ("keepdims", 0)])
        .node_with("Cast", &["argmax"], "sentence_embedding", &[("to", FLOAT)])
        .output("sentence_embedding", FLOAT, &["batch", "hidden"]);
    model.write("onnx/pooled.onnx", &pooled.model());
    let mut encoder = model.opened(json!({"variant": "pooled"}));
    // Both components are largest at token 2 of [CLS] a b [SEP].
    assert_eq!(encode(&mut encoder, Role::Query, &["a b"]).0[0], [2.0, 2.0]);
    let unit =
        encode(&mut model.opened(json!({"variant": "pooled", "normalize": true})), Role::Query, &["a b"]).0;
    assert!((unit[0][0] - 0.5f32.sqrt()).abs() < 1e-6, "{unit:?}");
}

#[test]
fn a_plain_directory_is_pooled_by_the_mean_with_a_warning() {
    if folder_of(ORT).is_none() {
        return;
    }
    let model = Model::new();
    for name in ["modules.json", "sentence_bert_config.json"] {
        model.remove(name);
    }
    let mut encoder = model.opened(json!({}));
    assert_eq!(encode(&mut encoder, Role::Query, &["a"]).0[0], mean(&[2, 4, 3]));
    let info = encoder.info();
    assert_eq!(info.max_tokens, Some(16), "the number of positions");
    assert!(info.warnings.iter().any(|w| w.contains("mean")), "{:?}", info.warnings);
}

#[test]
fn weights_are_bound_under_a_graph_that_has_none() {
    if folder_of(ORT).is_none() {
        return;
    }
    let model = Model::new();
    model.graph("onnx/graph.onnx", Graph::default().external("table", &[9, 2], "model.safetensors"));
    model.safetensors("model.safetensors", &[("table", &[9, 2], &table())]);
    let merged: Vec<f32> = table().iter().map(|x| x + 1.0).collect();
    model.safetensors("merged/model.safetensors", &[("table", &[9, 2], &merged), ("other", &[1], &[0.0])]);

    let mut own = model.opened(json!({"variant": "graph"}));
    assert_eq!(encode(&mut own, Role::Query, &["a"]).0[0], mean(&[2, 4, 3]));
    assert!(own.info().files.contains(&"model.safetensors".to_owned()));
    let mut other = model.opened(json!({"variant": "graph", "weights": "merged"}));
    let plus_one: Vec<f32> = mean(&[2, 4, 3]).iter().map(|x| x + 1.0).collect();
    assert_eq!(encode(&mut other, Role::Query, &["a"]).0[0], plus_one);
    let files = other.info().files;
    assert!(files.contains(&"merged/model.safetensors".to_owned()), "{files:?}");
    assert!(!files.contains(&"model.safetensors".to_owned()), "{files:?}");
}

#[test]
fn external_data_of_the_usual_kind_are_left_to_the_runtime_and_named() {
    if folder_of(ORT).is_none() {
        return;
    }
    let model = Model::new();
    model.graph("onnx/model.onnx", Graph::default().external("table", &[9, 2], "model.onnx_data"));
    let bytes: Vec<u8> = table().iter().flat_map(|x| x.to_le_bytes()).collect();
    model.write("onnx/model.onnx_data", &bytes);
    let mut encoder = model.opened(json!({}));
    assert_eq!(encode(&mut encoder, Role::Query, &["a"]).0[0], mean(&[2, 4, 3]));
    assert!(encoder.info().files.contains(&"onnx/model.onnx_data".to_owned()));
}

#[test]
fn threads_batches_and_order_change_nothing() {
    if folder_of(ORT).is_none() {
        return;
    }
    let model = Model::new();
    // More than one chunk of texts, of all lengths.
    let words = ["a", "b", "c", "d", "zebra"];
    let texts: Vec<String> = (0..1500)
        .map(|i| (0..i % 5).map(|j| words[(i / 5 + j * (i % 3)) % 5]).collect::<Vec<_>>().join(" "))
        .collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let run = |threads: usize, options| {
        let mut encoder = model.open(options, Host::detached().with_threads(threads)).expect("opened");
        encode(&mut encoder, Role::Document, &texts)
    };
    let one = run(1, json!({}));
    assert_eq!(one, run(2, json!({})));
    assert_eq!(one, run(3, json!({"batch_tokens": 16})));
    let reversed: Vec<&str> = texts.iter().rev().copied().collect();
    let mut back = encode(&mut model.opened(json!({})), Role::Document, &reversed).0;
    back.reverse();
    assert_eq!(one.0, back);
}

#[test]
fn a_cancelled_call_ends_and_the_next_one_works() {
    if folder_of(ORT).is_none() {
        return;
    }
    let model = Model::new();
    let flag = Arc::new(AtomicBool::new(false));
    let seen = Arc::new(AtomicUsize::new(0));
    let (set, count) = (Arc::clone(&flag), Arc::clone(&seen));
    let host =
        Host::detached().with_threads(2).with_cancel(Arc::clone(&flag)).with_progress(move |done, total| {
            count.store(done, Ordering::Relaxed);
            assert_eq!(total, 2000);
            set.store(true, Ordering::Relaxed);
        });
    let mut encoder = model.open(json!({"batch_tokens": 8}), host).expect("opened");
    let texts = vec!["a b"; 2000];
    let (mut out, mut stats) = (vec![0.0; 2000 * HIDDEN], vec![TextStats::default(); 2000]);
    let error = encoder.encode(Role::Query, &texts, &mut out, &mut stats).expect_err("cancelled");
    assert_eq!(error.kind, "cancelled");
    assert!((1..2000).contains(&seen.load(Ordering::Relaxed)));

    flag.store(false, Ordering::Relaxed);
    let error = encoder.encode(Role::Query, &texts[..1], &mut out, &mut stats).expect_err("lengths");
    assert_eq!(error.kind, "internal", "buffers that do not fit the texts");
    let mut again = model.open(json!({}), Host::detached().with_device(Device::Cpu)).expect("opened");
    assert_eq!(encode(&mut again, Role::Query, &["a"]).0[0], mean(&[2, 4, 3]));
}
