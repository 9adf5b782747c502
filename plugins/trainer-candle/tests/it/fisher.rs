//! Estimates of Fisher information: that they are the squares of the gradients that a fit takes, in the
//! unit of a row, for every tensor, and always the same.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clirbench_model::{TensorSpec, TensorWriter, Tensors};
use clirbench_plugin::serde_json::{Value, json};
use clirbench_plugin::{
    Error, EstimateData, EstimateJob, EstimateReport, Fisher, Host, LossInput, Result, Session, StepReport,
};
use trainer_candle::CandleFisher;

use crate::session::{Call, Watch};
use crate::workplace::{Workplace, options, options_with};

/// All eight rows in one batch, none left out.
fn job(place: &Workplace) -> EstimateJob {
    EstimateJob {
        base: place.job.base.clone(),
        out: place.path("fisher.safetensors").to_str().unwrap().to_owned(),
        origin: "{\"key\":\"k\"}".to_owned(),
        columns: place.job.columns.clone(),
        input: place.job.input,
        parts: place.job.parts.clone(),
        seed: place.job.seed,
        batch_size: 8,
        rows: 0,
    }
}

fn run(
    place: &Workplace,
    host: Host,
    config: &Value,
    job: &EstimateJob,
    session: &mut dyn Session,
) -> Result<EstimateReport> {
    let texts = place.texts.iter().map(String::as_str).collect();
    let data = EstimateData { texts, rows: &place.rows };
    CandleFisher::open(config, host)?.estimate(job, &data, session)
}

fn host() -> Host {
    Host::detached().with_threads(1)
}

/// The tensors of the estimate that was written, by name.
fn tensors(place: &Workplace) -> BTreeMap<String, Vec<f32>> {
    let file = Tensors::open(&place.path("fisher.safetensors")).unwrap();
    let values = |name: &str| file.read(name).and_then(|tensor| tensor.to_f32()).unwrap();
    file.names().map(|name| (name.to_owned(), values(name))).collect()
}

/// Estimates on one thread.
fn estimate(place: &Workplace, job: &EstimateJob) -> (EstimateReport, BTreeMap<String, Vec<f32>>) {
    let mut watch = Watch::info_nce();
    let report = run(place, host(), &options(), job, &mut watch).unwrap();
    assert_eq!((watch.losses, watch.validations, watch.reports.len()), (report.batches, 0, 0));
    (report, tensors(place))
}

fn total(values: &[f32]) -> f64 {
    values.iter().map(|value| f64::from(*value)).sum()
}

/// Writes the base's weights again, one element of one tensor changed.
fn nudge(base: &Path, tensor: &str, element: usize, by: f32) {
    let tensors = Tensors::open(base).unwrap();
    let spec = |name: &str| {
        let (dtype, shape) = tensors.describe(name).unwrap();
        TensorSpec { name: name.to_owned(), dtype: dtype.to_owned(), shape: shape.to_vec() }
    };
    let all: Vec<(String, Vec<u8>)> =
        tensors.names().map(|name| (name.to_owned(), tensors.read(name).unwrap().bytes)).collect();
    let mut writer = TensorWriter::create(base, tensors.names().map(spec).collect(), u64::MAX).unwrap();
    for (name, mut bytes) in all {
        if name == tensor {
            let at = &mut bytes[4 * element..][..4];
            let value = f32::from_le_bytes(at.try_into().unwrap()) + by;
            at.copy_from_slice(&value.to_le_bytes());
        }
        writer.write(&name, &bytes).unwrap();
    }
    writer.finish().unwrap();
}

