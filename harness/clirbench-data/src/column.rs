//! One language's queries or documents, and how the languages' columns become parallel entries.

use std::{collections::HashMap, path::PathBuf};

use clirbench_core::dataset::Entry;

use crate::{
    error::{Kind, Place, Position},
    problems::Problems,
};

/// How many ids a message names.
const SAMPLE: usize = 5;

/// The queries or documents of one file, in file order.
pub(crate) struct Column {
    /// `query` or `document`.
    noun: &'static str,
    /// Path as in messages.
    path: PathBuf,
    /// Name as other files' messages call it.
    name: String,
    rows: Vec<Row>,
}

struct Row {
    id: String,
    text: String,
    at: Position,
}

impl Column {
    pub(crate) fn new(noun: &'static str, path: PathBuf, name: &str) -> Self {
        Column { noun, path, name: name.to_owned(), rows: Vec::new() }
    }

    /// Adds a row; an empty id or text is noted.
    pub(crate) fn push(&mut self, id: String, text: String, at: Position, problems: &mut Problems) {
        if id.trim().is_empty() {
            problems.at(self.place(at), Kind::EmptyId(self.noun));
            return;
        }
        if text.trim().is_empty() {
            problems.at(self.place(at.clone()), Kind::EmptyText { noun: self.noun, id: id.clone() });
        }
        self.rows.push(Row { id, text, at });
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Name of the file under the dataset's folder.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn place(&self, at: Position) -> Place {
        Place::File(self.path.clone(), at)
    }
}

/// Aligns one column per language by id, in the order of the first column.
///
/// Ids that are there twice are noted, and so are ids that a language lacks unless `partial`; then
/// ids that the first column lacks follow in the order in which they are found.
pub(crate) fn align(columns: Vec<Column>, partial: bool, problems: &mut Problems) -> Vec<Entry> {
    for column in columns.iter().filter(|column| column.rows.is_empty()) {
        problems.at(column.place(Position::Whole), Kind::Nothing(column.noun.to_owned()));
    }
    let mut index: HashMap<String, usize> = HashMap::new();
    let mut entries: Vec<Entry> = Vec::new();
    for column in columns.iter().take(if partial { columns.len() } else { 1 }) {
        for row in &column.rows {
            index.entry(row.id.clone()).or_insert_with(|| {
                entries.push(Entry { id: row.id.clone(), texts: vec![None; columns.len()] });
                entries.len() - 1
            });
        }
    }
    let first = columns.first().map(|c| (c.name.clone(), c.path.clone())).unwrap_or_default();
    for (language, column) in columns.into_iter().enumerate() {
        let mut extra = Vec::new();
        let mut row_of: Vec<Option<usize>> = vec![None; entries.len()];
        let rows = column.rows.len();
        let mut at: Vec<Position> = Vec::with_capacity(rows);
        for (i, row) in column.rows.into_iter().enumerate() {
            match index.get(&row.id) {
                None => extra.push(row.id),
                Some(&entry) => match row_of[entry] {
                    Some(before) => problems.at(
                        Place::File(column.path.clone(), row.at.clone()),
                        Kind::Duplicate { noun: column.noun, id: row.id, first: at[before].clone() },
                    ),
                    None => {
                        row_of[entry] = Some(i);
                        entries[entry].texts[language] = Some(row.text);
                    }
                },
            }
            at.push(row.at);
        }
        if partial {
            continue;
        }
        let missing: Vec<String> =
            entries.iter().zip(&row_of).filter(|(_, row)| row.is_none()).map(|(e, _)| e.id.clone()).collect();
        let mut note = |path: PathBuf, ids: Vec<String>, total: usize, other: String| {
            let kind = Kind::MissingParallel {
                noun: column.noun,
                count: ids.len(),
                total,
                first: ids.into_iter().take(SAMPLE).collect(),
                other,
            };
            problems.at(Place::File(path, Position::Whole), kind);
        };
        if !missing.is_empty() && rows > 0 {
            note(column.path.clone(), missing, entries.len(), first.0.clone());
        }
        if !extra.is_empty() && !entries.is_empty() {
            note(first.1.clone(), extra, rows, column.name);
        }
    }
    entries
}
