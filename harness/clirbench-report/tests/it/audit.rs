//! Audits of files: the published ones, results folders, MTEB results, and files that mean harm.

use std::fs;
use std::path::Path;

use clirbench_core::audit::{Audit, Strictness, audit};
use clirbench_core::results::{QueryValues, ScoreRow};
use clirbench_report::audit::{json, markdown, text};
use clirbench_report::figures::read_sheets;
use clirbench_report::published::{SOURCES, source};
use clirbench_report::{Options, Results, write_all};
use serde_json::json;

use crate::published::tidy;

fn of(path: &Path) -> Audit {
    audit(&read_sheets(path).expect("read"), Strictness::Printed)
}

/// What was found, as `file:line rule`.
fn found(audit: &Audit) -> Vec<String> {
    let name = |file: &str| Path::new(file).file_name().expect("a file").to_string_lossy().into_owned();
    audit.findings.iter().map(|f| format!("{}:{} {}", name(&f.place.file), f.place.at, f.rule)).collect()
}

fn checks(audit: &Audit, rule: &str) -> usize {
    audit.rules.iter().find(|r| r.rule == rule).expect("a rule").total()
}

/// The 8 cells of Hong et al. that do not follow, and nothing else in 2,779 published figures.
#[test]
fn the_published_tables_have_eight_findings() {
    let sheets: Vec<_> = SOURCES.iter().map(|s| s.sheet()).collect();
    let audit = audit(&sheets, Strictness::Printed);
    assert_eq!(
        found(&audit),
        [265, 324, 576, 744, 756, 775, 792, 798]
            .map(|line| format!("hong2026-multi.csv:{line} last-rank-norm"))
    );
    assert_eq!(audit.figures, 1348 + 1180 + 229 + 22);
    assert_eq!(checks(&audit, "last-rank-norm"), 320);
    assert_eq!(checks(&audit, "averages"), 216 + 20);
}

#[test]
fn the_errata_are_what_a_strict_audit_finds_beyond_rounding() {
    let hong = source("hong2026").expect("known");
    let errata = hong.published().errata;
    let known = |rule: &str, audit: &Audit| {
        let mut left: Vec<_> = audit.findings.iter().filter(|f| f.rule == rule).collect();
        left.retain(|f| {
            !errata.iter().any(|e| e.table == f.table && e.cell == f.cell && e.metric == f.metric)
        });
        left.len()
    };
    let printed = audit(&[hong.sheet()], Strictness::Printed);
    assert_eq!((printed.findings.len(), known("last-rank-norm", &printed)), (8, 0));
    let strict = audit(&[hong.sheet()], Strictness::Strict);
    // 10 more norms follow but for the last digit; 3 shares are no number of questions.
    assert_eq!(
        (strict.findings.len(), known("last-rank-norm", &strict), known("shares", &strict)),
        (21, 10, 0)
    );
    assert_eq!(errata.len(), 8 + 3);
    // Ten lie between rounding and one unit of the last digit, and the audit says so.
    assert_eq!(printed.rules.iter().map(|r| r.close).sum::<usize>(), 10);
}

#[test]
fn all_averages_of_jang_follow() {
    let audit = audit(&[source("jang2025").expect("known").sheet()], Strictness::Strict);
    assert_eq!(audit.findings, []);
    let averages = audit.rules.iter().find(|r| r.rule == "averages").expect("a rule");
    let by_file = [("jang2025-composition.csv", 216), ("jang2025-merging.csv", 20)];
    assert_eq!(averages.checked, by_file.map(|(file, n)| (file.to_owned(), n)));
}

/// The tables as they were first written have no pool sizes, and units are not stated: |D| is found out.
#[test]
fn tables_without_pools_and_units_are_audited_too() {
    let Some(folder) = tidy() else { return };
    let of = |name: &str| of(&folder.join(name));
    let multi = of("hong2026-multi.csv");
    let lines = [265, 324, 576, 744, 756, 775, 792, 798];
    assert_eq!(found(&multi), lines.map(|line| format!("hong2026-multi.csv:{line} last-rank-norm")));
    assert!(multi.findings[7].expected.ends_with("|D| 2380, |R| 2)"), "{}", multi.findings[7].expected);
    let composition = of("jang2025-composition.csv");
    assert_eq!((found(&composition).len(), checks(&composition, "averages")), (0, 216));
    // A model for each target language was measured on English, and the column that says which is missing.
    let mono = of("hong2026-mono.csv");
    assert!(mono.findings.iter().all(|f| f.rule == "duplicates"));
    assert_eq!(found(&of("jang2025-merging.csv")).len() + found(&of("goworek2025.csv")).len(), 0);
}

