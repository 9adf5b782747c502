//! `scores.csv`: one row per cell and metric, exact.

use std::path::Path;

use clirbench_core::results::ScoreRow;

use crate::error::ReportError;
use crate::file::read_bytes;
use crate::number::shortest;
use crate::table::Table;
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
    parse_scores(path, &read_bytes(path)?)
}

/// The same from the file's bytes; `path` is what errors name.
pub(crate) fn parse_scores(path: &Path, bytes: &[u8]) -> Result<Vec<ScoreRow>, ReportError> {
    let table = Table::parse(path, bytes, COLUMNS)?;
    let rows = table.rows.iter().map(|row| {
        Ok(ScoreRow {
            model: row.text(0),
            dataset: row.text(1),
            documents: row.text(2),
            scenario: row.text(3),
            query_lang: row.text(4),
            pool_langs: row.text(5),
            metric: row.text(6),
            value: table.number(row, 7)?,
            ci_low: table.number(row, 8)?,
            ci_high: table.number(row, 9)?,
            queries: table.count(row, 10)?,
            pool_size: table.count(row, 11)?,
        })
    });
    rows.collect()
}
