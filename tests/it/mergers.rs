//! Every method, with its plugin loaded as a worker does: against mergekit's values, and what must not
//! change a bit of the result.

use std::{collections::HashMap, fs, path::Path};

use clirbench_host::{HostServices, inspect, load};
use clirbench_loss::testing::npz;
use clirbench_merge::{Error, Merge, MergeReport, MergeSpec, Parent, Parents, StoredType, write};
use clirbench_model::{TensorSpec, TensorWriter, Tensors};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::place::{beside, built};

/// Tensors by name: shape and values.
type Weights = Vec<(&'static str, Vec<usize>, Vec<f32>)>;

/// A plain directory of these weights, in shards of so many bytes.
fn directory(place: &TempDir, name: &str, weights: &Weights, stored: &str, shard_bytes: u64) {
    let folder = place.path().join(name);
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(folder.join("config.json"), "{\"model_type\": \"bert\"}").expect("written");
    let spec = |(name, shape, _): &(&str, Vec<usize>, Vec<f32>)| TensorSpec {
        name: (*name).to_owned(),
        dtype: stored.to_owned(),
        shape: shape.clone(),
    };
    let mut writer =
        TensorWriter::create(&folder, weights.iter().map(spec).collect(), shard_bytes).expect("created");
    for (name, _, values) in weights {
        let bytes: Vec<u8> = match stored {
            "F32" => values.iter().flat_map(|x| x.to_le_bytes()).collect(),
            // The upper half of an f32: rounded towards zero, which is as good as any bf16.
            "BF16" => values.iter().flat_map(|x| ((x.to_bits() >> 16) as u16).to_le_bytes()).collect(),
            _ => values.iter().flat_map(|x| half(*x).to_le_bytes()).collect(),
        };
        writer.write(name, &bytes).expect("written");
    }
    writer.finish().expect("finished");
}

/// The bits of an f16, of normal numbers, rounded towards zero; zero for smaller ones.
fn half(x: f32) -> u16 {
    let (sign, exponent) =
        ((x.to_bits() >> 16) as u16 & 0x8000, (x.to_bits() >> 23 & 0xff) as i32 - 127 + 15);
    if exponent <= 0 { sign } else { sign | (exponent as u16) << 10 | (x.to_bits() >> 13) as u16 & 0x3ff }
}

fn spec(place: &TempDir, method: &str, models: &[&str]) -> MergeSpec {
    let parent = |name: &&str| Parent::new(place.path().join(name));
    MergeSpec::new(method, models.iter().map(parent).collect())
}

fn options(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

fn opened(spec: &MergeSpec) -> Result<Merge, Error> {
    let choice = spec.merger();
    let file = inspect(&built(&choice.plugin)).expect("a plugin of ours");
    let plugin = load(&file, HostServices::new(std::env::temp_dir())).expect("it loads");
    let merger = plugin.merger(&choice.options).map_err(|e| Error::config(e.to_string()))?;
    Merge::open(spec, Parents::open(spec)?, merger)
}

/// The merged values, tensor by tensor.
fn merged(merge: &mut Merge) -> Result<HashMap<String, Vec<f32>>, Error> {
    let names: Vec<String> = merge.tensors().iter().map(|tensor| tensor.name.clone()).collect();
    let mut all = HashMap::new();
    for name in names {
        let mut values = Vec::new();
        merge.tensor(&name, &mut |offset, part| {
            assert_eq!(offset, values.len(), "parts come in order");
            values.extend_from_slice(part);
            Ok(())
        })?;
        all.insert(name, values);
    }
    Ok(all)
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|x| x.to_bits()).collect()
}

fn written(spec: &MergeSpec, out: &Path) -> MergeReport {
    let mut merge = opened(spec).expect("a merge");
    write(&mut merge, out, false, || Ok(Map::new()), &mut |_, _| true).expect("written")
}

#[test]
fn every_method_gives_the_values_of_mergekit() {
    let Some(golden) = beside("golden") else { return };
    let arrays = npz::read(&golden.join("merges.npz"));
    let text = fs::read_to_string(golden.join("merges.json")).expect("readable");
    let file: Value = serde_json::from_str(&text).expect("JSON");
    let place = tempfile::tempdir().expect("a temporary folder");
    for model in ["base", "m0", "m1", "m2"] {
        let tensor = |name: &'static str| {
            let array = &arrays[&format!("{model}/{name}")];
            (name, array.shape.clone(), array.values.iter().map(|x| *x as f32).collect())
        };
        directory(&place, model, &vec![tensor("w"), tensor("b")], "F32", u64::MAX);
    }
    let mut seen = 0;
    for (name, case) in file["cases"].as_object().expect("cases") {
        // Those of dare are held against their stored masks where the maths is.
        let (method, parameters) = (case["mergekit_method"].as_str().expect("a method"), &case["parameters"]);
        if method.starts_with("dare") {
            continue;
        }
        let inputs = case["inputs"].as_array().expect("inputs").iter().filter_map(Value::as_str);
        let models: Vec<&str> = inputs.filter(|input| *input != "base").collect();
        let folders: Vec<String> = models.iter().map(|model| format!("m{model}")).collect();
        let folders: Vec<&str> = folders.iter().map(String::as_str).collect();
        let method = match method {
            "linear" => "weighted",
            "task_arithmetic" => "task-arithmetic",
            other => other,
        };
        let mut spec = spec(&place, method, &folders);
        for (i, parent) in spec.models.iter_mut().enumerate() {
            let weight = &parameters["weight"];
            let of_model = weight.get(i).or_else(|| weight.get(models[i])).unwrap_or(weight);
            parent.weight = of_model.as_f64();
        }
        if method != "weighted" && method != "slerp" {
            spec.base = Some(place.path().join("base"));
        }
        for option in ["t", "density", "lambda", "normalize"] {
            if let Some(value) = parameters.get(option) {
                spec.options.insert(option.to_owned(), value.clone());
            }
        }
        let out = merged(&mut opened(&spec).expect(name)).expect(name);
        for tensor in ["w", "b"] {
            let wanted = &arrays[&format!("{name}/{tensor}")].values;
            assert_eq!(out[tensor].len(), wanted.len(), "{name}");
            for (got, wanted) in out[tensor].iter().zip(wanted) {
                assert!((f64::from(*got) - wanted).abs() <= 1e-6, "{name}/{tensor}: {got} {wanted}");
            }
        }
        seen += 1;
    }
    assert_eq!(seen, 14, "cases of mergekit");
}

