//! `qrels/<split>.tsv` of BEIR folders: a header row, then query id, document id and grade.

use std::collections::HashMap;

use clirbench_core::dataset::{Entry, Judgement};

use crate::{
    collection::Parts,
    error::{Kind, Position},
    source::Source,
    table::Table,
};

const HEADER: [&str; 3] = ["query-id", "corpus-id", "score"];

/// A file's judgements.
pub(crate) struct Qrels {
    name: String,
    rows: Vec<Row>,
}

struct Row {
    query: String,
    document: String,
    grade: i32,
    line: u64,
}

/// The judgements of the split: one file for all languages under `path`, or one per folder, or
/// both; all that exist have to agree. `None` where one cannot be read, with the reason noted.
pub(crate) fn read(source: &mut Source, folders: &[String]) -> Option<Qrels> {
    let split = source.dataset.spec.split.clone().unwrap_or_default();
    let shared = format!("qrels/{split}.tsv");
    let mut names = vec![shared.clone()];
    names.extend(folders.iter().filter(|f| !f.is_empty()).map(|folder| format!("{folder}{shared}")));
    if names.iter().any(|name| source.exists(name)) {
        names.retain(|name| source.exists(name));
    } else {
        names.truncate(1);
    }
    let all: Vec<Option<Qrels>> = names.iter().map(|name| file(source, name)).collect();
    let mut all = all.into_iter().collect::<Option<Vec<Qrels>>>()?.into_iter();
    let first = all.next()?;
    all.for_each(|other| check_agreement(&first, &other, source));
    Some(first)
}

fn file(source: &mut Source, name: &str) -> Option<Qrels> {
    let text = source.read(name)?;
    let table = Table::read(source, name, &text)?;
    let columns = HEADER.map(|column| table.column(column, source));
    let [Some(query), Some(document), Some(score)] = columns else { return None };
    let mut seen: HashMap<(&str, &str), (i32, u64)> = HashMap::with_capacity(table.rows.len());
    let mut rows = Vec::with_capacity(table.rows.len());
    let mut complete = true;
    for (row, line) in &table.rows {
        let at = source.place(name, Position::Line(*line));
        let Ok(grade) = row[score].trim().parse::<i32>() else {
            let message = format!("the score `{}` is not a whole number", &row[score]);
            source.problems.at(at, Kind::Table(message));
            complete = false;
            continue;
        };
        match seen.insert((&row[query], &row[document]), (grade, *line)) {
            None => rows.push(Row {
                query: row[query].to_owned(),
                document: row[document].to_owned(),
                grade,
                line: *line,
            }),
            Some((before, first)) if before == grade => {
                source.problems.warn(at, format!("the judgement is there already, at line {first}"));
            }
            Some((before, first)) => {
                let kind = Kind::Contradiction {
                    query: row[query].to_owned(),
                    document: row[document].to_owned(),
                    grade: grade.to_string(),
                    other_grade: before.to_string(),
                    other: source.place(name, Position::Line(first)),
                };
                source.problems.at(at, kind);
            }
        }
    }
    if table.rows.is_empty() {
        source.problems.at(source.place(name, Position::Whole), Kind::Nothing("judgement".to_owned()));
    }
    complete.then(|| Qrels { name: name.to_owned(), rows })
}

/// Notes the judgements of either file that the other does not have or grades otherwise.
fn check_agreement(first: &Qrels, other: &Qrels, source: &mut Source) {
    let key = |row: &Row| (row.query.clone(), row.document.clone());
    let index =
        |qrels: &Qrels| qrels.rows.iter().map(|r| (key(r), (r.grade, r.line))).collect::<HashMap<_, _>>();
    let (there, here) = (index(first), index(other));
    let mut note = |row: &Row, file: &Qrels, counterpart: Option<(i32, u64)>, counter_file: &Qrels| {
        let position = counterpart.map_or(Position::Whole, |(_, line)| Position::Line(line));
        let kind = Kind::Contradiction {
            query: row.query.clone(),
            document: row.document.clone(),
            grade: row.grade.to_string(),
            other_grade: counterpart.map_or("none".to_owned(), |(grade, _)| grade.to_string()),
            other: source.place(&counter_file.name, position),
        };
        source.problems.at(source.place(&file.name, Position::Line(row.line)), kind);
    };
    for row in &other.rows {
        let counterpart = there.get(&key(row)).copied();
        if counterpart.is_none_or(|(grade, _)| grade != row.grade) {
            note(row, other, counterpart, first);
        }
    }
    for row in first.rows.iter().filter(|row| !here.contains_key(&key(row))) {
        note(row, first, None, other);
    }
}

/// Judges `queries` and keeps those that have a judgement; notes judgements that point nowhere.
/// `folder` is the first language's, for messages.
pub(crate) fn judge(
    queries: Vec<Entry>,
    documents: Vec<Entry>,
    qrels: &Qrels,
    folder: &str,
    source: &mut Source,
) -> Option<Parts> {
    fn index(entries: &[Entry]) -> HashMap<&str, u32> {
        (0..).zip(entries).map(|(i, entry)| (entry.id.as_str(), i)).collect()
    }
    let (query_of, document_of) = (index(&queries), index(&documents));
    let mut judged: Vec<Vec<Judgement>> = vec![Vec::new(); queries.len()];
    for row in &qrels.rows {
        let mut dangling = |noun: &'static str, id: &str, file: &str| {
            let kind =
                Kind::DanglingJudgement { noun, id: id.to_owned(), missing_from: format!("{folder}{file}") };
            source.problems.at(source.place(&qrels.name, Position::Line(row.line)), kind);
        };
        let query = query_of.get(row.query.as_str());
        let document = document_of.get(row.document.as_str());
        if query.is_none() {
            dangling("query", &row.query, "queries.jsonl");
        }
        if document.is_none() {
            dangling("document", &row.document, "corpus.jsonl");
        }
        if let (Some(&query), Some(&document)) = (query, document) {
            judged[query as usize].push(Judgement { document, grade: row.grade });
        }
    }
    let all = queries.len();
    let kept: Vec<_> = queries.into_iter().zip(judged).filter(|(_, judged)| !judged.is_empty()).collect();
    let unjudged = all - kept.len();
    let (queries, qrels) = kept.into_iter().unzip();
    Some(Parts { queries, documents, qrels, unjudged })
}
