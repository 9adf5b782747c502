//! The per-query values behind a side's rows, and whether they may be used.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::join::rows_by_key;
use super::{CompareError, CompareOptions, Rows, Side};
use crate::results::{Cell, QueryValues, ScoreRow};
use crate::stats::{CellStatistic, Panel, PanelCell, StatsError};

/// A side, indexed.
pub(super) struct Evidence<'a> {
    /// What messages call the side.
    pub(super) label: &'a str,
    pub(super) side: &'a Side,
    rows: Rows<'a>,
    per_query: HashMap<(&'a Cell, &'a str), &'a QueryValues>,
}

impl<'a> Evidence<'a> {
    pub(super) fn new(
        label: &'a str,
        side: &'a Side,
        options: &CompareOptions,
    ) -> Result<Self, CompareError> {
        let rows = rows_by_key(label, side, options)?;
        let per_query = side.per_query.iter().map(|v| ((&v.cell, v.metric.as_str()), v)).collect();
        Ok(Evidence { label, side, rows, per_query })
    }

    pub(super) fn row(&self, cell: Cell, metric: &'a str) -> Option<&'a ScoreRow> {
        self.rows.get(&(cell, metric)).copied()
    }

    /// The values behind a row of this side. `None` where there are none; an error with the reason
    /// where there are some that do not fit the row.
    pub(super) fn values(&self, row: &ScoreRow) -> Result<Option<&'a QueryValues>, String> {
        let cell = row.cell();
        // Per-query values of `max@r_norm_of_mean` are ranks, whichever of the two names they have.
        let mean_of = mean_metric(&row.metric);
        let find = |metric| self.per_query.get(&(&cell, metric)).copied();
        let Some(values) = find(row.metric.as_str()).or_else(|| find(mean_of.as_str())) else {
            return Ok(None);
        };
        let stated = self.rows.get(&(cell.clone(), mean_of.as_str())).map(|r| r.value);
        if stated.is_some_and(|stated| !is_mean(stated, values)) {
            return Err(format!("the per-query values of {} do not average to its score", self.label));
        }
        Ok(Some(values))
    }
}

/// The metric whose value is the mean of the per-query values: the metric itself, but `max@r` for
/// `max@r_norm_of_mean`. The latter is a monotone function of that mean, so permuting ranks tests it.
fn mean_metric(metric: &str) -> String {
    match metric.strip_prefix("max@r_norm_of_mean") {
        Some(rule) => format!("max@r{rule}"),
        None => metric.to_owned(),
    }
}

/// How the row's value follows from its per-query values. `None` for a norm whose factor
/// 100 / (log2 |D| - log2 |R|) cannot be told from the row: its mean rank is the size of the pool.
pub(super) fn statistic(row: &ScoreRow, values: &[f64]) -> Option<CellStatistic> {
    if mean_metric(&row.metric) == row.metric {
        return Some(CellStatistic::Mean);
    }
    let log2_pool = f64::from(row.pool_size).log2();
    let factor = row.value / (log2_pool - mean(values).log2());
    (factor.is_finite() && factor > 0.0).then_some(CellStatistic::Norm { factor, log2_pool })
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Guards against a `per_query.parquet` that is older than the `scores.csv` beside it.
fn is_mean(stated: f64, values: &QueryValues) -> bool {
    (mean(&values.values) - stated).abs() <= 1e-9 * stated.abs().max(1.0)
}

/// The other's values in one's own order of queries; `None` where the queries are not the same.
pub(super) fn align(own: &[String], other: &QueryValues) -> Option<Vec<f64>> {
    if own == other.queries {
        return Some(other.values.clone());
    }
    let by_id: HashMap<&str, f64> =
        other.queries.iter().map(String::as_str).zip(other.values.iter().copied()).collect();
    if by_id.len() != own.len() || other.queries.len() != own.len() {
        return None;
    }
    own.iter().map(|id| by_id.get(id.as_str()).copied()).collect()
}

/// One draw of resamples per list of cells, whatever the number of metrics and models.
#[derive(Default)]
pub(super) struct Panels<'a>(HashMap<Vec<PanelCell<'a>>, Panel>);

impl<'a> Panels<'a> {
    pub(super) fn of(
        &mut self,
        cells: Vec<PanelCell<'a>>,
        options: &CompareOptions,
    ) -> Result<&Panel, StatsError> {
        match self.0.entry(cells) {
            Entry::Occupied(found) => Ok(found.into_mut()),
            Entry::Vacant(free) => {
                let panel = Panel::new(free.key(), options.resamples, options.seed)?;
                Ok(free.insert(panel))
            }
        }
    }
}
