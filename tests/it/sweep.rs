//! Merges that nobody writes: measured as if they were written, swept, chosen among, resumed.

use std::{
    fs,
    path::Path,
    process::Stdio,
    thread::sleep,
    time::{Duration, Instant},
};

use clirbench_core::results::ScoreRow;
use clirbench_model::{TensorSpec, TensorWriter, Tensors};
use clirbench_report::scores::read_scores;

use crate::{
    place::{Ended, Place, bundled, plugin_arguments},
    results::{Results, assert_same_tables},
    tiny,
};

/// A model like `from` with other weights, of type F32 or F16.
fn variant(from: &Path, to: &Path, seed: u32, dtype: &str) {
    tiny::write(to, 0.1);
    let tensors = Tensors::open(from).expect("the tiny model");
    let names: Vec<String> = tensors.names().map(str::to_owned).collect();
    let spec = |name: &String| {
        let (_, shape) = tensors.describe(name).expect("a tensor");
        TensorSpec { name: name.clone(), dtype: dtype.to_owned(), shape: shape.to_vec() }
    };
    let mut writer = TensorWriter::create(to, names.iter().map(spec).collect(), u64::MAX).expect("a writer");
    let mut state = seed;
    for name in &names {
        let values = tensors.read(name).and_then(|t| t.to_f32()).expect("floats");
        let moved = values.into_iter().map(|value| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            value + ((state >> 8) as f32 / (1u32 << 24) as f32 - 0.5) * 0.3
        });
        let bytes: Vec<u8> = if dtype == "F16" {
            moved.flat_map(|value| half::f16::from_f32(value).to_le_bytes()).collect()
        } else {
            moved.flat_map(f32::to_le_bytes).collect()
        };
        writer.write(name, &bytes).expect("written");
    }
    writer.finish().expect("written");
}

/// Models `a` to `c`, and texts of the words that they know, in a folder.
fn models(dtype: &str) -> Place {
    let place = Place::new();
    let mut state = 1u32;
    for language in ["en", "es", "ko"] {
        let lines = (0..60).map(|line| {
            let word = |_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                format!("w{} ", (state >> 16) as usize % tiny::WORDS)
            };
            // A word that only parallel lines share, so that models differ in more than chance.
            format!("w{line} {}\n", (0..3).map(word).collect::<String>().trim_end())
        });
        place.write(&format!("words/{language}.txt"), lines.collect::<String>());
    }
    tiny::write(&place.path("a"), 0.1);
    for (seed, name) in [(7, "b"), (8, "c")] {
        variant(&place.path("a"), &place.path(name), seed, dtype);
    }
    place
}

/// The texts in two languages, as a dataset of that name.
fn words(table: &str, name: &str, languages: [&str; 2]) -> String {
    format!(
        "[[{table}]]\nname = \"{name}\"\nformat = \"bitext\"\npath = \"words\"\n\
         files = \"{{lang}}.txt\"\nlanguages = {languages:?}\n\n"
    )
}

fn without_model(rows: &[ScoreRow], model: &str) -> Vec<ScoreRow> {
    let of = rows.iter().filter(|row| row.model == model).cloned();
    of.map(|row| ScoreRow { model: String::new(), ..row }).collect()
}

