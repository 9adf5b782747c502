//! The same bytes with one thread and with two.

use crate::{
    place::{Place, beside, bundled, model, named},
    results::{Results, assert_same_tables},
};

/// Runs the same bench with one thread and with two, from empty stores.
fn assert_same_with_one_thread_and_two(bench: &str, more: &[&str]) {
    let run = |threads: &str| -> (Place, Results) {
        let place = Place::new();
        place.write("bench.toml", bench);
        let mut arguments =
            vec!["run", "bench.toml", "--out", "out", "--store", "store", "--threads", threads];
        arguments.extend(more);
        let ended = place.end(arguments);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        let results = Results::of(place.path("out"));
        (place, results)
    };
    let ((_kept, one), (_kept_too, two)) = (run("1"), run("2"));
    assert_eq!(one.run_json()["machine"]["threads"], 1);
    assert_eq!(two.run_json()["machine"]["threads"], 2);
    assert_same_tables(&one.tables(), &two.tables(), "one thread and two");
    assert_eq!(
        std::fs::read(one.folder.join("per_query.parquet")).expect("per-query values"),
        std::fs::read(two.folder.join("per_query.parquet")).expect("per-query values"),
    );
}

#[test]
fn feature_hashing() {
    let bench = [
        model("hashed", "hashed", ""),
        bundled(&["en", "ko", "es", "zh"]),
        "[run]\nscenarios = [\"mono\", \"clir\", \"multi\", \"multi-1\", \"pool-all\"]\n".to_owned(),
    ];
    assert_same_with_one_thread_and_two(&bench.concat(), &[]);
}

#[test]
fn a_pretrained_encoder() {
    let Some(data) = beside("data/xquad") else { return };
    let (Some(minilm), Some(onnxruntime)) = (named("CLIRBENCH_MINILM"), named("ORT_DYLIB_PATH")) else {
        return;
    };
    let bench = format!(
        "[[models]]\nname = \"minilm\"\npath = \"{}\"\noptions = {{ variant = \"fp32\" }}\n\n\
         [[datasets]]\nname = \"xquad\"\nformat = \"xquad\"\npath = \"{}\"\nlanguages = [\"en\", \"es\"]\n",
        minilm.display(),
        data.display()
    );
    assert_same_with_one_thread_and_two(&bench, &["--ort", onnxruntime.to_str().expect("UTF-8")]);
}
