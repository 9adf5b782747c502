//! Training of cross-encoders from scores of pairs.

use std::fs;

use clirbench_model::Tensors;
use clirbench_plugin::LossInput;
use clirbench_plugin::serde_json::{Value, from_str, json};

use crate::session::Watch;
use crate::workplace::{Workplace, files, options_with};

fn place() -> Workplace {
    let mut place = Workplace::new(0.0);
    place.job.input = LossInput::Scores;
    // Four queries, each with its own positive and with that of the next query.
    place.rows = (0..4).flat_map(|i| [i, i + 8, i, (i + 1) % 4 + 8]).collect();
    place
}

fn config() -> Value {
    options_with(json!({ "epochs": 80, "batch_size": 8 }))
}

#[test]
fn matches_and_mismatches_are_learnt_by_heart() {
    let place = place();
    let mut watch = Watch::bce();
    let report = place.fit(&config(), &mut watch).unwrap();
    let losses: Vec<f64> = watch.reports.iter().map(|r| r.loss).collect();
    assert!((losses[0] - 2f64.ln()).abs() < 0.1 && losses[79] < 0.05, "{losses:?}");
    // A text may come twice in a batch: 80 epochs of one step each.
    assert_eq!((report.steps, report.texts), (80, 640));
}

#[test]
fn the_result_is_a_directory_for_sequence_classification() {
    let place = place();
    place.fit(&config(), &mut Watch::bce()).unwrap();
    let names: Vec<String> = files(&place.path("out")).into_keys().collect();
    let expected =
        ["README.md", "config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"];
    assert_eq!(names[..5], expected);
    assert_eq!(names[5..], ["training.csv"]);
    let config: Value = from_str(&fs::read_to_string(place.path("out/config.json")).unwrap()).unwrap();
    assert_eq!(config["architectures"], json!(["BertForSequenceClassification"]));
    assert_eq!(config["id2label"], json!({ "0": "LABEL_0" }));
    let tensors = Tensors::open(&place.path("out")).unwrap();
    assert_eq!(tensors.describe("classifier.weight"), Some(("F32", &[1, 16][..])));
    for name in ["bert.pooler.dense.weight", "bert.encoder.layer.1.output.dense.bias"] {
        assert!(tensors.describe(name).is_some(), "{name}");
    }
}

#[test]
fn a_trained_cross_encoder_is_a_base_for_the_next() {
    let mut place = place();
    place.fit(&config(), &mut Watch::bce()).unwrap();
    fs::rename(place.path("out"), place.path("next")).unwrap();
    place.job.base = place.path("next").to_str().unwrap().to_owned();
    let mut watch = Watch::bce();
    place
        .fit(&options_with(json!({ "epochs": 1, "batch_size": 8, "warmup_ratio": 0.0 })), &mut watch)
        .unwrap();
    assert!(watch.reports[0].loss < 0.05, "it goes on from what was learnt: {:?}", watch.reports[0]);
    let names = |folder: &str| {
        let tensors = Tensors::open(&place.path(folder)).unwrap();
        tensors.names().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(names("out"), names("next"));
}

#[test]
fn what_a_cross_encoder_cannot_have_is_refused() {
    let mut place = place();
    place.job.validate_every = 2;
    let error = place.fit(&config(), &mut Watch::bce()).unwrap_err();
    assert!(error.kind == "config" && error.hint.contains("validate_every"), "{error:?}");
    place.job.validate_every = 0;
    place.job.columns.push(place.job.columns[1].clone());
    place.rows.truncate(15);
    let error = place.fit(&config(), &mut Watch::bce()).unwrap_err();
    assert!(error.message.contains("3 columns"), "{error:?}");
}
