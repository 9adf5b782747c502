//! Records and leaderboards, without a run: numbers by hand.

use std::fs;
use std::path::Path;

use clirbench_core::results::{QueryValues, ScoreRow};
use clirbench_report::records::{self, Effect, Record, Recorded};
use serde_json::{Value, json};

/// A record of CLIR from English into one language, nDCG@10 of two queries.
fn record(model: &str, dataset: &str, value: f64) -> Recorded {
    let stamp = json!({"id": "encoder-x", "version": "1.0.0", "sha256": "5a"});
    let description = json!({
        "record": Record::VERSION,
        "model": {
            "name": model,
            "hash": format!("{model}-hash"),
            "plugin": stamp,
            "entry": {"name": model},
            "files": [],
            "runtime": "by hand",
            "warnings": [format!("{model} is made up")],
        },
        "dataset": {
            "name": dataset,
            "hash": format!("{dataset}-hash"),
            "entry": {"name": dataset},
            "queries": 2,
            "documents": 9,
            "notes": ["clir: short"],
        },
        "configuration": {
            "documents": "unique",
            "copies": "own",
            "scenarios": [{"scenario": "clir", "plugin": "scenario-clir", "config": {}}],
            "ties": "trec",
            "resamples": 1000,
            "seed": 42,
            "confidence": 0.95,
            "dtype": "f32",
            "shard": 512,
            "hash": "configuration-hash",
        },
        "measured": {
            "clirbench": "1.0.0",
            "os": "linux",
            "architecture": "x86_64",
            "device": "cpu",
            "scenarios": [],
        },
    });
    let score = ScoreRow {
        model: model.into(),
        dataset: dataset.into(),
        documents: "unique".into(),
        scenario: "clir".into(),
        query_lang: "en".into(),
        pool_langs: "ko".into(),
        metric: "ndcg@10".into(),
        value,
        ci_low: 0.0,
        ci_high: 1.0,
        queries: 2,
        pool_size: 9,
    };
    let per_query = QueryValues {
        cell: score.cell(),
        metric: score.metric.clone(),
        queries: vec!["q1".into(), "q2".into()],
        values: vec![value, value],
    };
    Recorded {
        record: serde_json::from_value(description).expect("a description"),
        scores: vec![score],
        per_query: vec![per_query],
        bias: vec![],
    }
}

fn added(board: &Path, new: &[Recorded]) -> Vec<Effect> {
    let added = records::add(board, new, false).expect("added");
    added.into_iter().map(|a| a.effect).collect()
}

fn text(board: &Path, name: &str) -> String {
    fs::read_to_string(board.join(name)).expect("a file")
}

#[test]
fn a_record_comes_back_as_it_was_added() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let new = [record("b", "d", 0.5), record("a", "d", 0.25)];
    assert_eq!(added(dir.path(), &new), [Effect::New, Effect::New]);
    assert_eq!(added(dir.path(), &new), [Effect::Unchanged, Effect::Unchanged]);
    let mut back = records::read_all(dir.path()).expect("read");
    for recorded in &mut back {
        assert_eq!(recorded.record.files.len(), 3);
        recorded.record.files.clear();
    }
    assert_eq!(back, [new[1].clone(), new[0].clone()]);
}

#[test]
fn the_best_of_clir_comes_first_and_who_lacks_a_cell_last() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let new = [
        record("aa", "d", 0.875),
        record("low", "d", 0.25),
        record("low", "e", 0.25),
        record("high", "e", 0.5),
        record("high", "d", 0.5),
        record("ab", "e", 0.9375),
    ];
    added(dir.path(), &new);
    records::build(dir.path()).expect("built");
    let rows = text(dir.path(), "rows.csv");
    let rows: Vec<&str> = rows
        .lines()
        .skip(1)
        .map(|line| line.match_indices(',').nth(1).map_or(line, |(at, _)| &line[..at]))
        .collect();
    assert_eq!(rows, ["high,d", "high,e", "low,d", "low,e", "aa,d", "ab,e"]);
    let page = text(dir.path(), "leaderboard.md");
    for line in
        ["- d, clir: short\n", "- ab: ab is made up\n", "| low | e | low-hash | encoder-x 1.0.0 | 5a |"]
    {
        assert_eq!(page.matches(line).count(), 1, "{line} in {page}");
    }
    let run: Value = serde_json::from_str(&text(dir.path(), "run.json")).expect("JSON");
    assert_eq!(run["datasets"]["e"]["hash"], "e-hash");
    assert_eq!(run["records"], 6);
}

#[test]
fn a_change_is_named_and_what_does_not_compare_is_refused() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    added(dir.path(), &[record("a", "d", 0.5), record("b", "d", 0.5)]);

    // Another build of the plugin that gives the same numbers changes nothing.
    let mut rebuilt = record("a", "d", 0.5);
    rebuilt.record.model.plugin.sha256 = "5b".into();
    assert_eq!(added(dir.path(), &[rebuilt.clone()]), [Effect::Unchanged]);
    // One that gives others replaces the row.
    let mut other = record("a", "d", 0.75);
    other.record.model.plugin.sha256 = "5b".into();
    let plugin = "plugin encoder-x 1.0.0 5a -> encoder-x 1.0.0 5b".to_owned();
    let expected = Effect::Replaced(vec![plugin, "1 of 1 scores".to_owned()]);
    assert_eq!(added(dir.path(), &[other]), [expected]);

    type Change = fn(&mut Record);
    let refusals: [(Change, &str); 4] = [
        (|r| r.dataset.hash = "others".into(), "data d-hash -> others"),
        (|r| r.configuration.seed = 1, "seed 42 -> 1"),
        (|r| r.configuration.scenarios[0].config = json!({"languages": ["en"]}), "scenario clir"),
        (|r| r.configuration.hash = "others".into(), "configuration configuratio -> others"),
    ];
    for (change, words) in refusals {
        let mut changed = record("a", "d", 0.75);
        change(&mut changed.record);
        let error = records::add(dir.path(), &[changed], false).expect_err(words).to_string();
        assert!(error.contains("a/d was measured differently") && error.contains(words), "{error}");
    }
    for name in ["..", ".hidden", "a/b", ""] {
        let error = records::add(dir.path(), &[record(name, "d", 0.5)], false).expect_err(name);
        assert!(error.to_string().contains("is no name of a folder"), "{error}");
    }
}

#[test]
fn a_record_that_is_not_whole_is_named() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    added(dir.path(), &[record("a", "d", 0.5)]);
    let folder = dir.path().join("records/a/d");
    let description = fs::read_to_string(folder.join("record.json")).expect("a file");
    let cases = [
        (description.replace("\"record\": 1", "\"record\": 2"), "version 2"),
        (description.replace("\"name\": \"a\"", "\"name\": \"z\""), "the record of z/d"),
        (description.replace("\"seed\"", "\"sead\""), "sead"),
        (description[..description.len() / 2].to_owned(), "record.json"),
    ];
    for (text, words) in cases {
        fs::write(folder.join("record.json"), text).expect("written");
        let error = records::read_all(dir.path()).expect_err(words).to_string();
        assert!(error.contains("records/a/d") && error.contains(words), "{error}");
        assert!(error.contains("add the run again"), "{error}");
    }
    fs::remove_file(folder.join("record.json")).expect("removed");
    assert!(
        records::read_all(dir.path()).expect_err("no description").to_string().contains("no record.json")
    );
    // What cannot be read can be replaced.
    assert_eq!(added(dir.path(), &[record("a", "d", 0.5)]), [Effect::New]);
    assert_eq!(records::read_all(dir.path()).expect("read").len(), 1);
}
