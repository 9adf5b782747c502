//! Training data: JSON lines of texts that belong together.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Kind, Place, Position},
    lines::JsonLines,
};

/// One row, a line of JSON:
/// `{"query": "..", "positive": "..", "parallel": "..", "negatives": [".."], "languages": ["en", "ko"]}`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingRow {
    /// What it was made from; nobody computes with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// A query.
    pub query: String,
    /// A text that answers it.
    pub positive: String,
    /// The positive in another language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parallel: Option<String>,
    /// Texts that are like an answer and are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub negatives: Vec<String>,
    /// 1 where `positive` answers `query`, 0 where it does not: for losses on labelled pairs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<f32>,
    /// Languages of the query, the positive, the parallel text where there is one, and the negatives.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub languages: Vec<String>,
    /// The line it is on, from 1.
    #[serde(skip)]
    pub line: u64,
}

impl TrainingRow {
    /// The texts of the row with the names of their columns.
    pub fn texts(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let own = [("query", self.query.as_str()), ("positive", self.positive.as_str())];
        let parallel = self.parallel.as_deref().map(|text| ("parallel", text));
        own.into_iter().chain(parallel).chain(self.negatives.iter().map(|text| ("negatives", text.as_str())))
    }

    /// The language of a column of [`texts`](Self::texts), where `languages` says it.
    #[must_use]
    pub fn language(&self, column: &str) -> Option<&str> {
        let at = match column {
            "query" => 0,
            "positive" => 1,
            "parallel" => 2,
            _ => 2 + usize::from(self.parallel.is_some()),
        };
        self.languages.get(at).map(String::as_str)
    }

    fn problem(&self) -> Option<String> {
        if let Some((column, _)) = self.texts().find(|(_, text)| text.trim().is_empty()) {
            return Some(format!("`{column}` is empty"));
        }
        let label = self.label.filter(|label| *label != 0.0 && *label != 1.0);
        label.map(|label| format!("`label` is {label}, neither 0 nor 1"))
    }
}

/// The rows of a file, one at a time, with their line numbers; blank lines do not count. The path `-`
/// is the standard input.
///
/// Each one is checked: texts that are not empty, a label that is 0 or 1. Stops after the first error.
pub struct TrainingRows {
    rows: JsonLines<TrainingRow>,
    failed: bool,
}

impl TrainingRows {
    /// Opens a file, or the standard input.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn open(path: &Path) -> Result<Self, Error> {
        Ok(TrainingRows::of(JsonLines::open(path)?))
    }

    pub(crate) fn of(rows: JsonLines<TrainingRow>) -> Self {
        TrainingRows { rows, failed: false }
    }

    /// The next row; unlike the iterator it can be asked for more after a bad one.
    pub(crate) fn read(&mut self) -> Result<Option<(TrainingRow, u64)>, Error> {
        let Some((mut row, line)) = self.rows.read()? else { return Ok(None) };
        if let Some(problem) = row.problem() {
            return Err(Error::new(self.rows.place(Position::Line(line)), Kind::Json(problem)));
        }
        row.line = line;
        Ok(Some((row, line)))
    }
}

impl Iterator for TrainingRows {
    type Item = Result<(TrainingRow, u64), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let row = self.read();
        self.failed = row.is_err();
        row.transpose()
    }
}

/// Reads the rows of a file; blank lines do not count.
///
/// # Errors
/// The first line that is no row, a text that is empty, a label that is neither 0 nor 1, or a file
/// without rows.
pub fn read_training(path: &Path) -> Result<Vec<TrainingRow>, Error> {
    let rows = TrainingRows::open(path)?.map(|row| row.map(|(row, _)| row)).collect::<Result<Vec<_>, _>>()?;
    if rows.is_empty() {
        let place = Place::File(path.to_owned(), Position::Whole);
        return Err(Error::new(place, Kind::Nothing("row".to_owned())));
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content: &str) -> Result<Vec<TrainingRow>, String> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("rows.jsonl");
        std::fs::write(&path, content).expect("written");
        read_training(&path).map_err(|e| {
            let e = e.to_string();
            e.split_once("rows.jsonl").map(|(_, rest)| rest.to_owned()).unwrap_or(e)
        })
    }

    #[test]
    fn a_row_has_what_its_line_has() {
        let rows = read(concat!(
            "{\"query\": \"q\", \"positive\": \"p\", \"parallel\": \"누구\", \"languages\": [\"en\", \"ko\"]}\n",
            "\n{\"query\": \"r\", \"positive\": \"s\", \"negatives\": [\"x\", \"y\"], \"label\": 0}\n",
        ))
        .expect("rows");
        assert_eq!((rows[0].parallel.as_deref(), rows[0].line), (Some("누구"), 1));
        assert_eq!((rows[1].negatives.len(), rows[1].label, rows[1].line), (2, Some(0.0), 3));
    }

    #[test]
    fn bad_rows_are_named_with_their_line() {
        for (content, start) in [
            ("", ": there is no row in it"),
            ("{\"query\": \"q\"}", ":1:14: missing field `positive`"),
            ("\n{\"query\": \"q\", \"positive\": \" \"}", ":2: `positive` is empty"),
            ("{\"query\": \"q\", \"positive\": \"p\", \"label\": 2}", ":1: `label` is 2, neither 0 nor 1"),
            ("{\"query\": \"q\", \"positve\": \"p\"}", ":1:24: unknown field `positve`"),
            ("{\"query\": \"q\", \"positive\": \"p", ":1:29: the JSON ends in the middle"),
        ] {
            let error = read(content).expect_err("refused");
            assert!(error.starts_with(start), "{error}");
        }
    }
}
