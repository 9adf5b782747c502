//! A comparison for a terminal.

use std::fmt::Write as _;

use clirbench_core::compare::{Comparison, Verdict};
use unicode_width::UnicodeWidthStr;

use super::{HEAD, Line, remarks, summary};
use crate::terminal::pad;

/// An aligned table, worst regressions first, then remarks and a summary. `colour` marks worse and
/// better rows in red and green (ANSI); leave it off where NO_COLOR is set.
#[must_use]
pub fn render(comparison: &Comparison, colour: bool) -> String {
    let lines: Vec<Line> = comparison.rows.iter().map(Line::new).collect();
    let widths: Vec<usize> = (0..HEAD.len())
        .map(|i| lines.iter().map(|l| l.fields()[i].width()).chain([HEAD[i].width()]).max().unwrap_or(0))
        .collect();
    let aligned = |fields: [&str; 8]| {
        let padded = fields.iter().enumerate().map(|(i, f)| pad(f, widths[i], i > 2));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let mut out = aligned(HEAD) + "\n";
    for (line, row) in lines.iter().zip(&comparison.rows) {
        let text = aligned(line.fields());
        let _ = match (colour, row.verdict) {
            (true, Verdict::Regression) => writeln!(out, "\x1b[31m{text}\x1b[0m"),
            (true, Verdict::Gain) => writeln!(out, "\x1b[32m{text}\x1b[0m"),
            _ => writeln!(out, "{text}"),
        };
    }
    out.push('\n');
    for remark in remarks(comparison) {
        let _ = writeln!(out, "note: {remark}");
    }
    out + &summary(comparison) + "\n"
}