/// Every method, whether it takes a base, and options under which a model merged with itself is itself by
/// definition.
const METHODS: [(&str, bool, &str); 8] = [
    ("uniform", false, "{}"),
    ("weighted", false, "{}"),
    ("slerp", false, "{}"),
    ("fisher", false, "{}"),
    ("task-arithmetic", true, "{\"lambda\": 0.7}"),
    ("ties", true, "{\"density\": 0.3}"),
    ("dare-linear", true, "{\"density\": 0.3}"),
    ("dare-ties", true, "{\"rescale\": \"l1\"}"),
];

/// Numbers of all sizes, zeros of both signs and a number below the normal ones; a scalar; an empty tensor.
fn odd(seed: u32) -> Weights {
    let mut state = seed;
    let mut values: Vec<f32> = (0..997)
        .map(|i| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            ((state >> 8) as f32 / (1u32 << 24) as f32 - 0.5) * 10f32.powi(i % 5 - 3)
        })
        .collect();
    values[3] = -0.0;
    values[4] = 0.0;
    values[5] = f32::from_bits(77);
    let bias = values[100..133].to_vec();
    vec![
        ("encoder.layer.0.dense.weight", vec![997], values),
        ("encoder.layer.1.dense.bias", vec![33], bias),
        ("scale", vec![], vec![-1.5]),
        ("nothing", vec![0, 4], vec![]),
    ]
}

/// Gives every model of the spec what its method needs.
fn supplied(mut spec: MergeSpec, place: &TempDir, with_base: bool, base: &str) -> MergeSpec {
    spec.base = with_base.then(|| place.path().join(base));
    for (i, parent) in spec.models.iter_mut().enumerate() {
        parent.weight = (spec.method == "weighted").then_some(0.3 + i as f64);
        parent.importance = (spec.method == "fisher").then(|| place.path().join("importance"));
    }
    spec
}

fn importances(place: &TempDir) {
    let positive =
        odd(5).into_iter().map(|(name, shape, v)| (name, shape, v.iter().map(|x| x.abs()).collect()));
    directory(place, "importance", &positive.collect(), "F32", u64::MAX);
}

