//! Queries and documents behind the metrics of one cell.

use super::{Checks, Sheet};
use crate::{audit::sheet::Group, figure::Figure};

pub(super) fn check(sheet: &Sheet, checks: &mut Checks<'_>) {
    for group in sheet.groups() {
        agree(group, "queries", |figure| figure.queries, checks);
        agree(group, "pool_size", |figure| figure.pool_size, checks);
    }
}

/// All figures of the cell that state the count have that of the first.
fn agree(group: Group<'_>, column: &str, of: fn(&Figure) -> Option<u64>, checks: &mut Checks<'_>) {
    let mut first: Option<(u64, &Figure)> = None;
    for (position, figure) in group.figures() {
        let Some(count) = of(figure) else { continue };
        let Some((expected, with)) = first else {
            checks.expect(count > 0, position, || format!("{column}: at least 1, not 0"));
            first = Some((count, figure));
            continue;
        };
        checks.expect(count == expected, position, || {
            format!("{column}: {expected}, as for {} of the same cell, not {count}", with.name)
        });
    }
}
