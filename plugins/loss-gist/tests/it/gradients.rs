//! Finite differences, and batches in another order.

use clirbench_loss::testing::{OwnedBatch, check_gradient, check_permutation};
use clirbench_plugin::serde_json::json;

use crate::open;

fn batch(negatives: usize) -> OwnedBatch {
    OwnedBatch::random(2 + negatives, 4, 5, 11).with_guide(3, 12)
}

#[test]
fn gradients_are_those_of_finite_differences() {
    for negatives in [0, 2] {
        for (anchors, positives) in [(true, true), (true, false), (false, true), (false, false)] {
            for (strategy, margin) in [("absolute", 0.0), ("absolute", 0.3), ("relative", 0.1)] {
                let loss = open(json!({
                    "temperature": 0.1, "margin_strategy": strategy, "margin": margin,
                    "contrast_anchors": anchors, "contrast_positives": positives,
                }));
                check_gradient(&loss, &batch(negatives), 1e-3, 1e-7);
            }
        }
    }
}

#[test]
fn gradients_at_the_default_temperature() {
    check_gradient(&open(json!({})), &batch(1), 1e-4, 1e-6);
}

#[test]
fn the_order_of_rows_does_not_matter() {
    check_permutation(&open(json!({ "temperature": 0.1 })), &batch(2), &[2, 0, 3, 1]);
}
