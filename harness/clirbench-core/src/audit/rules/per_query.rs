//! Figures and the per-query values that they were made from.

use std::collections::HashMap;

use super::{Checks, Sheet};
use crate::{
    metrics::Metric,
    printed::{Printed, Span},
};

pub(super) fn check(sheet: &Sheet, checks: &mut Checks<'_>) {
    let figures: HashMap<_, _> =
        sheet.figures().iter().enumerate().map(|(i, f)| ((&f.cell, f.name.as_str()), i)).collect();
    for values in sheet.per_query() {
        let Some(&position) = figures.get(&(&values.cell, values.metric.as_str())) else { continue };
        let figure = &sheet.figures()[position];
        if let Some(queries) = figure.queries {
            let count = values.values.len() as u64;
            checks.expect(queries == count, position, || {
                format!("queries: {count}, the number of its per-query values, not {queries}")
            });
        }
        // A norm of the mean has ranks behind it, held by the rule about it.
        let of_mean = Metric::of_row(&values.metric) == Ok(Metric::MaxRNormOfMean);
        let (Some(number), false, false) = (figure.value, of_mean, values.values.is_empty()) else {
            continue;
        };
        let mean = values.values.iter().sum::<f64>() / values.values.len() as f64;
        let mean = Printed::exact(mean).span(0.0);
        checks.hold(
            |units| number.span(units).meets(mean),
            position,
            || format!("{} (the mean of its per-query values)", figure.shown_span(Span { ..mean })),
        );
    }
}
