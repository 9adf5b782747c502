//! The encoder on all-MiniLM-L6-v2 against the reference embeddings of `../shared/golden`
//! (sentence-transformers, torch, f32), which `encoder-onnx` meets as well; and on a tiny model.

use std::fs;
use std::path::{Path, PathBuf};

use clirbench_plugin::serde_json::{Value, json};
use clirbench_plugin::{Device, Encoder, Host, Role, TextStats};
use encoder_candle::CandleEncoder;

#[path = "../../../encoder-onnx/tests/it/npz.rs"]
mod npz;
#[path = "../../../trainer-candle/tests/it/tiny.rs"]
mod tiny;

const LANGUAGES: [&str; 8] = ["ar", "de", "en", "es", "th", "tr", "vi", "zh"];

fn open(model: &Path, mut options: Value) -> CandleEncoder {
    options["path"] = json!(model);
    CandleEncoder::open(&options, Host::detached()).expect("opened")
}

fn encode(encoder: &mut CandleEncoder, role: Role, texts: &[&str]) -> (Vec<Vec<f32>>, Vec<TextStats>) {
    let dim = encoder.info().dim;
    let mut out = vec![f32::NAN; texts.len() * dim];
    let mut stats = vec![TextStats::default(); texts.len()];
    assert_eq!(encoder.encode(role, texts, &mut out, &mut stats).expect("encoded"), texts.len());
    (out.chunks_exact(dim).map(<[f32]>::to_vec).collect(), stats)
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

#[test]
fn embeddings_equal_the_reference_in_every_language() {
    let Some(model) = std::env::var_os("CLIRBENCH_MINILM").map(PathBuf::from) else {
        return println!("skipped: CLIRBENCH_MINILM is not set");
    };
    let shared = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared"));
    if !shared.join("golden/embeddings.npz").exists() {
        return println!("skipped: ../shared/golden is absent");
    }
    let golden = npz::read(&shared.join("golden/embeddings.npz"));
    let mut encoder = open(&model, json!({}));
    assert_eq!((encoder.info().dim, encoder.info().max_tokens), (384, Some(256)));
    let weights = "model.safetensors".to_owned();
    assert!(encoder.info().files.contains(&weights), "{:?}", encoder.info().files);
    for language in LANGUAGES {
        let file = fs::read(shared.join(format!("data/xquad/xquad.{language}.json"))).expect("XQuAD");
        let file: Value = clirbench_plugin::serde_json::from_slice(&file).expect("JSON");
        let list = |value: &Value| value.as_array().expect("a list").clone();
        let questions: Vec<String> = list(&file["data"])
            .iter()
            .flat_map(|article| list(&article["paragraphs"]))
            .flat_map(|paragraph| list(&paragraph["qas"]))
            .take(20)
            .map(|question| question["question"].as_str().expect("a text").to_owned())
            .collect();
        let texts: Vec<&str> = questions.iter().map(String::as_str).collect();
        let (vectors, _) = encode(&mut encoder, Role::Document, &texts);
        for (i, (vector, expected)) in
            vectors.iter().zip(&golden[&format!("questions/{language}")]).enumerate()
        {
            assert!(cosine(vector, expected) >= 0.99999, "{language} {i}: {}", cosine(vector, expected));
        }
    }
}

#[test]
fn the_same_call_gives_the_same_bits_and_company_changes_next_to_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    tiny::write(folder.path(), 0.1);
    let texts: Vec<String> =
        (0..40).map(|i| (0..=i % 12).map(|k| format!("w{} ", (i + k) % 50)).collect()).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let whole = encode(&mut open(folder.path(), json!({})), Role::Document, &texts).0;
    assert_eq!(whole, encode(&mut open(folder.path(), json!({})), Role::Document, &texts).0);
    // A matrix product of other sizes may sum in another order: that is all that company can change.
    let mut small = open(folder.path(), json!({"batch_tokens": 16}));
    let reversed: Vec<&str> = texts.iter().rev().copied().collect();
    let mut back = encode(&mut small, Role::Document, &reversed).0;
    back.reverse();
    for other in [encode(&mut small, Role::Document, &texts).0, back] {
        for (a, b) in whole.iter().zip(&other) {
            let apart = a.iter().zip(b).map(|(x, y)| (x - y).abs()).fold(0.0, f32::max);
            assert!(apart < 1e-6, "{apart}");
        }
    }
}

#[test]
fn prompts_pooling_and_dimension_are_those_of_directory_and_options() {
    let folder = tempfile::tempdir().expect("a folder");
    tiny::write(folder.path(), 0.0);
    let mut plain = open(folder.path(), json!({}));
    // The directory puts "w59 " in front of queries.
    let query = encode(&mut plain, Role::Query, &["w1 w2"]).0;
    assert_eq!(query, encode(&mut plain, Role::Document, &["w59 w1 w2"]).0);
    assert_ne!(query, encode(&mut plain, Role::Document, &["w1 w2"]).0);
    assert!(plain.render(Role::Query, "w1").expect("rendered").contains("w59"));
    let first = encode(&mut open(folder.path(), json!({"pooling": "cls"})), Role::Document, &["w1 w2"]).0;
    assert_ne!(first, encode(&mut plain, Role::Document, &["w1 w2"]).0);
    let short = encode(&mut open(folder.path(), json!({"dim": 4})), Role::Document, &["w1 w2"]).0;
    let norm: f32 = short[0].iter().map(|x| x * x).sum();
    assert!(short[0].len() == 4 && (norm - 1.0).abs() < 1e-6, "{short:?}");
}

#[test]
fn half_precision_is_near_and_what_cannot_be_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    tiny::write(folder.path(), 0.0);
    let exact = encode(&mut open(folder.path(), json!({})), Role::Document, &["w1 w2 w3"]).0;
    for precision in ["bf16", "f16"] {
        let mut half = open(folder.path(), json!({"precision": precision}));
        let near = cosine(&exact[0], &encode(&mut half, Role::Document, &["w1 w2 w3"]).0[0]);
        assert!(near > 0.99, "{precision}: {near}");
    }
    let refused = |options: Value, host: Host| {
        let mut options = options;
        options["path"] = json!(folder.path());
        CandleEncoder::open(&options, host).err().expect("refused")
    };
    assert_eq!(refused(json!({"precison": "f16"}), Host::detached()).kind, "config");
    if !cfg!(feature = "cuda") {
        let error = refused(json!({}), Host::detached().with_device(Device::Cuda));
        assert!(error.hint.contains("--features cuda"), "{error:?}");
    }
    fs::remove_file(folder.path().join("model.safetensors")).expect("removed");
    let error = refused(json!({}), Host::detached());
    assert!(error.kind == "model" && error.message.contains("model.safetensors"), "{error:?}");
}
