//! A table of texts, aligned for a terminal or as Markdown.

use unicode_width::UnicodeWidthStr;

use crate::markdown::escape;
use crate::terminal::pad;

/// Columns from `left` on are numbers and stand at the right.
pub(super) struct Table<const N: usize> {
    pub(super) head: [&'static str; N],
    pub(super) left: usize,
    pub(super) rows: Vec<[String; N]>,
}

impl<const N: usize> Table<N> {
    /// The head and the rows, a line each.
    pub(super) fn lines(&self) -> Vec<String> {
        let widths: [usize; N] = std::array::from_fn(|i| {
            self.rows.iter().map(|row| row[i].width()).chain([self.head[i].width()]).max().unwrap_or(0)
        });
        let aligned = |fields: [&str; N]| {
            let padded = fields.iter().enumerate().map(|(i, f)| pad(f, widths[i], i >= self.left));
            padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        };
        let rows = self.rows.iter().map(|row| aligned(row.each_ref().map(String::as_str)));
        std::iter::once(aligned(self.head)).chain(rows).collect()
    }

    pub(super) fn text(&self) -> String {
        self.lines().iter().map(|line| format!("{line}\n")).collect()
    }

    pub(super) fn markdown(&self) -> String {
        let line = |fields: [String; N]| format!("| {} |\n", fields.join(" | "));
        let rules: String = (0..N).map(|i| if i < self.left { ":--|" } else { "--:|" }).collect();
        let rows = self.rows.iter().map(|row| line(row.each_ref().map(|field| escape(field))));
        format!("{}|{rules}\n{}", line(self.head.map(str::to_owned)), rows.collect::<String>())
    }
}