#[test]
fn of_one_batch_it_is_the_square_of_the_gradient_by_differences() {
    let place = Workplace::new(0.1);
    let job = job(&place);
    let (report, information) = estimate(&place, &job);
    assert_eq!((report.batches, report.rows, report.texts, report.warnings.len()), (1, 8, 16, 0));
    let base = place.path("base");
    let whole = fs::read(base.join("model.safetensors")).unwrap();
    const STEP: f32 = 5e-3;
    for name in [
        "embeddings.word_embeddings.weight",
        "embeddings.LayerNorm.bias",
        "encoder.layer.0.attention.self.query.weight",
        "encoder.layer.0.intermediate.dense.weight",
        "encoder.layer.1.output.dense.weight",
        "encoder.layer.1.output.LayerNorm.weight",
    ] {
        // The element that moves the loss most: differences of f32 see it best.
        let values = information[name].iter().copied().enumerate();
        let (element, value) = values.max_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
        let loss = |by: f32| {
            nudge(&base, name, element, by);
            let (report, _) = estimate(&place, &job);
            fs::write(base.join("model.safetensors"), &whole).unwrap();
            report.loss
        };
        let slope = (loss(STEP) - loss(-STEP)) / (2.0 * f64::from(STEP));
        // F = (n g)^2 / n
        let gradient = (f64::from(value) / 8.0).sqrt();
        assert!(
            (gradient - slope.abs()).abs() < 1e-2 * gradient + 1e-4 && gradient > 1e-3,
            "{name}: {gradient} but differences say {slope}"
        );
    }
}

#[test]
fn it_squares_the_gradient_that_a_fit_takes() {
    let mut place = Workplace::new(0.0);
    let (_, information) = estimate(&place, &job(&place));
    // With all but one tensor frozen, a fit reports the norm of that tensor's gradient. Its first step
    // is warm-up, where a fit of one step would learn nothing.
    for name in [
        "embeddings.word_embeddings.weight",
        "embeddings.position_embeddings.weight",
        "encoder.layer.0.attention.self.value.weight",
        "encoder.layer.0.attention.output.LayerNorm.weight",
        "encoder.layer.1.intermediate.dense.bias",
        "encoder.layer.1.output.dense.weight",
    ] {
        let groups = json!([{ "match": name, "frozen": false }, { "match": "*", "frozen": true }]);
        let config = options_with(json!({ "groups": groups, "batch_size": 8, "epochs": 2 }));
        let mut watch = Watch::info_nce();
        place.job.out = place.path(&format!("of {name}")).to_str().unwrap().to_owned();
        place.fit(&config, &mut watch).unwrap();
        let norm = watch.reports[0].gradient_norm;
        let estimated = (total(&information[name]) / 8.0).sqrt();
        assert!((estimated / norm - 1.0).abs() < 1e-5, "{name}: {estimated}, a fit says {norm}");
    }
}

/// Cross-entropy of logits that are all of matches: row by row, as in the paper.
struct Matches;

impl Session for Matches {
    fn loss(&mut self, rows: &[u32], scores: &[f32], gradients: &mut [f32], _: &mut [f64]) -> Result<f64> {
        let (rows, mut value) = (rows.len() as f64, 0.0);
        for (score, gradient) in scores.iter().zip(gradients) {
            let odds = (-f64::from(*score)).exp();
            value += odds.ln_1p() / rows;
            *gradient = (-odds / (1.0 + odds) / rows) as f32;
        }
        Ok(value)
    }

    fn validate(&mut self, _: &[f32], _: &[f32]) -> Result<f64> {
        Err(Error::internal("an estimate does not validate"))
    }

    fn step(&mut self, _: &StepReport) {}
}

