//! A fit that was stopped and continued ends with the bytes of one that was not.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clirbench_plugin::serde_json::{Value, json};
use clirbench_plugin::{Error, FitReport, Host};

use crate::session::{Call, Watch};
use crate::workplace::{Files, Workplace, files, options_with};

const SCORES: [f64; 6] = [0.5, 0.1, 0.7, 0.2, 0.6, 0.3];

fn config() -> Value {
    options_with(json!({ "epochs": 6, "dropout": 0.2, "chunk_tokens": 24, "checkpoint_every": 5 }))
}

/// Twelve steps, validated after every second.
fn place() -> Workplace {
    let mut place = Workplace::new(0.1);
    place.job.validate_every = 2;
    place
}

fn uninterrupted() -> (Files, FitReport) {
    let place = place();
    let report = place.fit(&config(), &mut Watch::info_nce().with_scores(&SCORES)).unwrap();
    (place.take_result(), report)
}

/// The scores that are left after a fit that was stopped within or after `done` validations.
fn scores_after(done: usize) -> Watch<'static> {
    Watch::info_nce().with_scores(&SCORES[done..])
}

#[test]
fn a_fit_that_was_cancelled_goes_on_bit_for_bit() {
    let (expected, whole) = uninterrupted();
    // After a step, within a step, before a validation, in the last step.
    for (stop, step, validations) in [
        (Call::Step(3), 3, 1),
        (Call::Loss(5), 4, 2),
        (Call::Loss(6), 5, 2),
        (Call::Step(10), 10, 5),
        (Call::Loss(12), 11, 5),
    ] {
        let place = place();
        let flag = Arc::new(AtomicBool::new(false));
        let host = Host::detached().with_threads(1).with_cancel(Arc::clone(&flag));
        let mut watch = Watch::info_nce().with_scores(&SCORES).before(|call| {
            if call == stop {
                flag.store(true, Ordering::Relaxed);
            }
            Ok(())
        });
        let error = place.fit_on(host, &config(), &mut watch).unwrap_err();
        assert_eq!(error.kind, "cancelled", "{error:?}");
        drop(watch);
        assert!(!place.path("out").exists(), "nothing is written yet");
        assert!(place.path(&format!("checkpoints/step-{step}")).is_dir(), "{stop:?}");

        let mut watch = scores_after(validations);
        let report = place.fit(&config(), &mut watch).unwrap();
        assert_eq!(report.resumed_at, step, "{stop:?}");
        assert_eq!((report.best_step, report.texts), (whole.best_step, whole.texts));
        assert_eq!(watch.reports.first().map(|r| r.step), Some(step + 1));
        assert_eq!(place.take_result(), expected, "{stop:?}");
    }
}

#[test]
fn a_stop_during_a_validation_does_not_repeat_the_step() {
    let (expected, _) = uninterrupted();
    let place = place();
    let flag = Arc::new(AtomicBool::new(false));
    let host = Host::detached().with_threads(1).with_cancel(Arc::clone(&flag));
    // The loss of step 6 is in one chunk: the next look at the flag is the validation's.
    let config = options_with(json!({ "epochs": 6, "dropout": 0.2, "checkpoint_every": 5 }));
    let mut watch = Watch::info_nce().with_scores(&SCORES).before(|call| {
        flag.fetch_or(call == Call::Loss(6), Ordering::Relaxed);
        Ok(())
    });
    assert_eq!(place.fit_on(host, &config, &mut watch).unwrap_err().kind, "cancelled");
    assert_eq!((watch.validations, watch.reports.len()), (2, 5));
    drop(watch);
    let mut watch = scores_after(2);
    let report = place.fit(&config, &mut watch).unwrap();
    assert_eq!((report.resumed_at, watch.reports[0].step, watch.losses), (6, 6, 6));
    let whole = place.take_result();

    place.fit(&config, &mut Watch::info_nce().with_scores(&SCORES)).unwrap();
    assert_eq!(place.take_result(), whole);
    assert_ne!(whole, expected, "other chunks, other bits: the configs differ");
}

#[test]
fn a_fit_that_died_goes_on_from_its_last_checkpoint() {
    let (expected, _) = uninterrupted();
    let place = place();
    let mut watch = Watch::info_nce().with_scores(&SCORES).before(|call| match call {
        Call::Loss(9) => Err(Error::internal("the process is gone")),
        _ => Ok(()),
    });
    let error = place.fit(&config(), &mut watch).unwrap_err();
    assert_eq!(error.message, "step 9: the process is gone");
    drop(watch);
    assert_eq!(place.left_behind(), ["checkpoints"]);
    // Steps 6 to 8 are taken again, and the best of step 6 with them.
    let report = place.fit(&config(), &mut scores_after(2)).unwrap();
    assert_eq!((report.resumed_at, report.best_step), (5, 6));
    assert_eq!(place.take_result(), expected);
}

#[test]
fn only_the_newest_checkpoint_and_the_best_weights_are_kept() {
    let place = place();
    let mut watch = Watch::info_nce().with_scores(&SCORES).before(|call| match call {
        Call::Loss(12) => Err(Error::internal("the process is gone")),
        _ => Ok(()),
    });
    // What a killed process leaves.
    fs::create_dir_all(place.path("checkpoints/.step-5.1234.partial")).unwrap();
    place.fit(&config(), &mut watch).unwrap_err();
    let mut names: Vec<String> = fs::read_dir(place.path("checkpoints"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["best-6", "step-10"]);
}

#[test]
fn a_checkpoint_of_another_fit_is_refused_and_kept() {
    let mut place = place();
    let mut watch = Watch::info_nce().with_scores(&SCORES).before(|call| match call {
        Call::Loss(7) => Err(Error::internal("the process is gone")),
        _ => Ok(()),
    });
    place.fit(&config(), &mut watch).unwrap_err();
    drop(watch);
    let before = files(&place.path("checkpoints"));
    place.job.seed += 1;
    let error = place.fit(&config(), &mut Watch::info_nce()).unwrap_err();
    assert_eq!(error.kind, "config");
    assert!(
        error.message.contains("checkpoint of another fit") && error.hint.contains("delete"),
        "{error:?}"
    );
    assert_eq!(files(&place.path("checkpoints")), before);
}

#[test]
fn a_damaged_checkpoint_is_named() {
    let place = place();
    let mut watch = Watch::info_nce().with_scores(&SCORES).before(|call| match call {
        Call::Loss(7) => Err(Error::internal("the process is gone")),
        _ => Ok(()),
    });
    place.fit(&config(), &mut watch).unwrap_err();
    drop(watch);
    for name in ["state.json", "model.safetensors", "training.csv"] {
        let path = place.path("checkpoints/step-5").join(name);
        let whole = fs::read(&path).unwrap();
        match name {
            "training.csv" => fs::remove_file(&path).unwrap(),
            _ => fs::write(&path, &whole[..whole.len() / 2]).unwrap(),
        }
        let error = place.fit(&config(), &mut Watch::info_nce()).unwrap_err();
        assert_eq!(error.kind, "runtime", "{name}");
        assert!(error.message.contains("step-5") && error.message.contains("damaged"), "{error:?}");
        fs::write(&path, whole).unwrap();
    }
    assert_eq!(place.fit(&config(), &mut scores_after(2)).unwrap().resumed_at, 5);
}
