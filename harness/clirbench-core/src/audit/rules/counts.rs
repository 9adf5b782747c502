//! Queries and documents behind the metrics of one cell.

use super::{Checks, Sheet};
use crate::figure::Figure;

pub(super) fn check(sheet: &Sheet, checks: &mut Checks<'_>) {
    for group in sheet.groups() {
        let columns: [(&str, fn(&Figure) -> Option<u64>); 2] =
            [("queries", |f| f.queries), ("pool_size", |f| f.pool_size)];
        for (column, of) in columns {
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
    }
}
