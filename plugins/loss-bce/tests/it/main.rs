//! Binary cross-entropy by hand, against finite differences, and in its properties.
#![allow(clippy::unwrap_used, reason = "a test that meets an error should fail")]

use clirbench_loss::testing::{OwnedBatch, check_defaults, check_gradient, check_permutation};
use clirbench_plugin::serde_json::{Value, json};
use clirbench_plugin::{Host, Loss};
use loss_bce::Bce;
use proptest::prelude::*;

fn open(config: Value) -> Bce {
    Bce::open(&config, Host::detached()).unwrap()
}

fn scores(scores: &[f64], labels: &[f64]) -> OwnedBatch {
    let batch =
        OwnedBatch { rows: scores.len(), dim: 1, embeddings: scores.to_vec(), ..OwnedBatch::default() };
    batch.with_labels(labels)
}

/// Scores of ln 3 and 0 are the probabilities 3/4 and 1/2.
#[test]
fn value_and_gradient_by_hand() {
    let batch = scores(&[3.0_f64.ln(), 3.0_f64.ln(), 0.0], &[1.0, 0.0, 1.0]);
    let eval = |pos_weight: f64| batch.eval(&mut open(json!({ "pos_weight": pos_weight }))).unwrap();
    for weight in [1.0, 5.0] {
        let (value, gradient, _) = eval(weight);
        let wanted = (weight * (4.0_f64 / 3.0).ln() + 4.0_f64.ln() + weight * 2.0_f64.ln()) / 3.0;
        assert!((value - wanted).abs() < 1e-7, "{value} {wanted}");
        for (got, wanted) in gradient.into_iter().zip([-0.25 * weight, 0.75, -0.5 * weight]) {
            assert!((f64::from(got) - wanted / 3.0).abs() < 1e-7, "{got} {wanted}");
        }
    }
}

/// 1 - sigmoid(1e30) rounds to 0, whose logarithm there is not.
#[test]
fn no_score_is_too_large() {
    let right = scores(&[1e30, -1e30], &[1.0, 0.0]).eval(&mut open(json!({}))).unwrap();
    assert_eq!((right.0, right.1.as_slice()), (0.0, &[0.0, 0.0][..]));
    let wrong = scores(&[1e30, -1e30], &[0.0, 1.0]).eval(&mut open(json!({}))).unwrap();
    assert!((wrong.0 / 1e30 - 1.0).abs() < 1e-6, "{}", wrong.0);
    assert_eq!(wrong.1, [0.5, -0.5]);
}

#[test]
fn gradients_are_those_of_finite_differences() {
    let batch = scores(&[-3.0, -0.4, 0.0, 0.7, 8.0, -20.0], &[1.0, 0.0, 1.0, 0.3, 0.0, 1.0]);
    for pos_weight in [0.2, 1.0, 7.0] {
        check_gradient(&open(json!({ "pos_weight": pos_weight })), &batch, 1e-3, 1e-9);
    }
}

#[test]
fn the_order_of_rows_does_not_matter() {
    let batch = scores(&[-3.0, -0.4, 0.1, 0.7], &[1.0, 0.0, 1.0, 0.0]);
    check_permutation(&open(json!({ "pos_weight": 3 })), &batch, &[2, 0, 3, 1]);
}

proptest! {
    /// A match with the score s costs as much as none with the score -s.
    #[test]
    fn the_two_labels_mirror_each_other(s in -50.0_f64..50.0) {
        let of = |score: f64, label: f64| scores(&[score], &[label]).eval(&mut open(json!({}))).unwrap();
        let (matches, other) = (of(s, 1.0), of(-s, 0.0));
        prop_assert_eq!(matches.0, other.0);
        prop_assert_eq!(matches.1[0], -other.1[0]);
        prop_assert!(matches.0 > 0.0);
    }
}

#[test]
fn the_schemas_defaults_are_the_losses() {
    check_defaults::<Bce>(include_str!("../../schema.json"), &scores(&[0.3, 0.4], &[1.0, 0.0]));
}

#[test]
fn what_makes_no_loss_is_refused() {
    let error = Bce::open(&json!({ "pos_weight": 0 }), Host::detached()).err().unwrap();
    assert_eq!((error.kind.as_str(), error.message.as_str()), ("config", "pos_weight is 0"));
    let error =
        OwnedBatch::random(2, 4, 1, 70).with_labels(&[1.0; 4]).eval(&mut open(json!({}))).unwrap_err();
    assert_eq!(error.kind, "input");
    assert!(error.message.contains("one column of scores"), "{error:?}");
}
