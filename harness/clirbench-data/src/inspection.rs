//! What a file of training data holds, and everything that is wrong with it.

use std::{
    collections::{BTreeMap, HashSet},
    path::Path,
};

use serde::Serialize;

use crate::{
    error::Error,
    problems::Problems,
    training_file::{Content, TrainingFile},
};

/// The texts of one column in one language.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ColumnStatistics {
    /// `query`, `positive`, `parallel` or `negatives`.
    pub column: &'static str,
    /// Language code; `None` where the row does not say.
    pub language: Option<String>,
    /// How many texts there are.
    pub texts: usize,
    /// How many of them differ.
    pub distinct: usize,
    /// Fewest characters.
    pub min_chars: usize,
    /// Mean of characters.
    pub mean_chars: f64,
    /// Most characters.
    pub max_chars: usize,
}

/// What a file holds.
#[derive(Debug)]
pub struct Inspection {
    /// What its lines are.
    pub content: Content,
    /// Lines that are whole.
    pub rows: usize,
    /// A line per column and language, columns in their order, languages sorted.
    pub columns: Vec<ColumnStatistics>,
    /// What is wrong, at most [`LIMIT`](crate::LIMIT).
    pub errors: Vec<Error>,
    /// How many more errors there are.
    pub more_errors: usize,
}

/// Reads a whole file of triples or training rows and goes on after a bad line.
///
/// # Errors
/// The file cannot be read, or has no line.
pub fn inspect(path: &Path) -> Result<Inspection, Error> {
    const COLUMNS: [&str; 4] = ["query", "positive", "parallel", "negatives"];
    let mut file = TrainingFile::open(path)?;
    let mut problems = Problems::default();
    let mut lengths: BTreeMap<(usize, Option<String>), (Vec<usize>, HashSet<String>)> = BTreeMap::new();
    let mut rows = 0;
    loop {
        let example = match file.read() {
            Ok(Some((example, _))) => example,
            Ok(None) => break,
            // The same error again and again: the disk, not the line.
            Err(error) if matches!(error.kind(), crate::Kind::Io(_)) => return Err(error),
            Err(error) => {
                problems.error(error);
                continue;
            }
        };
        rows += 1;
        for (column, language, text) in example.texts() {
            let at = COLUMNS.iter().position(|known| *known == column).unwrap_or(COLUMNS.len() - 1);
            let (lengths, distinct) = lengths.entry((at, language.map(str::to_owned))).or_default();
            lengths.push(text.chars().count());
            if !distinct.contains(text) {
                distinct.insert(text.to_owned());
            }
        }
    }
    let column =
        |((at, language), (lengths, distinct)): ((usize, Option<String>), (Vec<usize>, HashSet<_>))| {
            ColumnStatistics {
                column: COLUMNS[at],
                language,
                texts: lengths.len(),
                distinct: distinct.len(),
                min_chars: lengths.iter().copied().min().unwrap_or_default(),
                mean_chars: lengths.iter().sum::<usize>() as f64 / lengths.len() as f64,
                max_chars: lengths.iter().copied().max().unwrap_or_default(),
            }
        };
    Ok(Inspection {
        content: file.content(),
        rows,
        columns: lengths.into_iter().map(column).collect(),
        errors: problems.errors,
        more_errors: problems.more_errors,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_lines_are_counted_and_bad_ones_are_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("triples.jsonl");
        let line = |id: &str, query: &str| {
            format!("{{\"id\":\"{id}\",\"query\":{{\"en\":\"{query}\"}},\"positive\":{{\"en\":\"four\"}}}}\n")
        };
        let lines = [line("1", "one"), "{\n".into(), line("2", " "), line("3", "three"), line("1", "one")];
        std::fs::write(&path, lines.concat()).expect("written");
        let found = inspect(&path).expect("readable");
        assert_eq!((found.content, found.rows, found.more_errors), (Content::Triples, 2, 0));
        let places: Vec<_> = found
            .errors
            .iter()
            .map(|e| e.to_string().split("jsonl:").nth(1).expect("a line")[..1].to_owned())
            .collect();
        assert_eq!(places, ["2", "3", "5"]);
        let query = ColumnStatistics {
            column: "query",
            language: Some("en".into()),
            texts: 2,
            distinct: 2,
            min_chars: 3,
            mean_chars: 4.0,
            max_chars: 5,
        };
        assert_eq!(found.columns[0], query);
        assert_eq!((found.columns[1].column, found.columns[1].distinct), ("positive", 1));
    }

    #[test]
    fn more_errors_than_can_be_read_are_counted() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("rows.jsonl");
        std::fs::write(&path, "{\"query\": 1}\n".repeat(crate::LIMIT + 3)).expect("written");
        let found = inspect(&path).expect("readable");
        assert_eq!(
            (found.content, found.rows, found.errors.len(), found.more_errors),
            (Content::Rows, 0, 20, 3)
        );
    }
}
