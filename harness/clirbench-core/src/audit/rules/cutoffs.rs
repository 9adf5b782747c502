//! Larger cutoffs.

use super::{Checks, Sheet};
use crate::printed::Printed;

/// Metrics that cannot fall as the cutoff grows. nDCG can: its ideal grows too.
const GROWING: [&str; 5] = ["recall", "hit", "complete", "mrr", "map"];

pub(super) fn check(sheet: &Sheet, checks: &mut Checks<'_>) {
    for group in sheet.groups() {
        let one_relevant = group.relevant() == Some(1);
        for stem in GROWING.into_iter().chain(["precision"]).chain(one_relevant.then_some("ndcg")) {
            let mut readings: Vec<_> = group.readings().filter(|r| r.figure.measure.stem == stem).collect();
            // Without a cutoff is with the largest.
            readings.sort_by_key(|r| r.figure.measure.cutoff.unwrap_or(u32::MAX));
            for pair in readings.windows(2) {
                let [shorter, longer] = [pair[0], pair[1]];
                let cutoff = |r: &super::Reading<'_>| r.figure.measure.cutoff;
                if cutoff(&shorter) == cutoff(&longer) {
                    continue;
                }
                // Relevant documents in the first k, of which precision@k is the k-th part.
                let found = |r: &super::Reading<'_>| -> Printed {
                    let k = if stem == "precision" { cutoff(r).map_or(1.0, f64::from) } else { 1.0 };
                    r.number.scaled(k)
                };
                let (less, more) = (found(&shorter), found(&longer));
                checks.hold(
                    |units| less.span(units).may_be_at_most(more.span(units)),
                    longer.position,
                    || {
                        let k = more.value / longer.number.value;
                        let least =
                            longer.figure.shown(if k.is_finite() { less.value / k } else { less.value }, 0);
                        format!(
                            "at least {least}, since {} is {}",
                            shorter.figure.name,
                            shorter.figure.shown(shorter.number.value, 0)
                        )
                    },
                );
            }
        }
    }
}