#[test]
fn a_model_merged_with_itself_is_itself_bit_for_bit() {
    let place = tempfile::tempdir().expect("a temporary folder");
    importances(&place);
    for stored in ["F32", "F16", "BF16"] {
        let model = stored.to_lowercase();
        directory(&place, &model, &odd(1), stored, u64::MAX);
        let original = fs::read(place.path().join(&model).join("model.safetensors")).expect("weights");
        for (method, with_base, text) in METHODS {
            for accumulate in ["f32", "f64"] {
                let mut spec = supplied(spec(&place, method, &[&model, &model]), &place, with_base, &model);
                spec.options = options(serde_json::from_str(text).expect("options"));
                spec.options.insert("accumulate".into(), accumulate.into());
                let out = place.path().join(format!("{model}-{method}-{accumulate}"));
                let report = written(&spec, &out);
                let merged = fs::read(out.join("model.safetensors")).expect("weights");
                assert!(merged == original, "{method} of {stored} in {accumulate}");
                assert_eq!(report.tensors.len(), 4);
                let same = report.tensors.iter().flat_map(|tensor| tensor.cosines.iter().flatten());
                assert!(
                    same.clone().count() >= 4 && same.clone().all(|c| (c - 1.0).abs() < 1e-12),
                    "{method}"
                );
            }
        }
    }
}

#[test]
fn chunks_and_shards_change_nothing() {
    let place = tempfile::tempdir().expect("a temporary folder");
    importances(&place);
    for (i, name) in ["base", "one", "two"].into_iter().enumerate() {
        directory(&place, name, &odd(10 + i as u32), "F32", u64::MAX);
        directory(&place, &format!("{name}-sharded"), &odd(10 + i as u32), "F32", 133);
    }
    for (method, with_base, text) in METHODS {
        let with = |models: [&str; 2], base: &str| {
            let mut spec = supplied(spec(&place, method, &models), &place, with_base, base);
            spec.options = options(serde_json::from_str(text).expect("options"));
            spec
        };
        let whole = with(["one", "two"], "base");
        let expected = merged(&mut opened(&whole).expect("a merge")).expect("merged");
        assert_ne!(bits(&expected["scale"]), [f32::NAN.to_bits()]);
        for chunk in [1, 16, 100, 1024] {
            let cut = merged(&mut opened(&whole).expect("a merge").with_chunk(chunk)).expect("merged");
            for (name, values) in &expected {
                assert_eq!(bits(values), bits(&cut[name]), "{method}, {name} in chunks of {chunk}");
            }
        }
        // The first model says how the merged one is sharded; the tensors are the same.
        for (models, base, files) in [
            (["one", "two-sharded"], "base-sharded", 1),
            (["one-sharded", "two"], "base", 3),
            (["one-sharded", "two-sharded"], "base-sharded", 3),
        ] {
            let out = place.path().join(format!("{method}-{}-{}", models[0], models[1]));
            written(&with(models, base), &out);
            let tensors = Tensors::open(&out).expect("weights");
            let layout = tensors.layout();
            assert_eq!(layout.len(), files, "{method}: files of {models:?}");
            let first = Tensors::open(&place.path().join(models[0])).expect("weights");
            let names = |layout: &[(&Path, Vec<&str>)]| {
                layout
                    .iter()
                    .map(|(path, names)| format!("{:?}: {names:?}", path.file_name()))
                    .collect::<Vec<_>>()
            };
            assert_eq!(names(&layout), names(&first.layout()));
            for (name, values) in &expected {
                let read = tensors.read(name).and_then(|tensor| tensor.to_f32()).expect("a tensor");
                assert_eq!(bits(values), bits(&read), "{method}, {name} of {models:?}");
            }
        }
    }
}

#[test]
fn layers_have_weights_of_their_own() {
    let place = tempfile::tempdir().expect("a temporary folder");
    directory(&place, "one", &odd(1), "F32", u64::MAX);
    directory(&place, "two", &odd(2), "F32", u64::MAX);
    let mut spec = spec(&place, "weighted", &["one", "two"]);
    spec.layers = serde_json::from_value(json!({"0": [1, 0], "1": [0, 1]})).expect("layers");
    let out = merged(&mut opened(&spec).expect("a merge")).expect("merged");
    let (one, two) = (odd(1), odd(2));
    assert_eq!(bits(&out[one[0].0]), bits(&one[0].2));
    assert_eq!(out[two[1].0].iter().zip(&two[1].2).filter(|(a, b)| (*a - *b).abs() > 1e-7).count(), 0);
    assert_eq!(out["scale"], [-1.5]);
    // Slerp takes the second weight over the sum for t.
    spec.method = "slerp".to_owned();
    let mut merge = opened(&spec).expect("a merge");
    let report = merge.tensor(one[0].0, &mut |_, _| Ok(())).expect("merged");
    assert_eq!((&report.note["t"], &report.note["fell_back"]), (&json!(0.0), &json!(false)));
    let report = merge.tensor("scale", &mut |_, _| Ok(())).expect("merged");
    assert_eq!((&report.note["t"], &report.note["fell_back"]), (&json!(0.5), &json!(true)));
}

