//! Two pairs whose queries and positives are both (1, 0) and (0, 1); temperature 1.

use std::f64::consts::E;

use clirbench_loss::testing::OwnedBatch;
use clirbench_plugin::serde_json::{Value, json};

use crate::open;

const EMBEDDINGS: [f64; 8] = [1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0];

/// The guide thinks the other positive better for each query (cosine 0.8, own 0.6) and the
/// positives close (0.96), the queries not (0).
const GUIDE: [f64; 8] = [1.0, 0.0, 0.0, 1.0, 0.6, 0.8, 0.8, 0.6];

fn eval(guide: [f64; 8], mut options: Value) -> (f64, Vec<f32>, f64) {
    options["temperature"] = 1.into();
    let batch = OwnedBatch {
        rows: 2,
        dim: 2,
        embeddings: EMBEDDINGS.into(),
        guide_dim: 2,
        guide: guide.into(),
        labels: vec![],
    };
    let (value, gradient, parts) = batch.eval(&mut open(options)).unwrap();
    (value, gradient, parts[0])
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-7
}

/// The guide agrees with the student, so the threshold is 1, which no cosine is above: not even
/// that of a text with itself. Each row has the logit 1 for its own pair and three of 0, for the
/// other positive, the other query, and the other pair of positives.
#[test]
fn a_text_is_never_its_own_candidate() {
    let (value, gradient, masked) = eval(EMBEDDINGS, json!({}));
    assert!(close(value, (1.0 + 3.0 / E).ln()), "{value}");
    assert_eq!(masked, 0.0);
    // A candidate has the probability q; a third of what moves a text comes from each block, and
    // only what is across the text's own direction.
    let q = 1.0 / (E + 3.0);
    let across = (1.5 * q) as f32;
    let wanted = [0.0, across, across, 0.0, 0.0, across, across, 0.0];
    assert!(gradient.iter().zip(wanted).all(|(&g, w)| close(g.into(), w.into())), "{gradient:?} {wanted:?}");
}

#[test]
fn without_contrasts_only_the_other_positive_is_left() {
    let (value, ..) = eval(EMBEDDINGS, json!({ "contrast_anchors": false, "contrast_positives": false }));
    assert!(close(value, (1.0 + 1.0 / E).ln()), "{value}");
    let (value, ..) = eval(EMBEDDINGS, json!({ "contrast_positives": false }));
    assert!(close(value, (1.0 + 2.0 / E).ln()), "{value}");
}

/// Hidden are both other positives and both pairs of positives; the other query stays.
#[test]
fn what_the_guide_holds_for_better_is_hidden() {
    let (value, _, masked) = eval(GUIDE, json!({}));
    assert!(close(value, (1.0 + 1.0 / E).ln()), "{value}");
    assert_eq!(masked, 4.0 / 6.0);
}

/// The other query has the guide's cosine 0; thresholds are 0.6 less the margin.
#[test]
fn a_margin_hides_more() {
    for (strategy, margin, hidden) in
        [("absolute", 0.5, 4.0), ("absolute", 0.7, 6.0), ("relative", 0.7, 4.0), ("relative", 1.2, 6.0)]
    {
        let (value, gradient, masked) = eval(GUIDE, json!({ "margin_strategy": strategy, "margin": margin }));
        assert_eq!(masked, hidden / 6.0, "{strategy} {margin}");
        // With nothing to tell apart there is nothing to learn.
        assert_eq!(value == 0.0, hidden == 6.0, "{strategy} {margin}: {value}");
        assert_eq!(gradient.iter().all(|&g| g == 0.0), hidden == 6.0, "{strategy} {margin}: {gradient:?}");
    }
}

/// The guide's cosine of each own pair is -0.6, of the other positive 0.8, of the queries 0, of the
/// positives -0.96: a margin lowers the threshold also where it is negative.
#[test]
fn a_relative_margin_is_of_the_cosines_size() {
    let guide = [1.0, 0.0, 0.0, 1.0, -0.6, 0.8, 0.8, -0.6];
    for (margin, hidden) in [(0.0, 4.0), (0.5, 4.0), (0.7, 6.0)] {
        let (_, _, masked) = eval(guide, json!({ "margin_strategy": "relative", "margin": margin }));
        assert_eq!(masked, hidden / 6.0, "{margin}");
    }
}
