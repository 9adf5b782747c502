use std::fs;

use clirbench_core::results::{Cell, QueryValues};
use clirbench_report::per_query::read_per_query;
use clirbench_report::{Options, Results, write_all};
use proptest::prelude::*;

use crate::fixture::run;

fn there_and_back(per_query: Vec<QueryValues>) -> Vec<QueryValues> {
    let dir = tempfile::tempdir().expect("a temporary folder");
    write_all(dir.path(), &Results { per_query, ..Results::default() }, &Options::default())
        .expect("written");
    read_per_query(&dir.path().join("per_query.parquet")).expect("read")
}

#[test]
fn a_run_comes_back() {
    let blocks = run().per_query;
    assert!(blocks.len() > 6);
    assert_eq!(there_and_back(blocks.clone()), blocks);
    assert_eq!(there_and_back(Vec::new()), []);
}

#[test]
fn more_rows_than_a_row_group_holds() {
    let mut blocks = run().per_query[..3].to_vec();
    for block in &mut blocks {
        block.queries = (0..400_000).map(|i| format!("q{i}")).collect();
        block.values = (0..400_000).map(|i| f64::from(i % 97) / 97.0).collect();
    }
    assert!(there_and_back(blocks.clone()) == blocks);
}

#[test]
fn a_damaged_or_foreign_file_is_an_error() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    write_all(dir.path(), &run(), &Options::default()).expect("written");
    let path = dir.path().join("per_query.parquet");
    let bytes = fs::read(&path).expect("read");
    for damaged in [&b""[..], b"model,dataset\n", &bytes[..bytes.len() / 2]] {
        fs::write(&path, damaged).expect("written");
        let error = read_per_query(&path).expect_err("damaged").to_string();
        assert!(error.contains("per_query.parquet: "), "{error}");
    }
    assert!(read_per_query(&dir.path().join("none.parquet")).is_err());
}

fn any_block() -> impl Strategy<Value = QueryValues> {
    let words = prop::array::uniform7("\\PC{0,5}");
    let rows = prop::collection::vec(("\\PC{0,5}", prop::num::f64::NORMAL), 1..9);
    (words, rows).prop_map(|(words, rows)| {
        let [model, dataset, documents, scenario, query_lang, pool_langs, metric] = words;
        let (queries, values) = rows.into_iter().unzip();
        let cell = Cell { model, dataset, documents, scenario, query_lang, pool_langs };
        QueryValues { cell, metric, queries, values }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn any_blocks_come_back_exactly(mut blocks in prop::collection::vec(any_block(), 0..5)) {
        // Neighbours of one cell and metric are one block.
        blocks.dedup_by(|a, b| (&a.cell, &a.metric) == (&b.cell, &b.metric));
        prop_assert_eq!(there_and_back(blocks.clone()), blocks);
    }
}
