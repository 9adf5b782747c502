//! Hard negatives: from parallel triples and a model, and from rows and vectors that are there.

use std::{collections::HashMap, fs};

use serde_json::{Value, json};

use crate::place::{Ended, Place};

const PARTS: [(&str, &str); 6] = [
    ("river", "강"),
    ("glass", "유리"),
    ("tax", "세금"),
    ("choir", "합창단"),
    ("wheat", "밀"),
    ("orbit", "궤도"),
];

/// 36 triples: each about two of six things, so that some passages are near and none is equal.
fn triples() -> Vec<Value> {
    let mut all = Vec::new();
    for (i, a) in PARTS.iter().enumerate() {
        for (j, b) in PARTS.iter().enumerate() {
            let texts = |english: String, korean: String| json!({"en": english, "ko": korean});
            all.push(json!({
                "id": format!("t{i}{j}"),
                "query": texts(format!("what of {} and {}", a.0, b.0), format!("{}와 {}는", a.1, b.1)),
                "positive": texts(
                    format!("{} {} of {} with number {i}{j}", a.0, a.0, b.0),
                    format!("{} {} {} 번호 {i}{j}", a.1, a.1, b.1),
                ),
                "negatives": [texts(format!("no {} at all {i}{j}", a.0), format!("{} 없음 {i}{j}", a.1))],
            }));
        }
    }
    all
}

fn lines(rows: &[Value]) -> String {
    rows.iter().map(|row| format!("{row}\n")).collect()
}

fn read(place: &Place, name: &str) -> Vec<Value> {
    let text = fs::read_to_string(place.path(name)).expect(name);
    text.lines().map(|line| serde_json::from_str(line).expect("a row")).collect()
}

fn mine(place: &Place, more: &[&str]) -> Ended {
    place.end([&["mine", "data.jsonl", "--store", "store"], more].concat())
}

/// The same, with the encoder that needs no weights.
fn hashed(place: &Place, more: &[&str]) -> Ended {
    mine(place, &[&["--encoder", "hashed", "--language", "en", "--out", "mined.jsonl"], more].concat())
}

const WINDOW: [&str; 6] = ["--range-min", "2", "--range-max", "20", "--count", "4"];

#[test]
fn triples_get_parallel_negatives_from_the_window() {
    let place = Place::new();
    let triples = triples();
    place.write("data.jsonl", lines(&triples));
    let files = ["--report", "report.json", "--explain", "explain.jsonl"];
    let limits = ["--relative-margin", "0.05", "--sampling", "random"];
    let ended = hashed(&place, &[&WINDOW[..], &files, &limits, &["--threads", "1"]].concat());
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stderr.contains("72 texts to encode, 0 in the store"), "{}", ended.stderr);
    assert!(ended.stdout.contains("4 of ranks 3 to 20 each"), "{}", ended.stdout);

    let report: Value =
        serde_json::from_slice(&fs::read(place.path("report.json")).expect("a report")).expect("JSON");
    let (mined, explained) = (read(&place, "mined.jsonl"), read(&place, "explain.jsonl"));
    let counts = &report["report"];
    let dropped: u64 =
        counts["dropped"].as_object().expect("reasons").values().filter_map(Value::as_u64).sum();
    assert_eq!(counts["candidates"].as_u64(), Some(dropped + counts["mined"].as_u64().expect("a number")));
    assert_eq!((counts["rows"].as_u64(), counts["documents"].as_u64()), (Some(36), Some(36)));
    assert_eq!(counts["complete"].as_u64(), Some(mined.len() as u64));
    assert!(mined.len() > 20, "{counts}");
    assert_eq!(report["vectors"]["encoder"]["plugin"], "encoder-hashed");

    let by_id: HashMap<&str, &Value> = triples.iter().filter_map(|t| Some((t["id"].as_str()?, t))).collect();
    let explained: HashMap<&str, &Value> =
        explained.iter().filter_map(|row| Some((row["row"].as_str()?, row))).collect();
    assert_eq!(explained.len(), 36);
    for row in &mined {
        let id = row["id"].as_str().expect("an id");
        let (own, why) = (by_id[id], explained[id]);
        let negatives = row["negatives"].as_array().expect("a list");
        assert_eq!((negatives.len(), &negatives[0]), (5, &own["negatives"][0]), "{id}");
        let limit = why["positive_score"].as_f64().expect("a score") * 0.95;
        let mut last = 2;
        for (negative, said) in negatives[1..].iter().zip(why["negatives"].as_array().expect("a list")) {
            // The whole passage, in every language, of the row that it is from.
            let from = said["from"]["id"].as_str().expect("an id");
            assert_eq!(*negative, by_id[from]["positive"]);
            assert_ne!(from, id);
            assert_eq!(negative["en"], said["text"]);
            let rank = said["rank"].as_u64().expect("a rank");
            assert!(last < rank && rank <= 20, "{why}");
            assert!(said["score"].as_f64().expect("a score") <= limit + 1e-6, "{why}");
            last = rank;
        }
    }

    // Again on two threads: nothing is encoded, the same bytes.
    let names = ["mined.jsonl", "report.json", "explain.jsonl"];
    let bytes = || names.map(|name| fs::read(place.path(name)).expect(name));
    let first = bytes();
    let again = hashed(&place, &[&WINDOW[..], &files, &limits, &["--threads", "2"]].concat());
    assert!(again.stderr.contains("0 texts to encode, 72 in the store"), "{}", again.stderr);
    assert!(first == bytes());

    // As triplets, from Korean, to standard output: the row's own negatives are rows too.
    let arguments =
        ["--encoder", "hashed", "--language", "ko", "--out", "-", "--format", "triplet", "--quiet"];
    let ended = mine(&place, &[&arguments[..], &["--count", "1"]].concat());
    assert_eq!((ended.code, ended.stdout.lines().count()), (Some(0), 72), "{}", ended.stderr);
    let second: Value = serde_json::from_str(ended.stdout.lines().nth(1).expect("a line")).expect("JSON");
    assert_eq!((&second["id"], second["negatives"].as_array().map(Vec::len)), (&json!("t00#2"), Some(1)));
}

