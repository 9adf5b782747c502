//! `max@r`: the rank of the last relevant document.

use super::{Checks, Sheet};
use crate::{audit::known_dataset, figure::Figure, printed::Span};

pub(super) fn check(sheet: &Sheet, checks: &mut Checks<'_>) {
    for group in sheet.groups() {
        let Some(last) = group.get("max@r", None) else { continue };
        // At least one document is relevant, whatever the dataset.
        let relevant = group.relevant().unwrap_or(1) as f64;
        let documents = most_documents(last.figure);
        checks.hold(
            |units| {
                let span = last.number.span(units);
                let at_least = Span { low: relevant, high: relevant }.may_be_at_most(span);
                let at_most = documents.is_none_or(|d| span.may_be_at_most(Span { low: d, high: d }));
                at_least && at_most
            },
            last.position,
            || match documents {
                Some(d) => format!("{relevant} to {d} (|R| to |D|)"),
                None => format!("at least {relevant} (|R|)"),
            },
        );
        for complete in group.readings().filter(|r| r.figure.measure.stem == "complete") {
            let Some(k) = complete.figure.measure.cutoff.map(f64::from) else { continue };
            // Where everything is in the first k the last rank is at most k, elsewhere at least k + 1.
            let follows = |units: f64| {
                let share = complete.number.span(units);
                let (few, many) = (share.low.clamp(0.0, 1.0), share.high.clamp(0.0, 1.0));
                let low = many * relevant.min(k) + (1.0 - many) * (k + 1.0);
                let high = documents.map_or(f64::INFINITY, |d| few * k.min(d) + (1.0 - few) * d);
                Span { low, high }
            };
            let shown = complete.figure.shown(complete.number.value, 0);
            let why = format!("{} is {shown}, |R| is at least {relevant}", complete.figure.name);
            checks.follow(last, follows, &why);
        }
    }
}

/// The pool of the file, else the largest that a known dataset can have.
fn most_documents(figure: &Figure) -> Option<f64> {
    let known = || {
        let languages = figure.languages().count() as u64;
        let dataset = known_dataset(&figure.cell.dataset).filter(|_| languages > 0)?;
        Some(dataset.unique(languages).max(dataset.per_question(languages)))
    };
    figure.pool_size.or_else(known).map(|d| d as f64)
}
