//! Small tables against small runs, worked out by hand.

use super::*;
use crate::printed::Printed;

fn figure(model: &str, dataset: &str, scenario: &str, pool: &str, metric: &str, percentage: &str) -> Figure {
    let cell = Cell {
        model: model.into(),
        dataset: dataset.into(),
        scenario: scenario.into(),
        query_lang: if pool.is_empty() { "" } else { "en" }.into(),
        pool_langs: pool.into(),
        ..Cell::default()
    };
    let value = Printed::parse(percentage).map(|p| p.scaled(0.01));
    Figure { table: "1".into(), value, factor: 100.0, ..Figure::new(Place::line("t.csv", 2), cell, metric) }
}

fn published(figures: Vec<Figure>) -> Published {
    Published { source: "paper".into(), figures, errata: Vec::new(), tolerance: Tolerance::Digits }
}

fn measured(model: &str, dataset: &str, scenario: &str, pool: &str, metric: &str, value: f64) -> ScoreRow {
    ScoreRow {
        model: model.into(),
        dataset: dataset.into(),
        documents: "unique".into(),
        scenario: scenario.into(),
        query_lang: "en".into(),
        pool_langs: pool.into(),
        metric: metric.into(),
        value,
        ci_low: value - 0.01,
        ci_high: value + 0.01,
        queries: 10,
        pool_size: 20,
    }
}

fn compared(figures: Vec<Figure>, run: &[ScoreRow], options: &PublishedOptions) -> PublishedComparison {
    compare_published(&published(figures), run, options).expect("something in common")
}

#[test]
fn a_cell_joins_whatever_the_spelling_and_the_order_of_languages() {
    let figures = vec![figure("bge-m3/base", "xquad", "multi", "en+ko", "complete@10", "90.37")];
    let mut row = measured("BAAI/bge_M3", "XQuADRetrieval", "multi", "ko+en", "complete@10", 0.9041);
    let rows = |row: &ScoreRow| {
        compared(figures.clone(), std::slice::from_ref(row), &PublishedOptions::default()).rows
    };
    let one = &rows(&row)[0];
    assert!((one.difference - 0.0004).abs() < 1e-12 && !one.within);
    assert_eq!((one.printed.as_str(), one.metric.as_str()), ("90.37", "complete@10"));
    assert_eq!(one.interval, Some(Interval { low: 0.9041 - 0.01, high: 0.9041 + 0.01 }));
    // 90.3749 rounds to 90.37, 90.376 does not.
    row.value = 0.903749;
    assert!(rows(&row)[0].within);
    row.value = 0.90376;
    assert!(!rows(&row)[0].within);
}

#[test]
fn tolerances_are_fractions_points_and_shares_of_ranks() {
    let mut rank = figure("m", "d", "multi", "en+ko", "max@r", "100");
    (rank.factor, rank.value) = (1.0, Printed::parse("100.0"));
    let mut norm = figure("m", "d", "multi", "en+ko", "max@r_norm_of_mean", "50");
    (norm.factor, norm.value) = (1.0, Printed::parse("50.0"));
    let figures = vec![figure("m", "d", "multi", "en+ko", "ndcg@10", "90.0"), rank, norm];
    let within = |ndcg, rank, norm| {
        let run = [("ndcg@10", ndcg), ("max@r", rank), ("max@r_norm_of_mean", norm)]
            .map(|(metric, value)| measured("m", "d", "multi", "en+ko", metric, value));
        let options =
            PublishedOptions { tolerance: Some(Tolerance::Fraction(0.003)), ..PublishedOptions::default() };
        compared(figures.clone(), &run, &options).rows.iter().filter(|r| r.within).count()
    };
    assert_eq!(within(0.903, 100.3, 50.3), 3);
    assert_eq!(within(0.9031, 100.31, 50.31), 0);
    assert_eq!(within(0.897, 99.7, 49.7), 3);
}

#[test]
fn averages_are_made_of_the_measured_datasets() {
    let figures = vec![
        figure("m/base", "a", "clir", "ko", "ndcg@10", "80.00"),
        figure("m/base", "b", "clir", "ko", "ndcg@10", "90.00"),
        figure("m/base", "average", "clir", "ko", "ndcg@10", "85.00"),
        figure("m/base", "overall", "overall", "", "ndcg@10", "85.00"),
    ];
    let run = [("a", 0.8), ("b", 0.9)].map(|(dataset, v)| measured("m", dataset, "clir", "ko", "ndcg@10", v));
    let comparison = compared(figures.clone(), &run, &PublishedOptions::default());
    let values: Vec<f64> = comparison.rows.iter().map(|r| r.measured).collect();
    assert!(values.iter().zip([0.8, 0.9, 0.85, 0.85]).all(|(a, b)| (a - b).abs() < 1e-12), "{values:?}");
    assert_eq!(comparison.rows[2].interval, None);
    assert!(comparison.differences().is_empty() && comparison.unjoined.is_empty());
    // With one of the two an average has no value.
    let comparison = compared(figures, &run[..1], &PublishedOptions::default());
    assert_eq!(comparison.rows.len(), 1);
    assert_eq!(comparison.unjoined.iter().map(|u| u.figures).collect::<Vec<_>>(), [2, 1]);
    assert!(comparison.unjoined[0].why.starts_with("an average: the run has no dataset b"));
}

