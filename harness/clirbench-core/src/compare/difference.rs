//! Two sides: what changed from BASE to HEAD.
//!
//! Rows join by cell and metric. A row whose per-query values both sides have gets a paired
//! randomization test and a paired bootstrap interval. A row without per-query values has no
//! p-value, and counts as changed only where the two 95% intervals do not overlap, which is far
//! stricter than a paired test.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashSet};

use serde::Serialize;

use super::evidence::{Evidence, Panels, align, statistic};
use super::join::{common_hashes, known_metrics, listed, models, pair_models, same_data, wanted};
use super::{CompareError, CompareOptions, Origin, Side, lower_is_better, points_per_unit, words};
use crate::results::{Cell, QueryValues, ScoreRow};
use crate::stats::{CellStatistic, Interval, PanelCell, StatsError, holm};

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

impl Verdict {
    /// Of a difference HEAD - BASE; `apart` says whether it is beyond chance.
    pub(super) fn of(metric: &str, delta: f64, apart: bool) -> Verdict {
        if !apart || delta == 0.0 {
            Verdict::Same
        } else if (delta < 0.0) == lower_is_better(metric) {
            Verdict::Gain
        } else {
            Verdict::Regression
        }
    }
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
    /// Where BASE comes from.
    pub base: Origin,
    /// Where HEAD comes from.
    pub head: Origin,
    /// Significant regressions, then significant gains, then the rest; each by falling |points|.
    pub rows: Vec<ComparedRow>,
    /// Only BASE has these.
    pub only_base: Vec<Unmatched>,
    /// Only HEAD has these.
    pub only_head: Vec<Unmatched>,
    /// Content hash of each dataset that both sides name with the same one.
    pub data: BTreeMap<String, String>,
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

/// Compares HEAD with BASE.
///
/// # Errors
/// Different data (unless forced), duplicate rows, models or metrics that are not there, and
/// sides that share nothing.
pub fn compare(base: &Side, head: &Side, options: &CompareOptions) -> Result<Comparison, CompareError> {
    let pairs = pair_models(base, head, options)?;
    known_metrics(&[base, head], &options.metrics)?;
    let (of_base, of_head) = (Evidence::new("BASE", base, options)?, Evidence::new("HEAD", head, options)?);

    let mut joined = Vec::new();
    let mut matched = HashSet::new();
    let mut only_base = Vec::new();
    for row in base.scores.iter().filter(|r| wanted(r, &options.metrics)) {
        let mut found = false;
        for (_, name) in pairs.iter().filter(|(base, _)| *base == row.model) {
            let cell = Cell { model: name.clone(), ..row.cell() };
            if let Some(other) = of_head.row(cell.clone(), &row.metric) {
                joined.push((row, other));
                matched.insert((cell, row.metric.as_str()));
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

    let uses = joined.iter().map(|&(b, h)| [(&of_base, b), (&of_head, h)]);
    let mut notes = same_data("BASE and HEAD", uses, options.force)?;
    for (from, to) in pairs.iter().filter(|(from, to)| from != to) {
        notes.push(format!("BASE model {from} is compared with HEAD model {to}"));
    }
    let evidence: Vec<_> = joined.iter().map(|&(b, h)| paired(&of_base, b, &of_head, h)).collect();
    let mut tester = Tester { panels: Panels::default(), options };
    let mut rows = Vec::with_capacity(joined.len());
    for (&(b, h), evidence) in joined.iter().zip(&evidence) {
        rows.push(tester.row(b, h, evidence)?);
    }
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
        row.verdict = Verdict::of(&row.metric, row.delta, apart);
    }
    rows.sort_by(by_weight);
    let data = common_hashes(joined.iter().map(|(b, _)| b.dataset.as_str()), &[base, head]);
    let (base, head) = (base.origin.clone(), head.origin.clone());
    Ok(Comparison { base, head, rows, only_base, only_head, data, notes, alpha: options.alpha })
}

/// BASE's values and HEAD's in the same order of queries.
struct Paired<'a> {
    cell: PanelCell<'a>,
    base: &'a [f64],
    head: Vec<f64>,
    /// `None` where the difference is tested but has no interval.
    statistic: Option<CellStatistic>,
}

/// The evidence for one row; else why there is none.
fn paired<'a>(
    of_base: &Evidence<'a>,
    base: &'a ScoreRow,
    of_head: &Evidence<'a>,
    head: &'a ScoreRow,
) -> Result<Paired<'a>, String> {
    let (own, other): (&QueryValues, &QueryValues) = match (of_base.values(base)?, of_head.values(head)?) {
        (Some(own), Some(other)) => (own, other),
        (None, None) => return Err("neither side has per-query values".to_owned()),
        (None, _) => return Err("BASE has no per-query values".to_owned()),
        (_, None) => return Err("HEAD has no per-query values".to_owned()),
    };
    let aligned = align(&own.queries, other).ok_or("the two sides have different queries")?;
    let statistic = statistic(base, &own.values).or_else(|| statistic(head, &aligned));
    let cell = PanelCell { dataset: &base.dataset, queries: &own.queries };
    Ok(Paired { cell, base: &own.values, head: aligned, statistic })
}

struct Tester<'a> {
    panels: Panels<'a>,
    options: &'a CompareOptions,
}

impl<'a> Tester<'a> {
    /// The row of a joined pair; Holm's correction and the verdict come later.
    fn row(
        &mut self,
        base: &ScoreRow,
        head: &ScoreRow,
        evidence: &Result<Paired<'a>, String>,
    ) -> Result<ComparedRow, CompareError> {
        let delta = head.value - base.value;
        let (outcome, note) = match evidence {
            Ok(paired) => {
                let stats = |source| CompareError::Stats {
                    cell: words(&base.cell()),
                    metric: base.metric.clone(),
                    source,
                };
                (Some(self.test(paired).map_err(stats)?), None)
            }
            Err(why) => (None, Some(why.clone())),
        };
        Ok(ComparedRow {
            cell: base.cell(),
            head_model: head.model.clone(),
            metric: base.metric.clone(),
            base: base.value,
            head: head.value,
            delta,
            points: points_per_unit(&base.metric).map(|per_unit| per_unit * delta),
            interval: outcome.and_then(|(_, interval)| interval),
            p: outcome.map(|(p, _)| p),
            p_holm: None,
            verdict: Verdict::Same,
            note,
        })
    }

    fn test(&mut self, paired: &Paired<'a>) -> Result<(f64, Option<Interval>), StatsError> {
        let panel = self.panels.of(vec![paired.cell], self.options)?;
        let (base, head) = ([paired.base], [paired.head.as_slice()]);
        // One cell's norm is tested on its ranks, whether its factor is known or not.
        let tested = [paired.statistic.unwrap_or(CellStatistic::Mean)];
        let CompareOptions { permutations, seed, .. } = *self.options;
        let p = panel.test(&base, &head, &tested, permutations, seed)?.p;
        let Some(statistic) = paired.statistic else { return Ok((p, None)) };
        let (base, head) = (panel.samples(&base, &[statistic])?, panel.samples(&head, &[statistic])?);
        let differences = head.iter().zip(&base).map(|(h, b)| h - b);
        Ok((p, Interval::of_samples(differences.collect())))
    }
}

/// Stable sort: rows that weigh the same stay in the order of BASE.
fn by_weight(a: &ComparedRow, b: &ComparedRow) -> Ordering {
    let size = |row: &ComparedRow| row.points.map_or(0.0, f64::abs);
    a.verdict.cmp(&b.verdict).then_with(|| size(b).total_cmp(&size(a)))
}
