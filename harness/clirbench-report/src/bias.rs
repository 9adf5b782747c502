//! `bias.csv`: language preference in mixed pools.

use crate::error::ReportError;
use crate::number::shortest;
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
