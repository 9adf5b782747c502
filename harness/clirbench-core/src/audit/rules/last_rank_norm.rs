//! Hong et al.'s normalised Max@R.
//!
//! `100 (log2 |D| - log2 Max@R) / (log2 |D| - log2 |R|)` takes |D| and |R|, which a table need not print.
//! They are one choice for all cells of a kind (dataset, scenario, number of languages), so the choice under
//! which most cells follow is taken for the table's; cells that do not follow under it are findings.

use std::collections::BTreeMap;

use super::{Checks, Reading, Sheet};
use crate::{
    audit::{known_dataset, sheet::Group},
    metrics::{Extent, Metric},
    printed::Span,
};

pub(super) fn check(sheet: &Sheet, checks: &mut Checks<'_>) {
    let mut kinds: BTreeMap<_, Vec<Pair<'_>>> = BTreeMap::new();
    for group in sheet.groups() {
        above_norm_of_mean(group, checks);
        let (Some(rank), Some(norm)) = (group.get("max@r", None), group.get("max@r_norm_of_mean", None))
        else {
            continue;
        };
        let cell = group.cell();
        let languages = rank.figure.languages().count();
        let kind = (&cell.dataset, &cell.documents, &cell.scenario, languages, rank.figure.pool_size);
        kinds.entry(kind).or_default().push(Pair { rank, norm, relevant: group.relevant() });
    }
    for pairs in kinds.values() {
        follow(pairs, checks);
    }
}

#[derive(Clone, Copy)]
struct Pair<'a> {
    rank: Reading<'a>,
    norm: Reading<'a>,
    /// |R| where it is known.
    relevant: Option<u64>,
}

impl Pair<'_> {
    fn norm_span(&self, extent: Extent, units: f64) -> Span {
        let rank = self.rank.number.span(units);
        let possible = |rank: f64| rank.clamp(extent.relevant, extent.pool_size);
        let norm = |rank| Metric::MaxRNormOfMean.of_mean(possible(rank), extent);
        Span { low: norm(rank.high), high: norm(rank.low) }
    }

    fn follows(&self, extent: Extent, units: f64) -> bool {
        self.norm.number.span(units).meets(self.norm_span(extent, units))
    }

    /// What |D| and |R| can be, likely ones first; and whether there is no doubt that one of them is right.
    fn extents(&self) -> (Vec<Extent>, bool) {
        let languages = (self.rank.figure.languages().count() as u64).max(1);
        let known = known_dataset(&self.rank.figure.cell.dataset);
        let pools: Vec<u64> = match (self.rank.figure.pool_size, known) {
            // `multi-1` takes one document out of the pool.
            (Some(pool), _) if self.rank.figure.cell.scenario == "multi-1" => {
                vec![pool.saturating_sub(1), pool]
            }
            (Some(pool), _) => vec![pool],
            (None, Some(known)) => vec![known.unique(languages), known.per_question(languages)],
            (None, None) => Vec::new(),
        };
        let relevant = match self.relevant {
            Some(relevant) => vec![relevant],
            None => (1..=languages).rev().collect(),
        };
        let extents = pools.iter().flat_map(|&d| relevant.iter().map(move |&r| (d, r)));
        let extents = extents.filter(|&(d, r)| d > r);
        let extents = extents.map(|(d, r)| Extent { pool_size: d as f64, relevant: r as f64 });
        let certain = self.relevant.is_some() && self.rank.figure.cell.scenario != "multi-1";
        (extents.collect(), certain)
    }
}

fn follow(pairs: &[Pair<'_>], checks: &mut Checks<'_>) {
    let Some(first) = pairs.first() else { return };
    let (extents, certain) = first.extents();
    let units = checks.strictness.units();
    let following = |extent: Extent| pairs.iter().filter(|p| p.follows(extent, units)).count();
    // The first of equals.
    let best = extents.into_iter().map(|e| (following(e), e)).reduce(|a, b| if b.0 > a.0 { b } else { a });
    let Some((agreeing, extent)) = best else { return };
    // Several relevant documents a query, judged unevenly: then no single |R| makes the cells follow.
    if !certain && 2 * agreeing <= pairs.len() {
        return;
    }
    for pair in pairs {
        let rank = pair.rank.figure.shown(pair.rank.number.value, 0);
        let why =
            format!("{} is {rank}, |D| {}, |R| {}", pair.rank.figure.name, extent.pool_size, extent.relevant);
        checks.follow(pair.norm, |units| pair.norm_span(extent, units), &why);
    }
}

/// The logarithm is concave (Jensen): the mean of the norms is at least the norm of the mean.
fn above_norm_of_mean(group: Group<'_>, checks: &mut Checks<'_>) {
    let (Some(mean), Some(of_mean)) = (group.get("max@r_norm", None), group.get("max@r_norm_of_mean", None))
    else {
        return;
    };
    checks.at_most(("max@r_norm_of_mean", of_mean.number), ("max@r_norm", mean.number), mean);
}
