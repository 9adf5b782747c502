//! What `evaluate` refuses, and that it rounds once.
#![allow(clippy::unwrap_used, reason = "a test that meets an error should fail")]

use clirbench_loss::testing::{OwnedBatch, check_defaults};
use clirbench_loss::{Batch, Objective, at_least_zero, evaluate, positive};
use clirbench_plugin::serde_json::Value;
use clirbench_plugin::{Error, Host, Loss, LossBatch, LossInfo, LossInput, Result};

/// `factor` times the sum of squares, with whatever `info` asks for.
struct Squares {
    info: LossInfo,
    factor: f64,
}

impl Loss for Squares {
    fn open(config: &Value, _host: Host) -> Result<Self> {
        let factor = config.get("factor").and_then(Value::as_f64).unwrap_or(1.0);
        Ok(Self { info: info(false), factor })
    }

    fn info(&self) -> LossInfo {
        self.info.clone()
    }

    fn eval(&mut self, batch: &LossBatch<'_>, gradients: &mut [f32], parts: &mut [f64]) -> Result<f64> {
        evaluate(self, batch, gradients, parts)
    }
}

impl Objective for Squares {
    fn value(&self, batch: &Batch<'_>, gradients: &mut [f64], _parts: &mut [f64]) -> f64 {
        gradients.iter_mut().zip(batch.embeddings).for_each(|(g, x)| *g = 2.0 * self.factor * x);
        batch.embeddings.iter().map(|x| self.factor * x * x).sum()
    }
}

fn info(negatives: bool) -> LossInfo {
    let columns = ["query", "positive"].map(str::to_owned).into();
    LossInfo { columns, negatives, ..LossInfo::default() }
}

fn eval(info: LossInfo, batch: &OwnedBatch) -> Result<(f64, Vec<f32>, Vec<f64>)> {
    batch.eval(&mut Squares { info, factor: 1.0 })
}

fn refused(info: LossInfo, batch: &OwnedBatch) -> Error {
    let error = eval(info, batch).unwrap_err();
    assert!(!error.hint.is_empty(), "{error:?}");
    error
}

#[test]
fn a_gradient_is_rounded_once() {
    let batch = OwnedBatch { rows: 1, dim: 1, embeddings: vec![0.1, 3.0], ..OwnedBatch::default() };
    let (value, gradient, _) = eval(info(false), &batch).unwrap();
    // The input is the f32 next to 0.1; from there on all is f64.
    let x = f64::from(0.1_f32);
    assert_eq!(value, x * x + 9.0);
    assert_eq!(gradient, [(2.0 * x) as f32, 6.0]);
}

#[test]
fn a_batch_of_nothing() {
    let empty = OwnedBatch { rows: 0, dim: 4, ..OwnedBatch::default() };
    let error = refused(info(false), &empty);
    assert_eq!(error.kind, "input");
    assert_eq!(error.message, "a batch of 0 rows of length 4: there is no loss of nothing");
}

#[test]
fn columns_that_are_not_the_losses() {
    for (columns, negatives, fits) in [
        (2, false, true),
        (3, false, false),
        (1, false, false),
        (2, true, true),
        (5, true, true),
        (1, true, false),
    ] {
        let outcome = eval(info(negatives), &OwnedBatch::random(columns, 3, 4, 1));
        assert_eq!(outcome.is_ok(), fits, "{columns} {negatives}");
        if let Err(error) = outcome {
            assert_eq!(error.kind, "input");
            assert!(error.message.contains("takes: query, positive"), "{error:?}");
        }
    }
    let mut ragged = OwnedBatch::random(2, 3, 4, 1);
    ragged.embeddings.pop();
    assert_eq!(refused(info(true), &ragged).kind, "input");
}

#[test]
fn what_is_no_number_is_named_by_column_and_row() {
    for (at, bad, what) in [
        (0, f64::NAN, "column `query`, row 0: its embedding holds NaN"),
        (12 + 2 * 4 + 3, f64::INFINITY, "column `positive`, row 2: its embedding holds inf"),
        (2 * 12 + 5, f64::NEG_INFINITY, "hard negative 1, row 1: its embedding holds -inf"),
        (3 * 12, 1e39, "hard negative 2, row 0: its embedding holds inf"),
    ] {
        let mut batch = OwnedBatch::random(4, 3, 4, 2);
        batch.embeddings[at] = bad;
        let error = refused(info(true), &batch);
        assert_eq!((error.kind.as_str(), error.message.as_str()), ("input", what));
    }
    let mut batch = OwnedBatch::random(2, 3, 4, 3).with_guide(2, 4);
    batch.guide[6 + 3] = f64::NAN;
    let error = refused(LossInfo { guide: true, ..info(false) }, &batch);
    assert_eq!(error.message, "column `positive`, row 1: its guide embedding holds NaN");
}

