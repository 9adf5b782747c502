//! A comparison with published figures for a terminal.

use clirbench_core::published::PublishedComparison;

use super::line::{HEAD, fields, remarks, summary};
use crate::terminal::aligned;

/// An aligned table, differences first, then what could not be joined, and a summary.
#[must_use]
pub fn render(comparison: &PublishedComparison) -> String {
    let rows: Vec<_> = comparison.rows.iter().map(fields).collect();
    let mut out = aligned(HEAD, &rows, &[4, 6]);
    out.push('\n');
    for remark in remarks(comparison) {
        out += &format!("note: {remark}\n");
    }
    out + &summary(comparison) + "\n"
}
