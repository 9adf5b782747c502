//! Two sets of results side by side: what changed, and whether chance explains it.
//!
//! Rows join by cell and metric. A row whose per-query values both sides have gets a paired
//! randomization test and a paired bootstrap interval; Holm's correction then runs over all rows
//! of the comparison, so "significant" speaks of the whole table. A row without per-query values
//! has no p-value, and counts as changed only where the two 95% intervals do not overlap, which
//! is far stricter than a paired test.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap, HashSet};

use serde::Serialize;

use crate::metrics::{Metric, Scale};
use crate::results::{Cell, QueryValues, ScoreRow};
use crate::stats::{DEFAULT_PERMUTATIONS, DEFAULT_RESAMPLES, Interval, StatsError, holm};

mod join;
mod paired;
#[cfg(test)]
mod tests;

use join::{known_metrics, listed, models, pair_models, rows_by_key, same_data, wanted};
use paired::Tests;

/// One of the two sets of results.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Side {
    /// Rows of `scores.csv`.
    pub scores: Vec<ScoreRow>,
    /// Per-query values; may be empty.
    pub per_query: Vec<QueryValues>,
    /// Content hash per dataset name; may be empty.
    pub dataset_hashes: BTreeMap<String, String>,
}

/// Which metrics are compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum MetricChoice {
    /// [`main_metrics`] of each scenario.
    #[default]
    Main,
    /// All but the `/best` and `/worst` tie rules.
    All,
    /// These, by name.
    Named(Vec<String>),
}

/// How to compare.
#[derive(Clone, Debug, PartialEq)]
pub struct CompareOptions {
    /// Which metrics are compared.
    pub metrics: MetricChoice,
    /// BASE model to HEAD model. Where it is empty, models of the same name are compared; where
    /// none is shared and each side has one model, those two are.
    pub models: BTreeMap<String, String>,
    /// Compare although the data differ.
    pub force: bool,
    /// A Holm-corrected p below this is significant.
    pub alpha: f64,
    /// Permutations of the randomization test.
    pub permutations: usize,
    /// Resamples of the bootstrap.
    pub resamples: usize,
    /// Seed of both.
    pub seed: u64,
}

impl Default for CompareOptions {
    fn default() -> Self {
        CompareOptions {
            metrics: MetricChoice::Main,
            models: BTreeMap::new(),
            force: false,
            alpha: 0.05,
            permutations: DEFAULT_PERMUTATIONS,
            resamples: DEFAULT_RESAMPLES,
            seed: 42,
        }
    }
}

/// What a row says about HEAD.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Worse, beyond chance.
    Regression,
    /// Better, beyond chance.
    Gain,
    /// No difference that chance does not explain.
    Same,
}

/// One cell and metric on both sides.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ComparedRow {
    /// The cell, under the BASE model's name.
    pub cell: Cell,
    /// The HEAD model's name.
    pub head_model: String,
    /// The metric.
    pub metric: String,
    /// BASE value.
    pub base: f64,
    /// HEAD value.
    pub head: f64,
    /// HEAD - BASE, in the metric's unit.
    pub delta: f64,
    /// HEAD - BASE on the 0-100 scale; `None` for `max@r`, a rank, which is on no such scale.
    pub points: Option<f64>,
    /// 95% interval of `delta`, from a paired bootstrap.
    pub interval: Option<Interval>,
    /// Two-sided p of the paired randomization test.
    pub p: Option<f64>,
    /// The same after Holm's correction over all rows.
    pub p_holm: Option<f64>,
    /// What it says about HEAD.
    pub verdict: Verdict,
    /// Why there is no p.
    pub note: Option<String>,
}

/// A cell and metric that only one side has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unmatched {
    /// The cell.
    pub cell: Cell,
    /// The metric.
    pub metric: String,
}

/// What changed from BASE to HEAD.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// Significant regressions, then significant gains, then the rest; each by falling |points|.
    pub rows: Vec<ComparedRow>,
    /// Only BASE has these.
    pub only_base: Vec<Unmatched>,
    /// Only HEAD has these.
    pub only_head: Vec<Unmatched>,
    /// What a reader has to know.
    pub notes: Vec<String>,
    /// Level of significance.
    pub alpha: f64,
}

impl Comparison {
    /// Regressions of at least `points` on the 0-100 scale: significant after Holm's correction,
    /// or, without per-query values, with intervals that do not overlap. Rows of `max@r` have no
    /// points and count where `points` is 0.
    #[must_use]
    pub fn regressions(&self, points: f64) -> Vec<&ComparedRow> {
        // 91.0 - 90.0 on fractions falls short of one point by a rounding error.
        let at_least = points - 1e-9;
        let large = |row: &ComparedRow| row.points.map_or(points <= 0.0, |p| -p >= at_least);
        self.rows.iter().filter(|row| row.verdict == Verdict::Regression && large(row)).collect()
    }
}

/// Why two sides cannot be compared.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CompareError {
    /// The data are not the same.
    #[error("BASE and HEAD were measured on different data: {}; measure both on the same data, or pass --force", .0.join("; "))]
    DifferentData(Vec<String>),
    /// One cell and metric has two rows.
    #[error(
        "{side} has two rows for {metric} of {cell}; results that were joined from several runs conflict, so keep one"
    )]
    Duplicate {
        /// `BASE` or `HEAD`.
        side: &'static str,
        /// The cell, as words.
        cell: String,
        /// The metric.
        metric: String,
    },
    /// A model that was asked for is not there.
    #[error("{side} has no model `{name}`; it has {}", known.join(", "))]
    UnknownModel {
        /// `BASE` or `HEAD`.
        side: &'static str,
        /// The name asked for.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// A metric that was asked for is on neither side.
    #[error("no result has the metric `{name}`; there are {}", known.join(", "))]
    UnknownMetric {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// No row is on both sides.
    #[error(
        "BASE and HEAD share no cell of the same model and metric; BASE has the models {}, HEAD has {}; pair models of different names with --model BASE=HEAD",
        base.join(", "), head.join(", ")
    )]
    NothingInCommon {
        /// Models of BASE.
        base: Vec<String>,
        /// Models of HEAD.
        head: Vec<String>,
    },
    /// Resampling failed.
    #[error("{metric} of {cell}: {source}")]
    Stats {
        /// The cell, as words.
        cell: String,
        /// The metric.
        metric: String,
        /// The reason.
        source: StatsError,
    },
}

