//! `leaderboard verify`: what was measured is measured again, what was made up is found.

use std::{fs, path::Path};

use serde_json::Value;

use super::{Repository, parts, words};

/// Two models on a dataset that lies in the repository.
fn two_rows() -> Repository {
    let repository = Repository::new();
    repository.measure("out", &[words(), parts()].concat(), "kdc", &["en", "es"], "");
    repository.done(&["add", "out", "--to", "board"]);
    // Nothing of the run is needed but what is committed.
    for gone in ["out", "store"] {
        fs::remove_dir_all(repository.path(gone)).expect("removed");
    }
    repository
}

/// Raises the first nDCG@10 of CLIR in a record by `by`, with the checksum that belongs to it.
fn raise(repository: &Repository, record: &str, by: f64) {
    let path = repository.path(record).join("scores.csv");
    let text = fs::read_to_string(&path).expect("scores");
    let line = text.lines().find(|l| l.contains(",clir,") && l.contains(",ndcg@10,")).expect("a row");
    let mut fields: Vec<String> = line.split(',').map(str::to_owned).collect();
    fields[7] = (fields[7].parse::<f64>().expect("a number") + by).to_string();
    fs::write(&path, text.replace(line, &fields.join(","))).expect("written");
    sign(&repository.path(record));
}

/// Puts the checksum of `scores.csv` into `record.json`, as somebody who makes numbers up would.
fn sign(record: &Path) {
    let sum = std::process::Command::new("sha256sum").arg(record.join("scores.csv")).output();
    let sum = String::from_utf8(sum.expect("sha256sum").stdout).expect("UTF-8");
    let path = record.join("record.json");
    let mut value: Value = serde_json::from_slice(&fs::read(&path).expect("a record")).expect("JSON");
    value["files"]["scores.csv"] = Value::from(sum.split(' ').next().expect("a checksum"));
    fs::write(path, value.to_string()).expect("written");
}

#[test]
fn rows_of_the_repository_are_measured_again_from_nothing() {
    let repository = two_rows();
    let verified = repository.done(&["verify", "board", "--tolerance", "0", "--all"]);
    assert_eq!(verified.stdout.matches("all equal").count(), 2, "{}", verified.stdout);
    assert!(verified.stderr.ends_with("2 of 2 records verified, 0 failed, 0 not verified\n"));
    assert!(!repository.path(".clirbench/store").exists(), "it has a store of its own");
    let one = repository.done(&["verify", "board", "--model", "parts", "--json", "--quiet"]);
    let value: Value = serde_json::from_str(&one.stdout).expect("JSON");
    assert_eq!(value["records"].as_array().map(Vec::len), Some(1));
    assert_eq!(value["records"][0]["record"], "parts/kdc");
    assert_eq!(value["records"][0]["equal"], value["records"][0]["rows"]);
    repository.refused(&["verify", "board", "--model", "prats"], &["no record of `prats`"]);
}

#[test]
fn a_number_that_was_changed_is_found() {
    let repository = two_rows();
    // Without the checksum the record is not even read.
    let scores = "board/records/parts/kdc/scores.csv";
    let right = fs::read(repository.path(scores)).expect("scores");
    repository.edit(scores, ",clir,", ",mono,");
    repository.refused(&["verify", "board"], &[scores, "not the file that record.json was written with"]);
    repository.refused(&["build", "board"], &[scores]);
    fs::write(repository.path(scores), right).expect("written");

    // With it: 0.05 points are within what another machine may do, and are named all the same.
    raise(&repository, "board/records/parts/kdc", 0.0005);
    let within = repository.done(&["verify", "board", "--model", "parts"]);
    assert!(within.stdout.contains("within 0.050 points"), "{}", within.stdout);
    let exactly = repository.board(&["verify", "board", "--model", "parts", "--tolerance", "0"]);
    assert_eq!(exactly.code, Some(5), "{}", exactly.stdout);

    raise(&repository, "board/records/parts/kdc", 0.0195);
    let failed = repository.board(&["verify", "board"]);
    assert_eq!(failed.code, Some(5), "{}", failed.stdout);
    assert!(failed.stdout.contains("parts/kdc: FAILED: 1 of "), "{}", failed.stdout);
    assert!(failed.stdout.contains("clir en-es ndcg@10: value "), "{}", failed.stdout);
    assert!(failed.stdout.contains("2.000 points apart"), "{}", failed.stdout);
    assert!(failed.stdout.contains("words/kdc: "), "the other row is verified too");
    assert!(failed.stderr.ends_with("1 of 2 records verified, 1 failed, 0 not verified\n"));
}

#[test]
fn data_that_have_changed_since_are_found() {
    let repository = two_rows();
    let queries = "data/kdc/en/queries.jsonl";
    let text = fs::read_to_string(repository.path(queries)).expect("queries");
    let at = text.find("\"text\"").expect("a text") + "\"text\"".len();
    let (start, end) = text.split_at(at);
    repository.place.write(queries, format!("{start}{}", end.replacen("e", "3", 2)));
    let failed = repository.board(&["verify", "board", "--model", "words"]);
    assert_eq!(failed.code, Some(5), "{}{}", failed.stdout, failed.stderr);
    assert!(failed.stdout.contains("the data of kdc have changed since"), "{}", failed.stdout);
    // Options that were edited make another model.
    let repository = two_rows();
    repository.edit("board/records/words/kdc/record.json", "\"dim\": 256", "\"dim\": 255");
    let failed = repository.board(&["verify", "board", "--model", "words"]);
    assert_eq!(failed.code, Some(5), "{}{}", failed.stdout, failed.stderr);
    assert!(failed.stdout.contains("the model words has changed since"), "{}", failed.stdout);
}

#[test]
fn what_is_not_at_hand_is_said_and_can_be_named() {
    let repository = Repository::new();
    // The data lie beside the repository, not in it.
    fs::create_dir(repository.path("inner")).expect("a folder");
    fs::rename(repository.path(".git"), repository.path("inner/.git")).expect("moved");
    repository.measure("out", &words(), "kdc", &["en", "es"], "");
    let added = repository.done(&["add", "out", "--to", "inner/board"]);
    assert!(added.stderr.contains("--data kdc=DIR"), "{}", added.stderr);
    let record = fs::read_to_string(repository.path("inner/board/records/words/kdc/record.json"));
    let outside = repository.path("");
    assert!(!record.expect("a record").contains(outside.to_str().expect("UTF-8")), "a path of this machine");

    let unverified = repository.done(&["verify", "inner/board"]);
    assert!(
        unverified.stdout.contains("words/kdc: not verified: the data are not at hand"),
        "{unverified:?}"
    );
    let all = repository.board(&["verify", "inner/board", "--all"]);
    assert_eq!(all.code, Some(5), "{}", all.stdout);
    let named = repository.done(&["verify", "inner/board", "--all", "--data", "kdc=data/kdc"]);
    assert!(named.stdout.contains("all equal"), "{}", named.stdout);
    let wrong = ["verify", "inner/board", "--data", "kdc"];
    repository.refused(&wrong, &["--data kdc", "expected NAME=DIR"]);
}
