//! Several models: ranks per cell and per scenario.

use std::fmt::Write as _;

use clirbench_core::compare::{TierTable, Tiers};

use super::figure::{Figures, exact};
use super::table::Table;
use super::{Rendering, SCALE, data, ended, fold, origin, scope};
use crate::csv_bytes;
use crate::error::ReportError;
use crate::markdown::escape;
use crate::number::shortest;

const COLUMNS: [&str; 14] = [
    "scenario",
    "metric",
    "dataset",
    "documents",
    "query_lang",
    "pool_langs",
    "cells",
    "model",
    "rank",
    "value",
    "ci_low",
    "ci_high",
    "behind",
    "note",
];

impl Rendering for Tiers {
    /// No colours: a rank is neither good nor bad.
    fn text(&self, _colour: bool) -> String {
        let (means, cells) = split(self);
        let mut out = String::new();
        for tables in [means, cells].iter().filter(|tables| !tables.is_empty()) {
            let _ = writeln!(out, "{}", table(tables).text());
        }
        for note in notes(self) {
            let _ = writeln!(out, "note: {note}");
        }
        out + &legend(self) + "\n"
    }

    fn markdown(&self) -> String {
        let mut out = format!("### clirbench: ranks of {}\n\n{}\n\n", models(self), legend(self));
        let (means, cells) = split(self);
        if !means.is_empty() {
            let _ = writeln!(out, "{}", table(&means).markdown());
        }
        if !cells.is_empty() {
            fold(&mut out, &format!("Each cell by itself: {}", cells.len()), &table(&cells).markdown());
        }
        for note in notes(self) {
            let _ = writeln!(out, "- {}", escape(&note));
        }
        ended(out)
    }

    /// A row per table and model; the cell's columns are empty for means, and `behind` names the
    /// models that are significantly better, joined by `;`.
    fn csv(&self) -> Result<Vec<u8>, ReportError> {
        let rows = self.tables.iter().flat_map(|table| {
            table.rows.iter().map(|row| {
                let cell = table.scope.cell.as_ref();
                let of_cell = |field: Option<&String>| field.cloned().unwrap_or_default();
                Ok([
                    table.scope.scenario.clone(),
                    table.scope.metric.clone(),
                    of_cell(cell.map(|c| &c.dataset)),
                    of_cell(cell.map(|c| &c.documents)),
                    of_cell(cell.map(|c| &c.query_lang)),
                    of_cell(cell.map(|c| &c.pool_langs)),
                    table.scope.cells.to_string(),
                    row.model.clone(),
                    row.rank.map_or_else(String::new, |rank| rank.to_string()),
                    shortest(row.value),
                    exact(row.interval.map(|i| i.low)),
                    exact(row.interval.map(|i| i.high)),
                    table.better_than(&row.model).collect::<Vec<_>>().join(";"),
                    row.note.clone().unwrap_or_default(),
                ])
            })
        });
        csv_bytes("comparison", &COLUMNS, rows)
    }
}

/// Means of scenarios, and cells.
fn split(tiers: &Tiers) -> (Vec<&TierTable>, Vec<&TierTable>) {
    tiers.tables.iter().partition(|table| table.scope.cell.is_none())
}

/// One below the other; what they are about stands in the first row of each.
fn table(tables: &[&TierTable]) -> Table<6> {
    let rows = tables.iter().flat_map(|table| {
        let figures = Figures::of(&table.scope.metric);
        table.rows.iter().enumerate().map(move |(i, row)| {
            let first = |text: String| if i == 0 { text } else { String::new() };
            [
                first(scope(&table.scope)),
                first(table.scope.metric.clone()),
                row.model.clone(),
                row.rank.map_or_else(|| "-".to_owned(), |rank| rank.to_string()),
                figures.value(row.value),
                figures.interval(row.interval),
            ]
        })
    });
    Table { head: ["", "metric", "model", "rank", "value", "95% interval"], left: 3, rows: rows.collect() }
}

fn models(tiers: &Tiers) -> String {
    let most = tiers.tables.iter().map(|table| table.rows.len()).max().unwrap_or(0);
    format!("{most} models")
}

fn legend(tiers: &Tiers) -> String {
    format!(
        "Rank: 1 + the number of models that are significantly better ({} paired tests, Holm-corrected, alpha {}). {SCALE}",
        tiers.tests, tiers.alpha
    )
}

fn notes(tiers: &Tiers) -> Vec<String> {
    let sources = tiers.sources.iter().filter_map(origin).map(|source| format!("results: {source}"));
    let mut out: Vec<String> = sources.collect();
    out.extend(data(&tiers.data, tiers.sources.len()));
    out.extend(tiers.notes.iter().cloned());
    let mut reasons: Vec<(&str, &str)> = Vec::new();
    for row in tiers.tables.iter().flat_map(|table| &table.rows) {
        if let Some(note) = row.note.as_deref().filter(|note| !reasons.contains(&(row.model.as_str(), note)))
        {
            reasons.push((&row.model, note));
        }
    }
    out.extend(reasons.iter().map(|(model, why)| format!("no rank for {model}: {why}")));
    out
}
