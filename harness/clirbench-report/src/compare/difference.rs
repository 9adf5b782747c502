//! Two results: a table of what changed, and what did not.

use std::fmt::Write as _;

use clirbench_core::compare::{ComparedRow, Comparison, Unmatched, Verdict};
use clirbench_core::results::Cell;

use super::figure::{Figures, exact, mark, name, p_value};
use super::table::Table;
use super::{Rendering, SCALE, data, ended, fold, origin, place_of};
use crate::csv_bytes;
use crate::error::ReportError;
use crate::markdown::escape;
use crate::number::shortest;

const COLUMNS: [&str; 18] = [
    "model",
    "head_model",
    "dataset",
    "documents",
    "scenario",
    "query_lang",
    "pool_langs",
    "metric",
    "base",
    "head",
    "delta",
    "points",
    "ci_low",
    "ci_high",
    "p",
    "p_holm",
    "verdict",
    "note",
];

impl Rendering for Comparison {
    fn text(&self, colour: bool) -> String {
        let lines = table(self.rows.iter()).lines();
        let mut out = String::new();
        let verdicts = std::iter::once(Verdict::Same).chain(self.rows.iter().map(|row| row.verdict));
        for (line, verdict) in lines.iter().zip(verdicts) {
            let _ = match (colour, verdict) {
                (true, Verdict::Regression) => writeln!(out, "\x1b[31m{line}\x1b[0m"),
                (true, Verdict::Gain) => writeln!(out, "\x1b[32m{line}\x1b[0m"),
                _ => writeln!(out, "{line}"),
            };
        }
        out.push('\n');
        for note in notes(self).into_iter().chain(unmatched(self)) {
            let _ = writeln!(out, "note: {note}");
        }
        let _ = writeln!(out, "{}. {}", counts(self), legend(self));
        out
    }

    fn markdown(&self) -> String {
        let mut out =
            format!("### clirbench: HEAD against BASE\n\n**{}.** {}\n\n", counts(self), legend(self));
        let (same, changed): (Vec<_>, Vec<_>) =
            self.rows.iter().partition(|row| row.verdict == Verdict::Same);
        if !changed.is_empty() {
            out.push_str(&table(changed.into_iter()).markdown());
            out.push('\n');
        }
        if !same.is_empty() {
            let summary = format!("No significant difference: {}", same.len());
            fold(&mut out, &summary, &table(same.into_iter()).markdown());
        }
        let list = |lines: Vec<String>| -> String {
            lines.iter().map(|line| format!("- {}\n", escape(line))).collect()
        };
        let (notes, unmatched) = (notes(self), unmatched(self));
        out.push_str(&list(notes));
        if unmatched.len() > 5 {
            out.push('\n');
            fold(&mut out, &format!("On one side only: {}", unmatched.len()), &list(unmatched));
        } else {
            out.push_str(&list(unmatched));
        }
        ended(out)
    }

    fn csv(&self) -> Result<Vec<u8>, ReportError> {
        let rows = self.rows.iter().map(|row| {
            let cell = row.cell.clone();
            Ok([
                cell.model,
                row.head_model.clone(),
                cell.dataset,
                cell.documents,
                cell.scenario,
                cell.query_lang,
                cell.pool_langs,
                row.metric.clone(),
                shortest(row.base),
                shortest(row.head),
                shortest(row.delta),
                exact(row.points),
                exact(row.interval.map(|i| i.low)),
                exact(row.interval.map(|i| i.high)),
                exact(row.p),
                exact(row.p_holm),
                name(row.verdict).to_owned(),
                row.note.clone().unwrap_or_default(),
            ])
        });
        csv_bytes("comparison", &COLUMNS, rows)
    }
}

fn table<'a>(rows: impl Iterator<Item = &'a ComparedRow>) -> Table<8> {
    let fields = |row: &ComparedRow| {
        let figures = Figures::of(&row.metric);
        [
            mark(row.verdict).to_owned(),
            cell(row),
            row.metric.clone(),
            figures.value(row.base),
            figures.value(row.head),
            figures.difference(row.delta),
            figures.interval_of_difference(row.interval),
            p_value(row.p_holm),
        ]
    };
    Table {
        head: ["", "cell", "metric", "BASE", "HEAD", "delta", "95% interval", "p (Holm)"],
        left: 3,
        rows: rows.map(fields).collect(),
    }
}

fn cell(row: &ComparedRow) -> String {
    let place = place_of(&row.cell);
    if row.cell.model == row.head_model {
        format!("{} {place}", row.cell.model)
    } else {
        format!("{} → {} {place}", row.cell.model, row.head_model)
    }
}

/// How many rows got worse and better.
fn counts(comparison: &Comparison) -> String {
    let count = |v| comparison.rows.iter().filter(|r| r.verdict == v).count();
    let counted = |n: usize, what: &str| if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") };
    let mut out = format!(
        "{}, {}, {} unchanged",
        counted(count(Verdict::Regression), "regression"),
        counted(count(Verdict::Gain), "gain"),
        count(Verdict::Same)
    );
    for (side, rows) in [("BASE", &comparison.only_base), ("HEAD", &comparison.only_head)] {
        if !rows.is_empty() {
            let _ = write!(out, ", {} only in {side}", rows.len());
        }
    }
    out
}

fn legend(comparison: &Comparison) -> String {
    format!(
        "Unchanged: no significant difference (paired tests, Holm-corrected, alpha {}). {SCALE}",
        comparison.alpha
    )
}

/// Where the sides are from, what the reader has to know, and why some rows have no p.
fn notes(comparison: &Comparison) -> Vec<String> {
    let sides = [("BASE", &comparison.base), ("HEAD", &comparison.head)];
    let mut out: Vec<String> =
        sides.iter().filter_map(|(side, of)| Some(format!("{side}: {}", origin(of)?))).collect();
    out.extend(data(&comparison.data, 2));
    out.extend(comparison.notes.iter().cloned());
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
    out
}

/// Models and cells of one side only.
fn unmatched(comparison: &Comparison) -> Vec<String> {
    let mut out = Vec::new();
    for (side, unmatched) in [("BASE", &comparison.only_base), ("HEAD", &comparison.only_head)] {
        let mut whole: Vec<(&str, usize)> = Vec::new();
        let mut cells: Vec<(&Cell, Vec<&str>)> = Vec::new();
        for one in unmatched {
            let model = one.cell.model.as_str();
            if !compared(comparison, side, model) {
                match whole.iter_mut().find(|(name, _)| *name == model) {
                    Some((_, rows)) => *rows += 1,
                    None => whole.push((model, 1)),
                }
            } else {
                push(&mut cells, one);
            }
        }
        out.extend(whole.iter().map(|(model, rows)| format!("only in {side}: model {model} ({rows} rows)")));
        out.extend(cells.iter().map(|(cell, metrics)| {
            format!("only in {side}: {} {}: {}", cell.model, place_of(cell), metrics.join(", "))
        }));
    }
    out
}

/// Whether a model of this side has a row that was compared.
fn compared(comparison: &Comparison, side: &str, model: &str) -> bool {
    comparison
        .rows
        .iter()
        .any(|row| if side == "BASE" { row.cell.model == model } else { row.head_model == model })
}

fn push<'a>(cells: &mut Vec<(&'a Cell, Vec<&'a str>)>, one: &'a Unmatched) {
    match cells.iter_mut().find(|(cell, _)| **cell == one.cell) {
        Some((_, metrics)) => metrics.push(&one.metric),
        None => cells.push((&one.cell, vec![&one.metric])),
    }
}
