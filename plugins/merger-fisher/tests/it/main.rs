//! Averages by hand, the floor, refusals and properties.
#![allow(clippy::unwrap_used, reason = "a test that meets an error should fail")]

use clirbench_plugin::serde_json::Map;
use clirbench_plugin::{Host, MergeChunk, Merger, Result, TensorJob};
use merger_fisher::Fisher;
use proptest::prelude::*;
use serde_json::{Value, json};

type Columns<'a> = &'a [&'a [f32]];

fn merged(
    options: &Value,
    weights: &[f64],
    models: Columns<'_>,
    importances: Columns<'_>,
    chunk: usize,
) -> Result<(Vec<f32>, Map<String, Value>)> {
    let elements = models[0].len();
    let mut merger = Fisher::open(options, Host::detached())?;
    let job = TensorJob {
        name: "w".into(),
        shape: vec![elements],
        elements,
        weights: weights.to_vec(),
        importances: true,
        ..TensorJob::default()
    };
    merger.tensor(&job)?;
    let mut out = vec![f32::NAN; elements];
    for (at, out) in out.chunks_mut(chunk).enumerate() {
        let columns =
            models.iter().chain(importances).map(|column| &column[at * chunk..][..out.len()]).collect();
        merger.merge(&MergeChunk::new(&job, at * chunk, columns)?, out)?;
    }
    Ok((out, merger.note()))
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|x| x.to_bits()).collect()
}

#[test]
fn averages_worked_out_by_hand() {
    let (a, b) = ([1.0, 2.0, 4.0], [5.0, 4.0, 8.0]);
    let (of_a, of_b) = ([3.0, 1.0, 0.0], [1.0, 1.0, 1.0]);
    let (models, importances): ([&[f32]; 2], [&[f32]; 2]) = ([&a, &b], [&of_a, &of_b]);
    let (out, note) = merged(&json!({"floor": 1e-6}), &[1.0, 1.0], &models, &importances, 2).unwrap();
    assert_eq!(out[..2], [2.0, 3.0]);
    // The first has no importance there but the floor: (1e-6 * 4 + 8) / (1 + 1e-6).
    assert!((out[2] - 7.999_996).abs() < 1e-6, "{}", out[2]);
    assert_eq!(note["below_floor"], json!(1.0 / 6.0));
    // Twice the weight is twice the importance: (6 + 5) / 7.
    let weighted = merged(&json!({}), &[2.0, 1.0], &models, &importances, 3).unwrap().0;
    assert_eq!(weighted[0], 11.0 / 7.0);
    // Below the floor everywhere: the plain average.
    let floored = merged(&json!({"floor": 10.0}), &[1.0, 1.0], &models, &importances, 1).unwrap().0;
    assert_eq!(floored, [3.0, 3.0, 6.0]);
}

#[test]
fn negative_importances_and_weights_are_refused_by_name() {
    let models: [&[f32]; 2] = [&[1.0, 2.0], &[3.0, 4.0]];
    let refused = |weights: &[f64], of_b: &[f32]| {
        merged(&json!({}), weights, &models, &[&[1.0, 1.0], of_b], 2).unwrap_err().message
    };
    assert!(refused(&[1.0, 1.0], &[1.0, -2.0]).contains("element 1 of `w` is -2"));
    assert!(refused(&[1.0, -1.0], &[1.0, 1.0]).contains("`w`"));
    assert!(refused(&[0.0, 0.0], &[1.0, 1.0]).contains("`w`"));
    assert!(Fisher::open(&json!({"floor": 0.0}), Host::detached()).is_err());
}

proptest! {
    #[test]
    fn a_model_merged_with_itself_is_itself(
        model in prop::collection::vec((any::<f32>().prop_filter("finite", |x| x.is_finite()), 0.0..1e3f32, 0.0..1e-8f32), 1..40),
        accumulate in prop::sample::select(vec!["f32", "f64"]),
    ) {
        let weights: Vec<f32> = model.iter().map(|m| m.0).chain([-0.0]).collect();
        let of_a: Vec<f32> = model.iter().map(|m| m.1).chain([1.0]).collect();
        let of_b: Vec<f32> = model.iter().map(|m| m.2).chain([0.0]).collect();
        let (out, _) = merged(
            &json!({"accumulate": accumulate}), &[0.3, 0.7], &[&weights, &weights], &[&of_a, &of_b], 7,
        ).unwrap();
        prop_assert_eq!(bits(&out), bits(&weights));
    }

    #[test]
    fn equal_importances_are_an_average_in_any_cut(
        values in prop::collection::vec((-1e3..1e3f32, -1e3..1e3f32), 1..60),
        importance in 1e-3..1e3f32,
        chunk in 1..70usize,
    ) {
        let a: Vec<f32> = values.iter().map(|v| v.0).collect();
        let b: Vec<f32> = values.iter().map(|v| v.1).collect();
        let of = vec![importance; values.len()];
        let cut = merged(&json!({}), &[1.0, 3.0], &[&a, &b], &[&of, &of], chunk).unwrap().0;
        let whole = merged(&json!({}), &[1.0, 3.0], &[&a, &b], &[&of, &of], values.len()).unwrap().0;
        prop_assert_eq!(bits(&cut), bits(&whole));
        for (i, out) in cut.iter().enumerate() {
            let exact = (f64::from(a[i]) + 3.0 * f64::from(b[i])) / 4.0;
            prop_assert!((f64::from(*out) - exact).abs() <= 1e-3, "{out} {exact}");
        }
    }
}
