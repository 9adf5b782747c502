//! Which metric of a cell can be above which.

use std::collections::BTreeSet;

use super::{Checks, Sheet};
use crate::{audit::sheet::Group, printed::Printed};

pub(super) fn check(sheet: &Sheet, checks: &mut Checks<'_>) {
    for group in sheet.groups() {
        let cutoffs: BTreeSet<u32> = group.figures().filter_map(|(_, f)| f.measure.cutoff).collect();
        for k in cutoffs {
            at_cutoff(group, k, checks);
        }
        reciprocal_rank(group, checks);
    }
}

/// A query for which `complete@k` is 1 has recall 1, and one with any recall is a hit; no metric is above 0
/// where there is no hit.
fn at_cutoff(group: Group<'_>, k: u32, checks: &mut Checks<'_>) {
    let mut pairs = vec![("complete", "recall"), ("complete", "hit"), ("recall", "hit")];
    pairs.extend(["precision", "mrr", "ndcg", "map"].map(|stem| (stem, "hit")));
    // The precisions at the ranks of what was found, over all that is relevant.
    pairs.push(("map", "recall"));
    if group.relevant() == Some(1) {
        pairs.extend([("ndcg", "recall"), ("mrr", "recall"), ("precision", "recall")]);
    }
    for (lower, upper) in pairs {
        let (Some(lower), Some(upper)) = (group.get(lower, Some(k)), group.get(upper, Some(k))) else {
            continue;
        };
        let name = |r: super::Reading<'_>| r.figure.measure.to_string();
        checks.at_most((&name(lower), lower.number), (&name(upper), upper.number), lower);
    }
}

/// A hit at rank 1 adds 1 to the reciprocal ranks; whatever is not one adds at most 1/2.
fn reciprocal_rank(group: Group<'_>, checks: &mut Checks<'_>) {
    let first = ["hit", "precision", "mrr"].iter().find_map(|stem| group.get(stem, Some(1)));
    let binary = group.relevant().and_then(|_| group.get("ndcg", Some(1)));
    let (Some(first), Some(mrr)) = (first.or(binary), group.get("mrr", None)) else { return };
    let name = first.figure.measure.to_string();
    checks.at_most((&name, first.number), ("mrr", mrr.number), mrr);
    let half = Printed { value: 0.5 + first.number.value / 2.0, unit: first.number.unit / 2.0 };
    checks.at_most(("mrr", mrr.number), (&format!("(1 + {name}) / 2"), half), mrr);
}