/// An `.npy` file of f32.
fn npy(rows: &[[f32; 2]]) -> Vec<u8> {
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, 2), }}\n", rows.len());
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(rows.iter().flatten().flat_map(|value| value.to_le_bytes()));
    bytes
}

/// Three rows in one language, and a corpus of two passages.
fn rows(place: &Place) {
    let row =
        |i: usize| json!({"query": format!("q{i}"), "positive": format!("p{i}"), "languages": ["en", "en"]});
    place.write("data.jsonl", lines(&[row(0), row(1), row(2)]));
    place.write("corpus.jsonl", "{\"id\": \"a\", \"text\": \"near\"}\n{\"id\": \"b\", \"text\": \"p1\"}\n");
    place.write("queries.npy", npy(&[[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]]));
    // Of equal passages the first vector counts.
    place.write("passages.npy", npy(&[[2.0, 0.0], [0.5, 2.0], [3.0, 3.0], [1.0, 0.2], [9.0, 0.0]]));
}

const GIVEN: [&str; 8] = [
    "--query-vectors",
    "queries.npy",
    "--passage-vectors",
    "passages.npy",
    "--corpus",
    "corpus.jsonl",
    "--out",
    "mined.jsonl",
];

#[test]
fn rows_are_mined_with_vectors_that_are_there() {
    let place = Place::new();
    rows(&place);
    let negatives = |more: &[&str]| {
        let ended = mine(&place, &[&GIVEN[..], more].concat());
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        read(&place, "mined.jsonl").into_iter().map(|row| row["negatives"].clone()).collect::<Vec<_>>()
    };
    // By angle: q0 points to p0, then near, p2, p1; by length p2 is the first.
    let mined = negatives(&["--count", "3"]);
    assert_eq!(
        mined,
        [json!(["near", "p2", "p1"]), json!(["p2", "near", "p0"]), json!(["p1", "near", "p0"])]
    );
    let mined = negatives(&["--count", "1", "--similarity", "dot"]);
    assert_eq!(mined, [json!(["p2"]), json!(["p2"]), json!(["p1"])]);
    assert_eq!(read(&place, "mined.jsonl")[0]["languages"], json!(["en", "en", "en"]));
    assert!(!place.path("store").exists(), "nothing is encoded");
}

#[test]
fn what_cannot_be_mined_is_one_clear_error_and_writes_nothing() {
    let place = Place::new();
    place.write("data.jsonl", lines(&triples()));
    let refused = |ended: Ended, code: i32, parts: &[&str]| {
        assert_eq!(ended.code, Some(code), "{parts:?}: {}", ended.stderr);
        for part in parts {
            assert!(ended.stderr.contains(part), "{part} is not in {}", ended.stderr);
        }
        let left: Vec<_> = fs::read_dir(place.path("")).expect("the place").flatten().collect();
        assert!(left.iter().all(|entry| !entry.file_name().to_string_lossy().contains("mined")), "{left:?}");
    };
    refused(hashed(&place, &["--range-min", "50", "--range-max", "50"]), 1, &["range-min is 50", "empty"]);
    refused(hashed(&place, &["--count", "9", "--range-max", "8"]), 1, &["9 negatives", "range-max"]);
    refused(hashed(&place, &["--absolute-margin", "-0.1"]), 1, &["absolute-margin is -0.1"]);
    refused(hashed(&place, &["--max-score", "-0.5"]), 1, &["no row has 5 negatives", "--incomplete keep"]);
    refused(hashed(&place, &["--option", "dims"]), 1, &["--option dims has no value"]);
    refused(hashed(&place, &["--query-vectors", "q.npy"]), 2, &["--encoder"]);
    let with = |more: &[&str]| mine(&place, &[&["--out", "mined.jsonl"], more].concat());
    refused(with(&["--encoder", "hashed"]), 1, &["en, ko", "--language"]);
    refused(with(&["--encoder", "hashed", "--language", "de"]), 1, &["query of `t00`", "`de`", "en, ko"]);
    refused(with(&["--model", "absent", "--language", "en"]), 1, &["absent does not exist", "--model"]);
    refused(with(&["--language", "en"]), 2, &["--model"]);

    rows(&place);
    place.write("queries.npy", npy(&[[1.0, 0.0]; 4]));
    refused(mine(&place, &GIVEN), 1, &["queries.npy has 4 rows", "there are 3 rows"]);
    place.write("queries.npy", npy(&[[1.0, f32::NAN]; 3]));
    refused(mine(&place, &[&GIVEN[..], &["--count", "1"]].concat()), 1, &["NaN"]);
    place.write("queries.npy", "no vectors");
    refused(mine(&place, &GIVEN), 1, &["queries.npy", "numpy.save"]);
    let mixed = json!({"query": "q", "positive": "p", "languages": ["ko", "ko"]});
    let text = fs::read_to_string(place.path("data.jsonl")).expect("rows");
    place.write("data.jsonl", format!("{text}{mixed}\n"));
    refused(mine(&place, &GIVEN), 1, &["data.jsonl:4", "in `ko`, not in `en`", "compose"]);
}