#[test]
fn what_cannot_be_joined_has_one_line_per_reason() {
    let mut per_question = figure("m", "d", "multi", "en+ko", "max@r", "1");
    per_question.cell.documents = "per-question".into();
    let figures = vec![
        figure("m", "d", "clir", "ko", "ndcg@10", "80.0"),
        figure("m", "d", "clir", "es", "ndcg@10", "80.0"),
        figure("m", "d", "clir", "ko", "recall@5", "80.0"),
        figure("m", "d", "clir", "", "ndcg@10", "80.0"),
        figure("m", "e", "clir", "ko", "ndcg@10", "80.0"),
        figure("m", "e", "clir", "es", "ndcg@10", "80.0"),
        figure("m", "d", "rerank", "ko", "ndcg@10", "80.0"),
        per_question,
        figure("other/base", "d", "clir", "ko", "ndcg@10", "80.0"),
        figure("other/ours:en+ko", "d", "clir", "ko", "ndcg@10", "80.0"),
        figure("m/ours", "d", "clir", "ko", "ndcg@10", "80.0"),
    ];
    let run = [
        measured("m", "d", "clir", "ko", "ndcg@10", 0.8),
        measured("m", "d", "multi", "en+ko", "max@r", 2.0),
    ];
    let comparison = compared(figures, &run, &PublishedOptions::default());
    assert_eq!(comparison.rows.len(), 1);
    let why: Vec<_> = comparison.unjoined.iter().map(|u| format!("{} {}", u.figures, u.why)).collect();
    assert_eq!(
        why,
        [
            "3 their model is not in the run: m/ours, other/(base|ours)",
            "2 the run has no dataset e (if it has another name: --dataset e=RUN)",
            "1 the run has no such query and pool languages in clir of d",
            "1 the run has no recall@5 in clir of d",
            "1 means over language pairs that the table does not list",
            "1 the run has no scenario rerank of d",
            "1 published with documents = \"per-question\", which the run has not for d: measure it with documents = \"per-question\"",
        ]
    );
}

#[test]
fn models_and_datasets_are_paired_by_hand() {
    let figures = vec![
        figure("m/base", "d", "clir", "ko", "ndcg@10", "80.0"),
        figure("m/ours:en+ko", "d", "clir", "ko", "ndcg@10", "85.0"),
        figure("m/ours:en+es", "d", "clir", "ko", "ndcg@10", "86.0"),
    ];
    let run = [
        measured("m", "data", "clir", "ko", "ndcg@10", 0.8),
        measured("mine", "data", "clir", "ko", "ndcg@10", 0.85),
    ];
    let pair = |p: &str, r: &str| (p.to_owned(), r.to_owned());
    let options = |models| PublishedOptions { models, datasets: vec![pair("d", "data")], tolerance: None };
    let rows = compared(figures.clone(), &run, &options(vec![pair("m/ours", "mine")])).rows;
    let joined: Vec<_> =
        rows.iter().map(|r| (r.published_model.as_str(), r.cell.model.as_str(), r.within)).collect();
    assert_eq!(
        joined,
        [("m/ours:en+es", "mine", false), ("m/base", "m", true), ("m/ours:en+ko", "mine", true)]
    );

    let error = |options: &PublishedOptions| {
        compare_published(&published(figures.clone()), &run, options).expect_err("it cannot be").to_string()
    };
    assert_eq!(
        error(&options(vec![pair("m/theirs", "mine")])),
        "paper has no model `m/theirs`; it has m/(base|ours)"
    );
    assert_eq!(error(&options(vec![pair("m", "yours")])), "the run has no model `yours`; it has m, mine");
    let none = error(&PublishedOptions::default());
    assert!(
        none.contains("1 figures: the run has no dataset d") && none.contains("2 figures: their model"),
        "{none}"
    );
    let lost = PublishedOptions { datasets: vec![pair("d", "gone")], ..PublishedOptions::default() };
    assert_eq!(error(&lost), "the run has no dataset `gone`; it has data");
    let nobody = compare_published(&published(figures.clone()), &run[1..], &options(vec![]));
    assert!(nobody.expect_err("no model").to_string().contains("--model PUBLISHED=RUN"));
}

#[test]
fn a_figure_that_two_tables_print_is_compared_once() {
    let first = figure("m", "d", "clir", "ko", "ndcg@10", "80.0");
    let again = Figure { table: "2".into(), ..first.clone() };
    let other = Figure { table: "3".into(), ..figure("m", "d", "clir", "ko", "ndcg@10", "81.0") };
    let run = [measured("m", "d", "clir", "ko", "ndcg@10", 0.8)];
    let rows = compared(vec![first, again, other], &run, &PublishedOptions::default()).rows;
    assert_eq!(
        rows.iter().map(|r| (r.table.as_str(), r.within)).collect::<Vec<_>>(),
        [("3", false), ("1", true)]
    );
}

#[test]
fn an_erratum_is_no_difference() {
    let wrong = figure("m/base", "d", "clir", "ko", "ndcg@10", "80.0");
    let erratum = Erratum {
        table: "1".into(),
        cell: wrong.cell.clone(),
        metric: "ndcg@10".into(),
        remark: "90.0 would follow".into(),
    };
    let published = Published { errata: vec![erratum], ..published(vec![wrong]) };
    let run = [measured("m", "d", "clir", "ko", "ndcg@10", 0.9)];
    let comparison = compare_published(&published, &run, &PublishedOptions::default()).expect("joined");
    assert!(!comparison.rows[0].within && comparison.differences().is_empty());
    assert_eq!(comparison.rows[0].erratum.as_deref(), Some("90.0 would follow"));
}
