//! A merged model against its parents, scenario by scenario.
//!
//! The difference merged - parent of a scenario's mean gets a paired test and an interval for each
//! parent; Holm's correction runs over all parents, scenarios and metrics. What the tests say
//! together is an [`Inherited`]. The better and the worse parent are those by observed value in the
//! same scenario and metric.
//!
//! "No significant difference" is not "equal": the interval of merged - parent says how large a
//! loss the data still allow.

use std::collections::{BTreeMap, HashSet};

use serde::Serialize;

use super::evidence::Evidence;
use super::field::{Entrant, Field, Meeting, Outcome, Scope, family};
use super::join::{common_hashes, known_metrics, models};
use super::{CompareError, CompareOptions, Origin, Side, Verdict, lower_is_better};
use crate::stats::Interval;

/// What a merged model has of its parents in one scenario and metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Inherited {
    /// Significantly better than every parent.
    BeatsAll,
    /// Not told apart from the best parent, significantly better than the worst.
    KeepsBest,
    /// Significantly worse than the best parent and significantly better than the worst.
    Interpolates,
    /// Significantly worse than the best parent, not told apart from the worst.
    FallsToWorst,
    /// Significantly worse than every parent.
    BelowAll,
    /// Not told apart from any parent: too few queries, or parents that are alike.
    NotToldApart,
    /// Anything else, such as better than the best parent but not told apart from the worst, whose
    /// difference varies more: see the parents one by one.
    Unclear,
}

/// A merged model against its parents.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Inheritance {
    /// Where the results come from.
    pub source: Origin,
    /// The merged model.
    pub model: String,
    /// Its parents.
    pub parents: Vec<String>,
    /// A row per scenario and metric.
    pub rows: Vec<InheritanceRow>,
    /// Content hash of each dataset.
    pub data: BTreeMap<String, String>,
    /// What a reader has to know.
    pub notes: Vec<String>,
    /// Level of significance.
    pub alpha: f64,
}

/// One scenario and metric.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct InheritanceRow {
    /// What is compared: the mean over the scenario's cells.
    pub scope: Scope,
    /// The merged model's value, in the metric's unit.
    pub value: f64,
    /// 95% interval of the value.
    pub interval: Option<Interval>,
    /// The parents, in their order.
    pub against: Vec<AgainstParent>,
    /// What the tests say together; `None` where a parent was not tested.
    pub inherited: Option<Inherited>,
    /// Why it is not known.
    pub note: Option<String>,
}

/// The merged model against one parent.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AgainstParent {
    /// The parent.
    pub parent: String,
    /// Its value, in the metric's unit.
    pub value: f64,
    /// Merged - parent, in the metric's unit.
    pub delta: f64,
    /// 95% interval of `delta`.
    pub interval: Option<Interval>,
    /// Two-sided p.
    pub p: Option<f64>,
    /// The same after Holm's correction over the whole comparison.
    pub p_holm: Option<f64>,
    /// What it says about the merged model.
    pub verdict: Verdict,
}

/// Compares `model` with its parents, all of them models of `side`. Where `parents` is empty, those
/// that the side names for the model count.
///
/// # Errors
/// A model or parent that has no results, no parents, parents that share no cell with the model,
/// duplicate rows, and metrics that are not there.
pub fn inheritance(
    side: &Side,
    model: &str,
    parents: &[String],
    options: &CompareOptions,
) -> Result<Inheritance, CompareError> {
    known_metrics(&[side], &options.metrics)?;
    let parents = parents_of(side, model, parents)?;
    let label = if side.origin.source.is_empty() { "the result" } else { &side.origin.source };
    let names = std::iter::once(model).chain(parents.iter().map(String::as_str));
    let field = Field {
        sides: vec![Evidence::new(label, side, options)?],
        entrants: names.map(|model| Entrant { model, side: 0 }).collect(),
        options,
    };
    let (mut meetings, mut notes) = field.means(true);
    let count = meetings.len();
    meetings.retain(|meeting| meeting.entrants.len() == field.entrants.len());
    if meetings.is_empty() {
        let models = field.entrants.iter().map(|entrant| entrant.model.to_owned()).collect();
        return Err(CompareError::NoSharedCell { models });
    }
    if meetings.len() < count {
        notes.push(format!("{} left out: a parent or the model lacks them", count - meetings.len()));
    }
    notes.extend(field.same_data(&meetings)?);
    let pairs = vec![(1..=parents.len()).map(|parent| (parent, 0)).collect(); meetings.len()];
    let outcomes = family(&meetings, &pairs, options)?;
    let rows = meetings.iter().zip(&outcomes).map(|(m, o)| row(m, o, &parents, options.alpha)).collect();
    let data = common_hashes(meetings.iter().flat_map(Meeting::datasets), &[side]);
    let (source, model) = (side.origin.clone(), model.to_owned());
    Ok(Inheritance { source, model, parents, rows, data, notes, alpha: options.alpha })
}

