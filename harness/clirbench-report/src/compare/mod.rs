//! Comparisons: what they read and the formats they print.
//!
//! ```no_run
//! use std::path::Path;
//!
//! use clirbench_core::compare::{CompareOptions, compare};
//! use clirbench_report::compare::{read_side, text};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let base = read_side(Path::new("results/base"))?;
//! let head = read_side(Path::new("results/head"))?;
//! let comparison = compare(&base, &head, &CompareOptions::default())?;
//! print!("{}", text::render(&comparison, false));
//! let failed = !comparison.regressions(0.5).is_empty();
//! # let _ = failed;
//! # Ok(())
//! # }
//! ```

pub mod csv;
pub mod json;
pub mod markdown;
mod side;
pub mod text;

use clirbench_core::compare::{ComparedRow, Comparison, Unmatched, Verdict, points_per_unit};
use clirbench_core::results::Cell;
pub use side::read_side;

use crate::number::fixed;

/// A row's texts, as the text and Markdown tables share them.
struct Line {
    verdict: &'static str,
    cell: String,
    metric: String,
    base: String,
    head: String,
    delta: String,
    interval: String,
    p: String,
}

const HEAD: [&str; 8] = ["", "cell", "metric", "BASE", "HEAD", "delta", "95% interval", "p (Holm)"];

impl Line {
    fn new(row: &ComparedRow) -> Self {
        // On the 0-100 scale; ranks as they are.
        let factor = points_per_unit(&row.metric).unwrap_or(1.0);
        let number = |v: f64| fixed(v * factor, 2);
        let signed = |v: f64| {
            let text = number(v);
            if text.starts_with('-') || text == "0.00" { text } else { format!("+{text}") }
        };
        let p = |p: f64| if p < 0.001 { "<0.001".to_owned() } else { fixed(p, 3) };
        Line {
            verdict: verdict(row.verdict),
            cell: cell(row),
            metric: row.metric.clone(),
            base: number(row.base),
            head: number(row.head),
            delta: signed(row.delta),
            interval: row
                .interval
                .map_or_else(String::new, |i| format!("{} to {}", signed(i.low), signed(i.high))),
            p: row.p_holm.map_or_else(String::new, p),
        }
    }

    fn fields(&self) -> [&str; 8] {
        [self.verdict, &self.cell, &self.metric, &self.base, &self.head, &self.delta, &self.interval, &self.p]
    }
}

fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Regression => "worse",
        Verdict::Gain => "better",
        Verdict::Same => "",
    }
}

fn cell(row: &ComparedRow) -> String {
    let place = place(&row.cell);
    if row.cell.model == row.head_model {
        format!("{} {place}", row.cell.model)
    } else {
        format!("{} → {} {place}", row.cell.model, row.head_model)
    }
}

fn place(cell: &Cell) -> String {
    let documents = if cell.documents == "unique" { "" } else { &cell.documents };
    let words = [&cell.dataset, documents, &cell.scenario, &cell.query_lang];
    let words: Vec<_> = words.into_iter().filter(|w| !w.is_empty()).collect();
    format!("{}→{}", words.join(" "), cell.pool_langs)
}

/// How many rows got worse and better, and how to read them.
fn summary(comparison: &Comparison) -> String {
    let count = |v| comparison.rows.iter().filter(|r| r.verdict == v).count();
    format!(
        "{} compared: {} worse, {} better, {} without a significant difference (alpha {}). Values on the 0-100 scale; max@r is a rank, lower is better.",
        comparison.rows.len(),
        count(Verdict::Regression),
        count(Verdict::Gain),
        count(Verdict::Same),
        comparison.alpha
    )
}

/// What stands below the table: notes, why some rows have no p, cells of one side only.
fn remarks(comparison: &Comparison) -> Vec<String> {
    let mut out = comparison.notes.clone();
    let mut reasons: Vec<(&str, usize)> = Vec::new();
    for note in comparison.rows.iter().filter_map(|r| r.note.as_deref()) {
        match reasons.iter_mut().find(|(reason, _)| *reason == note) {
            Some((_, rows)) => *rows += 1,
            None => reasons.push((note, 1)),
        }
    }
    out.extend(reasons.into_iter().map(|(reason, rows)| {
        format!("{rows} without p: {reason}; such a row counts as changed where the two 95% intervals do not overlap")
    }));
    for (side, unmatched) in [("BASE", &comparison.only_base), ("HEAD", &comparison.only_head)] {
        out.extend(by_cell(unmatched).into_iter().map(|(cell, metrics)| {
            format!("only in {side}: {} {}: {}", cell.model, place(cell), metrics.join(", "))
        }));
    }
    out
}

fn by_cell(unmatched: &[Unmatched]) -> Vec<(&Cell, Vec<&str>)> {
    let mut cells: Vec<(&Cell, Vec<&str>)> = Vec::new();
    for one in unmatched {
        match cells.iter_mut().find(|(cell, _)| **cell == one.cell) {
            Some((_, metrics)) => metrics.push(&one.metric),
            None => cells.push((&one.cell, vec![&one.metric])),
        }
    }
    cells
}
