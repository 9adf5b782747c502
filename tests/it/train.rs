//! Recipes: from training data to a model that the next run measures, whatever happens on the way.

use std::{
    fs,
    os::unix::process::ExitStatusExt,
    path::Path,
    process::Stdio,
    thread::sleep,
    time::{Duration, Instant},
};

use serde_json::json;

use crate::{
    place::{Ended, Place, bundled, named, root},
    tiny,
};

const ROWS: usize = 24;

/// Queries of even words and passages of the odd words beside them.
fn training_data() -> String {
    let word = |i: usize| format!("w{}", i % tiny::WORDS);
    let row = |i: usize| {
        json!({
            "query": format!("{} {}", word(2 * i), word(2 * i + 10)),
            "positive": format!("{} {} {}", word(2 * i + 1), word(2 * i + 11), word(i)),
            "parallel": format!("{} {}", word(2 * i + 21), word(2 * i + 31)),
            "negatives": [format!("{} {}", word(2 * i + 3), word(i + 7))],
            "languages": ["en", "ko"],
        })
    };
    (0..ROWS).map(|i| format!("{}\n", row(i))).collect()
}

/// A recipe for the tiny model, with these options of the trainer and these tables after it.
pub(crate) fn recipe(options: &str, rest: &str) -> String {
    format!(
        "name = \"tuned\"\nbase = \"base\"\noutput = \"tuned\"\n\n[data]\npath = \"rows.jsonl\"\n\n\
         [trainer]\nplugin = \"candle\"\n\n[trainer.options]\nbatch_size = 8\nlearning_rate = 1e-3\n\
         chunk_tokens = 64\n{options}\n\n{rest}"
    )
}

pub(crate) const GIST: &str = "[loss]\nplugin = \"gist\"\n\n[loss.options]\ntemperature = 0.05\n\n\
                    [guide]\nencoder = \"hashed\"\n\n";
pub(crate) const INFONCE: &str = "[loss]\nplugin = \"infonce\"\n";

/// A folder with the tiny model, the data and a recipe.
pub(crate) fn place(recipe: &str) -> Place {
    let place = Place::new();
    tiny::write(&place.path("base"), 0.1);
    place.write("rows.jsonl", training_data());
    place.write("recipe.toml", recipe);
    place
}

fn train(place: &Place, more: &[&str]) -> Ended {
    place.end([&["train", "recipe.toml", "--store", "store", "--threads", "2"], more].concat())
}

fn weights(folder: &Path) -> Vec<u8> {
    fs::read(folder.join("model.safetensors")).expect("weights")
}

#[test]
fn a_recipe_with_a_guide_and_a_validation_gives_a_model_that_is_measured() {
    let dataset = bundled(&["en", "ko"]).replace("[[datasets]]", "[validation.dataset]");
    let validation =
        format!("[validation]\nevery = 2\nscenario = \"multi\"\nmetric = \"ndcg@10\"\n\n{dataset}");
    let place = place(&recipe("epochs = 2", &format!("{GIST}{validation}")));
    let ended = train(&place, &[]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stderr.contains("guide: 72 texts to encode, 0 in the store"), "{}", ended.stderr);

    let log = fs::read_to_string(place.path("tuned/training.csv")).expect("the log");
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(lines.len(), 1 + 2 * ROWS / 8, "{log}");
    assert!(lines[0].starts_with("step,epoch,loss,"), "{log}");
    assert!(lines[2].rsplit(',').next().is_some_and(|score| !score.is_empty()), "validated at 2: {log}");
    assert_ne!(weights(&place.path("base")), weights(&place.path("tuned")));

    // The same recipe again: the model is in the store, the guide's texts too.
    let first = weights(&place.path("tuned"));
    fs::remove_dir_all(place.path("tuned")).expect("removed");
    let again = train(&place, &[]);
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    assert!(
        again.stderr.contains("0 to encode") || again.stderr.contains("0 texts to encode"),
        "{}",
        again.stderr
    );
    assert!(!again.stderr.contains("step 1/"), "nothing is trained again: {}", again.stderr);
    assert_eq!(first, weights(&place.path("tuned")));

    // A directory without a graph goes to the encoder that reads its weights.
    let models =
        "[[models]]\nname = \"base\"\npath = \"base\"\n\n[[models]]\nname = \"tuned\"\npath = \"tuned\"\n\n";
    let run = format!("{models}{}[run]\nscenarios = [\"multi\"]\n", bundled(&["en", "ko"]));
    place.write("bench.toml", run);
    let results = place.run("bench.toml", "out");
    assert_eq!(results.run_json()["models"]["tuned"]["plugin"]["id"], "encoder-candle");
    let best: f64 = lines[1..]
        .iter()
        .filter_map(|line| line.rsplit(',').next()?.parse().ok())
        .fold(f64::NEG_INFINITY, f64::max);
    let measured: Vec<f64> = results
        .scores()
        .iter()
        .filter(|row| row.model == "tuned" && row.metric == "ndcg@10")
        .map(|row| row.value)
        .collect();
    let mean = measured.iter().sum::<f64>() / measured.len() as f64;
    assert!((mean - best).abs() < 1e-9, "the best checkpoint is what is written: {mean} {best}");
}

