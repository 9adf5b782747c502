//! Content hashes: what a collection says, whatever files it came from.

use clirbench_core::dataset::{Collection, Entry};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// SHA-256 (lower-case hex) of a collection's content, in whole and in parts.
///
/// The content is ids, texts, grades and language codes, in their order (ties by index depend on
/// it); names, file layouts and the order of judgements are not part of it. Every string is
/// preceded by its length, so no two contents serialise alike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentHashes {
    /// Languages, corpus, queries and qrels together.
    pub collection: String,
    /// Documents of every language.
    pub corpus: String,
    /// Queries of every language.
    pub queries: String,
    /// Judgements, by query and document id.
    pub qrels: String,
}

impl ContentHashes {
    /// Hashes of `collection`.
    ///
    /// ```
    /// use clirbench_core::dataset::Collection;
    /// use clirbench_data::ContentHashes;
    ///
    /// let named = |name: &str| Collection {
    ///     name: name.to_owned(),
    ///     languages: vec!["en".to_owned()],
    ///     queries: vec![],
    ///     documents: vec![],
    ///     qrels: vec![],
    /// };
    /// assert_eq!(ContentHashes::of(&named("a")), ContentHashes::of(&named("b")));
    /// ```
    #[must_use]
    pub fn of(collection: &Collection) -> Self {
        let corpus = entries(b"corpus", &collection.languages, &collection.documents);
        let queries = entries(b"queries", &collection.languages, &collection.queries);
        let qrels = qrels(collection);
        let mut whole = Content::new(b"collection");
        for part in [&corpus, &queries, &qrels] {
            whole.text(part);
        }
        ContentHashes { collection: whole.finish(), corpus, queries, qrels }
    }
}

/// SHA-256 of some bytes in lower-case hex.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn entries(what: &[u8], languages: &[String], entries: &[Entry]) -> String {
    let mut content = Content::new(what);
    content.number(languages.len() as u64);
    languages.iter().for_each(|language| content.text(language));
    for entry in entries {
        content.text(&entry.id);
        for text in &entry.texts {
            content.number(u64::from(text.is_some()));
            content.text(text.as_deref().unwrap_or_default());
        }
    }
    content.finish()
}

fn qrels(collection: &Collection) -> String {
    let mut content = Content::new(b"qrels");
    for (query, judged) in collection.queries.iter().zip(&collection.qrels) {
        let mut judged: Vec<(&str, i32)> =
            judged.iter().map(|j| (collection.documents[j.document as usize].id.as_str(), j.grade)).collect();
        judged.sort_unstable();
        for (document, grade) in judged {
            content.text(&query.id);
            content.text(document);
            content.number(i64::from(grade) as u64);
        }
    }
    content.finish()
}

/// Bytes on their way into a hash.
struct Content(Sha256);

impl Content {
    fn new(what: &[u8]) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(b"clirbench/1 ");
        hasher.update(what);
        hasher.update(b"\n");
        Content(hasher)
    }

    fn number(&mut self, number: u64) {
        self.0.update(number.to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.0.update(text.as_bytes());
    }

    fn finish(self) -> String {
        hex(&self.0.finalize())
    }
}

fn hex(digest: &[u8]) -> String {
    digest
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|nibble| char::from(b"0123456789abcdef"[nibble as usize]))
        .collect()
}
