//! Confidence intervals.

use super::{Checks, Sheet};

pub(super) fn check(sheet: &Sheet, checks: &mut Checks<'_>) {
    for (position, figure) in sheet.figures().iter().enumerate() {
        let (Some(number), Some(interval)) = (figure.value, figure.interval) else { continue };
        checks.expect(interval.low <= interval.high && interval.holds(number.value), position, || {
            let (low, high) = (figure.shown(interval.low, 0), figure.shown(interval.high, 0));
            format!("inside its own interval, {low} to {high}")
        });
    }
}
