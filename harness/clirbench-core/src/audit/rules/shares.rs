//! Shares of queries: of 1,190 queries none can be 53.18% (the GRIM test of Brown and Heathers 2017).

use super::{Checks, Reading, Sheet};
use crate::audit::{Strictness, known_dataset, sheet::Group};

pub(super) fn check(sheet: &Sheet, checks: &mut Checks<'_>) {
    for group in sheet.groups() {
        for reading in group.readings() {
            let Some(queries) = queries_of(group, reading, checks.strictness) else { continue };
            // Where a unit of the last digit is a query or more, every number is possible.
            if 2.0 * checks.strictness.units() * reading.number.unit * queries >= 1.0 {
                continue;
            }
            let nearest = (reading.number.value * queries).round() / queries;
            let why = format!("{} of {queries} queries", (nearest * queries).round());
            checks.follow(reading, |_| crate::printed::Span { low: nearest, high: nearest }, &why);
        }
    }
}

/// Queries behind a metric that is 0 or 1 for each of them.
fn queries_of(group: Group<'_>, reading: Reading<'_>, strictness: Strictness) -> Option<f64> {
    let measure = &reading.figure.measure;
    let one_relevant = group.relevant() == Some(1);
    let binary = match (measure.stem.as_str(), measure.cutoff) {
        ("hit" | "complete", Some(_)) | ("precision" | "mrr", Some(1)) => true,
        ("recall", Some(_)) | ("ndcg", Some(1)) => one_relevant,
        _ => false,
    };
    let stated = reading.figure.queries;
    let known = known_dataset(&reading.figure.cell.dataset).map(|d| d.queries);
    let queries = if strictness == Strictness::Strict { stated.or(known) } else { stated };
    queries.filter(|&q| binary && q > 0).map(|q| q as f64)
}
