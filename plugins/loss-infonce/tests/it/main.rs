//! InfoNCE against sentence-transformers' values, finite differences and examples by hand.
#![allow(clippy::unwrap_used, reason = "a test that meets an error should fail")]

use std::f64::consts::E;

use clirbench_loss::testing::{
    GoldenFolder, OwnedBatch, check_defaults, check_golden, check_gradient, check_permutation,
};
use clirbench_plugin::serde_json::{Value, json};
use clirbench_plugin::{Host, Loss};
use loss_infonce::InfoNce;

fn open(config: Value) -> InfoNce {
    InfoNce::open(&config, Host::detached().with_threads(2)).unwrap()
}

/// `losses.npz`: MultipleNegativesRankingLoss of sentence-transformers 6.2 in f64.
#[test]
fn values_and_gradients_are_those_of_sentence_transformers() {
    let Some(folder) = GoldenFolder::find(env!("CARGO_MANIFEST_DIR")) else { return };
    let (inputs, gradients) = (folder.arrays("losses_inputs.npz"), folder.arrays("losses.npz"));
    let cases = folder.cases("losses.json");
    let mut seen = 0;
    for (name, case) in cases.iter().filter(|(name, _)| name.starts_with("mnrl_")) {
        let negatives = case["negatives"].as_u64().unwrap() as usize;
        let [n, d] = inputs["anchor"].shape[..] else { panic!("a matrix") };
        let hard = &inputs["negatives"].values[..negatives * n * d];
        let embeddings = [&inputs["anchor"].values, &inputs["positive"].values, hard].concat();
        let batch = OwnedBatch { rows: n, dim: d, embeddings, ..OwnedBatch::default() };
        let columns = ["anchor", "positive", "negatives"];
        let wanted = columns.iter().filter_map(|column| gradients.get(&format!("{name}/{column}")));
        let wanted: Vec<f64> = wanted.flat_map(|array| array.values.clone()).collect();
        let symmetric = case["config"]["directions"].is_array();
        let mut loss = open(json!({ "scale": case["config"]["scale"], "symmetric": symmetric }));
        check_golden(name, &mut loss, &batch, (case["loss_f64"].as_f64().unwrap(), &wanted), 1e-6);
        seen += 1;
    }
    assert_eq!(seen, 12);
}

/// Queries and positives are both (1, 0) and (0, 1), the one hard negative of each row is (1, 0).
#[test]
fn every_hard_negative_is_a_candidate_of_every_query() {
    let embeddings = [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 0.0]].concat();
    let batch = OwnedBatch { rows: 2, dim: 2, embeddings, ..OwnedBatch::default() };
    let value =
        |symmetric: bool| batch.eval(&mut open(json!({ "scale": 1, "symmetric": symmetric }))).unwrap().0;
    // Logits: 1, 0 | 1, 1 for the first query, 0, 1 | 0, 0 for the second.
    let queries = ((3.0 + 1.0 / E).ln() + (1.0 + 3.0 / E).ln()) / 2.0;
    assert!((value(false) - queries).abs() < 1e-12);
    // A positive has to tell its query from the other one only.
    let positives = (1.0 + 1.0 / E).ln();
    assert!((value(true) - (queries + positives) / 2.0).abs() < 1e-12);
}

/// One pair along (1, 0) and (0, 2) against another: the derivative by the cosine of a pair with
/// itself is (p - 1) / n times the scale.
#[test]
fn a_gradient_by_hand() {
    let embeddings = [[1.0, 0.0], [-1.0, 0.0], [0.0, 2.0], [0.0, -2.0]].concat();
    let batch = OwnedBatch { rows: 2, dim: 2, embeddings, ..OwnedBatch::default() };
    let (value, gradient, _) = batch.eval(&mut open(json!({ "scale": 4 }))).unwrap();
    assert!((value - 2.0_f64.ln()).abs() < 1e-12, "all cosines are 0");
    // p = 1/2, so (p - 1) / 2 * 4 = -1 for a pair and 1 for the others: query 0 gets
    // -(0, 1) + (0, -1), positive 0, over its norm of 2, -(1, 0) + (-1, 0).
    assert_eq!(gradient, [0.0, -2.0, 0.0, 2.0, -1.0, 0.0, 1.0, 0.0]);
}

#[test]
fn gradients_are_those_of_finite_differences() {
    for negatives in [0, 2] {
        for (scale, symmetric) in [(1.0, false), (20.0, false), (10.0, true)] {
            let loss = open(json!({ "scale": scale, "symmetric": symmetric }));
            check_gradient(&loss, &OwnedBatch::random(2 + negatives, 4, 5, 41), 1e-3, 1e-7);
        }
    }
}

#[test]
fn the_order_of_rows_does_not_matter() {
    for symmetric in [false, true] {
        let loss = open(json!({ "symmetric": symmetric }));
        check_permutation(&loss, &OwnedBatch::random(4, 4, 5, 42), &[2, 0, 3, 1]);
    }
}

#[test]
fn the_schemas_defaults_are_the_losses() {
    check_defaults::<InfoNce>(include_str!("../../schema.json"), &OwnedBatch::random(3, 4, 5, 43));
}

#[test]
fn options_that_make_no_loss_are_refused() {
    for (config, what) in [
        (json!({ "scale": 0 }), "scale is 0"),
        (json!({ "scale": -20 }), "scale is -20"),
        (json!({ "temperature": 0.1 }), "unknown field `temperature`"),
    ] {
        let error = InfoNce::open(&config, Host::detached()).err().unwrap();
        assert_eq!(error.kind, "config");
        assert!(error.message.contains(what) && !error.hint.is_empty(), "{error:?}");
    }
}
