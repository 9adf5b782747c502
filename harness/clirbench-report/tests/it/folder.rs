use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use clirbench_report::{Options, ReportError, Results, scores, write_all};

use crate::fixture::run;

fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    fs::read_dir(dir)
        .expect("listed")
        .map(|entry| {
            let path = entry.expect("an entry").path();
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            (name, fs::read(&path).expect("read"))
        })
        .collect()
}

fn written(results: &Results, options: &Options) -> BTreeMap<String, Vec<u8>> {
    let dir = tempfile::tempdir().expect("a temporary folder");
    write_all(dir.path(), results, options).expect("written");
    files(dir.path())
}

#[test]
fn every_file_of_a_run() {
    let options = Options {
        notes: vec!["hashed xquad clir ko→en failed: the encoder wrote NaN for `p7`".to_owned()],
        ..Options::default()
    };
    let files = written(&run(), &options);
    let names: Vec<_> = files.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "bias.csv",
            "clir.csv",
            "clir.md",
            "leaderboard.md",
            "mixed.csv",
            "mixed.md",
            "mono.csv",
            "mono.md",
            "pairs.md",
            "per_query.parquet",
            "run.json",
            "scores.csv"
        ]
    );
    for (name, bytes) in &files {
        if name != "per_query.parquet" {
            let text = String::from_utf8(bytes.clone()).expect("text");
            assert!(text.ends_with('\n') && !text.ends_with("\n\n"), "{name}");
            insta::assert_snapshot!(name.as_str(), text);
        }
    }
}

#[test]
fn equal_results_give_equal_bytes() {
    assert_eq!(written(&run(), &Options::default()), written(&run(), &Options::default()));
    let mut signed = run();
    let zero = |r: &mut Results, v: f64| {
        r.scores[0].value = v;
        r.per_query[0].values[0] = v;
        r.bias[0].value = v;
    };
    zero(&mut signed, 0.0);
    let plus = written(&signed, &Options::default());
    zero(&mut signed, -0.0);
    assert_eq!(plus, written(&signed, &Options::default()));
}

#[test]
fn a_folder_grows_cell_by_cell() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let all = run();
    for cells in 1..=all.scores.len() {
        let so_far = Results { scores: all.scores[..cells].to_vec(), ..Results::default() };
        write_all(dir.path(), &so_far, &Options { per_query: false, ..Options::default() }).expect("written");
        assert_eq!(scores::read_scores(&dir.path().join("scores.csv")).expect("read"), so_far.scores);
    }
    assert!(!dir.path().join("per_query.parquet").exists());
    write_all(dir.path(), &all, &Options::default()).expect("written");
    assert_eq!(files(dir.path()), written(&all, &Options::default()));
}

#[test]
fn nothing_is_a_result_too() {
    let files = written(&Results::default(), &Options::default());
    assert_eq!(files["clir.csv"], b"model\n");
    assert!(files["mixed.md"].ends_with(b"\n\nNo results.\n"));
    assert_eq!(files["leaderboard.md"], b"No results.\n");
}

#[test]
fn what_is_not_a_number_is_refused_by_name() {
    let refused = |change: fn(&mut Results)| {
        let mut results = run();
        change(&mut results);
        let dir = tempfile::tempdir().expect("a temporary folder");
        let error = write_all(dir.path(), &results, &Options::default()).expect_err("not finite");
        assert!(matches!(error, ReportError::NotFinite { .. }));
        error.to_string()
    };
    let error = refused(|r| r.scores[1].ci_high = f64::NAN);
    assert!(
        error.starts_with("scores.csv: ci_high of `hashed kdc unique clir ko en ndcg@10` is NaN"),
        "{error}"
    );
    let error = refused(|r| r.bias[0].value = f64::INFINITY);
    assert!(
        error.starts_with("bias.csv: value of `hashed kdc multi en+ko top10_share en` is inf"),
        "{error}"
    );
    let error = refused(|r| r.per_query[0].values[3] = f64::NEG_INFINITY);
    assert!(error.contains("hashed kdc ndcg@10 query 질문 4` is -inf"), "{error}");
}
