//! Published figures: the tables that the program carries, and a run beside them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use clirbench_core::published::{PublishedOptions, compare_published};
use clirbench_core::results::ScoreRow;
use clirbench_report::published::{SOURCES, csv, json, markdown, source, text};

/// The tables from which `datasets/published` was made; `None`, and a printed reason, where they are not.
pub(crate) fn tidy() -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/published");
    if !path.exists() {
        println!("skipped: ../shared/data/published is absent");
        return None;
    }
    Some(path)
}

/// Rows of a CSV text as maps from column to field.
fn rows(text: &str) -> Vec<BTreeMap<String, String>> {
    let mut lines = text.lines().map(fields);
    let header = lines.next().expect("a header");
    lines.map(|line| header.iter().cloned().zip(line).collect()).collect()
}

fn fields(line: &str) -> Vec<String> {
    let mut out = vec![String::new()];
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => out.push(String::new()),
            c => out.last_mut().expect("one field at least").push(c),
        }
    }
    out
}

#[test]
fn every_value_of_the_papers_is_there_as_it_was_read() {
    let Some(folder) = tidy() else { return };
    let mut values = 0;
    for source in SOURCES.iter().filter(|s| s.name != "mteb") {
        for (name, ours) in source.files {
            let theirs = std::fs::read_to_string(folder.join(name)).expect("the same files");
            let (ours, theirs) = (rows(ours), rows(&theirs));
            assert_eq!(ours.len(), theirs.len(), "{name}");
            for (ours, theirs) in ours.iter().zip(&theirs) {
                values += 1;
                let same = [("source", "paper"), ("pool_langs", "doc_langs")];
                let plain = ["table", "model", "dataset", "query_lang", "value"].map(|c| (c, c));
                for (our, their) in same.into_iter().chain(plain) {
                    assert_eq!(ours[our], theirs[their], "{name}: {ours:?}");
                }
                assert!(ours["metric"].starts_with(&theirs["metric"]), "{name}: {ours:?}");
                // Renamed variants say no less than they did.
                let renamed = ours["variant"].split(':').next() == Some(&*theirs["variant"]);
                assert!(
                    renamed || matches!(*name, "hong2026-ablation.csv" | "jang2025-merging.csv"),
                    "{ours:?}"
                );
            }
        }
    }
    assert_eq!(values, 2757);
}

/// A cell is in a table once, whatever was renamed; units and scenarios are those that are documented.
#[test]
fn tables_are_tidy() {
    for source in SOURCES {
        let mut seen = BTreeSet::new();
        for (name, text) in source.files {
            assert!(text.ends_with('\n') && !text.contains('\r'), "{name}");
            for row in rows(text) {
                assert!(
                    matches!(&*row["unit"], "percent" | "fraction" | "rank" | "ratio"),
                    "{name}: {row:?}"
                );
                let scenario = &*row["scenario"];
                assert!(
                    matches!(scenario, "mono" | "clir" | "multi" | "rerank" | "overall"),
                    "{name}: {row:?}"
                );
                let key: Vec<_> = row.iter().filter(|(k, _)| *k != "value").map(|(_, v)| v.clone()).collect();
                assert!(seen.insert(key), "{name}: twice {row:?}");
            }
        }
        assert_eq!(rows(&source.csv()).len(), source.figures().len());
    }
    assert!(source("hong2025").expect_err("no such paper").to_string().contains("hong2026, jang2025"));
}

#[test]
fn an_erratum_is_a_figure_with_what_would_follow() {
    for source in SOURCES {
        let published = source.published();
        for erratum in &published.errata {
            let figures = published.figures.iter();
            let named = figures
                .filter(|f| f.table == erratum.table && f.cell == erratum.cell && f.name == erratum.metric);
            assert_eq!(named.count(), 1, "{erratum:?}");
        }
    }
    let hong = source("hong2026").expect("known").published();
    assert_eq!(hong.errata[2].remark, "36.96 would follow: Max@R is 145.65; one digit is wrong");
}

