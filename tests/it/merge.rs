//! `clirbench merge`: several models to one, from a recipe or from the command line.

use std::{
    fs,
    path::Path,
    process::Stdio,
    thread::sleep,
    time::{Duration, Instant},
};

use clirbench_model::{TensorSpec, TensorWriter, Tensors};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::{
    place::{Ended, Place, bundled},
    tiny,
};

/// Adds multiples of `step` to every weight of the tiny model in `name`.
fn moved(place: &Place, name: &str, step: f32) {
    let folder = place.path(name);
    tiny::write(&folder, 0.1);
    let tensors = Tensors::open(&folder).expect("weights");
    let names: Vec<String> = tensors.names().map(str::to_owned).collect();
    let read: Vec<_> = names.iter().map(|name| tensors.read(name).expect("a tensor")).collect();
    let spec = |(name, tensor): (&String, &clirbench_model::Tensor)| TensorSpec {
        name: name.clone(),
        dtype: "F32".to_owned(),
        shape: tensor.shape.clone(),
    };
    let specs = names.iter().zip(&read).map(spec).collect();
    let mut writer = TensorWriter::create(&folder, specs, u64::MAX).expect("created");
    for (name, tensor) in names.iter().zip(&read) {
        let values = tensor.to_f32().expect("floats").into_iter().enumerate();
        let bytes: Vec<u8> = values.flat_map(|(i, x)| (x + step * (i % 7) as f32).to_le_bytes()).collect();
        writer.write(name, &bytes).expect("written");
    }
    writer.finish().expect("finished");
}

fn place() -> Place {
    let place = Place::new();
    tiny::write(&place.path("base"), 0.1);
    moved(&place, "one", 0.01);
    moved(&place, "two", -0.02);
    place.write("one/onnx/model.onnx", "a graph of the weights before");
    place.write("one/pytorch_model.bin", "weights in another format");
    place
}

fn merge(place: &Place, arguments: &[&str]) -> Ended {
    place.end([&["merge", "--store", "store"], arguments].concat())
}

fn values(folder: &Path, tensor: &str) -> Vec<f32> {
    let tensors = Tensors::open(folder).expect("weights");
    tensors.read(tensor).and_then(|tensor| tensor.to_f32()).expect("a tensor")
}

const TENSOR: &str = "encoder.layer.1.output.dense.weight";