#[test]
fn a_merge_measures_the_same_written_or_not() {
    for (dtype, method, recipe) in [
        ("F32", "uniform", "method = \"uniform\""),
        ("F16", "ties", "method = \"ties\", base = \"a\", options = { density = 0.5 }"),
    ] {
        let place = models(dtype);
        let base: &[&str] = if method == "ties" { &["--base", "a", "--option", "density=0.5"] } else { &[] };
        let merge = [&["merge", "--method", method, "b", "c", "--out", "written"], base].concat();
        let ended = place.end(merge);
        assert_eq!(ended.code, Some(0), "{method}: {}", ended.stderr);
        let bench = format!(
            "[[models]]\nname = \"b\"\npath = \"b\"\n\n[[models]]\nname = \"written\"\npath = \"written\"\n\n\
             [[models]]\nname = \"merge\"\nmerge = {{ {recipe}, models = [{{ path = \"b\" }}, {{ path = \"c\" }}] }}\n\n\
             {}[run]\nscenarios = [\"clir\", \"multi\"]\n",
            words("datasets", "words", ["en", "es"])
        );
        place.write("bench.toml", bench);
        let results = place.run("bench.toml", "out");
        let rows = results.scores();
        let merged = without_model(&rows, "merge");
        assert!(!merged.is_empty(), "{method}");
        assert_eq!(merged, without_model(&rows, "written"), "{method}");
        assert_ne!(merged, without_model(&rows, "b"), "{method}: the weights did not get through");
        let entry = &results.run_json()["models"]["merge"]["merge"];
        assert_eq!((&entry["method"], &entry["parents"][1]), (&method.into(), &"c".into()));
    }
}

#[test]
fn an_encoder_that_does_not_take_merged_weights_says_so() {
    let place = models("F32");
    let bench = format!(
        "[[models]]\nname = \"m\"\nencoder = \"lookup-encoder\"\n\
         merge = {{ method = \"uniform\", models = [{{ path = \"a\" }}, {{ path = \"b\" }}] }}\n\n\
         {}[run]\nscenarios = [\"mono\"]\n",
        bundled(&["en"])
    );
    place.write("bench.toml", bench);
    let ended =
        place.end([place.run_arguments("bench.toml", "out"), plugin_arguments(&["lookup-encoder"])].concat());
    assert_ne!(ended.code, Some(0), "{}", ended.stdout);
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
}

/// Three checkpoints; chosen on English and Spanish, reported on English and Korean.
fn sweep_file(selection: &str) -> String {
    let checkpoints: String =
        ["a", "b", "c"].map(|n| format!("[[checkpoints]]\nname = \"{n}\"\npath = \"{n}\"\n\n")).concat();
    format!(
        "encoder = \"candle\"\n\n{checkpoints}{selection}{}[run]\nscenarios = [\"clir\", \"mono\"]\nshard = 16\n",
        words("datasets", "words", ["en", "ko"])
    )
}

fn selection() -> String {
    let dataset = words("selection.datasets", "dev", ["en", "es"]);
    format!("[selection]\nsoup = true\noutput = \"winners\"\n\n{dataset}")
}

const SWEEP: [&str; 7] = ["sweep", "sweep.toml", "--out", "out", "--store", "store", "--threads=2"];

fn sweep(place: &Place) -> Ended {
    let ended = place.end(SWEEP);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    ended
}

#[test]
fn a_sweep_measures_every_pair_and_writes_only_the_winner() {
    let place = models("F32");
    place.write("sweep.toml", sweep_file(&selection()));
    sweep(&place);
    let results = Results::of(place.path("out"));
    let mut names: Vec<String> = results.scores().into_iter().map(|row| row.model).collect();
    names.dedup();
    names.retain(|name| name != "soup");
    assert_eq!(names, ["a", "b", "c", "a+b", "a+c", "b+c"]);

    let page = fs::read_to_string(place.path("out/sweep.md")).expect("the report");
    assert!(page.contains("Selection and reported data are not separate"), "English is in both: {page}");
    assert!(page.contains("| a | alone |") && page.contains("|  | b |"), "{page}");
    let written: Vec<String> = fs::read_dir(place.path("winners"))
        .expect("winners")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    let [winner] = written.as_slice() else { panic!("one winner: {written:?}") };
    assert!(page.contains(&format!("| {winner} | ")) && page.contains("**winner**"), "{page}");

    // The winner is the best merge on the selection data, by the numbers that were written.
    let rows = read_scores(&place.path("out/selection/scores.csv")).expect("scores of the selection");
    let score = |model: &str| {
        let of = |scenario: &str| {
            let values: Vec<f64> = rows
                .iter()
                .filter(|r| {
                    (r.model.as_str(), r.scenario.as_str(), r.metric.as_str()) == (model, scenario, "ndcg@10")
                })
                .map(|r| r.value)
                .collect();
            values.iter().sum::<f64>() / values.len() as f64
        };
        (of("clir") + of("mono")) / 2.0
    };
    if winner != "soup" {
        assert!(["a+b", "a+c", "b+c"].iter().all(|pair| score(pair) <= score(winner)), "{winner}");
    }

    // Again: everything is in the store, the same bytes come out.
    let tables = results.tables();
    let again = sweep(&place);
    assert!(again.stderr.contains(" 0 texts encoded"), "{}", again.stderr);
    assert_same_tables(&tables, &results.tables(), "the second time");
    assert_eq!(page, fs::read_to_string(place.path("out/sweep.md")).expect("the report"));
}

