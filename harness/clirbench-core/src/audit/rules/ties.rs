//! Tie rules: the run's own, and the two extremes.

use std::collections::HashMap;

use super::{Checks, Reading, Sheet};
use crate::compare::lower_is_better;

pub(super) fn check(sheet: &Sheet, checks: &mut Checks<'_>) {
    let mut own: HashMap<_, Reading<'_>> = HashMap::new();
    for group in sheet.groups() {
        for reading in group.readings().filter(|r| r.figure.ties.is_empty()) {
            own.entry((group.cell(), reading.figure.measure.clone())).or_insert(reading);
        }
    }
    for group in sheet.groups() {
        for reading in group.readings() {
            let rising = match reading.figure.ties.as_str() {
                "best" => true,
                "worst" => false,
                _ => continue,
            };
            let Some(own) = own.get(&(group.cell(), reading.figure.measure.clone())) else { continue };
            let above = rising != lower_is_better(&own.figure.name);
            let (lower, upper) =
                if above { (own.number, reading.number) } else { (reading.number, own.number) };
            checks.hold(
                |units| lower.span(units).may_be_at_most(upper.span(units)),
                reading.position,
                || {
                    let word = if above { "at least" } else { "at most" };
                    format!(
                        "{word} {}, its value under the run's own tie rule",
                        own.figure.shown(own.number.value, 0)
                    )
                },
            );
        }
    }
}
