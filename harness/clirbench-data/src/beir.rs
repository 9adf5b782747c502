//! BEIR folders (Thakur et al. 2021): `corpus.jsonl`, `queries.jsonl` and `qrels/<split>.tsv`.
//!
//! One language stands directly under `path`; several have a folder each, parallel by id, and
//! either one `qrels/<split>.tsv` for all or one each that agree. Title and text are joined by a
//! space. Only the queries that the split judges are kept.

use serde::Deserialize;

use crate::{
    collection::Parts,
    column::{Column, align},
    error::Position,
    json::{self, Id},
    qrels,
    source::Source,
};

#[derive(Deserialize)]
struct Row {
    #[serde(rename = "_id", alias = "id")]
    id: Id,
    title: Option<String>,
    text: String,
}

/// Reads every language; `None` where a file could not be read, with the reasons noted.
pub(crate) fn read(source: &mut Source) -> Option<Parts> {
    let folders = folders(source);
    let partial = source.dataset.spec.partial;
    let documents = entries(source, "document", &folders, "corpus.jsonl");
    let queries = entries(source, "query", &folders, "queries.jsonl");
    let rows = qrels::read(source, &folders);
    let (documents, queries, rows) = (documents?, queries?, rows?);
    let documents = align(documents, partial, &mut source.problems);
    let queries = align(queries, partial, &mut source.problems);
    qrels::judge(queries, documents, &rows, &folders[0], source)
}

/// The folder of each language, with a `/` at its end where it is not `path` itself.
fn folders(source: &Source) -> Vec<String> {
    let located = source.located();
    if located.len() == 1 && source.exists("corpus.jsonl") && !source.exists(&located[0]) {
        return vec![String::new()];
    }
    located.into_iter().map(|folder| format!("{folder}/")).collect()
}

/// A column per folder; `None` where one could not be read.
fn entries(source: &mut Source, noun: &'static str, folders: &[String], file: &str) -> Option<Vec<Column>> {
    let columns: Vec<Option<Column>> =
        folders.iter().map(|folder| column(source, noun, &format!("{folder}{file}"))).collect();
    columns.into_iter().collect()
}

fn column(source: &mut Source, noun: &'static str, name: &str) -> Option<Column> {
    let rows: Vec<(Row, u64)> = json::lines(source, name)?;
    let mut column = Column::new(noun, source.path(name), name);
    for (row, line) in rows {
        let text = match row.title {
            Some(title) => format!("{title} {}", row.text).trim().to_owned(),
            None => row.text.trim().to_owned(),
        };
        column.push(row.id.0, text, Position::Line(line), &mut source.problems);
    }
    Some(column)
}
