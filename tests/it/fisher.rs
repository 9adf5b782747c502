//! Fisher information: from a recipe to a file with a number for every weight of the model.

use std::{collections::BTreeMap, fs, path::Path};

use clirbench_model::{TensorSpec, TensorWriter, Tensors};
use serde_json::{Value, json};

use crate::{
    place::{Ended, Place},
    train::{GIST, INFONCE, place, recipe},
};

const OUT: &str = "base.fisher.safetensors";

fn fisher(place: &Place, more: &[&str]) -> Ended {
    place.end([&["fisher", "recipe.toml", "--out", OUT, "--store", "store", "--threads", "2"], more].concat())
}

fn bytes(place: &Place) -> Vec<u8> {
    fs::read(place.path(OUT)).expect("an estimate")
}

/// Puts a Dense module of 8 dimensions behind the pooling of the tiny model.
fn add_dense(base: &Path) {
    let path = base.join("modules.json");
    let text = fs::read_to_string(&path).expect("modules.json");
    let mut modules: Vec<Value> = serde_json::from_str(&text).expect("a list");
    let dense =
        json!({"idx": 2, "name": "2", "path": "2_Dense", "type": "sentence_transformers.models.Dense"});
    modules.insert(2, dense);
    fs::write(&path, json!(modules).to_string()).expect("written");
    let folder = base.join("2_Dense");
    fs::create_dir(&folder).expect("a folder");
    let config = json!({
        "in_features": 16, "out_features": 8, "bias": true,
        "activation_function": "torch.nn.modules.activation.Tanh",
    });
    fs::write(folder.join("config.json"), config.to_string()).expect("written");
    let spec = |name: &str, shape: &[usize]| TensorSpec {
        name: name.into(),
        dtype: "F32".into(),
        shape: shape.to_vec(),
    };
    let specs = vec![spec("linear.weight", &[8, 16]), spec("linear.bias", &[8])];
    let mut writer = TensorWriter::create(&folder, specs, u64::MAX).expect("created");
    let values = |count: usize| -> Vec<u8> {
        (0..count).flat_map(|i| ((i * 7 % 11) as f32 / 11.0 - 0.4).to_le_bytes()).collect()
    };
    writer.write("linear.weight", &values(8 * 16)).expect("written");
    writer.write("linear.bias", &values(8)).expect("written");
    writer.finish().expect("written");
}

/// Name and shape of every tensor of a file.
fn shapes(path: &Path, prefix: &str) -> BTreeMap<String, Vec<usize>> {
    let tensors = Tensors::open(path).expect("tensors");
    let shape = |name: &str| tensors.describe(name).expect("it is there").1.to_vec();
    tensors.names().map(|name| (format!("{prefix}{name}"), shape(name))).collect()
}

#[test]
fn a_recipe_gives_a_number_of_at_least_zero_for_every_weight() {
    // The validation is of no account: its dataset is not even there.
    let validation = "[validation]\nevery = 2\nscenario = \"multi\"\n[validation.dataset]\nname = \"none\"\n\
                      manifest = \"none.toml\"\n";
    let place = place(&recipe("", &format!("{GIST}{validation}")));
    add_dense(&place.path("base"));
    let before = fs::read(place.path("base/model.safetensors")).expect("weights");
    let ended = fisher(&place, &[]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stderr.contains("guide: 72 texts to encode, 0 in the store"), "{}", ended.stderr);
    assert!(ended.stderr.contains("24 rows, 72 texts in batches of 8"), "{}", ended.stderr);
    assert!(ended.stdout.contains("24 rows in 3 batches, mean loss "), "{}", ended.stdout);
    assert!(before == fs::read(place.path("base/model.safetensors")).expect("weights"), "it is only read");

    let mut expected = shapes(&place.path("base"), "");
    expected.extend(shapes(&place.path("base/2_Dense"), "2_Dense/"));
    assert_eq!(shapes(&place.path(OUT), ""), expected);
    let estimate = Tensors::open(&place.path(OUT)).expect("tensors");
    for name in expected.keys() {
        let values = estimate.read(name).and_then(|tensor| tensor.to_f32()).expect("f32");
        assert!(values.iter().all(|value| value.is_finite() && *value >= 0.0), "{name}");
        let moves = values.iter().any(|value| *value > 0.0);
        // The pooler is of another task than the embeddings.
        assert_eq!(moves, !name.starts_with("pooler."), "{name}");
    }

    // Again: nothing is encoded, nothing estimated; the same bytes.
    let first = bytes(&place);
    let refused = fisher(&place, &[]);
    assert_eq!(refused.code, Some(1), "{}", refused.stderr);
    assert!(refused.stderr.contains(OUT) && refused.stderr.contains("--force"), "{}", refused.stderr);
    let again = fisher(&place, &["--force"]);
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    assert!(again.stderr.contains("guide: 0 texts to encode"), "{}", again.stderr);
    assert!(!again.stderr.contains("estimating"), "{}", again.stderr);
    assert!(first == bytes(&place));
}

