//! What a fit says when something is wrong, and that it leaves nothing half-written.

use std::fs;

use clirbench_model::{TensorSpec, TensorWriter, Tensors};
use clirbench_plugin::serde_json::{Value, json};
use clirbench_plugin::{Device, Error, Host, Result, Session, StepReport};

use crate::session::{Call, Watch};
use crate::workplace::{Workplace, files, options, options_with};

fn error(place: &Workplace, config: &Value) -> Error {
    let error = place.fit(config, &mut Watch::info_nce()).unwrap_err();
    assert!(!place.path("out").exists(), "{error:?}");
    assert!(place.left_behind().iter().all(|name| name == "checkpoints"), "{:?}", place.left_behind());
    error
}

/// A session whose loss returns what it is told.
struct Loss(fn(&[f32], &mut [f32]) -> f64);

impl Session for Loss {
    fn loss(&mut self, _: &[u32], embeddings: &[f32], gradients: &mut [f32], _: &mut [f64]) -> Result<f64> {
        Ok((self.0)(embeddings, gradients))
    }

    fn validate(&mut self, _: &[f32], _: &[f32]) -> Result<f64> {
        Ok(f64::NAN)
    }

    fn step(&mut self, _: &StepReport) {}
}

#[test]
fn numbers_that_are_not_finite_name_step_and_texts() {
    let place = Workplace::new(0.0);
    let run = |loss| place.fit(&options(), &mut Loss(loss)).unwrap_err();
    let nan = run(|_, _| f64::NAN);
    assert_eq!(nan.kind, "runtime");
    assert!(nan.message.starts_with("step 1: the loss is NaN, for the batch of 4 rows"), "{nan:?}");
    assert!(nan.message.contains("(query \"w") && nan.message.contains("positive \"w"), "{nan:?}");
    let inf = run(|_, gradients| {
        gradients[16 * 5] = f32::INFINITY;
        1.0
    });
    assert!(inf.message.starts_with("step 1: the gradient of the row "), "{inf:?}");
    let large = run(|_, gradients| {
        gradients.fill(f32::MAX);
        1.0
    });
    assert!(
        large.message.contains("is not finite") || large.message.contains("norm of the gradient"),
        "{large:?}"
    );
    assert!(!place.path("out").exists());
}

#[test]
fn a_model_that_diverges_is_stopped_where_its_embeddings_do() {
    let place = Workplace::new(0.0);
    let wild = options_with(json!({ "learning_rate": 1e30, "warmup_ratio": 0.0, "max_grad_norm": 0.0 }));
    let error = error(&place, &wild);
    assert_eq!(error.kind, "runtime");
    assert!(error.message.starts_with("step 2: an embedding of the row "), "{error:?}");
    assert!(error.hint.contains("learning_rate"), "{error:?}");
}

#[test]
fn what_the_host_says_is_passed_on_with_the_step() {
    let place = Workplace::new(0.0);
    let mut watch = Watch::info_nce().before(|call| match call {
        Call::Loss(2) => Err(Error::input("no guide embedding").hint("run it again")),
        _ => Ok(()),
    });
    let error = place.fit(&options(), &mut watch).unwrap_err();
    assert_eq!((&error.message[..], &error.hint[..]), ("step 2: no guide embedding", "run it again"));
}

#[test]
fn data_that_makes_no_rows_is_refused() {
    let mut place = Workplace::new(0.0);
    let whole = place.rows.clone();
    place.rows.clear();
    assert!(error(&place, &options()).message.contains("no rows"));
    place.rows = whole[..5].to_vec();
    assert!(error(&place, &options()).message.contains("5 cells do not make rows of 2 columns"));
    place.rows = whole.clone();
    place.rows[3] = 99;
    assert!(error(&place, &options()).message.contains("text 99"));
    place.rows = whole;
    place.job.validate_every = 3;
    place.texts.truncate(8);
    place.rows = vec![0, 1, 2, 3];
    assert!(error(&place, &options()).message.contains("no queries or no documents"));
}

#[test]
fn a_score_that_is_none_stops_the_fit() {
    let mut place = Workplace::new(0.0);
    place.job.validate_every = 1;
    let loss = |_: &[f32], gradients: &mut [f32]| {
        gradients.iter_mut().enumerate().for_each(|(i, g)| *g = (i % 7) as f32 - 3.0);
        1.0
    };
    let error = place.fit(&options(), &mut Loss(loss)).unwrap_err();
    assert!(error.message.contains("validation score is NaN"), "{error:?}");
}

#[test]
fn folders_that_cannot_be_used_are_refused_before_anything_is_computed() {
    let mut place = Workplace::new(0.0);
    fs::create_dir(place.path("out")).unwrap();
    fs::write(place.path("out/notes.txt"), "mine").unwrap();
    let mut watch = Watch::info_nce();
    let error = place.fit(&options(), &mut watch).unwrap_err();
    assert!(error.kind == "config" && error.message.contains("already exists"), "{error:?}");
    assert_eq!(watch.losses, 0);
    assert_eq!(fs::read_to_string(place.path("out/notes.txt")).unwrap(), "mine");

    fs::remove_file(place.path("out/notes.txt")).unwrap();
    place.fit(&options_with(json!({ "epochs": 1 })), &mut watch).unwrap();
    assert!(place.path("out/model.safetensors").is_file(), "an empty folder is what the host gives");

    place.job.base = place.path("nowhere").to_str().unwrap().to_owned();
    place.job.out = place.path("other").to_str().unwrap().to_owned();
    let error = place.fit(&options(), &mut watch).unwrap_err();
    assert!(error.kind == "model" && error.message.contains("nowhere"), "{error:?}");
}