#[test]
fn types_in_and_out_are_free() {
    let place = tempfile::tempdir().expect("a temporary folder");
    let weights = |x: f32| vec![("w", vec![2], vec![x, -2.0 * x])];
    directory(&place, "one", &weights(1.0), "F16", u64::MAX);
    directory(&place, "two", &weights(3.0), "BF16", u64::MAX);
    let mut spec = spec(&place, "uniform", &["one", "two"]);
    for (dtype, stored) in [
        (None, "F16"),
        (Some(StoredType::F32), "F32"),
        (Some(StoredType::F16), "F16"),
        (Some(StoredType::Bf16), "BF16"),
    ] {
        spec.dtype = dtype;
        let out = place.path().join(format!("out-{dtype:?}"));
        written(&spec, &out);
        let tensor = Tensors::open(&out).and_then(|tensors| tensors.read("w")).expect("w");
        assert_eq!((tensor.dtype.as_str(), tensor.to_f32().expect("floats")), (stored, vec![2.0, -4.0]));
    }
}

#[test]
fn what_cannot_be_merged_is_named_and_leaves_nothing() {
    let place = tempfile::tempdir().expect("a temporary folder");
    let weights = |x: f32| vec![("fine", vec![1], vec![1.0]), ("w", vec![3], vec![1.0, x, 1.0])];
    for (name, x) in [("one", 2.0), ("nan", f32::NAN), ("large", 1e5), ("huge", 3e38), ("low", -3e38)] {
        directory(&place, name, &weights(x), "F32", u64::MAX);
    }
    let refused = |spec: &MergeSpec| -> Error {
        let out = place.path().join("out");
        let outcome = opened(spec)
            .and_then(|mut merge| write(&mut merge, &out, false, || Ok(Map::new()), &mut |_, _| true));
        let names: Vec<_> =
            fs::read_dir(place.path()).expect("a folder").flatten().map(|e| e.file_name()).collect();
        assert_eq!(names.len(), 5, "{names:?}");
        outcome.expect_err("refused")
    };
    let error = refused(&spec(&place, "uniform", &["one", "nan"]));
    assert!(error.message.contains("element 1 of tensor `w` of `nan` is NaN"), "{}", error.message);
    let mut narrow = spec(&place, "uniform", &["large", "large"]);
    narrow.dtype = Some(StoredType::F16);
    let error = refused(&narrow);
    assert!(error.message.contains("element 1 of the merged tensor `w`"), "{}", error.message);
    assert!(error.message.contains("too large for F16") && error.hint.contains("bf16"), "{}", error.message);
    let mut extended = spec(&place, "weighted", &["low", "huge"]);
    (extended.models[0].weight, extended.models[1].weight) = (Some(-1.0), Some(2.0));
    let error = refused(&extended);
    assert!(error.message.contains("element 1 of the merged tensor `w` is inf"), "{}", error.message);
    for (method, models, part) in [
        ("ties", &["one", "large"][..], "base"),
        ("fisher", &["one", "large"], "importance"),
        ("slerp", &["one", "large", "huge"], "2 models at most, 3 given"),
        ("slerp", &["one"], "2 models or more, 1 given"),
    ] {
        let error = refused(&spec(&place, method, models));
        assert!(error.message.contains(part) && !error.hint.is_empty(), "{method}: {}", error.message);
    }
    // Stopped half-way.
    let mut merge = opened(&spec(&place, "uniform", &["one", "large"])).expect("a merge").with_chunk(1);
    let out = place.path().join("out");
    let error =
        write(&mut merge, &out, false, || Ok(Map::new()), &mut |done, _| done == 0).expect_err("stopped");
    assert_eq!((error.kind.as_str(), out.exists()), ("cancelled", false));
}