/// The metrics that stand for a scenario; `None` for a scenario that is not known here, which
/// stands by all its metrics.
#[must_use]
pub fn main_metrics(scenario: &str) -> Option<&'static [&'static str]> {
    match scenario {
        "mono" | "clir" => Some(&["ndcg@10"]),
        "multi-1" => Some(&["ndcg@1", "mrr"]),
        s if s == "multi" || s.starts_with("pool-") => Some(&["complete@10", "max@r_norm_of_mean"]),
        _ => None,
    }
}

/// Whether a smaller value is better: only for `max@r`, a rank.
#[must_use]
pub fn lower_is_better(metric: &str) -> bool {
    Metric::of_row(metric).is_ok_and(|m| !m.higher_is_better())
}

/// Points of the 0-100 scale per unit of the metric; `None` for ranks, which are on no such scale.
/// A metric that is not known here (a plugin's) is taken for a fraction.
#[must_use]
pub fn points_per_unit(metric: &str) -> Option<f64> {
    match Metric::of_row(metric).map_or(Scale::Fraction, |m| m.scale()) {
        Scale::Fraction => Some(100.0),
        Scale::Percent => Some(1.0),
        Scale::Rank => None,
    }
}

/// Compares HEAD with BASE.
///
/// # Errors
/// Different data (unless forced), duplicate rows, models or metrics that are not there, and
/// sides that share nothing.
pub fn compare(base: &Side, head: &Side, options: &CompareOptions) -> Result<Comparison, CompareError> {
    let pairs = pair_models(base, head, options)?;
    known_metrics(base, head, &options.metrics)?;
    let base_rows = rows_by_key("BASE", base, options)?;
    let head_rows = rows_by_key("HEAD", head, options)?;

    let mut joined = Vec::new();
    let mut matched = HashSet::new();
    let mut only_base = Vec::new();
    for row in base.scores.iter().filter(|r| wanted(r, &options.metrics)) {
        let mut found = false;
        for (_, name) in pairs.iter().filter(|(base, _)| *base == row.model) {
            let key = (Cell { model: name.clone(), ..row.cell() }, row.metric.as_str());
            if let Some(other) = head_rows.get(&key) {
                joined.push((row, *other));
                matched.insert(key);
                found = true;
            }
        }
        if !found && listed(&row.model, options, &pairs, |p| &p.0) {
            only_base.push(Unmatched { cell: row.cell(), metric: row.metric.clone() });
        }
    }
    let only_head = head
        .scores
        .iter()
        .filter(|r| wanted(r, &options.metrics) && listed(&r.model, options, &pairs, |p| &p.1))
        .filter(|r| !matched.contains(&(r.cell(), r.metric.as_str())))
        .map(|r| Unmatched { cell: r.cell(), metric: r.metric.clone() })
        .collect();
    if joined.is_empty() {
        return Err(CompareError::NothingInCommon { base: models(base), head: models(head) });
    }

    let mut notes = same_data(&joined, base, head, options.force)?;
    for (from, to) in pairs.iter().filter(|(from, to)| from != to) {
        notes.push(format!("BASE model {from} is compared with HEAD model {to}"));
    }
    let mut tests = Tests::new(base, head, &base_rows, &head_rows, options);
    let mut rows = joined.iter().map(|(b, h)| tests.row(b, h)).collect::<Result<Vec<_>, _>>()?;
    let tested: Vec<usize> = (0..rows.len()).filter(|&i| rows[i].p.is_some()).collect();
    let p: Vec<f64> = tested.iter().filter_map(|&i| rows[i].p).collect();
    for (&i, adjusted) in tested.iter().zip(holm(&p)) {
        rows[i].p_holm = Some(adjusted);
    }
    for (row, (b, h)) in rows.iter_mut().zip(&joined) {
        let apart = match row.p_holm {
            Some(p) => p < options.alpha,
            None => h.ci_high < b.ci_low || b.ci_high < h.ci_low,
        };
        row.verdict = verdict(row, apart);
    }
    rows.sort_by(by_weight);
    Ok(Comparison { rows, only_base, only_head, notes, alpha: options.alpha })
}

fn verdict(row: &ComparedRow, apart: bool) -> Verdict {
    if !apart || row.delta == 0.0 {
        Verdict::Same
    } else if (row.delta < 0.0) == lower_is_better(&row.metric) {
        Verdict::Gain
    } else {
        Verdict::Regression
    }
}

/// Stable sort: rows that weigh the same stay in the order of BASE.
fn by_weight(a: &ComparedRow, b: &ComparedRow) -> Ordering {
    let size = |row: &ComparedRow| row.points.map_or(0.0, f64::abs);
    a.verdict.cmp(&b.verdict).then_with(|| size(b).total_cmp(&size(a)))
}

type Rows<'a> = HashMap<(Cell, &'a str), &'a ScoreRow>;

/// The cell's coordinates as words.
fn words(cell: &Cell) -> String {
    [&cell.model, &cell.dataset, &cell.documents, &cell.scenario, &cell.query_lang, &cell.pool_langs]
        .map(String::as_str)
        .join(" ")
}
