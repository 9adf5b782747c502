//! `clirbench published`, and `compare published:NAME RUN`.

use clirbench_core::results::ScoreRow;
use clirbench_report::{Options, Results, write_all};

use super::shown;
use crate::place::Place;

/// Two cells of Belebele, the first as MTEB has it for multilingual-e5-base, the second 0.005 off.
fn a_run() -> Place {
    let place = Place::new();
    let scores = [("en", "ko", 0.822), ("ko", "en", 0.780)].map(|(query_lang, pool_langs, value)| ScoreRow {
        model: "intfloat/multilingual-e5-base".to_owned(),
        dataset: "belebele".to_owned(),
        documents: "unique".to_owned(),
        scenario: "clir".to_owned(),
        query_lang: query_lang.to_owned(),
        pool_langs: pool_langs.to_owned(),
        metric: "ndcg@10".to_owned(),
        value,
        ci_low: value - 0.02,
        ci_high: value + 0.02,
        queries: 900,
        pool_size: 488,
    });
    let results = Results { scores: scores.to_vec(), ..Results::default() };
    write_all(&place.path("run"), &results, &Options { per_query: false, ..Options::default() })
        .expect("written");
    place
}

#[test]
fn a_run_beside_published_figures() {
    let place = a_run();
    let ended = place.end(["compare", "published:mteb", "run"]);
    insta::assert_snapshot!("compare_published", shown(&ended, &place));
    let status =
        |arguments: &[&str]| place.end([&["compare", "published:mteb", "run"], arguments].concat()).code;
    assert_eq!(status(&["--fail-on", "difference"]), Some(4));
    assert_eq!(status(&["--fail-on", "difference", "--tolerance", "0.005"]), Some(0));
    assert_eq!(
        status(&["--fail-on", "difference", "--model", "bge-m3=intfloat/multilingual-e5-base"]),
        Some(4)
    );
}

#[test]
fn what_cannot_be_compared_says_so() {
    let place = a_run();
    let errors = [
        &["published:hong2025", "run"][..],
        &["published:goworek2025", "run"],
        &["run", "published:mteb"],
        &["published:mteb", "run", "--fail-on", "regression"],
        &["published:mteb", "run", "--tolerance=-1"],
        &["published:mteb", "run", "--model", "bge-m3"],
        &["published:mteb", "run", "--dataset", "beleb=belebele"],
    ];
    let ended = errors.map(|arguments| {
        let ended = place.end([&["compare"], arguments].concat());
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""));
        ended.stderr
    });
    insta::assert_snapshot!("compare_published_errors", ended.concat());
}

#[test]
fn the_program_carries_the_tables() {
    let place = Place::new();
    insta::assert_snapshot!("published_list", shown(&place.end(["published"]), &place));
    let table = place.end(["published", "mteb"]);
    assert_eq!((table.code, table.stdout.lines().count()), (Some(0), 1 + 22));
    assert_eq!(place.end(["published", "published:mteb"]).stdout, table.stdout);
    assert_eq!(place.end(["published", "nobody"]).code, Some(1));
}
