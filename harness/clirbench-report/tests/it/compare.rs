use clirbench_core::compare::{CompareOptions, MetricChoice, compare};
use clirbench_core::results::ScoreRow;
use clirbench_report::compare::{Rendering, read_side};
use clirbench_report::{Options, Results, write_all};

use crate::fixture::run;

/// HEAD: every query of kdc clir en-ko loses 0.125, of xquad clir en-ko wins 0.25; kdc mono en-en is gone.
fn head() -> Results {
    let mut results = run();
    let shift = |row: &ScoreRow| match (&*row.dataset, &*row.scenario, &*row.query_lang) {
        ("kdc", "clir", "en") => -0.125,
        ("xquad", "clir", "en") => 0.25,
        _ => 0.0,
    };
    for row in &mut results.scores {
        let by = shift(row);
        row.value += by;
        row.ci_low += by;
        row.ci_high += by;
        for block in results.per_query.iter_mut().filter(|b| b.cell == row.cell() && b.metric == row.metric) {
            block.values.iter_mut().for_each(|v| *v += by);
        }
    }
    results.scores.retain(|row| (&*row.scenario, &*row.query_lang) != ("mono", "en"));
    results.run["clirbench"] = "0.0.1".into();
    results
}

fn sides() -> (clirbench_core::compare::Side, clirbench_core::compare::Side) {
    let read = |results: &Results| {
        let dir = tempfile::tempdir().expect("a temporary folder");
        write_all(dir.path(), results, &Options::default()).expect("written");
        read_side(dir.path()).expect("read")
    };
    (read(&run()), read(&head()))
}

#[test]
fn a_side_is_what_the_folder_holds() {
    let (base, _) = sides();
    let run = run();
    assert_eq!((base.scores, base.per_query), (run.scores, run.per_query));
    let hashes: Vec<_> = base.dataset_hashes.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    assert_eq!(hashes, [("kdc", "b3:11"), ("xquad", "b3:22")]);
}

#[test]
fn a_lone_scores_file_is_a_side_without_per_query_values() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    write_all(dir.path(), &run(), &Options::default()).expect("written");
    let side = read_side(&dir.path().join("scores.csv")).expect("read");
    assert_eq!(side.scores, run().scores);
    assert!(side.per_query.is_empty() && side.dataset_hashes.is_empty());
    let empty = tempfile::tempdir().expect("a temporary folder");
    let error = read_side(empty.path()).expect_err("no scores.csv").to_string();
    assert!(error.starts_with("cannot read ") && error.contains("scores.csv"), "{error}");
}

#[test]
fn the_four_formats() {
    let (base, head) = sides();
    let comparison = compare(&base, &head, &CompareOptions::default()).expect("comparable");
    insta::assert_snapshot!("compare.txt", comparison.text(false));
    insta::assert_snapshot!("compare.md", comparison.markdown());
    let table = String::from_utf8(comparison.csv().expect("rendered")).expect("text");
    insta::assert_snapshot!("compare.csv", table);
    let document = comparison.json().expect("rendered");
    let value: serde_json::Value = serde_json::from_str(&document).expect("JSON");
    assert_eq!(value["rows"].as_array().map(Vec::len), Some(comparison.rows.len()));
    insta::assert_snapshot!("compare.json", serde_json::to_string_pretty(&value["rows"][0]).expect("JSON"));
}

#[test]
fn colour_only_when_asked() {
    let (base, head) = sides();
    let options = CompareOptions { metrics: MetricChoice::All, ..CompareOptions::default() };
    let comparison = compare(&base, &head, &options).expect("comparable");
    let coloured = comparison.text(true);
    let plain = comparison.text(false);
    assert!(
        !plain.contains('\x1b') && coloured.contains("\x1b[31mworse") && coloured.contains("\x1b[32mbetter")
    );
    let stripped =
        ["\x1b[31m", "\x1b[32m", "\x1b[0m"].iter().fold(coloured, |text, code| text.replace(code, ""));
    assert_eq!(stripped, plain);
}
