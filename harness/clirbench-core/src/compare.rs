//! Sets of results side by side: what differs, and whether chance explains it.
//!
//! - [`compare`]: two sides, BASE and HEAD, row by row.
//! - [`tiers`]: any number of models, ranked per cell and per scenario; models that cannot be told
//!   apart share a rank.
//! - [`inheritance`]: a merged model against its parents, per scenario.
//!
//! All three rest on the same evidence: per-query values, paired by query id, in a randomization
//! test and a bootstrap that keep the rows of one query together ([`crate::stats::Panel`]). Holm's
//! correction runs over every test that one call makes, so "significant" speaks of all of its table.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use crate::metrics::{Metric, Scale};
use crate::results::{Cell, QueryValues, ScoreRow};
use crate::stats::{DEFAULT_PERMUTATIONS, DEFAULT_RESAMPLES, StatsError};

mod difference;
mod evidence;
mod field;
mod join;
mod parents;
#[cfg(test)]
mod tests;
mod tiers;

pub use difference::{ComparedRow, Comparison, Unmatched, Verdict, compare};
pub use field::{Place, Scope};
pub use parents::{AgainstParent, Inheritance, InheritanceRow, Inherited, inheritance};
pub use tiers::{TierPair, TierRow, TierTable, Tiers, tiers};

/// Where a set of results comes from, for those who read the comparison.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Origin {
    /// As the user named it: a folder, a revision; may be empty.
    pub source: String,
    /// The commit that a revision stood for.
    pub commit: Option<String>,
}

/// A set of results.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Side {
    /// Where it comes from.
    pub origin: Origin,
    /// Rows of `scores.csv`.
    pub scores: Vec<ScoreRow>,
    /// Per-query values; may be empty.
    pub per_query: Vec<QueryValues>,
    /// Content hash per dataset name; may be empty.
    pub dataset_hashes: BTreeMap<String, String>,
    /// Per merged model, the names of its parents; may be empty.
    pub parents: BTreeMap<String, Vec<String>>,
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
    /// none is shared and each side has one model, those two are. [`tiers`] ranks only the models
    /// named as BASE.
    pub models: BTreeMap<String, String>,
    /// Compare although the data differ.
    pub force: bool,
    /// A Holm-corrected p below this is significant.
    pub alpha: f64,
    /// Permutations of each randomization test.
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

/// Why two sides cannot be compared.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CompareError {
    /// The data are not the same.
    #[error("{sides} were measured on different data: {}; measure both on the same data, or pass --force", differences.join("; "))]
    DifferentData {
        /// `BASE and HEAD`, or what else is compared.
        sides: &'static str,
        /// Each difference.
        differences: Vec<String>,
    },
    /// One cell and metric has two rows.
    #[error(
        "{side} has two rows for {metric} of {cell}; results that were joined from several runs conflict, so keep one"
    )]
    Duplicate {
        /// `BASE`, `HEAD`, or where the results are from.
        side: String,
        /// The cell, as words.
        cell: String,
        /// The metric.
        metric: String,
    },
    /// A model that was asked for is not there.
    #[error("{side} has no model `{name}`; it has {}", known.join(", "))]
    UnknownModel {
        /// `BASE`, `HEAD`, or where the results are from.
        side: String,
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
    /// There are fewer than two models.
    #[error(
        "ranks take at least two models; the results have {}: name another result, or more models with --model",
        if known.is_empty() { "none".to_owned() } else { known.join(", ") }
    )]
    TooFewModels {
        /// The models there are, chosen or not.
        known: Vec<String>,
    },
    /// No cell and metric has two models.
    #[error("the models {} share no cell and metric; measure them on the same datasets and scenarios", models.join(", "))]
    NoSharedCell {
        /// The models.
        models: Vec<String>,
    },
    /// Nobody says what a model was merged from.
    #[error(
        "the results do not say what `{model}` was merged from; name each parent with --parent NAME; there are {}",
        known.join(", ")
    )]
    NoParents {
        /// The model.
        model: String,
        /// The models there are.
        known: Vec<String>,
    },
    /// A parent has no results.
    #[error(
        "`{parent}`, a parent of `{model}`, is not among the results; they have {}; measure it in the same run, or name parents with --parent",
        known.join(", ")
    )]
    ParentNotMeasured {
        /// The merged model.
        model: String,
        /// The parent.
        parent: String,
        /// The models there are.
        known: Vec<String>,
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

type Rows<'a> = HashMap<(Cell, &'a str), &'a ScoreRow>;

/// The cell's coordinates as words.
fn words(cell: &Cell) -> String {
    [&cell.model, &cell.dataset, &cell.documents, &cell.scenario, &cell.query_lang, &cell.pool_langs]
        .map(String::as_str)
        .join(" ")
}