#[test]
fn a_guide_is_there_when_it_is_wanted_and_only_then() {
    let wanted = LossInfo { guide: true, ..info(false) };
    let plain = OwnedBatch::random(2, 3, 4, 5);
    let guided = plain.clone().with_guide(2, 6);
    assert!(eval(wanted.clone(), &guided).is_ok() && eval(info(false), &plain).is_ok());
    assert!(refused(wanted.clone(), &plain).message.contains("0 guide values"));
    assert!(refused(info(false), &guided).message.contains("12 guide values"));
    let mut short = guided;
    short.guide.pop();
    assert!(refused(wanted, &short).message.contains("11 guide values, where 2 columns of 3 rows"));
}

#[test]
fn labels_are_there_when_they_are_wanted_and_between_0_and_1() {
    let wanted = LossInfo { labels: true, ..info(false) };
    let plain = OwnedBatch::random(2, 3, 4, 7);
    let labelled = |labels: &[f64]| plain.clone().with_labels(labels);
    assert!(eval(wanted.clone(), &labelled(&[0.0, 1.0, 0.5])).is_ok());
    assert_eq!(refused(wanted.clone(), &plain).message, "0 labels where 3 are wanted");
    assert_eq!(refused(info(false), &labelled(&[1.0; 3])).message, "3 labels where 0 are wanted");
    for bad in [-1.0, 2.0, f64::NAN] {
        let error = refused(wanted.clone(), &labelled(&[0.0, bad, 1.0]));
        assert_eq!(error.message, format!("row 1: label {bad} is not between 0 and 1"));
    }
}

#[test]
fn scores_are_one_column_of_length_1() {
    let wanted = LossInfo { input: LossInput::Scores, ..info(false) };
    assert!(eval(wanted.clone(), &OwnedBatch::random(1, 3, 1, 8)).is_ok());
    for other in [OwnedBatch::random(2, 3, 1, 8), OwnedBatch::random(1, 3, 2, 8)] {
        assert!(refused(wanted.clone(), &other).message.contains("one column of scores"));
    }
    let mut batch = OwnedBatch::random(1, 3, 1, 8);
    batch.embeddings[2] = f64::NAN;
    assert_eq!(refused(wanted, &batch).message, "scores, row 2: its embedding holds NaN");
}

#[test]
fn a_result_that_is_too_large() {
    let batch = OwnedBatch { rows: 2, dim: 1, embeddings: vec![0.0, 1.0, 0.0, 3.0], ..OwnedBatch::default() };
    let of = |factor: f64| batch.eval(&mut Squares { info: info(false), factor }).unwrap_err();
    let error = of(f64::INFINITY);
    assert_eq!((error.kind.as_str(), error.message.as_str()), ("runtime", "the loss of the batch is NaN"));
    let error = of(1e38);
    assert_eq!(error.kind, "runtime");
    assert_eq!(error.message, "column `positive`, row 1: its gradient holds inf");
}

#[test]
fn places_for_the_results_fit() {
    let embeddings = [1.0_f32; 4];
    let batch = LossBatch { rows: 2, dim: 1, embeddings: &embeddings, guide_dim: 0, guide: &[], labels: &[] };
    let mut loss = Squares { info: info(false), factor: 1.0 };
    let error = loss.eval(&batch, &mut [0.0; 3], &mut []).unwrap_err();
    assert_eq!(error.kind, "internal");
    assert_eq!(error.message, "4 gradients and 0 parts need as many places, not 3 and 0");
    assert_eq!(loss.eval(&batch, &mut [0.0; 4], &mut [0.0]).unwrap_err().kind, "internal");
}

#[test]
fn options_that_have_to_be_above_0_or_at_least_0() {
    assert_eq!((positive("scale", 2.0), at_least_zero("margin", 0.0)), (Ok(2.0), Ok(0.0)));
    for (bad, what) in [(0.0, "scale is 0"), (-1.0, "scale is -1"), (f64::NAN, "scale is NaN")] {
        let error = positive("scale", bad).unwrap_err();
        assert_eq!((error.message.as_str(), error.hint.as_str()), (what, "scale is a number above 0"));
    }
    assert_eq!(at_least_zero("margin", f64::INFINITY).unwrap_err().message, "margin is inf");
    assert_eq!(at_least_zero("margin", -0.5).unwrap_err().hint, "margin is a number of at least 0");
}

#[test]
fn defaults_that_are_not_the_losses_are_found() {
    let batch = OwnedBatch::random(2, 3, 4, 9);
    let schema = |default: f64| format!(r#"{{ "properties": {{ "factor": {{ "default": {default} }} }} }}"#);
    check_defaults::<Squares>(&schema(1.0), &batch);
    std::panic::catch_unwind(|| check_defaults::<Squares>(&schema(2.0), &batch)).unwrap_err();
}
