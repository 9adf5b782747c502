//! `scores.csv`: one row per cell and metric, exact.

use std::path::Path;

use clirbench_core::results::ScoreRow;

use crate::error::ReportError;
use crate::number::shortest;
use crate::{Exporter, Options, Results, csv_bytes};

/// The columns, in order.
pub const COLUMNS: [&str; 12] = [
    "model",
    "dataset",
    "documents",
    "scenario",
    "query_lang",
    "pool_langs",
    "metric",
    "value",
    "ci_low",
    "ci_high",
    "queries",
    "pool_size",
];

pub(crate) struct ScoresCsv;

impl Exporter for ScoresCsv {
    fn file_name(&self) -> &'static str {
        "scores.csv"
    }

    fn render(&self, results: &Results, _: &Options) -> Result<Vec<u8>, ReportError> {
        render(&results.scores)
    }
}

/// The rows in the order given; equal rows give equal bytes.
fn render(scores: &[ScoreRow]) -> Result<Vec<u8>, ReportError> {
    let rows = scores.iter().map(|row| {
        for (column, value) in [("value", row.value), ("ci_low", row.ci_low), ("ci_high", row.ci_high)] {
            if !value.is_finite() {
                let row = describe(row);
                return Err(ReportError::NotFinite { file: "scores.csv", row, column, value });
            }
        }
        Ok([
            row.model.clone(),
            row.dataset.clone(),
            row.documents.clone(),
            row.scenario.clone(),
            row.query_lang.clone(),
            row.pool_langs.clone(),
            row.metric.clone(),
            shortest(row.value),
            shortest(row.ci_low),
            shortest(row.ci_high),
            row.queries.to_string(),
            row.pool_size.to_string(),
        ])
    });
    csv_bytes("scores.csv", &COLUMNS, rows)
}

fn describe(row: &ScoreRow) -> String {
    [&row.model, &row.dataset, &row.documents, &row.scenario, &row.query_lang, &row.pool_langs, &row.metric]
        .map(String::as_str)
        .join(" ")
}

/// Reads a `scores.csv`. Columns may come in any order, and unknown ones are passed over.
///
/// # Errors
/// A file that cannot be read, a missing column, or a field that is no finite number, with line
/// and column.
pub fn read_scores(path: &Path) -> Result<Vec<ScoreRow>, ReportError> {
    parse_scores(path, &std::fs::read(path).map_err(|e| ReportError::io("read", path, e))?)
}

/// The same from the file's bytes; `path` is what errors name.
pub(crate) fn parse_scores(path: &Path, bytes: &[u8]) -> Result<Vec<ScoreRow>, ReportError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader = csv::ReaderBuilder::new().from_reader(bytes);
    let header = reader.headers().map_err(|e| malformed(path, &e))?.clone();
    let mut at = [0; COLUMNS.len()];
    for (column, at) in COLUMNS.iter().zip(&mut at) {
        *at = header
            .iter()
            .position(|name| name.trim() == *column)
            .ok_or(ReportError::MissingColumn { path: path.to_owned(), column })?;
    }
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|e| malformed(path, &e))?;
        let line = record.position().map_or(0, csv::Position::line);
        let field = |i: usize| record.get(at[i]).unwrap_or_default();
        let bad = |i: usize, expected: &str| ReportError::Field {
            path: path.to_owned(),
            line,
            column: COLUMNS[i],
            what: format!("`{}` is not {expected}", field(i)),
        };
        let number = |i: usize| {
            let value: f64 = field(i).trim().parse().map_err(|_| bad(i, "a number"))?;
            if value.is_finite() { Ok(value) } else { Err(bad(i, "a finite number")) }
        };
        let count = |i: usize| field(i).trim().parse::<u32>().map_err(|_| bad(i, "a count"));
        let text = |i: usize| field(i).to_owned();
        rows.push(ScoreRow {
            model: text(0),
            dataset: text(1),
            documents: text(2),
            scenario: text(3),
            query_lang: text(4),
            pool_langs: text(5),
            metric: text(6),
            value: number(7)?,
            ci_low: number(8)?,
            ci_high: number(9)?,
            queries: count(10)?,
            pool_size: count(11)?,
        });
    }
    Ok(rows)
}

fn malformed(path: &Path, error: &csv::Error) -> ReportError {
    let line = error.position().map_or(0, csv::Position::line);
    let what = match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("{len} fields where the header has {expected_len}")
        }
        csv::ErrorKind::Utf8 { .. } => "not UTF-8; save the file as UTF-8".to_owned(),
        _ => error.to_string(),
    };
    ReportError::Line { path: path.to_owned(), line, what }
}
