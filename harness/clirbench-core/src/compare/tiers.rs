//! Any number of models: who is ahead of whom, and who cannot be told apart.
//!
//! In each cell, and in the mean of each scenario, every pair of models gets a paired test. A
//! model's rank is 1 + the number of models that are significantly better than it, so models that
//! cannot be told apart share a rank, and a rank is never better than the evidence. Holm's
//! correction runs over all pairs of all cells, means and metrics.

use std::collections::{BTreeMap, HashSet};

use serde::Serialize;

use super::evidence::Evidence;
use super::field::{Entrant, Field, Meeting, Outcome, Scope, family};
use super::join::{common_hashes, known_metrics, models};
use super::{CompareError, CompareOptions, Origin, Side, Verdict, lower_is_better};
use crate::stats::Interval;

/// Models ranked per cell and per scenario.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Tiers {
    /// Where the models are from, in the order given.
    pub sources: Vec<Origin>,
    /// Means of scenarios, then cells.
    pub tables: Vec<TierTable>,
    /// Content hash of each dataset that all sources name with the same one.
    pub data: BTreeMap<String, String>,
    /// What a reader has to know.
    pub notes: Vec<String>,
    /// Tests in the family.
    pub tests: usize,
    /// Level of significance.
    pub alpha: f64,
}

/// One cell or mean, and metric.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TierTable {
    /// What is compared.
    pub scope: Scope,
    /// By rank, then by value, the better first; models without a rank last.
    pub rows: Vec<TierRow>,
    /// The tests behind the ranks.
    pub pairs: Vec<TierPair>,
}

impl TierTable {
    /// The models that are significantly better than `model`, in the order of the pairs.
    pub fn better_than<'a>(&'a self, model: &'a str) -> impl Iterator<Item = &'a str> {
        self.pairs.iter().filter_map(move |pair| match pair.verdict {
            Verdict::Gain if pair.first == model => Some(pair.second.as_str()),
            Verdict::Regression if pair.second == model => Some(pair.first.as_str()),
            _ => None,
        })
    }
}

/// One model in one table.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TierRow {
    /// The model, with its source where the name alone is not enough.
    pub model: String,
    /// Its value, in the metric's unit.
    pub value: f64,
    /// 95% interval of the value.
    pub interval: Option<Interval>,
    /// 1 + the number of models that are significantly better; `None` where the model was not
    /// tested against all others.
    pub rank: Option<u32>,
    /// Why there is no rank.
    pub note: Option<String>,
}

/// A test between two models.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TierPair {
    /// One model.
    pub first: String,
    /// The other.
    pub second: String,
    /// Second - first, in the metric's unit.
    pub delta: f64,
    /// 95% interval of `delta`.
    pub interval: Option<Interval>,
    /// Two-sided p.
    pub p: f64,
    /// The same after Holm's correction over the whole comparison.
    pub p_holm: f64,
    /// What it says about the second.
    pub verdict: Verdict,
}

/// Ranks the models of all sides; those of one side where there is only one.
///
/// # Errors
/// Fewer than two models, models that share no cell, different data (unless forced), duplicate
/// rows, models or metrics that are not there.
pub fn tiers(sides: &[Side], options: &CompareOptions) -> Result<Tiers, CompareError> {
    known_metrics(&sides.iter().collect::<Vec<_>>(), &options.metrics)?;
    let field = field(sides, options)?;
    let names = names(&field);
    let (mut meetings, mut notes) = field.means(false);
    meetings.extend(field.cells());
    if meetings.is_empty() {
        return Err(CompareError::NoSharedCell { models: names });
    }
    notes.extend(field.same_data(&meetings)?);
    let pairs: Vec<Vec<(usize, usize)>> = meetings
        .iter()
        .map(|m| (0..m.entrants.len()).flat_map(|a| (a + 1..m.entrants.len()).map(move |b| (a, b))).collect())
        .collect();
    let outcomes = family(&meetings, &pairs, options)?;
    let tests = outcomes.iter().map(|o| o.tests.iter().flatten().count()).sum();
    let each = meetings.iter().zip(&pairs).zip(&outcomes);
    let tables = each.map(|((m, pairs), o)| table(m, pairs, o, &names, options.alpha)).collect();
    let data = common_hashes(meetings.iter().flat_map(Meeting::datasets), &sides.iter().collect::<Vec<_>>());
    let sources = sides.iter().map(|side| side.origin.clone()).collect();
    Ok(Tiers { sources, tables, data, notes, tests, alpha: options.alpha })
}