#[test]
fn where_rows_have_terms_of_their_own_batches_have_the_expectation_that_is_documented() {
    let mut place = Workplace::new(0.0);
    place.job.input = LossInput::Scores;
    place.fit(&options_with(json!({ "epochs": 2, "batch_size": 8 })), &mut Watch::bce()).unwrap();
    fs::rename(place.path("out"), place.path("scorer")).unwrap();
    place.job.base = place.path("scorer").to_str().unwrap().to_owned();
    let estimate = |place: &Workplace, batch_size| {
        let job = EstimateJob { batch_size, ..job(place) };
        let report = run(place, host(), &options(), &job, &mut Matches).unwrap();
        (report, tensors(place))
    };
    let (report, information) = estimate(&place, 1);
    assert_eq!((report.batches, report.rows), (8, 8));
    assert!(information.contains_key("classifier.weight"), "{:?}", information.keys());
    let all = std::mem::take(&mut place.rows);
    let (mut loss, mut mean) = (0.0, BTreeMap::new());
    for row in all.chunks(2) {
        place.rows = row.to_vec();
        let (report, of_row) = estimate(&place, 1);
        loss += report.loss / 8.0;
        for (name, values) in of_row {
            let sums: &mut Vec<f64> = mean.entry(name).or_insert_with(|| vec![0.0; values.len()]);
            sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += f64::from(value) / 8.0);
        }
    }
    assert!((report.loss - loss).abs() < 1e-9, "{} {loss}", report.loss);
    for (name, values) in &information {
        for (value, mean) in values.iter().zip(&mean[name]) {
            assert!((f64::from(*value) - mean).abs() <= 1e-6 * mean, "{name}: {value} {mean}");
        }
    }

    // Batches of 2 out of 4 rows, all six of them: v h + (n - v) g^2 with v = 2 / 3.
    let pair = |i: usize, j: usize| [&all[2 * i..][..2], &all[2 * j..][..2]].concat();
    let (mut batches, mut count) = (BTreeMap::new(), 0.0);
    for (i, j) in (0..4).flat_map(|j| (0..j).map(move |i| (i, j))) {
        place.rows = pair(i, j);
        count += 1.0;
        for (name, values) in estimate(&place, 2).1 {
            *batches.entry(name).or_insert(0.0) += total(&values);
        }
    }
    place.rows = all[..8].to_vec();
    let (one_by_one, together) = (estimate(&place, 1).1, estimate(&place, 4).1);
    for (name, sum) in batches {
        let expected = 2.0 / 3.0 * total(&one_by_one[&name]) + 4.0 / 3.0 * total(&together[&name]) / 4.0;
        // The gradient of a key's bias is 0 but for rounding.
        let difference = (sum / count - expected).abs();
        assert!(difference <= 1e-4 * expected + 1e-12, "{name}: {sum} {expected}");
    }
}

#[test]
fn every_tensor_of_the_model_has_one_by_name_and_shape() {
    let place = Workplace::new(0.0);
    let frozen = options_with(json!({ "groups": [{ "match": "embeddings.*", "frozen": true }] }));
    run(&place, host(), &frozen, &job(&place), &mut Watch::info_nce()).unwrap();
    let file = Tensors::open(&place.path("fisher.safetensors")).unwrap();
    let base = Tensors::open(&place.path("base")).unwrap();
    assert_eq!(file.names().collect::<Vec<_>>(), base.names().collect::<Vec<_>>());
    for (name, values) in tensors(&place) {
        assert_eq!(file.describe(&name).unwrap(), ("F32", base.describe(&name).unwrap().1), "{name}");
        assert!(values.iter().all(|value| value.is_finite() && *value >= 0.0), "{name}");
        // What is frozen is merged all the same; what is of another task is in no gradient.
        assert_eq!(values.iter().all(|value| *value == 0.0), name.starts_with("pooler."), "{name}");
    }
    let bytes = fs::read(place.path("fisher.safetensors")).unwrap();
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header: Value = clirbench_plugin::serde_json::from_slice(&bytes[8..8 + length]).unwrap();
    assert_eq!(header["__metadata__"], json!({ "clirbench": "{\"key\":\"k\"}" }));
}

#[test]
fn threads_change_no_byte_and_dropout_and_chunks_no_number() {
    let place = Workplace::new(0.3);
    let job = EstimateJob { batch_size: 3, ..job(&place) };
    let bytes = |threads: usize, config: &Value| {
        let host = Host::detached().with_threads(threads);
        run(&place, host, config, &job, &mut Watch::info_nce()).unwrap();
        fs::read(place.path("fisher.safetensors")).unwrap()
    };
    let small = options_with(json!({ "chunk_tokens": 12, "dropout": 0.5 }));
    let one = bytes(1, &small);
    for threads in [2, 3] {
        assert!(bytes(threads, &small) == one, "{threads} threads");
    }
    let in_chunks = tensors(&place);
    bytes(1, &options_with(json!({ "dropout": null })));
    for (name, whole) in tensors(&place) {
        let (whole, cut) = (total(&whole), total(&in_chunks[&name]));
        // The gradient of a key's bias is 0 but for rounding: softmax does not see it.
        assert!((whole - cut).abs() <= 1e-4 * whole + 1e-9, "{name}: {whole} {cut}");
    }
}