/// Writes the base's weights again with what `change` makes of their list.
fn change_weights(place: &Workplace, change: impl Fn(&mut Vec<TensorSpec>)) {
    let base = place.path("base");
    let tensors = Tensors::open(&base).unwrap();
    let spec = |name: &str| {
        let (dtype, shape) = tensors.describe(name).unwrap();
        TensorSpec { name: name.to_owned(), dtype: dtype.to_owned(), shape: shape.to_vec() }
    };
    let mut specs: Vec<TensorSpec> = tensors.names().map(spec).collect();
    change(&mut specs);
    let mut writer = TensorWriter::create(&base, specs.clone(), u64::MAX).unwrap();
    for spec in &specs {
        let bytes = vec![0; spec.shape.iter().product::<usize>() * 4];
        writer.write(&spec.name, &bytes).unwrap();
    }
    writer.finish().unwrap();
}

#[test]
fn a_base_with_missing_or_extra_tensors_is_refused_by_name() {
    let place = Workplace::new(0.0);
    change_weights(&place, |specs| specs.retain(|s| s.name != "encoder.layer.1.output.dense.bias"));
    let missing = error(&place, &options());
    assert!(
        missing.kind == "model" && missing.message.contains("encoder.layer.1.output.dense.bias"),
        "{missing:?}"
    );

    let place = Workplace::new(0.0);
    change_weights(&place, |specs| {
        specs.push(TensorSpec { name: "encoder.layer.2.extra".into(), dtype: "F32".into(), shape: vec![3] });
    });
    let extra = error(&place, &options());
    assert!(extra.kind == "model" && extra.message.contains("encoder.layer.2.extra"), "{extra:?}");
}

#[test]
fn tensors_that_get_no_gradient_are_named() {
    // All weights are 0, and so are all token states: nothing comes through to the layers below.
    let place = Workplace::new(0.0);
    change_weights(&place, |_| {});
    let loss = |_: &[f32], gradients: &mut [f32]| {
        gradients.iter_mut().enumerate().for_each(|(i, g)| *g = (i % 7) as f32 - 3.0);
        1.0
    };
    let error = place.fit(&options(), &mut Loss(loss)).unwrap_err();
    assert_eq!(error.kind, "model");
    assert!(error.message.starts_with("no gradient reaches `embeddings."), "{error:?}");
    assert!(error.message.contains("more tensors") && error.hint.contains("groups"), "{error:?}");
    assert!(!place.path("out").exists());
}

#[test]
fn tensors_that_did_not_move_are_named() {
    let place = Workplace::new(0.0);
    let groups = json!([{ "match": "*.layer.0.*LayerNorm.bias", "learning_rate": 0.0 }]);
    let error = error(&place, &options_with(json!({ "groups": groups, "epochs": 2 })));
    assert_eq!(error.kind, "model");
    let names = ["encoder.layer.0.attention.output.LayerNorm.bias", "encoder.layer.0.output.LayerNorm.bias"];
    assert!(names.iter().all(|name| error.message.contains(name)), "{error:?}");
    assert!(!error.message.contains("more"), "{error:?}");
}

#[test]
fn options_that_do_not_fit_the_model_or_the_data_are_refused() {
    let place = Workplace::new(0.0);
    for (change, what) in [
        (json!({ "groups": [{ "match": "encoder.layer.7.*", "frozen": true }] }), "encoder.layer.7.*"),
        (json!({ "batch_size": 9, "drop_last": true }), "drop_last"),
        (json!({ "epochs": 1, "batch_size": 8, "warmup_ratio": 1.0 }), "learning rate is 0"),
        (json!({ "max_length": 2 }), "max_length"),
        (json!({ "max_length": 33 }), "max_length"),
    ] {
        let error = error(&place, &options_with(change));
        assert!(error.kind == "config" && error.message.contains(what), "{error:?}");
    }
}

#[test]
fn a_text_of_which_nothing_is_left_is_named() {
    let mut place = Workplace::new(0.0);
    let tokenizer = fs::read_to_string(place.path("base/tokenizer.json")).unwrap();
    let bare =
        tokenizer.replace("\"post_processor\":{\"cls\"", "\"post_processor\":null,\"unused\":{\"cls\"");
    let mut parsed: Value = clirbench_plugin::serde_json::from_str(&bare).unwrap();
    parsed["post_processor"] = Value::Null;
    fs::write(place.path("base/tokenizer.json"), parsed.to_string()).unwrap();
    place.texts[9] = "  ".into();
    let error = error(&place, &options());
    assert!(error.kind == "input" && error.message.contains("\"  \""), "{error:?}");
}

#[test]
fn cuda_needs_a_build_for_it() {
    let place = Workplace::new(0.0);
    let host = || Host::detached().with_threads(1);
    if !cfg!(feature = "cuda") {
        let cuda = host().with_device(Device::Cuda);
        let error = place.fit_on(cuda, &options(), &mut Watch::info_nce()).unwrap_err();
        assert!(error.kind == "config" && error.hint.contains("--features cuda"), "{error:?}");
        let auto = host().with_device(Device::Auto);
        place.fit_on(auto, &options_with(json!({ "epochs": 1 })), &mut Watch::info_nce()).unwrap();
        assert!(!files(&place.path("out")).is_empty());
    }
}
