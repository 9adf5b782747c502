//! Belebele's JSON lines (Bandarkar et al. 2023): FLORES-200 passages with one or two questions.
//!
//! `link` and `question_number` name a question in every language, `link` its passage. Where the
//! questions of one link have different passages in any language, each passage is a document of
//! its own (`link#2` and so on).

use std::collections::HashMap;

use clirbench_core::dataset::{Entry, Judgement};
use serde::Deserialize;

use crate::{
    collection::Parts,
    column::{Column, align},
    error::{Kind, Place, Position},
    json::{self, Id},
    source::Source,
};

#[derive(Deserialize)]
struct Row {
    link: String,
    question_number: Id,
    flores_passage: String,
    question: String,
    dialect: Option<String>,
}

/// What one language says about a question besides its text.
struct Asked {
    link: String,
    passage: String,
}

/// Reads every language; `None` where a file could not be read, with the reasons noted.
pub(crate) fn read(source: &mut Source) -> Option<Parts> {
    let names = source.located();
    let shared = names.len() > 1 && names.iter().all(|name| *name == names[0]);
    let languages = source.dataset.spec.languages.clone();
    let mut columns = Vec::new();
    let mut asked: Vec<HashMap<String, Asked>> = Vec::new();
    if shared {
        let rows: Vec<(Row, u64)> = json::lines(source, &names[0])?;
        let mut by_dialect: HashMap<String, Vec<(Row, u64)>> = HashMap::new();
        for (row, line) in rows {
            by_dialect.entry(row.dialect.clone().unwrap_or_default()).or_default().push((row, line));
        }
        for language in &languages {
            let code = source.dataset.code(language).to_owned();
            let name = format!("{} ({code})", names[0]);
            let Some(rows) = by_dialect.remove(&code) else {
                let kind = Kind::Nothing(format!("row of the dialect {code}"));
                source.problems.at(source.place(&names[0], Position::Whole), kind);
                continue;
            };
            collect(rows, &names[0], &name, source, &mut columns, &mut asked);
        }
    } else {
        for (language, name) in languages.iter().zip(&names) {
            let Some(rows) = json::lines(source, name) else { continue };
            check_dialect(&rows, language, name, source);
            collect(rows, name, name, source, &mut columns, &mut asked);
        }
    }
    let complete = columns.len() == languages.len();
    let queries = align(columns, false, &mut source.problems);
    if !complete || !source.problems.errors.is_empty() {
        return None;
    }
    let (documents, qrels) = passages(&queries, asked, source);
    Some(Parts { queries, documents, qrels, unjudged: 0 })
}

fn check_dialect(rows: &[(Row, u64)], language: &str, name: &str, source: &mut Source) {
    let Some(code) = source.dataset.spec.codes.get(language) else { return };
    let other = rows.iter().find(|(row, _)| row.dialect.as_ref().is_some_and(|dialect| dialect != code));
    if let Some((row, line)) = other {
        let dialect = row.dialect.as_deref().unwrap_or_default();
        let message = format!("the row is in the dialect {dialect}, but {language} is {code} here");
        source.problems.warn(source.place(name, Position::Line(*line)), message);
    }
}

fn collect(
    rows: Vec<(Row, u64)>,
    file: &str,
    name: &str,
    source: &mut Source,
    columns: &mut Vec<Column>,
    asked: &mut Vec<HashMap<String, Asked>>,
) {
    let mut column = Column::new("query", source.path(file), name);
    let mut about = HashMap::with_capacity(rows.len());
    for (row, line) in rows {
        let id = format!("{}#{}", row.link, row.question_number.0);
        if row.flores_passage.trim().is_empty() {
            let kind = Kind::EmptyText { noun: "document", id: row.link.clone() };
            source.problems.at(source.place(file, Position::Line(line)), kind);
        }
        column.push(id.clone(), row.question, Position::Line(line), &mut source.problems);
        about.insert(id, Asked { link: row.link, passage: row.flores_passage });
    }
    columns.push(column);
    asked.push(about);
}

/// The documents in the order of their first question, and each question's judgement.
fn passages(
    queries: &[Entry],
    mut asked: Vec<HashMap<String, Asked>>,
    source: &mut Source,
) -> (Vec<Entry>, Vec<Vec<Judgement>>) {
    let mut documents: Vec<Entry> = Vec::new();
    let mut of_link: HashMap<String, Vec<u32>> = HashMap::new();
    let mut qrels = Vec::with_capacity(queries.len());
    for query in queries {
        let rows: Vec<Asked> = asked.iter_mut().filter_map(|language| language.remove(&query.id)).collect();
        let link = rows.first().map(|row| row.link.clone()).unwrap_or_default();
        let texts: Vec<Option<String>> = rows.into_iter().map(|row| Some(row.passage)).collect();
        let same_link = of_link.entry(link.clone()).or_default();
        let known = same_link.iter().copied().find(|&d| documents[d as usize].texts == texts);
        let document = known.unwrap_or_else(|| {
            let document = documents.len() as u32;
            same_link.push(document);
            let id = match same_link.len() {
                1 => link.clone(),
                n => format!("{link}#{n}"),
            };
            if same_link.len() > 1 {
                let message = format!("the questions of {link} have different passages; each is a document");
                source.problems.warn(Place::Dataset(source.dataset.spec.name.clone()), message);
            }
            documents.push(Entry { id, texts });
            document
        });
        qrels.push(vec![Judgement { document, grade: 1 }]);
    }
    (documents, qrels)
}
