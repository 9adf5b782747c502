//! `bias.csv`: language preference in mixed pools.

use std::path::Path;

use clirbench_core::results::BiasRow;

use crate::error::ReportError;
use crate::file::read_bytes;
use crate::number::shortest;
use crate::table::Table;
use crate::{Exporter, Options, Results, csv_bytes};

const COLUMNS: [&str; 10] = [
    "model",
    "dataset",
    "documents",
    "scenario",
    "query_lang",
    "pool_langs",
    "statistic",
    "language",
    "value",
    "queries",
];

pub(crate) struct BiasCsv;

impl Exporter for BiasCsv {
    fn file_name(&self) -> &'static str {
        "bias.csv"
    }

    fn render(&self, results: &Results, _: &Options) -> Result<Vec<u8>, ReportError> {
        let rows = results.bias.iter().map(|row| {
            if !row.value.is_finite() {
                return Err(ReportError::NotFinite {
                    file: "bias.csv",
                    row: [
                        &row.model,
                        &row.dataset,
                        &row.scenario,
                        &row.pool_langs,
                        &row.statistic,
                        &row.language,
                    ]
                    .map(String::as_str)
                    .join(" "),
                    column: "value",
                    value: row.value,
                });
            }
            Ok([
                row.model.clone(),
                row.dataset.clone(),
                row.documents.clone(),
                row.scenario.clone(),
                row.query_lang.clone(),
                row.pool_langs.clone(),
                row.statistic.clone(),
                row.language.clone(),
                shortest(row.value),
                row.queries.to_string(),
            ])
        });
        csv_bytes("bias.csv", &COLUMNS, rows)
    }
}

/// Reads a `bias.csv`. Columns may come in any order, and unknown ones are passed over.
///
/// # Errors
/// A file that cannot be read, a missing column, or a field that is no finite number, with line
/// and column.
pub(crate) fn read_bias(path: &Path) -> Result<Vec<BiasRow>, ReportError> {
    parse_bias(path, &read_bytes(path)?)
}

/// The same from the file's bytes; `path` is what errors name.
pub(crate) fn parse_bias(path: &Path, bytes: &[u8]) -> Result<Vec<BiasRow>, ReportError> {
    let table = Table::parse(path, bytes, COLUMNS)?;
    let rows = table.rows.iter().map(|row| {
        Ok(BiasRow {
            model: row.text(0),
            dataset: row.text(1),
            documents: row.text(2),
            scenario: row.text(3),
            query_lang: row.text(4),
            pool_langs: row.text(5),
            statistic: row.text(6),
            language: row.text(7),
            value: table.number(row, 8)?,
            queries: table.count(row, 9)?,
        })
    });
    rows.collect()
}