#[test]
fn a_trained_model_is_exported_and_the_graph_checked() {
    let Some(runtime) = named("ORT_DYLIB_PATH") else { return };
    let runtime = runtime.display().to_string();
    let place = place(&recipe("", INFONCE));
    let ended = train(&place, &[]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let ended = place.end(["model", "export-onnx", "tuned", "--store", "store", "--ort", &runtime]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stderr.contains("checked: the graph gives the weights' embeddings"), "{}", ended.stderr);
    let graph = fs::read(place.path("tuned/onnx/model.onnx")).expect("a graph");
    place.write("base/onnx/model.onnx", &graph);
    let model = "[[models]]\nname = \"m\"\npath = \"base\"\n\n";
    place.write("bench.toml", format!("{model}{}[run]\nscenarios = [\"mono\"]\n", bundled(&["en"])));
    let results = place.run_with("bench.toml", "out", &["--ort", &runtime]);
    assert_eq!(results.run_json()["models"]["m"]["plugin"]["id"], "encoder-onnx", "a graph goes first");
}

#[test]
fn killed_and_started_again_gives_the_bytes_of_a_run_in_one_go() {
    let long = recipe("epochs = 30\ncheckpoint_every = 3", INFONCE);
    let whole = place(&long);
    let ended = train(&whole, &[]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);

    let place = place(&long);
    let mut killed = 0;
    for _ in 0..3 {
        let mut child = place
            .command(["train", "recipe.toml", "--store", "store", "--threads", "1"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        let before = checkpoints(&place);
        let started = Instant::now();
        while checkpoints(&place) == before
            && child.try_wait().expect("a child").is_none()
            && started.elapsed() < Duration::from_secs(60)
        {
            sleep(Duration::from_millis(2));
        }
        // Killed or done, both are an end.
        let _ = child.kill();
        killed += usize::from(child.wait().expect("it ended").signal().is_some());
    }
    assert!(killed > 0, "every attempt was faster than the killer");
    let ended = train(&place, &[]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    for file in ["model.safetensors", "training.csv", "clirbench.json"] {
        let read = |place: &Place| fs::read(place.path("tuned").join(file)).expect("a file");
        assert!(read(&whole) == read(&place), "{file}");
    }
}

/// Names and times of the checkpoints in the store.
fn checkpoints(place: &Place) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![place.path("store/work")];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.path().is_dir() {
                open.push(entry.path());
            }
            let modified = entry.metadata().and_then(|meta| meta.modified()).ok();
            found.push(format!("{} {modified:?}", entry.path().display()));
        }
    }
    found.sort();
    found
}

#[test]
fn bad_recipes_and_data_are_one_clear_error_and_leave_nothing_behind() {
    let lacking = training_data().replacen("\"parallel\"", "\"languages\": [], \"label\": 1, \"x\"", 1);
    let cases: [(&str, String, Option<String>, &[&str]); 8] = [
        ("a slip of the pen", recipe("learning_rat = 1", INFONCE), None, &["learning_rat", "did you mean"]),
        ("no such loss", recipe("", "[loss]\nplugin = \"infonse\"\n"), None, &["infonse", "infonce"]),
        ("no guide", recipe("", "[loss]\nplugin = \"gist\"\n"), None, &["guide", "[guide]"]),
        ("empty data", recipe("", INFONCE), Some("\n".into()), &["rows.jsonl", "no row"]),
        ("a bad row", recipe("", INFONCE), Some(lacking), &["rows.jsonl:1", "unknown field"]),
        (
            "no base",
            recipe("", INFONCE).replace("\"base\"", "\"absent\""),
            None,
            &["absent", "no model directory"],
        ),
        (
            "a learning rate that nothing survives",
            recipe("epochs = 20\nmax_grad_norm = 0", INFONCE).replace("1e-3", "1e38"),
            None,
            &["step"],
        ),
        (
            "an impossible batch",
            recipe("", "[loss]\nplugin = \"jsd-infonce\"\n").replace("batch_size = 8", "batch_size = 0"),
            None,
            &["batch_size"],
        ),
    ];
    for (what, recipe, data, expected) in cases {
        let place = place(&recipe);
        if let Some(data) = data {
            place.write("rows.jsonl", data);
        }
        let ended = train(&place, &[]);
        assert_eq!(ended.code, Some(1), "{what}: {}", ended.stderr);
        for part in expected {
            assert!(ended.stderr.contains(part), "{what}: {part} is not in {}", ended.stderr);
        }
        assert!(!ended.stderr.contains("panicked"), "{what}: {}", ended.stderr);
        assert!(!place.path("tuned").exists(), "{what} left a directory behind");
    }
}

#[test]
fn a_directory_that_no_training_wrote_is_not_replaced() {
    let place = place(&recipe("", INFONCE));
    place.write("tuned/thesis.txt", "mine");
    let ended = train(&place, &[]);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(ended.stderr.contains("--force"), "{}", ended.stderr);
    assert!(place.path("tuned/thesis.txt").exists());
    let forced = train(&place, &["--force"]);
    assert_eq!(forced.code, Some(0), "{}", forced.stderr);
    assert!(place.path("tuned/model.safetensors").exists());
}

#[test]
fn base_with_missing_tensors_is_refused_by_name() {
    let place = place(&recipe("", INFONCE));
    let config = place.path("base/config.json");
    let text = fs::read_to_string(&config).expect("config.json");
    fs::write(&config, text.replace("\"num_hidden_layers\":2", "\"num_hidden_layers\":3")).expect("written");
    let ended = train(&place, &[]);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(ended.stderr.contains("encoder.layer.2."), "{}", ended.stderr);
    assert!(!place.path("tuned").exists());
}

#[test]
fn the_committed_recipes_train() {
    let folder = root().join("datasets/recipes");
    let mut recipes = Vec::new();
    for paper in fs::read_dir(&folder).expect("recipes").flatten() {
        let files = fs::read_dir(paper.path()).expect("a paper's recipes").flatten();
        recipes.extend(files.map(|file| file.path()));
    }
    // A paper's data may have a recipe too.
    recipes.retain(|path| fs::read_to_string(path).expect("a recipe").contains("\n[trainer]\n"));
    recipes.sort();
    assert_eq!(recipes.len(), 10, "{recipes:?}");
    let place = place("");
    for (i, recipe) in recipes.iter().enumerate() {
        let text = fs::read_to_string(recipe).expect("a recipe");
        // Rows with as many negatives as the paper has, and a guide that needs no download.
        let text = text.replace("path = \"bge-m3\"", "encoder = \"hashed\"");
        let text =
            text.replace("batch_size = 512", "batch_size = 8").replace("batch_size = 32", "batch_size = 8");
        let text =
            text.replace("batch_size = 256", "batch_size = 8").replace("batch_size = 128", "batch_size = 8");
        let text = text.replace("negatives = 6", "negatives = 1").replace("epochs = 10", "epochs = 2");
        place.write(
            "recipe.toml",
            text.replace("max_length = 512", "max_length = 32")
                .replace("max_length = 128", "max_length = 16"),
        );
        let out = format!("tuned-{i}");
        let ended = train(&place, &["--base", "base", "--data", "rows.jsonl", "--out", &out]);
        assert_eq!(ended.code, Some(0), "{}: {}", recipe.display(), ended.stderr);
        assert!(place.path(&out).join("model.safetensors").exists(), "{}", recipe.display());
    }
}
