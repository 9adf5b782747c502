use std::fs;

use clirbench_core::results::{Cell, RunLine};
use clirbench_report::trec::{QrelsLine, cell_file_stem, read_qrels, read_run, write_cell};
use proptest::prelude::*;

fn cell(model: &str) -> Cell {
    let [dataset, documents, scenario] = ["kdc", "unique", "multi"].map(str::to_owned);
    let (query_lang, pool_langs) = ("en".to_owned(), "en+ko".to_owned());
    Cell { model: model.to_owned(), dataset, documents, scenario, query_lang, pool_langs }
}

fn line(query: &str, document: &str, rank: u32, score: f32) -> RunLine {
    RunLine { query: query.to_owned(), document: document.to_owned(), rank, score }
}

#[test]
fn the_files_of_a_cell() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let cell = cell("org/my model");
    let run = [line("q1", "ko:p2", 1, 0.1), line("q1", "en:p2", 2, -1.5e-7)];
    let qrels = [QrelsLine { query: "q1".to_owned(), document: "en:p2".to_owned(), grade: 1 }];
    write_cell(dir.path(), &cell, &run, &qrels).expect("written");

    let stem = dir.path().join("trec").join("org%2Fmy%20model@kdc@unique@multi@en@en+ko");
    let text = |ending: &str| fs::read_to_string(format!("{}.{ending}", stem.display())).expect("read");
    assert_eq!(text("run"), "q1 Q0 ko:p2 1 0.1 org/my_model\nq1 Q0 en:p2 2 -0.00000015 org/my_model\n");
    assert_eq!(text("qrels"), "q1 0 en:p2 1\n");
    assert_eq!(fs::read_dir(dir.path().join("trec")).expect("listed").count(), 2);
}

#[test]
fn file_names_stay_in_the_folder_and_apart() {
    assert_eq!(cell_file_stem(&cell("../../x")), "..%2F..%2Fx@kdc@unique@multi@en@en+ko");
    assert_eq!(cell_file_stem(&cell("모델")), "모델@kdc@unique@multi@en@en+ko");
    let moved = Cell { model: "a@kdc".to_owned(), dataset: String::new(), ..cell("") };
    let other = Cell { model: "a".to_owned(), dataset: "kdc@".to_owned(), ..cell("") };
    assert_ne!(cell_file_stem(&moved), cell_file_stem(&other));
}

#[test]
fn ids_with_white_space_are_refused_before_anything_is_written() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let qrels = [QrelsLine { query: "q 1".to_owned(), document: "d".to_owned(), grade: 1 }];
    let error =
        write_cell(dir.path(), &cell("m"), &[line("q1", "d", 1, 0.5)], &qrels).expect_err("white space");
    assert!(error.to_string().starts_with("query id `q 1` is empty or has white space"), "{error}");
    let error = write_cell(dir.path(), &cell("m"), &[line("q1", "", 1, 0.5)], &[]).expect_err("empty");
    assert!(error.to_string().starts_with("document id ``"), "{error}");
    assert!(write_cell(dir.path(), &cell("m"), &[line("q1", "d", 1, f32::NAN)], &[]).is_err());
    assert!(!dir.path().join("trec").exists());
}

#[test]
fn readers_take_any_white_space_and_name_the_line() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let path = dir.path().join("other.run");
    let run = |text: &str| {
        fs::write(&path, text).expect("written");
        read_run(&path).map_err(|e| e.to_string().replace(&format!("{}/", dir.path().display()), ""))
    };
    let lines = run("1\tQ0  d1\t0 3.5e1 tag\r\n\n 1 0 d2 1 -2 x\n").expect("valid");
    assert_eq!(lines, [line("1", "d1", 0, 35.0), line("1", "d2", 1, -2.0)]);
    let expected = "other.run:2: 5 columns, expected `qid Q0 docid rank score tag`";
    assert_eq!(run("1 Q0 d1 1 2 t\n1 Q0 d2 2 1\n").expect_err("short"), expected);
    assert_eq!(run("1 Q0 d 1 NaN t\n").expect_err("NaN"), "other.run:1: score `NaN` is not a finite f32");
    let expected = "other.run:3: query `1` lists document `d` twice; keep one";
    assert_eq!(run("1 Q0 d 1 2 t\n2 Q0 d 1 2 t\n1 Q0 d 2 1 t\n").expect_err("twice"), expected);

    fs::write(&path, "1 0 d1 2\n1\tx\td2\t-1\n").expect("written");
    let grades: Vec<_> =
        read_qrels(&path).expect("valid").into_iter().map(|q| (q.document, q.grade)).collect();
    assert_eq!(grades, [("d1".to_owned(), 2), ("d2".to_owned(), -1)]);
    fs::write(&path, "1 0 d1 1.5\n").expect("written");
    let error = read_qrels(&path).expect_err("not whole").to_string();
    assert!(error.ends_with("other.run:1: rel `1.5` is not a whole number"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn runs_and_qrels_come_back_exactly(
        scores in prop::collection::vec(prop::num::f32::NORMAL | prop::num::f32::SUBNORMAL, 1..30),
        grades in prop::collection::vec(any::<i32>(), 1..30),
    ) {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let run: Vec<_> = scores
            .iter()
            .enumerate()
            .map(|(i, &score)| line(&format!("q{}", i % 3), &format!("ko:문서{i}"), i as u32 + 1, score))
            .collect();
        let qrels: Vec<_> = grades
            .iter()
            .enumerate()
            .map(|(i, &grade)| QrelsLine { query: format!("q{}", i % 3), document: format!("d{i}"), grade })
            .collect();
        let cell = cell("m");
        write_cell(dir.path(), &cell, &run, &qrels).expect("written");
        let stem = dir.path().join("trec").join(cell_file_stem(&cell)).display().to_string();
        prop_assert_eq!(read_run(format!("{stem}.run").as_ref()).expect("read"), run);
        prop_assert_eq!(read_qrels(format!("{stem}.qrels").as_ref()).expect("read"), qrels);
    }
}