fn parents_of(side: &Side, model: &str, named: &[String]) -> Result<Vec<String>, CompareError> {
    let known = models(side);
    if !known.iter().any(|m| m == model) {
        let (side, name) = ("the result".to_owned(), model.to_owned());
        return Err(CompareError::UnknownModel { side, name, known });
    }
    let stated = || side.parents.get(model).cloned().unwrap_or_default();
    let mut parents = if named.is_empty() { stated() } else { named.to_vec() };
    let mut seen = HashSet::new();
    parents.retain(|parent| seen.insert(parent.clone()));
    if let Some(parent) = parents.iter().find(|parent| !known.contains(parent) || *parent == model) {
        let (model, parent) = (model.to_owned(), parent.clone());
        return Err(CompareError::ParentNotMeasured { model, parent, known });
    }
    if parents.is_empty() {
        return Err(CompareError::NoParents { model: model.to_owned(), known });
    }
    Ok(parents)
}

fn row(meeting: &Meeting, outcome: &Outcome, parents: &[String], alpha: f64) -> InheritanceRow {
    let value = meeting.value(0);
    let against: Vec<AgainstParent> = parents
        .iter()
        .zip(&outcome.tests)
        .enumerate()
        .map(|(i, (parent, test))| {
            let of_parent = meeting.value(i + 1);
            let delta = value - of_parent;
            let p_holm = test.map(|test| test.p_holm);
            AgainstParent {
                parent: parent.clone(),
                value: of_parent,
                delta,
                interval: test.and_then(|test| test.interval),
                p: test.map(|test| test.p),
                p_holm,
                verdict: meeting.verdict(delta, p_holm, alpha),
            }
        })
        .collect();
    let untested = (0..=parents.len()).find_map(|e| meeting.untested(e)).map(str::to_owned);
    let inherited =
        untested.is_none().then(|| Inherited::of(&against, lower_is_better(&meeting.scope.metric)));
    InheritanceRow {
        scope: meeting.scope.clone(),
        value,
        interval: outcome.intervals[0],
        against,
        inherited,
        note: untested,
    }
}

impl Inherited {
    /// What the tests against the parents (at least one) say together.
    fn of(against: &[AgainstParent], lower_is_better: bool) -> Inherited {
        use Verdict::{Gain, Regression, Same};
        let goodness = |a: &AgainstParent| if lower_is_better { -a.value } else { a.value };
        let by_goodness = |a: &&AgainstParent, b: &&AgainstParent| goodness(a).total_cmp(&goodness(b));
        let verdict = |a: Option<&AgainstParent>| a.map_or(Same, |a| a.verdict);
        let best = verdict(against.iter().max_by(by_goodness));
        let worst = verdict(against.iter().min_by(by_goodness));
        let all = |verdict| against.iter().all(|a| a.verdict == verdict);
        match (best, worst) {
            _ if all(Gain) => Inherited::BeatsAll,
            _ if all(Regression) => Inherited::BelowAll,
            _ if all(Same) => Inherited::NotToldApart,
            (Same, Gain) => Inherited::KeepsBest,
            (Regression, Gain) => Inherited::Interpolates,
            (Regression, Same) => Inherited::FallsToWorst,
            _ => Inherited::Unclear,
        }
    }
}
