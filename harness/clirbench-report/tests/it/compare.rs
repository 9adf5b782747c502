use std::path::Path;

use clirbench_core::compare::{CompareOptions, MetricChoice, compare, inheritance, tiers};
use clirbench_core::results::ScoreRow;
use clirbench_report::compare::{Rendering, SideFiles, parse_side, read_side};
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

/// The fixture with a third model, merged from the two others, which is a little better than both.
fn merged() -> Results {
    let mut results = run();
    let shifted = |value: f64| (value + 0.03125).min(1.0);
    let own: Vec<_> = results.scores.iter().filter(|row| row.model == "hashed").cloned().collect();
    for mut row in own {
        let block =
            results.per_query.iter().find(|b| b.cell == row.cell() && b.metric == row.metric).cloned();
        row.model = "merged".to_owned();
        if let Some(mut block) = block {
            block.cell.model = "merged".to_owned();
            block.values.iter_mut().for_each(|value| *value = shifted(*value));
            row.value = block.values.iter().sum::<f64>() / block.values.len() as f64;
            results.per_query.push(block);
        }
        results.scores.push(row);
    }
    results.run["models"] = serde_json::json!({
        "hashed": {},
        "merged": {"merge": {"method": "slerp", "parents": ["hashed", "bge-m3 (병합)"]}},
    });
    results
}

#[test]
fn ranks_and_parents() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    write_all(dir.path(), &merged(), &Options::default()).expect("written");
    let side = read_side(dir.path()).expect("read");
    assert_eq!(side.parents["merged"], ["hashed", "bge-m3 (병합)"]);
    let ranked = tiers(std::slice::from_ref(&side), &CompareOptions::default()).expect("three models");
    insta::assert_snapshot!("tiers.txt", ranked.text(true));
    insta::assert_snapshot!("tiers.md", ranked.markdown());
    let found = inheritance(&side, "merged", &[], &CompareOptions::default()).expect("measured");
    insta::assert_snapshot!("parents.txt", found.text(true));
    insta::assert_snapshot!("parents.md", found.markdown());
    for csv in [ranked.csv(), found.csv()] {
        let table = String::from_utf8(csv.expect("rendered")).expect("text");
        let columns = table.lines().next().expect("a header").split(',').count();
        assert!(table.lines().all(|line| line.split(',').count() == columns), "{table}");
    }
}

#[test]
fn a_side_from_bytes_is_the_side_of_the_folder() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    write_all(dir.path(), &merged(), &Options::default()).expect("written");
    let bytes = |name: &str| std::fs::read(dir.path().join(name)).expect("written");
    let [scores, per_query, run] = ["scores.csv", "per_query.parquet", "run.json"].map(bytes);
    let per_query = vec![("per_query.parquet".to_owned(), per_query)];
    let files = SideFiles { scores, per_query, run: Some(run) };
    let side = parse_side(Path::new("git:main:results"), files.clone()).expect("read");
    assert_eq!(side, read_side(dir.path()).expect("read"));

    let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n".to_vec();
    let files = SideFiles { per_query: vec![("per_query.parquet".to_owned(), pointer)], ..files };
    let error = parse_side(Path::new("git:main:results"), files).expect_err("a pointer").to_string();
    assert!(error.starts_with("git:main:results/per_query.parquet: a Git LFS pointer"), "{error}");
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
