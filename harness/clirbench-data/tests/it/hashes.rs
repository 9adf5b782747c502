//! The same content has the same hash in any layout, other content another.

use clirbench_data::ContentHashes;

use crate::folder::Folder;

const LINES: &str = "format = 'bitext'\nlanguages = ['en', 'ko']\nfiles = 't.{lang}'";

fn hashes(en: &str, ko: &str) -> ContentHashes {
    Folder::with(&[("t.en", en), ("t.ko", ko)]).load(LINES).hashes
}

#[test]
fn a_hash_does_not_depend_on_the_layout() {
    let lines = hashes("One\nTwo\n", "하나\n둘\n");
    let table = Folder::with(&[("t.tsv", "id\ten\tko\n1\tOne\t하나\n2\tTwo\t둘\n")])
        .load("format = 'bitext'\nlanguages = ['en', 'ko']\nfiles = 't.tsv'\nid_column = 'id'");
    assert_eq!(table.hashes, lines);
    let row = |id: &str, text: &str| format!("{{\"_id\": {id}, \"text\": \"{text}\"}}\n");
    let (en, ko) = (row("1", "One") + &row("2", "Two"), row("1", "하나") + &row("2", "둘"));
    let beir = Folder::with(&[
        ("en/corpus.jsonl", &en),
        ("en/queries.jsonl", &en),
        ("ko/corpus.jsonl", &ko),
        ("ko/queries.jsonl", &ko),
        ("qrels/test.tsv", "query-id\tcorpus-id\tscore\n2\t2\t1\n1\t1\t1\n"),
    ])
    .load("format = 'beir'\nlanguages = ['en', 'ko']");
    assert_eq!(beir.hashes, lines);
}

#[test]
fn every_part_of_the_content_counts() {
    let base = hashes("One\nTwo\n", "하나\n둘\n");
    assert_eq!(hashes("One\r\nTwo", "하나\n둘\n"), base);
    let text = hashes("One\nTwo.\n", "하나\n둘\n");
    assert_ne!(text.collection, base.collection);
    assert_ne!(text.corpus, base.corpus);
    assert_ne!(text.queries, base.queries);
    assert_eq!(text.qrels, base.qrels);
    // The same bytes, cut elsewhere.
    assert_ne!(hashes("OneT\nwo\n", "하나\n둘\n").corpus, base.corpus);
    assert_ne!(hashes("Two\nOne\n", "둘\n하나\n").corpus, base.corpus);
    let grade = |grade: i32| {
        let row = "{\"_id\": \"1\", \"text\": \"x\"}";
        Folder::with(&[
            ("corpus.jsonl", row),
            ("queries.jsonl", row),
            ("qrels/test.tsv", &format!("query-id\tcorpus-id\tscore\n1\t1\t{grade}\n")),
        ])
        .load("format = 'beir'\nlanguages = ['en']")
        .hashes
    };
    assert_ne!(grade(1).qrels, grade(-1).qrels);
    assert_eq!(grade(1).corpus, grade(-1).corpus);
}

#[test]
fn the_hash_is_pinned() {
    // A change here makes every stored result of every dataset unreachable: do it on purpose.
    let folder = Folder::with(&[("t.en", "One"), ("t.ko", "하나")]);
    let loaded = folder.load(LINES);
    assert_eq!(loaded.hashes.collection, PINNED);
    let one = &loaded.files[0];
    // sha256sum of the three bytes `One`.
    assert_eq!(one.sha256, "8b12507783d5becacbf2ebe5b01a60024d8728a8f86dcc818bce699e8b3320bc");
    assert_eq!((one.path.as_str(), one.pinned), ("t.en", false));
}

const PINNED: &str = "babafce3223df4b3d14875deffc683bd0ab4238d385f20dd23780e378013c1a8";