#[test]
fn threads_and_stores_change_no_byte_and_rows_and_batches_do() {
    let of = |threads: &str, more: &[&str]| {
        let place = place(&recipe("", INFONCE));
        let arguments = ["fisher", "recipe.toml", "--out", OUT, "--threads", threads, "--json"];
        let ended = place.end([&arguments[..], more].concat());
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        let said: Value = serde_json::from_str(&ended.stdout).expect("JSON");
        (bytes(&place), said)
    };
    let (one, said) = of("1", &[]);
    assert_eq!(said["report"]["rows"], 24);
    let header = String::from_utf8_lossy(&one[..8192]).into_owned();
    let key = said["origin"]["key"].as_str().expect("a key");
    assert!(header.contains(key) && header.contains("loss-infonce"), "{header}");
    assert!(one == of("2", &[]).0);
    let (sample, said) = of("2", &["--rows", "10", "--batch-size", "4"]);
    assert_eq!((&said["report"]["rows"], &said["report"]["batches"]), (&json!(8), &json!(2)));
    assert!(one != sample);
}

#[test]
fn what_cannot_be_estimated_is_one_clear_error_and_leaves_nothing_behind() {
    let infonce = || recipe("", INFONCE);
    let cases: [(&str, String, &[&str], &[&str]); 8] = [
        ("a slip of the pen", recipe("batch_sise = 1", INFONCE), &[], &["batch_sise", "did you mean"]),
        ("no loss", recipe("", ""), &[], &["loss"]),
        ("a folder that is not there", infonce(), &["--out", "none/x.safetensors"], &["none/x.safetensors"]),
        ("a folder", infonce(), &["--out", "base"], &["base is a folder"]),
        ("another base", infonce(), &["--base", "absent"], &["absent", "no model directory"]),
        (
            "no negatives",
            infonce(),
            &["--batch-size", "1", "--data", "bare.jsonl"],
            &["gradient is 0", "larger"],
        ),
        (
            "a plugin that cannot",
            infonce()
                .replace("\"candle\"", "\"loss-infonce\"")
                .replace("batch_size", "#")
                .replace("learning_rate", "#"),
            &[],
            &["has no `fisher/1`", "loss/1"],
        ),
        ("a graph without weights", infonce(), &["--base", "graph"], &["model.safetensors"]),
    ];
    for (what, recipe, more, expected) in cases {
        let place = place(&recipe);
        let row = |i: usize| json!({"query": format!("w{i}"), "positive": format!("w{}", i + 9)});
        place.write("bare.jsonl", (0..8).map(|i| format!("{}\n", row(i))).collect::<String>());
        for file in ["config.json", "modules.json", "tokenizer.json", "1_Pooling/config.json"] {
            place.write(&format!("graph/{file}"), fs::read(place.path("base").join(file)).expect("a file"));
        }
        place.write("graph/onnx/model.onnx", "a graph");
        let out = if more.contains(&"--out") { &[][..] } else { &["--out", OUT] };
        let arguments = ["fisher", "recipe.toml", "--store", "store", "--threads", "1"];
        let ended = place.end([&arguments[..], out, more].concat());
        assert_eq!(ended.code, Some(1), "{what}: {}", ended.stderr);
        for part in expected {
            assert!(ended.stderr.contains(part), "{what}: {part} is not in {}", ended.stderr);
        }
        assert!(!ended.stderr.contains("panicked"), "{what}: {}", ended.stderr);
        let left = fs::read_dir(place.path(".")).expect("the place").flatten();
        let left: Vec<_> = left.filter(|e| e.file_name().to_string_lossy().contains(OUT)).collect();
        assert!(left.is_empty() && !place.path("none").exists(), "{what} left {left:?}");
    }
    let place = place(&infonce());
    for wrong in [&["fisher", "recipe.toml"][..], &["fisher", "recipe.toml", "--out", "x", "--rows", "0"]] {
        assert_eq!(place.end(wrong).code, Some(2), "{wrong:?}");
    }
}
