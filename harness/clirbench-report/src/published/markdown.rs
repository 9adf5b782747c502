//! A comparison with published figures as a pull request comment.

use std::fmt::Write as _;

use clirbench_core::published::{PublishedComparison, PublishedRow};

use super::line::{HEAD, fields, remarks, summary};
use crate::markdown::escape;

/// The summary, the rows that differ, and, folded away, the rows that agree.
#[must_use]
pub fn render(comparison: &PublishedComparison) -> String {
    let mut out =
        format!("### clirbench: measured against {}\n\n{}\n\n", comparison.source, summary(comparison));
    let (within, outside): (Vec<_>, Vec<_>) = comparison.rows.iter().partition(|r| r.within);
    if !outside.is_empty() {
        table(&mut out, &outside);
    }
    if !within.is_empty() {
        let _ = writeln!(out, "<details><summary>Within the tolerance: {}</summary>\n", within.len());
        table(&mut out, &within);
        out.push_str("</details>\n\n");
    }
    for remark in remarks(comparison) {
        let _ = writeln!(out, "- {}", escape(&remark));
    }
    out.truncate(out.trim_end().len());
    out + "\n"
}

fn table(out: &mut String, rows: &[&PublishedRow]) {
    let _ = writeln!(out, "| {} |\n|:--|:--|:--|:--|--:|--:|--:|", HEAD.join(" | "));
    for row in rows {
        let _ = writeln!(out, "| {} |", fields(row).map(|f| escape(&f)).join(" | "));
    }
    out.push('\n');
}
