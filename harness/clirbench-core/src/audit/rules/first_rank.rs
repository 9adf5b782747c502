//! At the first rank there is one document, relevant or not: the metrics cannot tell more.

use super::{Checks, Sheet};
use crate::audit::sheet::Group;

pub(super) fn check(sheet: &Sheet, checks: &mut Checks<'_>) {
    for group in sheet.groups() {
        let readings: Vec<_> = stems(group).iter().filter_map(|stem| group.get(stem, Some(1))).collect();
        let Some((first, others)) = readings.split_first() else { continue };
        for other in others {
            checks.hold(
                |units| first.number.span(units).meets(other.number.span(units)),
                other.position,
                || {
                    let value = other.figure.shown(first.number.value, 0);
                    format!("{value}, as {}: both ask for the first document alone", first.figure.name)
                },
            );
        }
    }
}

/// Metrics that at cutoff 1 are the share of queries whose first document is relevant. Grades can make
/// `ndcg@1` smaller, and several relevant documents `recall@1`.
fn stems(group: Group<'_>) -> &'static [&'static str] {
    match group.relevant() {
        Some(1) => &["precision", "hit", "mrr", "ndcg", "recall"],
        Some(_) => &["precision", "hit", "mrr", "ndcg"],
        None => &["precision", "hit", "mrr"],
    }
}