#[test]
fn a_merged_directory_is_a_model_with_its_origin() {
    let place = place();
    let ended = merge(&place, &["--method", "uniform", "one", "two", "-o", "merged"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(
        ended.stdout.starts_with("2 models by uniform: 39 tensors merged, 0 copied; model in merged\n"),
        "{}",
        ended.stdout
    );
    assert!(ended.stdout.contains("least similar tensors (cosine):\n  0."), "{}", ended.stdout);
    let base = values(&place.path("base"), TENSOR);
    for (i, (merged, base)) in values(&place.path("merged"), TENSOR).iter().zip(&base).enumerate() {
        let expected = base - 0.005 * (i % 7) as f32;
        assert!((merged - expected).abs() < 1e-6, "{i}: {merged} {expected}");
    }

    // Everything that is not weights is the first model's; what would be stale is not there.
    for name in
        ["tokenizer.json", "modules.json", "1_Pooling/config.json", "config_sentence_transformers.json"]
    {
        let read = |model: &str| fs::read(place.path(model).join(name)).expect(name);
        assert!(read("one") == read("merged"), "{name}");
    }
    assert!(!place.path("merged/onnx").exists() && !place.path("merged/pytorch_model.bin").exists());
    let card = fs::read_to_string(place.path("merged/README.md")).expect("a card");
    assert!(card.starts_with("---\nlanguage: en\n---\n# one + two, merged\n"), "{card}");
    let rows = fs::read_to_string(place.path("merged/merge.csv")).expect("the report");
    assert!(rows.starts_with("tensor,elements,cosine two,note\n") && rows.lines().count() == 40, "{rows}");
    let origin = fs::read(place.path("merged/clirbench.json")).expect("the origin");
    let origin: Value = serde_json::from_slice(&origin).expect("JSON");
    assert_eq!(
        (&origin["method"], &origin["merger"]["plugin"]),
        (&"uniform".into(), &"merger-average".into())
    );
    let hashes = |model: usize| origin["models"][model]["files"].as_array().expect("files").len();
    assert!(hashes(0) >= 9 && hashes(1) >= 8, "{origin:#}");
    let text = origin.to_string();
    assert!(!text.contains(place.path("").to_str().expect("UTF-8")), "no folder of this machine: {text}");

    // The same merge, in one thread, into another place: the same bytes.
    let again = place
        .command(["merge", "--method", "uniform", "one", "two", "-o", "again", "--store", "store"])
        .env("RAYON_NUM_THREADS", "1")
        .output()
        .expect("the program starts");
    assert!(again.status.success());
    for name in ["model.safetensors", "clirbench.json", "merge.csv", "README.md", "config.json"] {
        let read = |model: &str| fs::read(place.path(model).join(name)).expect(name);
        assert!(read("merged") == read("again"), "{name}");
    }
    assert!(hidden(&place).is_empty());

    // And it is measured like any other.
    let model = "[[models]]\nname = \"merged\"\npath = \"merged\"\n\n";
    place.write("bench.toml", format!("{model}{}[run]\nscenarios = [\"mono\"]\n", bundled(&["en"])));
    let results = place.run("bench.toml", "out");
    assert_eq!(results.run_json()["models"]["merged"]["plugin"]["id"], "encoder-candle");
    assert!(!results.scores().is_empty());
}

#[test]
fn a_recipe_with_layers_a_base_and_a_type() {
    let place = place();
    place.write(
        "recipes/merge.toml",
        "method = \"task-arithmetic\"\nbase = \"../base\"\ndtype = \"bf16\"\noutput = \"../merged\"\n\
         [options]\nlambda = 0.5\n[layers]\n0 = [0, 0]\n1 = [1, 1]\n\
         [[models]]\npath = \"../one\"\nname = \"first\"\n[[models]]\npath = \"../two\"\n",
    );
    let ended = merge(&place, &["recipes/merge.toml", "--json"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let said: Value = serde_json::from_str(&ended.stdout).expect("JSON");
    assert_eq!(said["origin"]["models"][0]["name"], "first");
    assert!(said["origin"]["base"].is_array(), "{said:#}");
    let merged = place.path("merged");
    let tensor = Tensors::open(&merged).and_then(|tensors| tensors.read(TENSOR)).expect("a tensor");
    assert_eq!(tensor.dtype, "BF16");
    let config = fs::read_to_string(merged.join("config.json")).expect("config.json");
    assert!(config.contains("\"torch_dtype\": \"bfloat16\""), "{config}");
    let (base, layer_0) = (place.path("base"), "encoder.layer.0.output.dense.weight");
    for (tensor, step) in [(layer_0, 0.0), (TENSOR, -0.005)] {
        for (i, (merged, base)) in values(&merged, tensor).iter().zip(values(&base, tensor)).enumerate() {
            let expected = base + step * (i % 7) as f32;
            assert!(
                (merged - expected).abs() <= expected.abs() / 256.0 + 1e-6,
                "{tensor} {i}: {merged} {expected}"
            );
        }
    }
    let rows = fs::read_to_string(merged.join("merge.csv")).expect("the report");
    assert!(rows.starts_with("tensor,elements,cosine first,cosine two,note\n"), "{rows}");
}

#[test]
fn slerp_says_where_it_fell_back() {
    let place = place();
    let ended = merge(&place, &["--method", "slerp", "one", "base", "-o", "merged", "--weights", "3,1"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let rows = fs::read_to_string(place.path("merged/merge.csv")).expect("the report");
    let fell_back = rows.lines().filter(|line| line.contains("\"\"fell_back\"\":true")).count();
    assert!(fell_back > 0 && fell_back < 39, "{rows}");
    assert!(rows.contains("\"\"t\"\":0.25"), "{rows}");
    let expected = format!("slerp fell back to a line in {fell_back} of 39 tensors\n");
    assert!(ended.stdout.ends_with(&expected), "{}", ended.stdout);
}

#[test]
fn what_is_wrong_is_one_clear_error_and_leaves_nothing_behind() {
    let place = place();
    tiny::write(&place.path("other"), 0.1);
    let config = fs::read_to_string(place.path("other/1_Pooling/config.json")).expect("a config");
    place.write("other/1_Pooling/config.json", config.replace("mean_tokens", "cls_token"));
    place.write("typo.toml", "method = \"uniform\"\noutputs = \"merged\"\n[[models]]\npath = \"one\"\n");
    place.write("pattern.toml", "method = \"weighted\"\noutput = \"merged\"\n[[models]]\npath = \"one\"\n[[models]]\npath = \"two\"\n[[layers]]\npattern = \"encoder.layr.0.*\"\nweights = [1, 2]\n");
    let uniform = ["--method", "uniform", "-o", "merged"];
    let with = |more: &[&'static str]| [&uniform[..], more].concat();
    let cases: [(Vec<&str>, &[&str]); 12] = [
        (with(&["one", "other"]), &["`other` cannot be merged with `one`", "pooling is cls"]),
        (with(&["one", "absent"]), &["absent", "does not exist"]),
        (with(&["one", "two", "--weights", "1,2"]), &["`uniform` takes no weights", "weighted"]),
        (
            vec!["--method", "weighted", "one", "two", "--weights", "1", "-o", "merged"],
            &["1 weights of 2 models"],
        ),
        (
            vec!["--method", "unifrom", "one", "two", "-o", "merged"],
            &["`unifrom` is neither", "did you mean `uniform`"],
        ),
        (vec!["--method", "ties", "one", "two", "-o", "merged"], &["base", "--base"]),
        (
            vec![
                "--method",
                "ties",
                "one",
                "two",
                "--base",
                "base",
                "--option",
                "densty=0.5",
                "-o",
                "merged",
            ],
            &["densty", "density"],
        ),
        (vec!["one", "two", "-o", "merged"], &["2 paths, and no method", "--method"]),
        (vec!["--method", "uniform", "one", "two"], &["no place for the merged model", "--out"]),
        (vec!["typo.toml"], &["unknown field `outputs`", "did you mean `output`?"]),
        (vec!["pattern.toml"], &["`encoder.layr.0.*` fit no tensor", "encoder.layer.0."]),
        (
            vec!["--method", "uniform", "one", "two", "-o", "one", "--force"],
            &["one holds", "which is merged"],
        ),
    ];
    for (arguments, parts) in cases {
        let ended = merge(&place, &arguments);
        assert_eq!(ended.code, Some(1), "{arguments:?}: {}", ended.stderr);
        for part in parts {
            assert!(ended.stderr.contains(part), "{arguments:?}: {part} is not in {}", ended.stderr);
        }
        assert!(!ended.stderr.contains("panicked") && ended.stdout.is_empty(), "{}", ended.stderr);
        assert!(!place.path("merged").exists() && hidden(&place).is_empty(), "{arguments:?}");
    }
}

#[test]
fn what_exists_is_replaced_by_force_alone() {
    let place = place();
    place.write("merged/thesis.txt", "mine");
    let arguments = ["--method", "uniform", "one", "two", "-o", "merged"];
    let ended = merge(&place, &arguments);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(ended.stderr.contains("already exists") && ended.stderr.contains("--force"), "{}", ended.stderr);
    assert!(place.path("merged/thesis.txt").exists());
    let ended = merge(&place, &[&arguments[..], &["--force"]].concat());
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(!place.path("merged/thesis.txt").exists() && place.path("merged/model.safetensors").exists());
}

/// What is being written, or was left behind, beside the models.
fn hidden(place: &Place) -> Vec<String> {
    let entries = fs::read_dir(place.path("")).expect("a folder").flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.filter(|name| name.ends_with(".partial")).collect()
}

/// A plain directory of `count` tensors of 4 MB.
fn large(place: &Place, name: &str, count: usize) {
    place.write(&format!("{name}/config.json"), "{\"model_type\": \"bert\"}");
    let spec = |i: usize| TensorSpec { name: format!("w{i:03}"), dtype: "F32".into(), shape: vec![1 << 20] };
    let specs: Vec<TensorSpec> = (0..count).map(spec).collect();
    let mut writer = TensorWriter::create(&place.path(name), specs, u64::MAX).expect("created");
    for i in 0..count {
        writer.write(&format!("w{i:03}"), &vec![(i % 60) as u8; 4 << 20]).expect("written");
    }
    writer.finish().expect("finished");
}

#[test]
fn stopped_half_way_there_is_no_merged_model() {
    let place = Place::new();
    large(&place, "one", 32);
    large(&place, "two", 32);
    let mut interrupted = 0;
    for signal in [Signal::INT, Signal::INT, Signal::KILL, Signal::KILL] {
        let mut run = place
            .command(["merge", "--method", "uniform", "one", "two", "-o", "merged", "--store", "store"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        let before = hidden(&place).len();
        let started = Instant::now();
        while hidden(&place).len() == before
            && run.try_wait().expect("a child").is_none()
            && started.elapsed() < Duration::from_secs(60)
        {
            sleep(Duration::from_millis(1));
        }
        let id = Pid::from_raw(run.id().try_into().expect("a process id")).expect("not 0");
        // It may be done already: then there is nothing to stop.
        let _ = kill_process(id, signal);
        let status = run.wait().expect("it ended");
        if status.success() {
            fs::remove_dir_all(place.path("merged")).expect("removed");
            continue;
        }
        interrupted += 1;
        assert!(!place.path("merged").exists(), "{signal:?}");
        if signal == Signal::INT {
            assert_eq!((status.code(), hidden(&place).len()), (Some(130), 0));
        }
    }
    assert!(interrupted > 0, "every merge was faster than the signal");
    let ended = merge(&place, &["--method", "uniform", "one", "two", "-o", "merged"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let size =
        |model: &str| fs::metadata(place.path(model).join("model.safetensors")).expect("weights").len();
    assert_eq!(size("merged"), size("one"));
}
