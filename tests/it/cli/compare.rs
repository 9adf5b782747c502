//! `clirbench compare`: two small results by hand, one cell worse, one better, one the same.

use clirbench_core::results::{QueryValues, ScoreRow};
use clirbench_report::{Options, Results, write_all};
use serde_json::json;

use super::shown;
use crate::place::Place;

/// nDCG@10 of eight queries in three cells, written as a run writes it.
fn write(place: &Place, name: &str, hash: &str, values: [[f64; 8]; 3]) {
    let mut results = Results { run: json!({"datasets": {"kdc": {"hash": hash}}}), ..Results::default() };
    for (query_lang, values) in ["ko", "es", "zh"].into_iter().zip(values) {
        let value = values.iter().sum::<f64>() / 8.0;
        let row = ScoreRow {
            model: "m".to_owned(),
            dataset: "kdc".to_owned(),
            documents: "unique".to_owned(),
            scenario: "clir".to_owned(),
            query_lang: query_lang.to_owned(),
            pool_langs: "en".to_owned(),
            metric: "ndcg@10".to_owned(),
            value,
            ci_low: (value - 0.1).max(0.0),
            ci_high: (value + 0.1).min(1.0),
            queries: 8,
            pool_size: 16,
        };
        let queries = (1..=8).map(|q| format!("q{q}")).collect();
        let metric = row.metric.clone();
        results.per_query.push(QueryValues { cell: row.cell(), metric, queries, values: values.to_vec() });
        results.scores.push(row);
    }
    write_all(&place.path(name), &results, &Options::default()).expect("written");
}

/// ko: every query falls from 1 to 0.5; of the 256 sign patterns two reach that, p = 1/128.
/// es: every query rises from 0.5 to 0.75, as improbable. zh: stays.
fn two_results() -> Place {
    let place = Place::new();
    write(&place, "base", "11", [[1.0; 8], [0.5; 8], [0.25; 8]]);
    write(&place, "head", "11", [[0.5; 8], [0.75; 8], [0.25; 8]]);
    write(&place, "other", "22", [[0.5; 8], [0.75; 8], [0.25; 8]]);
    place
}

#[test]
fn every_format() {
    let place = two_results();
    for format in ["text", "markdown", "csv", "json"] {
        let ended = place.end(["compare", "base", "head", "--format", format]);
        insta::assert_snapshot!(format!("compare_as_{format}"), shown(&ended, &place));
    }
}

#[test]
fn a_regression_sets_the_exit_status() {
    let place = two_results();
    let status = |arguments: &[&str]| place.end([&["compare"], arguments].concat()).code;
    assert_eq!(status(&["base", "head"]), Some(0));
    assert_eq!(status(&["base", "head", "--fail-on", "regression"]), Some(4));
    // ko fell by 50 points.
    assert_eq!(status(&["base", "head", "--fail-on", "regression=50"]), Some(4));
    assert_eq!(status(&["base", "head", "--fail-on", "regression=50.1"]), Some(0));
    // Three cells: Holm makes 3/128 of 1/128, not significant at 0.02.
    assert_eq!(status(&["base", "head", "--fail-on", "regression", "--alpha", "0.02"]), Some(0));
    assert_eq!(status(&["base", "base", "--fail-on", "regression"]), Some(0));
    let ended = place.end(["compare", "base", "head", "--fail-on", "loss"]);
    insta::assert_snapshot!("fail_on_what", shown(&ended, &place));
}

#[test]
fn other_data_are_refused() {
    let place = two_results();
    let ended = place.end(["compare", "base", "other"]);
    insta::assert_snapshot!("compare_other_data", shown(&ended, &place));
    let forced = place.end(["compare", "base", "other", "--force", "--fail-on", "regression"]);
    assert_eq!(forced.code, Some(4));
    assert!(forced.stdout.contains("differ"), "it says so: {}", forced.stdout);
}

#[test]
fn scores_alone_compare_by_their_intervals() {
    let place = two_results();
    // 1.0 (0.9 to 1.0) against 0.5 (0.4 to 0.6): no overlap.
    let ended = place.end(["compare", "base/scores.csv", "head/scores.csv", "--fail-on", "regression"]);
    insta::assert_snapshot!("compare_scores_alone", shown(&ended, &place));
}
