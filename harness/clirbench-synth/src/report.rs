//! What a generation came to, in numbers.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::{board::Board, journal::Journal, ledger::Spending, rejection::Reason};

/// Counts of everything, over all runs that wrote the output.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Name of the recipe.
    pub name: String,
    /// Hash of what the replies depend on.
    pub recipe: String,
    /// The model that was asked for.
    pub model: String,
    /// Where.
    pub endpoint: String,
    /// The languages, the first that of writing.
    pub languages: Vec<String>,
    /// Triples that the recipe plans.
    pub planned: usize,
    /// Triples that were written.
    pub written: usize,
    /// Triples whose query, in the first language, an earlier one has too.
    pub repeated_queries: usize,
    /// Steps of the plan without an accepted reply, by the reason of the last.
    pub failed_steps: BTreeMap<&'static str, u64>,
    /// Steps that were not asked for because one that they need failed.
    pub blocked_steps: usize,
    /// Replies that were not accepted, by reason.
    pub rejected_replies: BTreeMap<&'static str, u64>,
    /// What it cost; also of requests that this recipe no longer makes.
    pub spending: Spending,
    /// In money, where the recipe has prices.
    pub cost: Option<Cost>,
}

/// Money.
#[derive(Clone, Debug, Serialize)]
pub struct Cost {
    /// How much.
    pub amount: f64,
    /// Of what.
    pub currency: String,
}

impl Report {
    pub(crate) fn of(board: &Board<'_>, journal: &Journal) -> Report {
        let requests = board.requests();
        let (recipe, plan) = (requests.recipe, requests.plan);
        let whole = (0..plan.triples.len()).filter(|at| board.is_whole(*at));
        let queries: Vec<&str> =
            whole.filter_map(|at| Some(board.triplet(plan.triples[at].step)?.query.as_str())).collect();
        let distinct: BTreeSet<&str> = queries.iter().copied().collect();
        let cost = recipe.prices.as_ref().map(|prices| Cost {
            amount: journal.spending().money(prices),
            currency: prices.currency.clone(),
        });
        Report {
            name: recipe.name.clone(),
            recipe: requests.hash().to_string(),
            model: recipe.endpoint.model.clone(),
            endpoint: recipe.endpoint.base_url.clone(),
            languages: recipe.languages.clone(),
            planned: plan.triples.len(),
            written: queries.len(),
            repeated_queries: queries.len() - distinct.len(),
            failed_steps: named(&board.failures()),
            blocked_steps: board.blocked(),
            rejected_replies: named(&board.rejections()),
            spending: journal.spending().clone(),
            cost,
        }
    }
}

fn named(counts: &BTreeMap<Reason, u64>) -> BTreeMap<&'static str, u64> {
    counts.iter().map(|(reason, count)| (reason.name(), *count)).collect()
}