#[test]
fn one_wrong_digit_in_a_published_table_is_found() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (name, table) = source("jang2025").expect("known").files[0];
    let path = dir.path().join(name);
    let row = "jang2025,1,bge-m3,base,average,,clir,en,ko,ndcg@10,percent,85.81,";
    assert!(table.contains(row));
    fs::write(&path, table.replace(row, &row.replace("85.81", "85.18"))).expect("written");
    let audit = of(&path);
    // The average itself, and the mean of the two averages.
    assert_eq!(audit.findings.len(), 2);
    assert_eq!(audit.findings[0].found, "85.18");
    assert_eq!(audit.findings[0].expected, "85.795 to 85.815 (the mean of 90.37, 81.24)");
}

fn results() -> Results {
    let mut results = Results { run: run(0.25), ..Results::default() };
    for (metric, values) in [("hit@1", [1.0, 0.0, 1.0, 0.0]), ("mrr", [1.0, 0.5, 1.0, 0.25])] {
        let row = ScoreRow {
            model: "m".into(),
            dataset: "news".into(),
            documents: "unique".into(),
            scenario: "clir".into(),
            query_lang: "en".into(),
            pool_langs: "ko".into(),
            metric: metric.into(),
            value: values.iter().sum::<f64>() / 4.0,
            ci_low: 0.25,
            ci_high: 1.0,
            queries: 4,
            pool_size: 8,
        };
        let queries = (0..4).map(|q| format!("q{q}")).collect();
        let (cell, metric) = (row.cell(), row.metric.clone());
        results.per_query.push(QueryValues { cell, metric, queries, values: values.to_vec() });
        results.scores.push(row);
    }
    results
}

fn run(tie_rate: f64) -> serde_json::Value {
    json!({"clirbench": "0.0.0", "cells": [{"model": "m", "dataset": "news", "tie_rate": tie_rate}],
        "models": {"m": {"inputs": [{"role": "query", "truncated": 0.5, "unknown_tokens": 0.0}]}}})
}

#[test]
fn a_results_folder_is_held_against_its_queries() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let audited = |results: &Results| {
        write_all(dir.path(), results, &Options::default()).expect("written");
        found(&of(dir.path()))
    };
    assert_eq!(audited(&results()), [""; 0]);
    let mut wrong = results();
    wrong.scores[1].value = 0.75;
    assert_eq!(audited(&wrong), ["scores.csv:3 per-query"]);
    let mut wrong = results();
    wrong.scores[0].queries = 5;
    assert_eq!(
        audited(&wrong),
        ["scores.csv:2 shares", "scores.csv:2 per-query", "scores.csv:3 counts"],
        "no 5 queries have a mean of 1/2"
    );
    assert_eq!(audited(&Results { run: run(1.5), ..results() }), ["run.json:cells[0].tie_rate range"]);
    write_all(dir.path(), &results(), &Options::default()).expect("written");
    fs::write(dir.path().join("per_query.parquet"), "PAR1").expect("written");
    assert_eq!(found(&of(dir.path())), ["per_query.parquet: finite"]);
}

#[test]
fn mteb_results_are_read_with_bare_nan_from_nested_folders() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let folder = dir.path().join("results/org__model/rev");
    fs::create_dir_all(&folder).expect("created");
    let right = r#"{"task_name": "XQuADRetrieval", "mteb_version": "2.1.0", "dataset_revision": "r",
        "scores": {"validation": [{"ndcg_at_10": 0.9, "ndcg_at_1": 0.8, "precision_at_1": 0.8, "mrr_at_1": 0.8,
        "recall_at_10": 0.95, "recall_at_100": 0.99, "nauc_mrr_at_1_std": -0.3, "main_score": 0.9, "hf_subset": "en",
        "languages": ["eng-Latn"]}]}, "evaluation_time": 3.5, "date": 1}"#;
    let write = |name: &str, text: &str| fs::write(folder.join(name), text).expect("written");
    write("XQuADRetrieval.json", right);
    write("model_meta.json", r#"{"name": "org/model"}"#);
    let path = dir.path().join("results");
    assert_eq!(found(&of(&path)), [""; 0]);
    let after = |from: &str, to: &str| {
        assert!(right.contains(from));
        write("XQuADRetrieval.json", &right.replace(from, to));
        of(&path).findings.iter().map(|f| format!("{} {} {}", f.rule, f.metric, f.found)).collect::<Vec<_>>()
    };
    assert_eq!(after("-0.3", "NaN"), ["finite nauc_mrr@1_std \"NaN\""]);
    assert_eq!(
        after("\"ndcg_at_10\": 0.9", "\"ndcg_at_10\": 1.01").first().expect("found"),
        "range ndcg@10 1.01000"
    );
    assert_eq!(after("\"mrr_at_1\": 0.8", "\"mrr_at_1\": 0.7"), ["first-rank mrr@1 0.70000"]);
    assert_eq!(after("\"main_score\": 0.9", "\"main_score\": 0.95"), ["main-score main_score 0.95000"]);
    assert_eq!(after("\"recall_at_100\": 0.99", "\"recall_at_100\": 0.9"), ["cutoffs recall@100 0.90000"]);
    assert_eq!(after("0.99,", "1e400,")[0].split(' ').next(), Some("finite"), "no JSON number");
}