#[test]
fn a_sample_of_rows_is_whole_batches_and_depends_on_the_seed() {
    let place = Workplace::new(0.0);
    let of =
        |batch_size, rows, seed| estimate(&place, &EstimateJob { batch_size, rows, seed, ..job(&place) });
    let counts = |report: &EstimateReport| (report.batches, report.rows);
    assert_eq!(counts(&of(3, 0, 1).0), (3, 8), "the last batch is smaller");
    assert_eq!(counts(&of(3, 7, 1).0), (2, 6));
    assert_eq!(counts(&of(3, 3, 1).0), (1, 3));
    assert_eq!(counts(&of(3, 2, 1).0), (1, 2), "a batch of the rows that there are");
    assert_eq!(counts(&of(3, 100, 1).0), (3, 8));
    assert_eq!(of(3, 3, 1).1, of(3, 3, 1).1);
    assert_ne!(of(3, 3, 1).1, of(3, 3, 2).1);
}

#[test]
fn what_cannot_be_estimated_is_said_and_leaves_no_file() {
    let place = Workplace::new(0.0);
    let fails = |job: &EstimateJob, watch: &mut Watch<'_>| {
        let error = run(&place, host(), &options(), job, watch).unwrap_err();
        assert!(!Path::new(&job.out).is_file(), "{error:?}");
        assert_eq!(place.left_behind(), Vec::<String>::new(), "{error:?}");
        error
    };
    let of = |change: &dyn Fn(&mut EstimateJob)| {
        let mut job = job(&place);
        change(&mut job);
        fails(&job, &mut Watch::info_nce())
    };
    let alone = of(&|job| job.batch_size = 1);
    assert!(alone.kind == "input" && alone.message.contains("its gradient is 0"), "{alone:?}");
    assert!(alone.hint.contains("one row"), "{alone:?}");
    assert!(of(&|job| job.batch_size = 0).message.contains("0 rows"));
    let nowhere = of(&|job| job.out = place.path("none/fisher.safetensors").to_str().unwrap().to_owned());
    assert!(nowhere.kind == "runtime" && nowhere.message.contains("none"), "{nowhere:?}");
    assert_eq!(of(&|job| job.out.clear()).kind, "config");
    assert!(
        of(&|job| job.base = place.path("absent").to_str().unwrap().to_owned()).message.contains("absent")
    );
    // An encoder of texts has no classifier, and a random one has no information worth having.
    let scores = of(&|job| job.input = LossInput::Scores);
    assert!(scores.kind == "model" && scores.message.contains("classifier.weight"), "{scores:?}");

    let mut broken = Watch::info_nce().before(|call| match call {
        Call::Loss(2) => Err(Error::input("no guide embedding").hint("run it again")),
        _ => Ok(()),
    });
    let error = fails(&EstimateJob { batch_size: 4, ..job(&place) }, &mut broken);
    assert_eq!((&error.message[..], &error.hint[..]), ("batch 2: no guide embedding", "run it again"));
}

#[test]
fn a_stop_ends_the_estimate_within_a_batch_and_leaves_no_file() {
    let place = Workplace::new(0.0);
    let flag = Arc::new(AtomicBool::new(false));
    let stop = Arc::clone(&flag);
    let mut watch = Watch::info_nce().before(move |call| {
        stop.store(call == Call::Loss(2), Ordering::Relaxed);
        Ok(())
    });
    let job = EstimateJob { batch_size: 2, ..job(&place) };
    let small = options_with(json!({ "chunk_tokens": 8 }));
    let error = run(&place, host().with_cancel(flag), &small, &job, &mut watch).unwrap_err();
    assert_eq!((&error.kind[..], &error.message[..]), ("cancelled", "stopped in batch 2 of 4"));
    assert_eq!((watch.losses, place.left_behind()), (2, Vec::new()));
}
