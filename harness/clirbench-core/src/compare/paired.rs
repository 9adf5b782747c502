//! The paired tests of one row, on the per-query values of both sides.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::{CompareError, CompareOptions, ComparedRow, Rows, Side, Verdict, points_per_unit, words};
use crate::results::{Cell, QueryValues, ScoreRow};
use crate::stats::{Clusters, Interval, Resamples, StatsError, randomization_test};

/// Per-query values of both sides, and one draw of resamples per set of queries.
pub(super) struct Tests<'a> {
    base: HashMap<(&'a Cell, &'a str), &'a QueryValues>,
    head: HashMap<(&'a Cell, &'a str), &'a QueryValues>,
    base_rows: &'a Rows<'a>,
    head_rows: &'a Rows<'a>,
    draws: HashMap<&'a [String], Resamples>,
    options: &'a CompareOptions,
}

/// What the per-query values say about one row.
struct Outcome {
    p: f64,
    interval: Option<Interval>,
}

impl<'a> Tests<'a> {
    pub(super) fn new(
        base: &'a Side,
        head: &'a Side,
        base_rows: &'a Rows<'a>,
        head_rows: &'a Rows<'a>,
        options: &'a CompareOptions,
    ) -> Self {
        let index = |side: &'a Side| {
            side.per_query.iter().map(|v| ((&v.cell, v.metric.as_str()), v)).collect::<HashMap<_, _>>()
        };
        let (base, head) = (index(base), index(head));
        Tests { base, head, base_rows, head_rows, draws: HashMap::new(), options }
    }

    /// The row of a joined pair; Holm's correction and the verdict come later.
    pub(super) fn row(&mut self, base: &ScoreRow, head: &ScoreRow) -> Result<ComparedRow, CompareError> {
        let delta = head.value - base.value;
        let (outcome, note) =
            match self.paired(base, head) {
                Ok((own, other)) => {
                    let outcome = self.test(own, &other, base, head).map_err(|source| {
                        CompareError::Stats { cell: words(&base.cell()), metric: base.metric.clone(), source }
                    })?;
                    (Some(outcome), None)
                }
                Err(why) => (None, Some(why)),
            };
        Ok(ComparedRow {
            cell: base.cell(),
            head_model: head.model.clone(),
            metric: base.metric.clone(),
            base: base.value,
            head: head.value,
            delta,
            points: points_per_unit(&base.metric).map(|per_unit| per_unit * delta),
            interval: outcome.as_ref().and_then(|o| o.interval),
            p: outcome.as_ref().map(|o| o.p),
            p_holm: None,
            verdict: Verdict::Same,
            note,
        })
    }

    /// BASE's values and HEAD's in the same order; else why there is no such pair.
    fn paired(&self, base: &ScoreRow, head: &ScoreRow) -> Result<(&'a QueryValues, Vec<f64>), String> {
        let (base_cell, head_cell) = (base.cell(), head.cell());
        let metric = mean_metric(&base.metric);
        // Per-query values of `max@r_norm_of_mean` are ranks, whichever of the two names they have.
        let find = |side: &HashMap<(&Cell, &str), &'a QueryValues>, cell| {
            side.get(&(cell, base.metric.as_str())).or_else(|| side.get(&(cell, metric.as_str()))).copied()
        };
        let (own, other) = match (find(&self.base, &base_cell), find(&self.head, &head_cell)) {
            (Some(own), Some(other)) => (own, other),
            (None, None) => return Err("neither side has per-query values".to_owned()),
            (None, _) => return Err("BASE has no per-query values".to_owned()),
            (_, None) => return Err("HEAD has no per-query values".to_owned()),
        };
        for (side, values, rows, cell) in
            [("BASE", own, self.base_rows, base_cell), ("HEAD", other, self.head_rows, head_cell)]
        {
            let stated = rows.get(&(cell, metric.as_str())).map(|r| r.value);
            if stated.is_some_and(|stated| !is_mean(stated, values)) {
                return Err(format!("the per-query values of {side} do not average to its score"));
            }
        }
        let aligned = align(own, other).ok_or("the two sides have different queries")?;
        Ok((own, aligned))
    }

    fn test(
        &mut self,
        own: &'a QueryValues,
        other: &[f64],
        base: &ScoreRow,
        head: &ScoreRow,
    ) -> Result<Outcome, StatsError> {
        let CompareOptions { permutations, resamples, seed, .. } = *self.options;
        let draw = match self.draws.entry(&own.queries) {
            Entry::Occupied(found) => found.into_mut(),
            Entry::Vacant(free) => free.insert(Resamples::new(Clusters::of(&own.queries)?, resamples, seed)?),
        };
        let p = randomization_test(draw.clusters(), &own.values, other, permutations, seed)?.p;
        let interval = if mean_metric(&base.metric) == base.metric {
            Some(draw.interval_of_difference(&own.values, other, |mean| mean)?)
        } else {
            let pool = f64::from(base.pool_size).log2();
            norm_factor(base, &own.values)
                .or_else(|| norm_factor(head, other))
                .map(|k| draw.interval_of_difference(&own.values, other, |mean| k * (pool - mean.log2())))
                .transpose()?
        };
        Ok(Outcome { p, interval })
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

/// k in norm = k (log2 |D| - log2 Max@R), that is 100 / (log2 |D| - log2 |R|), from a row's value
/// and the mean rank behind it; `None` where the mean rank is the size of the pool.
fn norm_factor(row: &ScoreRow, ranks: &[f64]) -> Option<f64> {
    let k = row.value / (f64::from(row.pool_size).log2() - mean(ranks).log2());
    (k.is_finite() && k > 0.0).then_some(k)
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Guards against a `per_query.parquet` that is older than the `scores.csv` beside it.
fn is_mean(stated: f64, values: &QueryValues) -> bool {
    (mean(&values.values) - stated).abs() <= 1e-9 * stated.abs().max(1.0)
}

/// HEAD's values in BASE's order of queries; `None` where the queries are not the same.
fn align(own: &QueryValues, other: &QueryValues) -> Option<Vec<f64>> {
    if own.queries == other.queries {
        return Some(other.values.clone());
    }
    let by_id: HashMap<&str, f64> =
        other.queries.iter().map(String::as_str).zip(other.values.iter().copied()).collect();
    if by_id.len() != own.queries.len() || other.queries.len() != own.queries.len() {
        return None;
    }
    own.queries.iter().map(|id| by_id.get(id.as_str()).copied()).collect()
}
