//! A comparison as CSV: exact numbers in the metrics' own units, a row per cell and metric.

use clirbench_core::compare::{Comparison, Verdict};

use crate::csv_bytes;
use crate::error::ReportError;
use crate::number::shortest;

const COLUMNS: [&str; 18] = [
    "model",
    "head_model",
    "dataset",
    "documents",
    "scenario",
    "query_lang",
    "pool_langs",
    "metric",
    "base",
    "head",
    "delta",
    "points",
    "ci_low",
    "ci_high",
    "p",
    "p_holm",
    "verdict",
    "note",
];

/// The compared rows in their order; empty fields where there is no number.
///
/// # Errors
/// When the CSV writer fails.
pub fn render(comparison: &Comparison) -> Result<Vec<u8>, ReportError> {
    let optional = |v: Option<f64>| v.map_or_else(String::new, shortest);
    let rows = comparison.rows.iter().map(|row| {
        let cell = row.cell.clone();
        Ok([
            cell.model,
            row.head_model.clone(),
            cell.dataset,
            cell.documents,
            cell.scenario,
            cell.query_lang,
            cell.pool_langs,
            row.metric.clone(),
            shortest(row.base),
            shortest(row.head),
            shortest(row.delta),
            optional(row.points),
            optional(row.interval.map(|i| i.low)),
            optional(row.interval.map(|i| i.high)),
            optional(row.p),
            optional(row.p_holm),
            match row.verdict {
                Verdict::Regression => "regression",
                Verdict::Gain => "gain",
                Verdict::Same => "same",
            }
            .to_owned(),
            row.note.clone().unwrap_or_default(),
        ])
    });
    csv_bytes("comparison", &COLUMNS, rows)
}
