//! Averages by hand, and properties: identity, chunks, order of models.
#![allow(clippy::unwrap_used, reason = "a test that meets an error should fail")]

use clirbench_plugin::{Host, MergeChunk, Merger, TensorJob};
use merger_average::Average;
use proptest::prelude::*;
use serde_json::{Value, json};

fn merged(options: &Value, weights: &[f64], models: &[&[f32]], chunk: usize) -> Vec<f32> {
    let elements = models[0].len();
    let mut merger = Average::open(options, Host::detached()).unwrap();
    let job = TensorJob {
        name: "w".into(),
        shape: vec![elements],
        elements,
        weights: weights.to_vec(),
        ..TensorJob::default()
    };
    merger.tensor(&job).unwrap();
    let mut out = vec![f32::NAN; elements];
    for (at, out) in out.chunks_mut(chunk).enumerate() {
        let columns = models.iter().map(|model| &model[at * chunk..][..out.len()]).collect();
        merger.merge(&MergeChunk::new(&job, at * chunk, columns).unwrap(), out).unwrap();
    }
    out
}

#[test]
fn averages_worked_out_by_hand() {
    let (a, b, c) = ([1.0, -2.0, 0.0], [3.0, 2.0, 0.5], [5.0, 4.0, -4.0]);
    let models: [&[f32]; 3] = [&a, &b, &c];
    assert_eq!(merged(&json!({}), &[1.0; 3], &models, 2), [3.0, 4.0 / 3.0, -3.5 / 3.0]);
    assert_eq!(merged(&json!({}), &[2.0, 1.0, 1.0], &models, 3), [2.5, 0.5, -0.875]);
    assert_eq!(merged(&json!({}), &[3.0, 1.0], &models[..2], 3), [1.5, -1.0, 0.125]);
    let plain = json!({"normalize": false});
    assert_eq!(merged(&plain, &[0.5, 1.0], &models[..2], 1), [3.5, 1.0, 0.5]);
    assert_eq!(merged(&plain, &[2.0], &models[..1], 1), [2.0, -4.0, 0.0]);
}

#[test]
fn weights_that_sum_up_to_nothing_are_refused() {
    let mut merger = Average::open(&json!({}), Host::detached()).unwrap();
    let job = TensorJob { name: "w".into(), weights: vec![1.0, -1.0], ..TensorJob::default() };
    let error = merger.tensor(&job).unwrap_err();
    assert!(error.message.contains("`w`"), "{}", error.message);
    let mut merger = Average::open(&json!({"normalize": false}), Host::detached()).unwrap();
    merger.tensor(&job).unwrap();
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|x| x.to_bits()).collect()
}

proptest! {
    #[test]
    fn a_model_merged_with_itself_is_itself(
        model in prop::collection::vec(any::<f32>().prop_filter("finite", |x| x.is_finite()), 1..40),
        weights in prop::collection::vec(0.01..10.0f64, 1..5),
        accumulate in prop::sample::select(vec!["f32", "f64"]),
    ) {
        let model: Vec<f32> = model.into_iter().chain([-0.0, 0.0, f32::MIN_POSITIVE / 4.0]).collect();
        let models = vec![&model[..]; weights.len()];
        let out = merged(&json!({"accumulate": accumulate}), &weights, &models, 7);
        prop_assert_eq!(bits(&out), bits(&model));
    }

    #[test]
    fn chunks_change_nothing_and_the_result_is_the_definition(
        values in prop::collection::vec((-1e3..1e3f32, -1e3..1e3f32, -1e3..1e3f32), 1..60),
        weights in prop::collection::vec(0.1..10.0f64, 3),
        chunk in 1..70usize,
    ) {
        let column = |of: fn(&(f32, f32, f32)) -> f32| values.iter().map(of).collect::<Vec<f32>>();
        let models = [column(|v| v.0), column(|v| v.1), column(|v| v.2)];
        let models: Vec<&[f32]> = models.iter().map(|m| &m[..]).collect();
        let whole = merged(&json!({}), &weights, &models, values.len());
        prop_assert_eq!(bits(&whole), bits(&merged(&json!({}), &weights, &models, chunk)));
        let sum: f64 = weights.iter().sum();
        for (i, merged) in whole.iter().enumerate() {
            let exact = (0..3).map(|m| weights[m] * f64::from(models[m][i])).sum::<f64>() / sum;
            prop_assert!((f64::from(*merged) - exact).abs() <= 1e-4, "{merged} {exact}");
        }
    }
}
