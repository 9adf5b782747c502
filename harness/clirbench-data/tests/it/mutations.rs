//! No damage to a file panics, and what still loads is still parallel.

use proptest::prelude::*;

use crate::folder::Folder;

const SQUAD: &str = r#"{"data": [{"paragraphs": [{"context": "한강 c", "qas": [{"id": "q", "question": "x", "answers": [{"text": "c", "answer_start": 3}]}]}]}]}"#;
const ROWS: &str = "{\"_id\": \"1\", \"text\": \"하나\"}\n{\"_id\": \"2\", \"text\": \"둘\"}\n";
const QRELS: &str = "query-id\tcorpus-id\tscore\n1\t1\t1\n2\t2\t1\n";
const BELEBELE: &str =
    "{\"link\": \"u\", \"question_number\": 1, \"flores_passage\": \"p\", \"question\": \"q\"}\n";

/// Entries with the files that they read.
const DATASETS: [(&str, &[(&str, &str)]); 4] = [
    ("format = 'squad'\nlanguages = ['en', 'ko']", &[("en.json", SQUAD), ("ko.json", SQUAD)]),
    (
        "format = 'beir'\nlanguages = ['en']",
        &[("corpus.jsonl", ROWS), ("queries.jsonl", ROWS), ("qrels/test.tsv", QRELS)],
    ),
    ("format = 'belebele'\nlanguages = ['en', 'ko']", &[("en.jsonl", BELEBELE), ("ko.jsonl", BELEBELE)]),
    (
        "format = 'bitext'\nlanguages = ['en', 'ko']\nfiles = '{lang}.tsv'",
        &[("en.tsv", "text\nOne\nTwo\n"), ("ko.tsv", "text\n하나\n둘\n")],
    ),
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn damage_is_reported_or_harmless(
        dataset in 0..DATASETS.len(),
        file in 0_usize..3,
        at in any::<prop::sample::Index>(),
        bytes in prop::collection::vec(any::<u8>(), 0..4),
        cut in any::<bool>(),
    ) {
        let (entry, files) = DATASETS[dataset];
        let folder = Folder::with(files);
        let (name, content) = files[file % files.len()];
        let at = at.index(content.len());
        let mut damaged = content.as_bytes()[..at].to_vec();
        damaged.extend(&bytes);
        if !cut {
            damaged.extend(&content.as_bytes()[at..]);
        }
        folder.write(name, &damaged);
        let report = folder.validate(entry);
        match &report.loaded {
            None => prop_assert!(!report.errors.is_empty()),
            Some(loaded) => {
                let c = &loaded.collection;
                prop_assert!(report.errors.is_empty());
                prop_assert_eq!(c.qrels.len(), c.queries.len());
                let entries = c.queries.iter().chain(&c.documents);
                prop_assert!(entries.into_iter().all(|e| e.texts.iter().flatten().count() == c.languages.len()));
                prop_assert!(c.qrels.iter().flatten().all(|j| (j.document as usize) < c.documents.len()));
            }
        }
    }
}
