//! A comparison as a pull request comment.

use std::fmt::Write as _;

use clirbench_core::compare::{Comparison, Verdict};

use super::{HEAD, Line, remarks, summary};
use crate::markdown::escape;

/// The summary, the rows that changed, and, folded away, the rows that did not.
#[must_use]
pub fn render(comparison: &Comparison) -> String {
    let mut out = format!("### clirbench: HEAD against BASE\n\n{}\n\n", summary(comparison));
    let (same, changed): (Vec<_>, Vec<_>) =
        comparison.rows.iter().partition(|row| row.verdict == Verdict::Same);
    let table = |out: &mut String, lines: &[Line]| {
        let _ = writeln!(out, "| {} |\n|:--|:--|:--|--:|--:|--:|--:|--:|", HEAD.join(" | "));
        for line in lines {
            let _ = writeln!(out, "| {} |", line.fields().map(escape).join(" | "));
        }
        out.push('\n');
    };
    if !changed.is_empty() {
        table(&mut out, &changed.into_iter().map(Line::new).collect::<Vec<_>>());
    }
    if !same.is_empty() {
        let _ = writeln!(out, "<details><summary>No significant difference: {}</summary>\n", same.len());
        table(&mut out, &same.into_iter().map(Line::new).collect::<Vec<_>>());
        out.push_str("</details>\n\n");
    }
    for remark in remarks(comparison) {
        let _ = writeln!(out, "- {}", escape(&remark));
    }
    out.truncate(out.trim_end().len());
    out + "\n"
}
