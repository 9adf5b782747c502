//! all-MiniLM-L6-v2 against the reference embeddings of `../shared/golden` (sentence-transformers,
//! torch, f32), on the XQuAD texts that they were made from.

use std::path::{Path, PathBuf};

use clirbench_plugin::{Encoder, Host, Role};
use encoder_onnx::OnnxEncoder;
use serde_json::{Value, json};

use crate::{cosine, encode, folder_of, npz};

const LANGUAGES: [&str; 8] = ["ar", "de", "en", "es", "th", "tr", "vi", "zh"];
/// `[UNK]` of this vocabulary.
const UNKNOWN: u64 = 100;

/// The model directory and `../shared`.
fn inputs() -> Option<(PathBuf, PathBuf)> {
    folder_of("ORT_DYLIB_PATH")?;
    let model = folder_of("CLIRBENCH_MINILM")?;
    let shared = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")).to_owned();
    if !shared.join("golden/embeddings.npz").exists() {
        println!("skipped: ../shared/golden is absent");
        return None;
    }
    Some((model, shared))
}

fn open(model: &Path, options: Value, threads: usize) -> OnnxEncoder {
    let mut config = options;
    config["path"] = json!(model);
    OnnxEncoder::open(&config, Host::detached().with_threads(threads)).expect("opened")
}

/// The texts of one golden array, by its name.
fn texts(shared: &Path, name: &str) -> Vec<String> {
    let (kind, language) = name.split_once('/').expect("kind/language");
    let path = shared.join(format!("data/xquad/xquad.{language}.json"));
    let file: Value = serde_json::from_slice(&std::fs::read(path).expect("XQuAD")).expect("JSON");
    let paragraphs = || {
        let articles = file["data"].as_array().expect("articles");
        articles.iter().flat_map(|article| article["paragraphs"].as_array().expect("paragraphs"))
    };
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    if kind == "questions" {
        let questions = paragraphs().flat_map(|p| p["qas"].as_array().expect("questions"));
        return questions.take(20).map(|qa| text(&qa["question"])).collect();
    }
    let all: Vec<String> = paragraphs().map(|p| text(&p["context"])).collect();
    let mut longest: Vec<&String> = all.iter().collect();
    longest.sort_by_key(|text| text.chars().count());
    let mut chosen = vec![all[0].clone()];
    chosen.extend(longest[longest.len() - 2..].iter().map(|text| (*text).clone()));
    chosen
}

#[test]
fn embeddings_and_tokens_equal_the_reference_in_every_language() {
    let Some((model, shared)) = inputs() else { return };
    let golden = npz::read(&shared.join("golden/embeddings.npz"));
    let json: Value = serde_json::from_slice(
        &std::fs::read(shared.join("golden/embeddings.json")).expect("embeddings.json"),
    )
    .expect("JSON");
    let mut tokenizer =
        tokenizers::Tokenizer::from_file(model.join("tokenizer.json")).expect("tokenizer.json");
    tokenizer.with_padding(None).with_truncation(None).expect("no truncation");
    let mut encoder = open(&model, json!({}), 2);
    assert_eq!((encoder.info().dim, encoder.info().max_tokens), (384, Some(256)));
    assert_eq!(golden.len(), LANGUAGES.len() + 2);
    for (name, expected) in &golden {
        let texts = texts(&shared, name);
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let (vectors, stats) = encode(&mut encoder, Role::Document, &texts);
        assert_eq!(vectors.len(), expected.len(), "{name}");
        for (i, (vector, expected)) in vectors.iter().zip(expected).enumerate() {
            assert!(cosine(vector, expected) >= 0.99999, "{name} {i}: {}", cosine(vector, expected));
            let ids: Vec<u32> =
                serde_json::from_value(json["input_ids"][name][i].clone()).expect("token ids");
            let unknown = ids.iter().filter(|id| u64::from(**id) == UNKNOWN).count();
            assert_eq!(
                (stats[i].tokens as usize, stats[i].unknown as usize),
                (ids.len(), unknown),
                "{name} {i}"
            );
            let rendered = encoder.render(Role::Document, texts[i]).expect("rendered");
            assert_eq!(rendered, tokenizer.decode(&ids, false).expect("decoded"), "{name} {i}");
        }
        for (text, stats) in texts.iter().zip(&stats) {
            assert_eq!(
                stats.truncated,
                tokenizer.encode(*text, true).expect("tokens").len() > 256,
                "{name}: {text}"
            );
        }
    }
}

/// Questions and paragraphs of two languages.
fn mixture(shared: &Path) -> Vec<String> {
    ["questions/en", "questions/zh", "paragraphs/en", "paragraphs/vi"]
        .iter()
        .flat_map(|name| texts(shared, name))
        .collect()
}

#[test]
fn a_graph_without_weights_equals_the_whole_model() {
    let Some((model, shared)) = inputs() else { return };
    let texts = mixture(&shared);
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let whole = encode(&mut open(&model, json!({"variant": "fp32"}), 2), Role::Query, &texts).0;
    let mut graph = open(&model, json!({"variant": "graph"}), 2);
    assert!(graph.info().files.contains(&"model.safetensors".to_owned()), "{:?}", graph.info().files);
    for (a, b) in whole.iter().zip(encode(&mut graph, Role::Query, &texts).0) {
        assert!(cosine(a, &b) > 0.999_999, "{}", cosine(a, &b));
    }
}

#[test]
fn int8_is_close_to_fp32() {
    let Some((model, shared)) = inputs() else { return };
    let texts = mixture(&shared);
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let whole = encode(&mut open(&model, json!({}), 2), Role::Query, &texts).0;
    let mut int8 = open(&model, json!({"variant": "int8"}), 2);
    assert!(int8.info().files.contains(&"onnx/model_int8.onnx".to_owned()), "{:?}", int8.info().files);
    let cosines: Vec<f64> =
        whole.iter().zip(encode(&mut int8, Role::Query, &texts).0).map(|(a, b)| cosine(a, &b)).collect();
    let average = cosines.iter().sum::<f64>() / cosines.len() as f64;
    assert!(average > 0.97 && cosines.iter().all(|c| *c > 0.9), "average {average}: {cosines:?}");
}

#[test]
fn batches_order_and_threads_change_not_a_bit() {
    let Some((model, shared)) = inputs() else { return };
    let texts = mixture(&shared);
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let reversed: Vec<&str> = texts.iter().rev().copied().collect();
    for variant in ["fp32", "int8"] {
        let run = |threads, options: Value, texts: &[&str]| {
            let mut options = options;
            options["variant"] = json!(variant);
            encode(&mut open(&model, options, threads), Role::Document, texts).0
        };
        let one = run(1, json!({}), &texts);
        assert_eq!(one, run(2, json!({}), &texts), "{variant}: two threads");
        let mut back = run(2, json!({}), &reversed);
        back.reverse();
        assert_eq!(one, back, "{variant}: order");
        assert_eq!(one[3..7], run(2, json!({}), &texts[3..7]), "{variant}: neighbours");
        // The activations of an int8 graph are scaled by the batch once the user asks for batches.
        for budget in [64, 8192] {
            let other = run(2, json!({"batch_tokens": budget}), &texts);
            if variant == "fp32" {
                assert_eq!(one, other, "batches of {budget} tokens");
            }
            assert!(one.iter().zip(&other).all(|(a, b)| cosine(a, b) > 0.98), "{variant}, {budget}");
        }
    }
}
