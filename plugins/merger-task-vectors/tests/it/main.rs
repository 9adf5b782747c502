//! Task arithmetic, ties and dare by hand, and properties: identity, chunks, seeds.
#![allow(clippy::unwrap_used, reason = "a test that meets an error should fail")]

use clirbench_plugin::{Host, MergeChunk, MergeModels, Merger, TensorJob};
use merger_task_vectors::TaskVectors;
use proptest::prelude::*;
use serde_json::{Value, json};

struct Given<'a> {
    weights: &'a [f64],
    base: &'a [f32],
    models: &'a [&'a [f32]],
    seed: u64,
    chunk: usize,
}

fn merged(options: &Value, given: &Given<'_>) -> Vec<f32> {
    let elements = given.base.len();
    let mut merger = TaskVectors::open(options, Host::detached()).unwrap();
    let plan =
        merger.plan(&MergeModels { models: given.models.len(), base: true, importances: false }).unwrap();
    assert!(plan.base);
    let job = TensorJob {
        name: "w".into(),
        shape: vec![elements],
        elements,
        weights: given.weights.to_vec(),
        base: true,
        seed: given.seed,
        ..TensorJob::default()
    };
    merger.tensor(&job).unwrap();
    let part = |at: usize| at..(at + given.chunk).min(elements);
    let chunk = |at: usize| {
        let columns = std::iter::once(&given.base).chain(given.models).map(|column| &column[part(at)]);
        MergeChunk::new(&job, at, columns.collect()).unwrap()
    };
    for pass in 0..plan.passes {
        (0..elements).step_by(given.chunk).for_each(|at| merger.observe(pass, &chunk(at)).unwrap());
    }
    let mut out = vec![f32::NAN; elements];
    (0..elements).step_by(given.chunk).for_each(|at| merger.merge(&chunk(at), &mut out[part(at)]).unwrap());
    out
}

const BASE: [f32; 4] = [1.0, 1.0, 0.0, -2.0];
const FIRST: [f32; 4] = [2.0, 0.5, 0.0, -6.0];
const SECOND: [f32; 4] = [1.0, 2.0, 4.0, -1.0];

fn by_hand(options: Value, weights: &[f64]) -> Vec<f32> {
    merged(&options, &Given { weights, base: &BASE, models: &[&FIRST, &SECOND], seed: 1, chunk: 3 })
}

#[test]
fn task_arithmetic_by_hand() {
    // Differences (1, -0.5, 0, -4) and (0, 1, 4, 1).
    let task = |rest: Value| {
        let mut options = json!({"method": "task-arithmetic"});
        options.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        options
    };
    assert_eq!(by_hand(task(json!({})), &[1.0, 1.0]), [2.0, 1.5, 4.0, -5.0]);
    assert_eq!(by_hand(task(json!({"lambda": 0.5})), &[1.0, 2.0]), [1.5, 1.75, 4.0, -3.0]);
    assert_eq!(by_hand(task(json!({"normalize": true})), &[1.0, 3.0]), [1.25, 1.625, 3.0, -2.25]);
    // Forgetting: a weight below zero.
    assert_eq!(by_hand(task(json!({})), &[-1.0, 0.0]), [0.0, 1.5, 0.0, 2.0]);
}

#[test]
fn ties_by_hand() {
    // Half of each: (1, ., ., -4) and (., 1, 4, .), where of three equal ones the first is kept.
    let ties =
        |density: f64, normalize: bool| json!({"method": "ties", "density": density, "normalize": normalize});
    assert_eq!(by_hand(ties(0.5, true), &[1.0, 1.0]), [2.0, 2.0, 4.0, -6.0]);
    assert_eq!(by_hand(ties(0.5, true), &[1.0, 3.0]), [2.0, 2.0, 4.0, -6.0]);
    // All: the signs of (1, 0.5, 4, -3) are elected; where they disagree one side is left out.
    assert_eq!(by_hand(ties(1.0, true), &[1.0, 1.0]), [2.0, 2.0, 4.0, -6.0]);
    assert_eq!(by_hand(ties(1.0, false), &[0.5, 0.5]), [1.5, 1.5, 2.0, -4.0]);
    // A sum of zero elects +: -0.5 * 2 + 1 = 0.
    assert_eq!(by_hand(ties(1.0, true), &[2.0, 1.0])[1], 2.0);
}

