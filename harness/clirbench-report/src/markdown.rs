//! `clir.md`, `mono.md`, `mixed.md` and `leaderboard.md`: the same tables for people.

use std::fmt::Write as _;

use clirbench_core::results::QueryValues;

use crate::error::ReportError;
use crate::leaderboard::{self, Column, Layout, Leaderboard};
use crate::{Exporter, Options, Results};

pub(crate) struct Markdown {
    pub(crate) file: &'static str,
    pub(crate) of: Layout,
}

impl Exporter for Markdown {
    fn file_name(&self) -> &'static str {
        self.file
    }

    fn render(&self, results: &Results, options: &Options) -> Result<Vec<u8>, ReportError> {
        Ok(document(&[(self.of)(&results.scores, per_query(results, options))], options).into_bytes())
    }
}

/// All leaderboards on one page.
pub(crate) struct LeaderboardMarkdown;

impl Exporter for LeaderboardMarkdown {
    fn file_name(&self) -> &'static str {
        "leaderboard.md"
    }

    fn render(&self, results: &Results, options: &Options) -> Result<Vec<u8>, ReportError> {
        let layouts: [Layout; 4] =
            [leaderboard::overall, leaderboard::clir, leaderboard::mono, leaderboard::mixed];
        let boards = layouts.iter().map(|of| of(&results.scores, per_query(results, options)));
        let boards: Vec<_> = boards.filter(|b| !b.is_empty()).collect();
        Ok(document(&boards, options).into_bytes())
    }
}

/// What the intervals of averages are made of; nothing while cells still arrive.
fn per_query<'a>(results: &'a Results, options: &Options) -> &'a [QueryValues] {
    if options.per_query { &results.per_query } else { &[] }
}

fn document(boards: &[Leaderboard], options: &Options) -> String {
    let mut out = String::new();
    for board in boards {
        let _ = writeln!(out, "# {}\n\n{}\n", board.title, board.caption);
        for section in &board.sections {
            if !section.title.is_empty() {
                let _ = writeln!(out, "## {}\n", escape(&section.title));
            }
            table(&mut out, &board.models, &section.columns);
        }
    }
    if boards.iter().all(Leaderboard::is_empty) {
        out.push_str("No results.\n\n");
    } else {
        out.push_str("Bold: best of the column. Small: 95% interval.");
        if boards.iter().any(Leaderboard::has_gaps) {
            out.push_str(
                " Empty: the model has no result there, nor an average over cells that other models have.",
            );
        }
        out.push_str("\n\n");
    }
    for note in &options.notes {
        let _ = writeln!(out, "- {}", escape(note));
    }
    let end = out.trim_end().len();
    out.truncate(end);
    out.push('\n');
    out
}

fn table(out: &mut String, models: &[String], columns: &[Column]) {
    if columns.is_empty() {
        return;
    }
    out.push_str("| model |");
    for column in columns {
        let head = [&column.group, &column.name].map(|s| escape(s));
        let _ = write!(out, " {} |", head.join(" ").trim());
    }
    out.push_str("\n|:--|");
    out.push_str(&"--:|".repeat(columns.len()));
    out.push('\n');
    let cells: Vec<Vec<String>> = columns.iter().map(cells).collect();
    for (row, model) in models.iter().enumerate() {
        let _ = write!(out, "| {} |", escape(model));
        for column in &cells {
            let _ = write!(out, " {} |", column[row]);
        }
        out.push('\n');
    }
    out.push('\n');
}

fn cells(column: &Column) -> Vec<String> {
    let cell = |(printed, best): (Option<leaderboard::Printed>, bool)| {
        let Some(printed) = printed else { return String::new() };
        let mean = if best { format!("**{}**", printed.mean) } else { printed.mean };
        match printed.interval {
            Some((low, high)) => format!("{mean} <sub>{low}–{high}</sub>"),
            None => mean,
        }
    };
    column.printed().into_iter().zip(column.best()).map(cell).collect()
}

/// Text that stands in a table cell as it is.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '|' | '*' | '`' | '<' | '[' => out.extend(['\\', c]),
            '\n' | '\r' => out.push(' '),
            _ => out.push(c),
        }
    }
    out
}
