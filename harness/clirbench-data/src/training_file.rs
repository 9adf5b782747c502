//! Files of training data, whatever is in them: parallel triples, or rows of one language each.

use std::path::Path;

use serde::Serialize;
use serde_json::Value;

use crate::{
    error::{Error, Kind, Place, Position},
    lines::JsonLines,
    training::{TrainingRow, TrainingRows},
    triples::{ParallelTriple, Triples},
};

/// What the lines of a file are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Content {
    /// Parallel triples.
    Triples,
    /// Training rows.
    Rows,
}

impl Content {
    /// What several of them are called.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Content::Triples => "triples",
            Content::Rows => "rows",
        }
    }
}

/// A line of training data. It is written as it was read.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Example {
    /// Texts in several languages each.
    Triple(ParallelTriple),
    /// Texts in one language each.
    Row(TrainingRow),
}

impl Example {
    /// Its id; a row may have none.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        match self {
            Example::Triple(triple) => Some(&triple.id),
            Example::Row(row) => row.id.as_deref(),
        }
    }

    /// Its texts: column, language where it is known, text.
    pub fn texts(&self) -> impl Iterator<Item = (&'static str, Option<&str>, &str)> {
        let triple = match self {
            Example::Triple(triple) => Some(triple),
            Example::Row(_) => None,
        };
        let row = match self {
            Example::Row(row) => Some(row),
            Example::Triple(_) => None,
        };
        let parallel = triple.into_iter().flat_map(|triple| {
            triple.columns().flat_map(|(column, texts)| {
                texts.iter().map(move |(language, text)| (column, Some(language.as_str()), text.as_str()))
            })
        });
        let own = row
            .into_iter()
            .flat_map(|row| row.texts().map(|(column, text)| (column, row.language(column), text)));
        parallel.chain(own)
    }
}

/// A file of triples or rows, read one line at a time; the first line says which. The path `-` is the
/// standard input.
///
/// Lines are checked as [`Triples`] and [`TrainingRows`] do. Stops after the first error.
pub enum TrainingFile {
    /// A file of triples.
    Triples(Triples),
    /// A file of rows.
    Rows(TrainingRows),
}

impl TrainingFile {
    /// Opens a file and looks at its first line.
    ///
    /// # Errors
    /// The file cannot be read, or has no line. A first line that is not JSON is an error of the
    /// iterator.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let mut lines = JsonLines::<Value>::open(path)?;
        let Some(first) = lines.peek()? else {
            return Err(Error::new(lines.place(Position::Whole), Kind::Nothing("row".to_owned())));
        };
        let first: Option<Value> = serde_json::from_slice(first).ok();
        let parallel = first.is_some_and(|first| first.get("query").is_some_and(Value::is_object));
        Ok(match parallel {
            true => TrainingFile::Triples(Triples::of(lines.of())),
            false => TrainingFile::Rows(TrainingRows::of(lines.of())),
        })
    }

    /// What its lines are.
    #[must_use]
    pub fn content(&self) -> Content {
        match self {
            TrainingFile::Triples(_) => Content::Triples,
            TrainingFile::Rows(_) => Content::Rows,
        }
    }

    /// The next line; unlike the iterator it can be asked for more after a bad one.
    pub(crate) fn read(&mut self) -> Result<Option<(Example, u64)>, Error> {
        Ok(match self {
            TrainingFile::Triples(triples) => triples.read()?.map(|(t, line)| (Example::Triple(t), line)),
            TrainingFile::Rows(rows) => rows.read()?.map(|(row, line)| (Example::Row(row), line)),
        })
    }

    /// An error about a line of the file at `path`: what is wrong, and what to do.
    #[must_use]
    pub fn error(path: &Path, line: u64, what: String, hint: &str) -> Error {
        let kind = Kind::Entry { what, hint: hint.to_owned() };
        Error::new(Place::File(path.to_owned(), Position::Line(line)), kind)
    }
}

impl Iterator for TrainingFile {
    type Item = Result<(Example, u64), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            TrainingFile::Triples(triples) => {
                triples.next().map(|row| row.map(|(triple, line)| (Example::Triple(triple), line)))
            }
            TrainingFile::Rows(rows) => {
                rows.next().map(|row| row.map(|(row, line)| (Example::Row(row), line)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRIPLE: &str = r#"{"id":"1","query":{"en":"who","ko":"누구"},"positive":{"en":"I","ko":"나"}}"#;
    const ROW: &str = r#"{"query":"q","positive":"p","parallel":"l","negatives":["n","m"],"languages":["en","ko","de","es"]}"#;

    fn read(content: &str) -> Result<Vec<Example>, String> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("data.jsonl");
        std::fs::write(&path, content).expect("written");
        let file = TrainingFile::open(&path).map_err(|e| e.to_string())?;
        file.map(|row| row.map(|(example, _)| example).map_err(|e| e.to_string())).collect()
    }

    #[test]
    fn the_first_line_says_what_the_others_are() {
        for line in [TRIPLE, ROW] {
            let examples = read(&format!("\u{feff}\n{line}\n")).expect("readable");
            assert_eq!(serde_json::to_string(&examples[0]).expect("JSON"), line);
        }
        let error = read(&format!("{ROW}\n{TRIPLE}")).expect_err("mixed");
        assert!(error.contains("data.jsonl:2:"), "{error}");
        assert!(read(" \n").expect_err("empty").contains("there is no row in it"));
        assert!(read("{").expect_err("broken").contains("data.jsonl:1:"), "the first line is an error too");
    }

    #[test]
    fn every_text_has_its_column_and_its_language() {
        let triple = read(TRIPLE).expect("a triple");
        let texts: Vec<_> = triple[0].texts().collect();
        assert_eq!(texts[1], ("query", Some("ko"), "누구"));
        assert_eq!(texts[2], ("positive", Some("en"), "I"));
        let row = read(ROW).expect("a row");
        let texts: Vec<_> = row[0].texts().map(|(column, language, _)| (column, language)).collect();
        let expected = [("query", "en"), ("positive", "ko"), ("parallel", "de"), ("negatives", "es")];
        assert_eq!(texts[..4], expected.map(|(column, language)| (column, Some(language))));
        assert_eq!(texts[4], ("negatives", Some("es")));
        let row = read(r#"{"query":"q","positive":"p","languages":["en"]}"#).expect("a row");
        assert_eq!(row[0].texts().map(|(_, language, _)| language).collect::<Vec<_>>(), [Some("en"), None]);
    }
}