#[test]
fn a_sweep_that_was_killed_goes_on() {
    let whole = models("F32");
    whole.write("sweep.toml", sweep_file(""));
    sweep(&whole);
    let place = models("F32");
    place.write("sweep.toml", sweep_file(""));
    let shards = || {
        let groups = fs::read_dir(place.path("store/objects/embed")).into_iter().flatten().flatten();
        groups.map(|group| fs::read_dir(group.path()).map_or(0, Iterator::count)).sum::<usize>()
    };
    let mut child =
        place.command(SWEEP).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts");
    let started = Instant::now();
    while shards() < 20 && started.elapsed() < Duration::from_secs(60) {
        sleep(Duration::from_millis(2));
    }
    child.kill().expect("it was running");
    child.wait().expect("it ended");
    let kept = shards();
    assert!(kept >= 20, "{kept} shards");
    let ended = sweep(&place);
    assert!(
        !ended.stderr.contains("from the store; ") || !ended.stderr.contains(" 0 from the store"),
        "{}",
        ended.stderr
    );
    assert_same_tables(
        &Results::of(whole.path("out")).tables(),
        &Results::of(place.path("out")).tables(),
        "killed and started again",
    );
    let read = |place: &Place| fs::read_to_string(place.path("out/sweep.md")).expect("the report");
    assert_eq!(read(&whole), read(&place));
}

fn way(text: &str) -> String {
    format!("[[merge]]\n{text}\n\n")
}

#[test]
fn a_merge_that_fails_costs_its_own_cells_and_the_winner() {
    let place = models("F32");
    place.write("sweep.toml", sweep_file(&format!("{}{}", way("method = \"ties\""), selection())));
    let ended = place.end(SWEEP);
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    for part in ["ties(a+b)", "none is given", "no winner is written"] {
        assert!(ended.stderr.contains(part), "{part} is not in {}", ended.stderr);
    }
    let rows = Results::of(place.path("out")).scores();
    assert!(rows.iter().any(|row| row.model == "c") && !place.path("winners").exists());
}

#[test]
fn bad_sweeps_are_one_clear_error() {
    let cases = [
        (sweep_file(&way("method = \"unifrom\"")), "unifrom"),
        (sweep_file(&way("method = \"uniform\"\nweights = [0.3]")), "weights"),
        (sweep_file(&way("method = \"uniform\"\nwith = \"d\"")), "no checkpoint"),
        (sweep_file("[selection]\nmetric = \"max@r\"\n\n"), "falls"),
        (sweep_file("[selection]\nmetric = \"ndgc\"\n\n"), "ndgc"),
        (sweep_file("[selection]\nmetric = \"hit@3\"\n\n"), "no cell of the selection"),
        (sweep_file("").replacen("path = \"b\"", "path = \"nowhere\"", 1), "nowhere"),
        (sweep_file("").replacen("name = \"b\"", "name = \"a\"", 1), "twice"),
        (sweep_file("").replacen("name = \"b\"", "name = \"soup\"", 1), "greedy soup"),
    ];
    for (text, part) in cases {
        let place = models("F32");
        place.write("sweep.toml", &text);
        let ended = place.end(SWEEP);
        assert_eq!(ended.code, Some(1), "{part}: {}", ended.stderr);
        assert!(ended.stderr.contains(part), "{part} is not in {}", ended.stderr);
        assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
    }
}