fn row(dataset: &str, documents: &str, cell: (&str, &str, &str), metric: &str, value: f64) -> ScoreRow {
    ScoreRow {
        model: "multilingual-e5-base".into(),
        dataset: dataset.into(),
        documents: documents.into(),
        scenario: cell.0.into(),
        query_lang: cell.1.into(),
        pool_langs: cell.2.into(),
        metric: metric.into(),
        value,
        ci_low: value * 0.98,
        ci_high: (value * 1.02).min(if metric.starts_with("max") { f64::INFINITY } else { 1.0 }),
        queries: 900,
        pool_size: 1800,
    }
}

/// A run that reproduces MTEB but for one cell, and Hong et al. but for their wrong digit.
fn run() -> Vec<ScoreRow> {
    let (clir, back, mono) = (("clir", "en", "ko"), ("clir", "ko", "en"), ("mono", "ko", "ko"));
    let multi = ("multi", "ro", "en+ro");
    vec![
        row("belebele", "unique", clir, "ndcg@10", 0.8225),
        row("belebele", "unique", back, "ndcg@10", 0.7802),
        row("belebele", "unique", mono, "ndcg@10", 0.9287),
        row("belebele", "per-question", multi, "max@r", 145.6511),
        row("belebele", "per-question", multi, "max@r_norm_of_mean", 36.9612),
        row("belebele", "per-question", multi, "max@r/worst", 150.0),
    ]
}

#[test]
fn a_run_beside_mteb_in_every_format() {
    let published = source("mteb").expect("known").published();
    let comparison = compare_published(&published, &run(), &PublishedOptions::default()).expect("joined");
    insta::assert_snapshot!("published.txt", text::render(&comparison));
    insta::assert_snapshot!("published.md", markdown::render(&comparison));
    insta::assert_snapshot!(
        "published.csv",
        String::from_utf8(csv::render(&comparison).expect("CSV")).expect("UTF-8")
    );
    let json: serde_json::Value =
        serde_json::from_str(&json::render(&comparison).expect("JSON")).expect("JSON");
    assert_eq!(json["rows"][0]["within"], false);
    assert_eq!(json["tolerance"]["fraction"], 0.003);
}

#[test]
fn a_run_beside_hong_meets_the_wrong_digit() {
    let published = source("hong2026").expect("known").published();
    let comparison = compare_published(&published, &run(), &PublishedOptions::default()).expect("joined");
    let metrics: Vec<_> = comparison.rows.iter().map(|r| (r.metric.as_str(), r.within)).collect();
    assert_eq!(metrics, [("max@r_norm_of_mean", false), ("max@r", true)]);
    assert!(comparison.differences().is_empty(), "an erratum is no difference");
    let shown = text::render(&comparison);
    assert!(shown.contains("erratum at hong2026-multi.csv:576: "), "{shown}");
    assert!(shown.contains("36.96 would follow"), "{shown}");
}

#[test]
fn averages_of_jang_are_made_from_the_run() {
    let published = source("jang2025").expect("known").published();
    let mut run = run();
    let strategy = [("clir", "en", "ko"), ("clir", "ko", "en"), ("mono", "ko", "ko"), ("mono", "en", "en")];
    run.push(row("belebele", "unique", ("mono", "en", "en"), "ndcg@10", 0.95));
    run.extend(strategy.map(|cell| row("Ko-StrategyQA", "unique", cell, "ndcg@10", 0.75)));
    let datasets = vec![("strategyqa".to_owned(), "Ko-StrategyQA".to_owned())];
    let options = PublishedOptions { datasets, ..PublishedOptions::default() };
    let comparison = compare_published(&published, &run, &options).expect("joined");
    // Table 1: 8 cells, 4 averages, 2 of these; table 2: the mean of all, and the 4 averages again.
    assert_eq!(comparison.rows.len(), 14 + 1);
    let overall = comparison.rows.iter().find(|r| r.cell.scenario == "overall").expect("table 2");
    let all = [0.8225, 0.7802, 0.9287, 0.95, 0.75, 0.75, 0.75, 0.75];
    assert!((overall.measured - all.iter().sum::<f64>() / 8.0).abs() < 1e-12);
}
