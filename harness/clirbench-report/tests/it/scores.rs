use std::path::PathBuf;

use clirbench_core::results::ScoreRow;
use clirbench_report::scores::{COLUMNS, read_scores};
use clirbench_report::{Options, Results, write_all};
use proptest::prelude::*;

const HEADER: &str =
    "model,dataset,documents,scenario,query_lang,pool_langs,metric,value,ci_low,ci_high,queries,pool_size";

fn file(text: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let path = dir.path().join("scores.csv");
    std::fs::write(&path, text).expect("written");
    (dir, path)
}

/// The error without the folder's name.
fn error(text: &str) -> String {
    let (dir, path) = file(text.as_bytes());
    let error = read_scores(&path).expect_err("bad").to_string();
    error.replace(&format!("{}/", dir.path().display()), "")
}

#[test]
fn the_columns_are_the_published_ones() {
    assert_eq!(COLUMNS.join(","), HEADER);
}

#[test]
fn column_order_extra_columns_a_mark_and_windows_line_ends_do_not_matter() {
    let text = "\u{feff}value,model,dataset,documents,scenario,query_lang,pool_langs,metric,ci_low,ci_high,queries,pool_size,extra\r\n0.5,\"a,b\",d,unique,clir,en,ko,mrr,0.25,0.75,3,9,x\r\n";
    let (_dir, path) = file(text.as_bytes());
    let rows = read_scores(&path).expect("read");
    assert_eq!(rows.len(), 1);
    assert_eq!((&*rows[0].model, rows[0].value, rows[0].pool_size), ("a,b", 0.5, 9));
}

#[test]
fn errors_name_line_and_column() {
    let row = |value: &str, queries: &str| {
        format!(
            "{HEADER}\nm,d,unique,clir,en,ko,mrr,0.5,0.25,0.75,3,9\nm,d,unique,clir,ko,en,mrr,{value},0,1,{queries},9\n"
        )
    };
    assert_eq!(error(&row("abc", "3")), "scores.csv:3: column `value`: `abc` is not a number");
    assert_eq!(error(&row("NaN", "3")), "scores.csv:3: column `value`: `NaN` is not a finite number");
    assert_eq!(error(&row("inf", "3")), "scores.csv:3: column `value`: `inf` is not a finite number");
    assert_eq!(error(&row("0.5", "-1")), "scores.csv:3: column `queries`: `-1` is not a count");
    let missing = error(&HEADER.replace(",ci_low", ""));
    assert!(missing.starts_with("scores.csv: no column `ci_low` in the header"), "{missing}");
    assert_eq!(error(&format!("{HEADER}\na,b\n")), "scores.csv:2: 2 fields where the header has 12");
    assert!(error("").starts_with("scores.csv: no column `model`"));
    let (_dir, path) = file(&[HEADER.as_bytes(), b"\n\xff,d,unique,clir,en,ko,mrr,0,0,0,3,9\n"].concat());
    let error = read_scores(&path).expect_err("not UTF-8").to_string();
    assert!(error.ends_with("scores.csv:2: not UTF-8; save the file as UTF-8"), "{error}");
}

fn any_row() -> impl Strategy<Value = ScoreRow> {
    let text = "[\\PC\"\n,]{0,8}";
    let number = prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL | prop::num::f64::POSITIVE;
    let number = number.prop_filter("finite", |v| v.is_finite());
    let words = prop::array::uniform7(text);
    (words, prop::array::uniform3(number), any::<u32>(), any::<u32>()).prop_map(
        |(words, n, queries, pool_size)| {
            let [model, dataset, documents, scenario, query_lang, pool_langs, metric] = words;
            let [value, ci_low, ci_high] = n;
            ScoreRow {
                model,
                dataset,
                documents,
                scenario,
                query_lang,
                pool_langs,
                metric,
                value,
                ci_low,
                ci_high,
                queries,
                pool_size,
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_rows_come_back_exactly(scores in prop::collection::vec(any_row(), 0..6)) {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let results = Results { scores, ..Results::default() };
        write_all(dir.path(), &results, &Options::default()).expect("written");
        prop_assert_eq!(read_scores(&dir.path().join("scores.csv")).expect("read"), results.scores);
    }
}
