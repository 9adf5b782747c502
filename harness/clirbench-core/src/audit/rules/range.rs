//! Values that a metric cannot take.

use super::{Checks, Sheet};
use crate::{audit::known_dataset, figure::Scale, printed::Span};

pub(super) fn check(sheet: &Sheet, checks: &mut Checks<'_>) {
    for (position, figure) in sheet.figures().iter().enumerate() {
        let Some(number) = figure.value else { continue };
        let possible = match figure.measure.scale() {
            Scale::Fraction => Span { low: 0.0, high: 1.0 },
            Scale::Rank => Span { low: 1.0, high: f64::INFINITY },
            Scale::Percent => Span { low: 0.0, high: 100.0 },
            Scale::Unknown => continue,
        };
        // The digits of 100.3 leave no room, whatever was rounded: the ends are what can be printed.
        checks.expect(possible.holds(number.value), position, || match possible.high {
            high if high.is_finite() => {
                format!("{} to {}", figure.shown(possible.low, 0), figure.shown(high, 0))
            }
            _ => "a rank, from 1".to_owned(),
        });
        let Some(known) = known_dataset(&figure.cell.dataset) else { continue };
        if let Some(queries) = figure.queries {
            checks.expect(queries <= known.queries, position, || {
                format!("queries: at most {}, which is all that {} has", known.queries, figure.cell.dataset)
            });
        }
    }
}
