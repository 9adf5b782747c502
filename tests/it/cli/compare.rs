//! `clirbench compare`: small results by hand. Two of one model, with one cell worse, one better, one
//! the same; and one of four models, of which one is merged from two others.

use clirbench_core::results::{QueryValues, ScoreRow};
use clirbench_report::{Options, Results, write_all};
use serde_json::{Value, json};

use super::shown;
use crate::place::Place;

/// nDCG@10 of queries in one cell per language, written as a run writes it.
fn write(place: &Place, name: &str, hash: &str, values: [[f64; 8]; 3]) {
    let mut results = Results { run: json!({"datasets": {"kdc": {"hash": hash}}}), ..Results::default() };
    add(&mut results, "m", ["ko", "es", "zh"].into_iter().zip(values));
    write_all(&place.path(name), &results, &Options::default()).expect("written");
}

fn add<const N: usize>(
    results: &mut Results,
    model: &str,
    cells: impl Iterator<Item = (&'static str, [f64; N])>,
) {
    for (query_lang, values) in cells {
        let value = values.iter().sum::<f64>() / N as f64;
        let row = ScoreRow {
            model: model.to_owned(),
            dataset: "kdc".to_owned(),
            documents: "unique".to_owned(),
            scenario: "clir".to_owned(),
            query_lang: query_lang.to_owned(),
            pool_langs: "en".to_owned(),
            metric: "ndcg@10".to_owned(),
            value,
            ci_low: (value - 0.1).max(0.0),
            ci_high: (value + 0.1).min(1.0),
            queries: N as u32,
            pool_size: 16,
        };
        let queries = (1..=N).map(|q| format!("q{q}")).collect();
        let metric = row.metric.clone();
        results.per_query.push(QueryValues { cell: row.cell(), metric, queries, values: values.to_vec() });
        results.scores.push(row);
    }
}

/// Twelve queries around a mean: models differ by a constant in all of them, p = 2 / 4096.
fn around(mean: f64) -> [f64; 12] {
    std::array::from_fn(|q| mean + if q % 2 == 0 { 0.125 } else { -0.125 })
}

/// `base` and `aligned` share what is best; `merged` keeps the better of its parents `base` and
/// `weak` but for one query.
fn four_models() -> Place {
    let place = Place::new();
    let merge = json!({"method": "uniform", "parents": ["base", "weak"]});
    let run =
        json!({"datasets": {"kdc": {"hash": "11"}}, "models": {"base": {}, "merged": {"merge": merge}}});
    let mut results = Results { run, ..Results::default() };
    let mut kept = around(0.75);
    kept[4] -= 0.0625;
    for (model, ko, es) in [
        ("base", around(0.75), around(0.5)),
        ("weak", around(0.25), around(0.25)),
        ("merged", kept, around(0.5)),
        ("aligned", around(0.75), around(0.75)),
    ] {
        add(&mut results, model, [("ko", ko), ("es", es)].into_iter());
    }
    write_all(&place.path("run"), &results, &Options::default()).expect("written");
    place
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

#[test]
fn models_of_one_result_are_ranked() {
    let place = four_models();
    for format in ["text", "markdown", "csv"] {
        let ended = place.end(["compare", "run", "--format", format]);
        insta::assert_snapshot!(format!("tiers_as_{format}"), shown(&ended, &place));
    }
    let ended = place.end(["compare", "run", "--format", "json", "--model", "base", "--model", "weak"]);
    let value: Value = serde_json::from_str(&ended.stdout).expect("JSON");
    // Two cells and their mean; 3 * 2 / 4096.
    assert_eq!((&value["tests"], &value["tables"][0]["scope"]["cells"]), (&json!(3), &json!(2)));
    assert_eq!(value["tables"][0]["pairs"][0]["p_holm"], json!(3.0 * 2.0 / 4096.0));
}

#[test]
fn several_results_are_ranked_with_their_sources() {
    let place = two_results();
    write(&place, "third", "11", [[0.75; 8], [0.625; 8], [0.25; 8]]);
    let ended = place.end(["compare", "base", "head", "third", "--alpha", "0.1"]);
    insta::assert_snapshot!("tiers_of_three_results", shown(&ended, &place));
    let refused = place.end(["compare", "base", "head", "other"]);
    insta::assert_snapshot!("tiers_of_other_data", shown(&refused, &place));
}

#[test]
fn a_merged_model_against_its_parents() {
    let place = four_models();
    for format in ["text", "markdown", "csv"] {
        let ended = place.end(["compare", "--parents", "merged", "run", "--format", format]);
        insta::assert_snapshot!(format!("parents_as_{format}"), shown(&ended, &place));
    }
    let arguments =
        ["compare", "--parents", "aligned", "--parent", "base", "--parent", "merged", "run", "--json"];
    let value: Value = serde_json::from_str(&place.end(arguments).stdout).expect("JSON");
    assert_eq!(value["rows"][0]["inherited"], "beats-all");
}

#[test]
fn what_cannot_be_compared() {
    let place = four_models();
    let mut shown_all = String::new();
    for arguments in [
        &["--parents", "aligned", "run"][..],
        &["--parents", "merge", "run"],
        &["--parents", "aligned", "--parent", "bass", "run"],
        &["--parents", "merged", "run", "run"],
        &["run", "--fail-on", "regression"],
        &["run", "--model", "base"],
        &["run", "--model", "base=weak"],
        &["run", "--parent", "base"],
        &["run", "--alpha", "5"],
        &[],
    ] {
        let ended = place.end([&["compare"], arguments].concat());
        shown_all.push_str(&format!("compare {}\n{}\n", arguments.join(" "), shown(&ended, &place)));
    }
    insta::assert_snapshot!("what_cannot_be_compared", shown_all);
}
