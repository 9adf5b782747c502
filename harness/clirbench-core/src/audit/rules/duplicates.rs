//! The same figure twice.

use std::collections::HashMap;

use super::{Checks, Sheet};

/// In one table a figure is there once. Tables that print it again print it the same.
pub(super) fn check(sheet: &Sheet, checks: &mut Checks<'_>) {
    for group in sheet.groups() {
        let mut first: HashMap<&str, usize> = HashMap::new();
        for (position, figure) in group.figures() {
            let Some(&before) = first.get(figure.name.as_str()) else {
                first.insert(&figure.name, position);
                checks.count(position);
                continue;
            };
            let earlier = &sheet.figures()[before];
            let same_table = earlier.table == figure.table && earlier.place.file == figure.place.file;
            let (Some(a), Some(b)) = (earlier.value, figure.value) else {
                checks.expect(!same_table, position, || format!("once; it is also at {}", earlier.place));
                continue;
            };
            let shown = figure.shown(a.value, 0);
            if same_table {
                checks.expect(false, position, || {
                    let what = if a.value == b.value { "the same" } else { shown.as_str() };
                    format!("once; {what} stands at {}", earlier.place)
                });
            } else {
                checks.hold(
                    |units| a.span(units).meets(b.span(units)),
                    position,
                    || format!("{shown}, as at {} (table {})", earlier.place, earlier.table),
                );
            }
        }
    }
}
