//! Every field holds what it has to.

use super::{Checks, Sheet};

pub(super) fn check(sheet: &Sheet, checks: &mut Checks<'_>) {
    for (position, figure) in sheet.figures().iter().enumerate() {
        checks.count(position);
        for fault in &figure.faults {
            let expected = format!("{}: {}", fault.field, fault.expected);
            checks.find_field(position, fault.found.clone(), expected);
        }
    }
}