#[test]
fn dare_keeps_a_share_and_makes_up_for_the_rest() {
    const N: usize = 10_000;
    let (base, model) = (vec![0.0; N], vec![1.0; N]);
    let models: [&[f32]; 1] = [&model];
    let drawn = |options: Value, seed| {
        merged(&options, &Given { weights: &[1.0], base: &base, models: &models, seed, chunk: 777 })
    };
    let dare = |rescale: &str| json!({"method": "dare-linear", "density": 0.2, "rescale": rescale});
    let out = drawn(dare("density"), 3);
    let kept = out.iter().filter(|x| **x == 5.0).count();
    assert_eq!(kept + out.iter().filter(|x| **x == 0.0).count(), N);
    // Five standard deviations.
    assert!(kept.abs_diff(N / 5) < 200, "{kept}");
    assert_ne!(out, drawn(dare("density"), 4), "another seed draws others");
    let plain = drawn(dare("none"), 3);
    assert_eq!(plain.iter().sum::<f32>(), kept as f32);
    let sum: f64 = drawn(dare("l1"), 3).into_iter().map(f64::from).sum();
    assert!((sum - N as f64).abs() < 0.01, "{sum}");
}

#[test]
fn options_out_of_range_are_refused() {
    for (options, part) in [
        (json!({}), "method"),
        (json!({"method": "ties", "density": 0.0}), "density"),
        (json!({"method": "ties", "density": 1.5}), "density"),
        (json!({"method": "tie"}), "tie"),
    ] {
        let error = TaskVectors::open(&options, Host::detached()).err().unwrap();
        assert!(error.message.contains(part), "{}", error.message);
    }
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|x| x.to_bits()).collect()
}

const METHODS: [&str; 4] = ["task-arithmetic", "ties", "dare-linear", "dare-ties"];

proptest! {
    #[test]
    fn a_base_merged_with_itself_is_itself(
        model in prop::collection::vec(any::<f32>().prop_filter("finite", |x| x.is_finite()), 1..40),
        weights in prop::collection::vec(-2.0..2.0f64, 1..4),
        method in prop::sample::select(METHODS.to_vec()),
        accumulate in prop::sample::select(vec!["f32", "f64"]),
    ) {
        let model: Vec<f32> = model.into_iter().chain([-0.0]).collect();
        let models = vec![&model[..]; weights.len()];
        let given = Given { weights: &weights, base: &model, models: &models, seed: 5, chunk: 7 };
        let out = merged(&json!({"method": method, "accumulate": accumulate}), &given);
        prop_assert_eq!(bits(&out), bits(&model));
    }

    #[test]
    fn a_tuned_model_merged_with_itself_comes_back(
        values in prop::collection::vec((-1.0..1.0f32, -0.1..0.1f32), 1..60),
        weight in 0.1..3.0f64,
    ) {
        // Weights of sum 1, or divided by it, and nothing dropped: the definition gives the model itself.
        let base: Vec<f32> = values.iter().map(|v| v.0).collect();
        let model: Vec<f32> = values.iter().map(|v| v.0 + v.1).collect();
        let weights = [weight, weight * 2.0];
        for options in [
            json!({"method": "task-arithmetic", "normalize": true}),
            json!({"method": "ties", "density": 1.0}),
        ] {
            let given = Given { weights: &weights, base: &base, models: &[&model, &model], seed: 5, chunk: 64 };
            prop_assert_eq!(bits(&merged(&options, &given)), bits(&model));
        }
    }

    #[test]
    fn chunks_change_nothing(
        values in prop::collection::vec((-1.0..1.0f32, -1.0..1.0f32, -1.0..1.0f32), 1..90),
        chunk in 1..40usize,
        method in prop::sample::select(METHODS.to_vec()),
        rescale in prop::sample::select(vec!["density", "l1", "none"]),
    ) {
        let column = |of: fn(&(f32, f32, f32)) -> f32| values.iter().map(of).collect::<Vec<f32>>();
        let (base, a, b) = (column(|v| v.0), column(|v| v.1), column(|v| v.2));
        let options = json!({"method": method, "rescale": rescale, "density": 0.4});
        let with = |chunk| {
            let given = Given { weights: &[0.6, 0.8], base: &base, models: &[&a, &b], seed: 9, chunk };
            bits(&merged(&options, &given))
        };
        prop_assert_eq!(with(chunk), with(values.len()));
    }
}
