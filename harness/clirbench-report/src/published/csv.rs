//! A comparison with published figures as CSV: exact numbers in the metrics' own units.

use clirbench_core::published::PublishedComparison;

use crate::csv_bytes;
use crate::error::ReportError;
use crate::number::shortest;

const COLUMNS: [&str; 18] = [
    "source",
    "table",
    "published_model",
    "model",
    "dataset",
    "documents",
    "scenario",
    "query_lang",
    "pool_langs",
    "metric",
    "published",
    "measured",
    "difference",
    "ci_low",
    "ci_high",
    "tolerance",
    "within",
    "erratum",
];

/// The compared rows in their order; empty fields where there is no number.
///
/// # Errors
/// When the CSV writer fails.
pub fn render(comparison: &PublishedComparison) -> Result<Vec<u8>, ReportError> {
    let optional = |v: Option<f64>| v.map_or_else(String::new, shortest);
    let rows = comparison.rows.iter().map(|row| {
        let cell = row.cell.clone();
        Ok([
            comparison.source.clone(),
            row.table.clone(),
            row.published_model.clone(),
            cell.model,
            cell.dataset,
            cell.documents,
            cell.scenario,
            cell.query_lang,
            cell.pool_langs,
            row.metric.clone(),
            shortest(row.published),
            shortest(row.measured),
            shortest(row.difference),
            optional(row.interval.map(|i| i.low)),
            optional(row.interval.map(|i| i.high)),
            shortest(row.tolerance),
            row.within.to_string(),
            row.erratum.clone().unwrap_or_default(),
        ])
    });
    csv_bytes("comparison", &COLUMNS, rows)
}
