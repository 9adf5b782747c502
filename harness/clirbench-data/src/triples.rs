//! Parallel triples: a query, its positive and its negatives, each in the same languages.

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    error::{Error, Kind, Position},
    lines::JsonLines,
};

/// A text in several languages: language code to text.
pub type Texts = BTreeMap<String, String>;

/// One triple, a line of JSON:
/// `{"id": "1", "query": {"en": "..", "ko": ".."}, "positive": {..}, "negatives": [{..}]}`.
///
/// From these the language compositions of Jang et al. 2025 are made: every text can be taken in
/// every language.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParallelTriple {
    /// Names it, once in a file.
    pub id: String,
    /// A query.
    pub query: Texts,
    /// A text that answers it.
    pub positive: Texts,
    /// Texts that are like an answer and are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub negatives: Vec<Texts>,
    /// Where its texts come from, in the words of who made them.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub provenance: Map<String, Value>,
}

impl ParallelTriple {
    /// The languages that all its texts are in, sorted.
    pub fn languages(&self) -> impl ExactSizeIterator<Item = &str> {
        self.query.keys().map(String::as_str)
    }

    /// The texts with the names of their columns: query, positive, negatives.
    pub fn columns(&self) -> impl Iterator<Item = (&'static str, &Texts)> {
        let own = [("query", &self.query), ("positive", &self.positive)];
        own.into_iter().chain(self.negatives.iter().map(|texts| ("negatives", texts)))
    }

    fn problem(&self) -> Option<String> {
        if self.id.trim().is_empty() {
            return Some("`id` is empty".to_owned());
        }
        if self.query.is_empty() {
            return Some("`query` has no language".to_owned());
        }
        for (column, texts) in self.columns() {
            if let Some((language, _)) = texts.iter().find(|(_, text)| text.trim().is_empty()) {
                return Some(format!("`{column}` is empty in `{language}`"));
            }
            if !texts.keys().eq(self.query.keys()) {
                let list =
                    |texts: &Texts| texts.keys().map(|l| format!("`{l}`")).collect::<Vec<_>>().join(", ");
                return Some(format!(
                    "`{column}` is in {}, but `query` in {}: a triple is parallel",
                    if texts.is_empty() { "no language".to_owned() } else { list(texts) },
                    list(&self.query)
                ));
            }
        }
        None
    }
}

/// The triples of a file, one at a time, with their line numbers. The path `-` is the standard input.
///
/// Each one is checked: texts that are not empty, all in the same languages, an id that no other
/// has. Stops after the first error.
pub struct Triples {
    rows: JsonLines<ParallelTriple>,
    seen: HashMap<String, u64>,
    failed: bool,
}

impl Triples {
    /// Opens a file, or the standard input.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn open(path: &Path) -> Result<Self, Error> {
        Ok(Triples::of(JsonLines::open(path)?))
    }

    pub(crate) fn of(rows: JsonLines<ParallelTriple>) -> Self {
        Triples { rows, seen: HashMap::new(), failed: false }
    }

    /// The next triple; unlike the iterator it can be asked for more after a bad one.
    pub(crate) fn read(&mut self) -> Result<Option<(ParallelTriple, u64)>, Error> {
        let Some((triple, line)) = self.rows.read()? else { return Ok(None) };
        self.checked(triple, line).map(Some)
    }

    fn checked(&mut self, triple: ParallelTriple, line: u64) -> Result<(ParallelTriple, u64), Error> {
        let at = |kind| Error::new(self.rows.place(Position::Line(line)), kind);
        if let Some(problem) = triple.problem() {
            return Err(at(Kind::Json(problem)));
        }
        if let Some(first) = self.seen.insert(triple.id.clone(), line) {
            return Err(at(Kind::Duplicate { noun: "triple", id: triple.id, first: Position::Line(first) }));
        }
        Ok((triple, line))
    }
}

impl Iterator for Triples {
    type Item = Result<(ParallelTriple, u64), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let row = self.read();
        self.failed = row.is_err();
        row.transpose()
    }
}

/// Reads all triples of a file.
///
/// # Errors
/// The first line that is no triple, or a file without one.
pub fn read_triples(path: &Path) -> Result<Vec<ParallelTriple>, Error> {
    let mut rows = Triples::open(path)?;
    let triples = rows.by_ref().map(|row| row.map(|(triple, _)| triple)).collect::<Result<Vec<_>, _>>()?;
    if triples.is_empty() {
        return Err(Error::new(rows.rows.place(Position::Whole), Kind::Nothing("triple".to_owned())));
    }
    Ok(triples)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content: &str) -> Result<Vec<ParallelTriple>, String> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("triples.jsonl");
        std::fs::write(&path, content).expect("written");
        read_triples(&path).map_err(|e| {
            let e = e.to_string();
            e.split_once("triples.jsonl").map(|(_, rest)| rest.to_owned()).unwrap_or(e)
        })
    }

    const GOOD: &str =
        r#"{"id": "1", "query": {"en": "who", "ko": "누구"}, "positive": {"ko": "나", "en": "I"}}"#;

    #[test]
    fn a_triple_is_written_as_it_was_read() {
        let line = concat!(
            r#"{"id":"1","query":{"en":"who","ko":"누구"},"positive":{"en":"I","ko":"나"},"#,
            r#""negatives":[{"en":"you","ko":"너"}],"provenance":{"division":"310"}}"#
        );
        let triples = read(line).expect("triples");
        assert_eq!(triples[0].languages().collect::<Vec<_>>(), ["en", "ko"]);
        assert_eq!(serde_json::to_string(&triples[0]).expect("JSON"), line);
    }

    #[test]
    fn bad_triples_are_named_with_their_line() {
        let twice = format!("{GOOD}\n\n{GOOD}\n");
        for (content, start) in [
            ("\n", ": there is no triple in it"),
            (&GOOD.replace("나", " "), ":1: `positive` is empty in `ko`"),
            (
                &GOOD.replace("\"ko\": \"나\"", "\"de\": \"ich\""),
                ":1: `positive` is in `de`, `en`, but `query` in `en`, `ko`",
            ),
            (&GOOD.replace("\"1\"", "\"\""), ":1: `id` is empty"),
            (&GOOD.replace("positive", "positve"), ":1:"),
            (&twice, ":3: the triple id `1` is there twice, first at line 1"),
        ] {
            let error = read(content).expect_err(content);
            assert!(error.starts_with(start), "{error}");
        }
    }
}
