//! Interpolation by hand, and properties: identity, ends, chunks.
#![allow(clippy::unwrap_used, reason = "a test that meets an error should fail")]

use clirbench_plugin::serde_json::Map;
use clirbench_plugin::{Host, MergeChunk, Merger, Result, TensorJob};
use merger_spherical::Spherical;
use proptest::prelude::*;
use serde_json::{Value, json};

fn merged(
    options: &Value,
    weights: &[f64],
    u: &[f32],
    v: &[f32],
    chunk: usize,
) -> Result<(Vec<f32>, Map<String, Value>)> {
    let elements = u.len();
    let mut merger = Spherical::open(options, Host::detached())?;
    let job = TensorJob {
        name: "w".into(),
        shape: vec![elements],
        elements,
        weights: weights.to_vec(),
        ..TensorJob::default()
    };
    merger.tensor(&job)?;
    let part = |at: usize| at..(at + chunk).min(elements);
    let columns = |at: usize| MergeChunk::new(&job, at, vec![&u[part(at)], &v[part(at)]]);
    for at in (0..elements).step_by(chunk) {
        merger.observe(0, &columns(at)?)?;
    }
    let mut out = vec![f32::NAN; elements];
    for at in (0..elements).step_by(chunk) {
        merger.merge(&columns(at)?, &mut out[part(at)])?;
    }
    Ok((out, merger.note()))
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|x| x.to_bits()).collect()
}

#[test]
fn an_arc_by_hand() {
    // Perpendicular, of lengths 1 and 2: half-way both count sin 45 / sin 90; at 1/3, sin 60 and sin 30.
    let (u, v) = ([1.0, 0.0], [0.0, 2.0]);
    let (half, note) = merged(&json!({}), &[1.0, 1.0], &u, &v, 1).unwrap();
    let root = 0.5f64.sqrt() as f32;
    assert_eq!(half, [root, 2.0 * root]);
    assert_eq!(Value::Object(note), json!({"cosine": 0.0, "t": 0.5, "fell_back": false}));
    let third = merged(&json!({}), &[2.0, 1.0], &u, &v, 2).unwrap().0;
    assert!((third[0] - 0.75f32.sqrt()).abs() < 1e-7 && (third[1] - 1.0).abs() < 1e-7, "{third:?}");
    assert_eq!(merged(&json!({"t": 0.0}), &[1.0, 1.0], &u, &v, 2).unwrap().0, u);
    assert_eq!(merged(&json!({"t": 1.0}), &[1.0, 1.0], &u, &v, 2).unwrap().0, v);
}

#[test]
fn almost_parallel_opposite_and_zero_tensors_are_on_a_line() {
    for (u, v) in [([1.0, 0.0], [1.0, 0.03]), ([1.0, 0.0], [-1.0, 0.01]), ([0.0, 0.0], [1.0, 3.0])] {
        let (out, note) = merged(&json!({"t": 0.25}), &[1.0, 1.0], &u, &v, 2).unwrap();
        assert_eq!(note["fell_back"], json!(true), "{u:?} {v:?}");
        for i in 0..2 {
            assert_eq!(out[i], (f64::from(u[i]) * 0.75 + f64::from(v[i]) * 0.25) as f32, "{u:?} {v:?}");
        }
    }
    // cos = 1 / sqrt(1 + 0.04^2) = 0.9992: still an arc.
    let (_, note) = merged(&json!({}), &[1.0, 1.0], &[1.0, 0.0], &[1.0, 0.04], 2).unwrap();
    assert_eq!(note["fell_back"], json!(false));
}

#[test]
fn weights_that_are_no_point_between_two_models_are_refused() {
    for weights in [[-1.0, 2.0], [0.0, 0.0], [1.0, -1.0]] {
        let error = merged(&json!({}), &weights, &[1.0], &[2.0], 1).unwrap_err();
        assert!(error.message.contains("`w`"), "{}", error.message);
    }
}

proptest! {
    #[test]
    fn a_model_merged_with_itself_is_itself(
        model in prop::collection::vec(any::<f32>().prop_filter("finite", |x| x.is_finite()), 0..40),
        t in 0.0..=1.0f64,
        accumulate in prop::sample::select(vec!["f32", "f64"]),
    ) {
        let model: Vec<f32> = model.into_iter().chain([-0.0, 0.0]).collect();
        let (out, _) = merged(&json!({"t": t, "accumulate": accumulate}), &[1.0, 1.0], &model, &model, 7).unwrap();
        prop_assert_eq!(bits(&out), bits(&model));
    }

    #[test]
    fn chunks_change_nothing(
        values in prop::collection::vec((-1e3..1e3f32, -1e3..1e3f32), 1..90),
        chunk in 1..40usize,
        t in 0.0..=1.0f64,
    ) {
        let u: Vec<f32> = values.iter().map(|v| v.0).collect();
        let v: Vec<f32> = values.iter().map(|v| v.1).collect();
        let whole = merged(&json!({"t": t}), &[1.0, 1.0], &u, &v, values.len()).unwrap();
        let cut = merged(&json!({"t": t}), &[1.0, 1.0], &u, &v, chunk).unwrap();
        prop_assert_eq!(bits(&whole.0), bits(&cut.0));
        prop_assert_eq!(whole.1, cut.1);
    }
}
