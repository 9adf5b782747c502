//! Passages that belong to no row: JSON lines of `{"id": "..", "text": ..}`.

use std::{collections::HashMap, path::Path};

use serde::{Deserialize, de::DeserializeOwned};

use crate::{
    error::{Error, Kind, Place, Position},
    lines::JsonLines,
};

/// A passage of a corpus; its text is a string, or a string per language.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CorpusRow<T> {
    id: String,
    text: T,
}

/// Reads ids and texts of a file of JSON lines: `{"id": "1", "text": "..."}`, or with
/// `"text": {"en": "..", "ko": ".."}` where `T` is [`Texts`](crate::Texts).
///
/// # Errors
/// The first line that is no such passage, an id that is empty or there twice, or a file without one.
pub fn read_corpus<T: DeserializeOwned>(path: &Path) -> Result<Vec<(String, T)>, Error> {
    let mut lines = JsonLines::<CorpusRow<T>>::open(path)?;
    let mut passages = Vec::new();
    let mut seen = HashMap::new();
    for row in lines.by_ref() {
        let (CorpusRow { id, text }, line) = row?;
        let at = |kind| Error::new(Place::File(path.to_owned(), Position::Line(line)), kind);
        if id.trim().is_empty() {
            return Err(at(Kind::EmptyId("passage")));
        }
        if let Some(first) = seen.insert(id.clone(), line) {
            return Err(at(Kind::Duplicate { noun: "passage", id, first: Position::Line(first) }));
        }
        passages.push((id, text));
    }
    if passages.is_empty() {
        return Err(Error::new(lines.place(Position::Whole), Kind::Nothing("passage".to_owned())));
    }
    Ok(passages)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Texts;

    fn written(content: &str) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("corpus.jsonl");
        std::fs::write(&path, content).expect("written");
        (folder, path)
    }

    #[test]
    fn passages_are_in_one_language_or_in_several() {
        let (_folder, path) =
            written("{\"id\": \"a\", \"text\": \"one\"}\n\n{\"id\": \"b\", \"text\": \"two\"}\n");
        let passages: Vec<(String, String)> = read_corpus(&path).expect("passages");
        assert_eq!(passages[1], ("b".to_owned(), "two".to_owned()));
        let (_folder, path) = written("{\"id\": \"a\", \"text\": {\"ko\": \"하나\", \"en\": \"one\"}}");
        let passages: Vec<(String, Texts)> = read_corpus(&path).expect("passages");
        assert_eq!(passages[0].1["ko"], "하나");
    }

    #[test]
    fn bad_passages_are_named_with_their_line() {
        for (content, part) in [
            ("\n", ": there is no passage in it"),
            ("{\"id\": \" \", \"text\": \"t\"}", ":1: a passage has an empty id"),
            ("{\"id\": \"a\", \"txt\": \"t\"}", "corpus.jsonl:1:17: unknown field `txt`"),
            ("{\"id\": \"a\", \"text\": \"t\"}\n{\"id\": \"a\", \"text\": \"u\"}", ":2: the passage id `a`"),
        ] {
            let (_folder, path) = written(content);
            let error = read_corpus::<String>(&path).expect_err(part).to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
