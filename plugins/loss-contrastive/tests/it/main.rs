//! The contrastive loss by hand, against finite differences, and in its properties.
#![allow(clippy::unwrap_used, reason = "a test that meets an error should fail")]

use clirbench_loss::testing::{OwnedBatch, check_defaults, check_gradient, check_permutation};
use clirbench_plugin::serde_json::{Value, json};
use clirbench_plugin::{Host, Loss};
use loss_contrastive::Contrastive;
use proptest::prelude::*;

const LABELS: [f64; 4] = [1.0, 0.0, 0.0, 1.0];

fn open(config: Value) -> Contrastive {
    Contrastive::open(&config, Host::detached()).unwrap()
}

/// Pairs with the cosines 0.6, 0.6, 0.8 and 0; the margin is 0.5.
#[test]
fn value_gradient_and_parts_by_hand() {
    let embeddings =
        [[1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [0.6, 0.8], [0.6, 0.8], [0.8, 0.6], [0.0, 1.0]]
            .concat();
    let batch = OwnedBatch { rows: 4, dim: 2, embeddings, ..OwnedBatch::default() };
    let batch = batch.with_labels(&[1.0, 0.0, 0.0, 0.0]);
    let (value, gradient, parts) = batch.eval(&mut open(json!({}))).unwrap();
    // Distances 0.4 | 0.4, 0.2, 1: short of the margin by 0.1, 0.3 and not at all.
    let close = |a: f64, b: f64| (a - b).abs() < 1e-7;
    assert!(close(value, 0.5 * (0.16 + 0.01 + 0.09) / 4.0), "{value}");
    assert!(close(parts[0], 0.4) && close(parts[1], (0.4 + 0.2 + 1.0) / 3.0), "{parts:?}");
    // By the cosine: -0.4, 0.1, 0.3 and 0, over 4; by (1, 0) it is that times the other text's
    // second component.
    let wanted = [0.0, -0.4 * 0.8 / 4.0, 0.0, 0.1 * 0.8 / 4.0, 0.0, 0.3 * 0.6 / 4.0, 0.0, 0.0];
    for (got, wanted) in gradient.iter().zip(wanted) {
        assert!(close(f64::from(*got), wanted), "{gradient:?}");
    }
}

#[test]
fn a_batch_of_one_kind_has_no_distance_of_the_other() {
    let batch = OwnedBatch::random(2, 4, 5, 60).with_labels(&[1.0; 4]);
    let (_, _, parts) = batch.eval(&mut open(json!({}))).unwrap();
    assert!(parts[0] > 0.0 && parts[1] == 0.0, "{parts:?}");
}

#[test]
fn gradients_are_those_of_finite_differences() {
    let batch = OwnedBatch::random(2, 4, 5, 61).with_labels(&LABELS);
    for margin in [0.1, 0.5, 1.0, 2.0] {
        check_gradient(&open(json!({ "margin": margin })), &batch, 1e-3, 1e-8);
    }
    let mixed = batch.with_labels(&[0.25, 0.5, 0.9, 0.0]);
    check_gradient(&open(json!({ "margin": 1.5 })), &mixed, 1e-3, 1e-8);
}

#[test]
fn the_order_of_rows_does_not_matter() {
    let batch = OwnedBatch::random(2, 4, 5, 62).with_labels(&LABELS);
    check_permutation(&open(json!({ "margin": 1 })), &batch, &[2, 0, 3, 1]);
}

proptest! {
    /// The two texts of a pair may change places.
    #[test]
    fn it_is_symmetric(seed in any::<u64>(), margin in 0.0_f64..2.0) {
        let batch = OwnedBatch::random(2, 4, 5, seed).with_labels(&LABELS);
        let mut turned = batch.clone();
        turned.embeddings.rotate_left(20);
        let eval = |batch: &OwnedBatch| batch.eval(&mut open(json!({ "margin": margin }))).unwrap();
        let (mut there, back) = (eval(&batch), eval(&turned));
        there.1.rotate_left(20);
        prop_assert_eq!(there, back);
    }

    /// Texts at least the margin apart are left alone.
    #[test]
    fn far_is_far_enough(seed in any::<u64>()) {
        let mut batch = OwnedBatch::random(2, 4, 5, seed).with_labels(&[0.0; 4]);
        batch.embeddings.copy_within(..20, 20);
        batch.embeddings[20..].iter_mut().for_each(|x| *x = -*x);
        let (value, gradient, _) = batch.eval(&mut open(json!({ "margin": 1.9 }))).unwrap();
        prop_assert!(value == 0.0 && gradient.iter().all(|&g| g == 0.0));
    }
}

#[test]
fn the_schemas_defaults_are_the_losses() {
    let batch = OwnedBatch::random(2, 4, 5, 63).with_labels(&[0.0; 4]);
    check_defaults::<Contrastive>(include_str!("../../schema.json"), &batch);
}

#[test]
fn what_makes_no_loss_is_refused() {
    for (config, what) in
        [(json!({ "margin": -0.1 }), "margin is -0.1"), (json!({ "scale": 1 }), "unknown field `scale`")]
    {
        let error = Contrastive::open(&config, Host::detached()).err().unwrap();
        assert_eq!(error.kind, "config");
        assert!(error.message.contains(what) && !error.hint.is_empty(), "{error:?}");
    }
    let error = OwnedBatch::random(2, 4, 5, 64).eval(&mut open(json!({}))).unwrap_err();
    assert_eq!((error.kind.as_str(), error.message.as_str()), ("input", "0 labels where 4 are wanted"));
}