#[test]
fn hostile_files_are_findings_or_errors() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let path = dir.path().join("scores.csv");
    let header = "model,dataset,documents,scenario,query_lang,pool_langs,metric,value,ci_low,ci_high,queries,pool_size\n";
    let rules = |row: &str| {
        fs::write(&path, format!("{header}{row}")).expect("written");
        let audit = of(&path);
        // Every format holds what it was given.
        for shown in [text::render(&audit), markdown::render(&audit), json::render(&audit).expect("JSON")] {
            assert!(!shown.chars().any(|c| c.is_control() && c != '\n'), "{shown:?}");
        }
        audit.findings.iter().map(|f| f.rule).collect::<Vec<_>>()
    };
    assert_eq!(rules("m,d,unique,clir,en,ko,mrr,0.5,0.4,0.6,10,20\n"), [""; 0]);
    assert_eq!(rules("m,d,unique,clir,en,ko,mrr,NaN,0.4,0.6,10,20\n"), ["finite"]);
    assert_eq!(rules("m,d,unique,clir,en,ko,mrr,1e999,-inf,,ten,-1\n"), ["finite"; 5]);
    assert_eq!(rules("m,d,unique,clir,en,ko,mrr,1e308,-1e308,1e308,4294967296,1\n"), ["range"]);
    assert_eq!(rules("m,d,unique,clir,en,ko,mrr,0.5\n"), ["finite"], "a line cut short");
    assert_eq!(rules("m,d,unique,clir,en,ko,\"mrr,0.5,0.4\n"), ["finite"], "a quote without its end");
    assert_eq!(rules("\u{1b}[31mm,d,unique,clir,en,ko,mrr,2,0,3,1,1\n"), ["range"]);
    assert_eq!(rules("m,d,unique,clir,en,ko,max@r,0,0,0,0,0\n"), ["range", "counts", "counts", "last-rank"]);
    for k in ["0", "4294967295", "99999999999999999999"] {
        let metrics = ["precision", "recall", "complete"]
            .map(|m| format!("m,d,unique,multi,en,en+ko,{m}@{k},1,0,1,1,1\n"));
        rules(&metrics.concat());
    }
    fs::write(&path, [header.as_bytes(), b"m\xff,d,unique,clir,en,ko,mrr,\xfe,0,1,1,1\n"].concat())
        .expect("written");
    assert_eq!(found(&of(&path)), ["scores.csv:2 finite"]);

    let error = |name: &str, text: &str| {
        let path = dir.path().join(name);
        fs::write(&path, text).expect("written");
        read_sheets(&path).map(|_| ()).expect_err("no results").to_string()
    };
    for (name, content) in
        [("a.csv", ""), ("b.csv", "a,b\n1,2\n"), ("c.json", "{}"), ("d.json", "[3]"), ("e.txt", "x")]
    {
        assert!(error(name, content).contains("not a results file that is known here"), "{name}");
    }
    let missing = read_sheets(&dir.path().join("gone.csv")).map(|_| ()).expect_err("it is not there");
    assert!(missing.to_string().starts_with("cannot read "), "{missing}");
    let empty = tempfile::tempdir().expect("a temporary folder");
    assert!(read_sheets(empty.path()).is_err());
}

#[test]
fn every_format() {
    let hong = source("hong2026").expect("known");
    let audit = audit(&[hong.sheet()], Strictness::Printed);
    insta::assert_snapshot!("audit.txt", text::render(&audit));
    insta::assert_snapshot!("audit.md", markdown::render(&audit));
    let json: serde_json::Value = serde_json::from_str(&json::render(&audit).expect("JSON")).expect("JSON");
    assert_eq!(json["findings"].as_array().map(Vec::len), Some(8));
    assert_eq!(json["findings"][2]["place"], "hong2026-multi.csv:576");
    assert_eq!(json["rules"].as_array().map(Vec::len), Some(15));
}