fn field<'a>(sides: &'a [Side], options: &'a CompareOptions) -> Result<Field<'a>, CompareError> {
    let label = |side: &'a Side| match side.origin.source.as_str() {
        "" => "a result",
        source => source,
    };
    let evidence = sides.iter().map(|side| Evidence::new(label(side), side, options));
    let evidence = evidence.collect::<Result<Vec<_>, _>>()?;
    let mut entrants = Vec::new();
    for (at, side) in sides.iter().enumerate() {
        let mut seen = HashSet::new();
        let own = side.scores.iter().map(|row| row.model.as_str()).filter(|model| seen.insert(*model));
        let chosen = own.filter(|model| options.models.is_empty() || options.models.contains_key(*model));
        entrants.extend(chosen.map(|model| Entrant { model, side: at }));
    }
    let mut known: Vec<String> = sides.iter().flat_map(models).collect();
    let mut seen = HashSet::new();
    known.retain(|model| seen.insert(model.clone()));
    if let Some(name) = options.models.keys().find(|name| !known.contains(name)) {
        let side = "the results".to_owned();
        return Err(CompareError::UnknownModel { side, name: name.clone(), known });
    }
    if entrants.len() < 2 {
        return Err(CompareError::TooFewModels { known });
    }
    Ok(Field { sides: evidence, entrants, options })
}

/// The models' names; with the source in brackets where several sources have the name.
fn names(field: &Field) -> Vec<String> {
    let name = |entrant: &Entrant| {
        let sharing = field.entrants.iter().filter(|other| other.model == entrant.model).count();
        match sharing {
            1 => entrant.model.to_owned(),
            _ => format!("{} ({})", entrant.model, field.sides[entrant.side].label),
        }
    };
    field.entrants.iter().map(name).collect()
}

fn table(
    meeting: &Meeting,
    pairs: &[(usize, usize)],
    outcome: &Outcome,
    names: &[String],
    alpha: f64,
) -> TierTable {
    let name = |e: usize| names[meeting.entrants[e]].clone();
    let mut rows: Vec<TierRow> = (0..meeting.entrants.len())
        .map(|e| TierRow {
            model: name(e),
            value: meeting.value(e),
            interval: outcome.intervals[e],
            rank: meeting.untested(e).is_none().then_some(1),
            note: meeting.untested(e).map(str::to_owned),
        })
        .collect();
    let mut tested = Vec::with_capacity(pairs.len());
    for (&(a, b), test) in pairs.iter().zip(&outcome.tests) {
        let Some(test) = test else { continue };
        let delta = rows[b].value - rows[a].value;
        let verdict = meeting.verdict(delta, Some(test.p_holm), alpha);
        let behind = match verdict {
            Verdict::Regression => Some(b),
            Verdict::Gain => Some(a),
            Verdict::Same => None,
        };
        if let Some(rank) = behind.and_then(|e| rows[e].rank.as_mut()) {
            *rank += 1;
        }
        tested.push(TierPair {
            first: name(a),
            second: name(b),
            delta,
            interval: test.interval,
            p: test.p,
            p_holm: test.p_holm,
            verdict,
        });
    }
    let lower = lower_is_better(&meeting.scope.metric);
    rows.sort_by(|x, y| {
        let by_value = if lower { x.value.total_cmp(&y.value) } else { y.value.total_cmp(&x.value) };
        x.rank.unwrap_or(u32::MAX).cmp(&y.rank.unwrap_or(u32::MAX)).then(by_value)
    });
    TierTable { scope: meeting.scope.clone(), rows, pairs: tested }
}
