//! A merged model against its parents.

use std::fmt::Write as _;

use clirbench_core::compare::{Inheritance, Inherited};

use super::figure::{Figures, exact, name, p_value};
use super::table::Table;
use super::{Rendering, SCALE, data, ended, origin, scope};
use crate::csv_bytes;
use crate::error::ReportError;
use crate::markdown::escape;
use crate::number::shortest;

const COLUMNS: [&str; 15] = [
    "model",
    "scenario",
    "metric",
    "cells",
    "inherited",
    "value",
    "parent",
    "parent_value",
    "delta",
    "ci_low",
    "ci_high",
    "p",
    "p_holm",
    "verdict",
    "note",
];

impl Rendering for Inheritance {
    fn text(&self, _colour: bool) -> String {
        let mut out = format!("{}\n\n{}\n", title(self), table(self).text());
        for note in notes(self) {
            let _ = writeln!(out, "note: {note}");
        }
        out + &legend(self) + "\n"
    }

    fn markdown(&self) -> String {
        let mut out = format!("### clirbench: {}\n\n", escape(&title(self)));
        let _ = write!(out, "{}\n{}\n\n", table(self).markdown(), legend(self));
        for note in notes(self) {
            let _ = writeln!(out, "- {}", escape(&note));
        }
        ended(out)
    }

    /// A row per scenario, metric and parent.
    fn csv(&self) -> Result<Vec<u8>, ReportError> {
        let rows = self.rows.iter().flat_map(|row| {
            row.against.iter().map(|against| {
                Ok([
                    self.model.clone(),
                    row.scope.scenario.clone(),
                    row.scope.metric.clone(),
                    row.scope.cells.to_string(),
                    row.inherited.map_or("", code).to_owned(),
                    shortest(row.value),
                    against.parent.clone(),
                    shortest(against.value),
                    shortest(against.delta),
                    exact(against.interval.map(|i| i.low)),
                    exact(against.interval.map(|i| i.high)),
                    exact(against.p),
                    exact(against.p_holm),
                    name(against.verdict).to_owned(),
                    row.note.clone().unwrap_or_default(),
                ])
            })
        });
        csv_bytes("comparison", &COLUMNS, rows)
    }
}

fn title(found: &Inheritance) -> String {
    format!("{}, merged from {}", found.model, found.parents.join(" and "))
}

/// A row per scenario, metric and parent; what they say together stands in the first of them.
fn table(found: &Inheritance) -> Table<9> {
    let parents = found.parents.len();
    let rows = found.rows.iter().flat_map(|row| {
        let figures = Figures::of(&row.scope.metric);
        row.against.iter().enumerate().map(move |(i, against)| {
            let first = |text: String| if i == 0 { text } else { String::new() };
            [
                first(scope(&row.scope)),
                first(row.scope.metric.clone()),
                first(row.inherited.map_or_else(|| "-".to_owned(), |class| words(class, parents).to_owned())),
                against.parent.clone(),
                first(figures.value(row.value)),
                figures.value(against.value),
                figures.difference(against.delta),
                figures.interval_of_difference(against.interval),
                p_value(against.p_holm),
            ]
        })
    });
    Table {
        head: [
            "",
            "metric",
            "merged model",
            "parent",
            "merged",
            "parent's",
            "merged - parent",
            "95% interval",
            "p (Holm)",
        ],
        left: 4,
        rows: rows.collect(),
    }
}

/// The class in a table.
fn words(class: Inherited, parents: usize) -> &'static str {
    match class {
        Inherited::BeatsAll if parents == 2 => "beats both",
        Inherited::BeatsAll => "beats every parent",
        Inherited::KeepsBest => "keeps the better parent",
        Inherited::Interpolates => "interpolates",
        Inherited::FallsToWorst => "falls to the worse parent",
        Inherited::BelowAll if parents == 2 => "below both",
        Inherited::BelowAll => "below every parent",
        Inherited::NotToldApart => "not told apart",
        Inherited::Unclear => "unclear",
    }
}

/// The class in CSV, as in JSON.
fn code(class: Inherited) -> &'static str {
    match class {
        Inherited::BeatsAll => "beats-all",
        Inherited::KeepsBest => "keeps-best",
        Inherited::Interpolates => "interpolates",
        Inherited::FallsToWorst => "falls-to-worst",
        Inherited::BelowAll => "below-all",
        Inherited::NotToldApart => "not-told-apart",
        Inherited::Unclear => "unclear",
    }
}

fn legend(found: &Inheritance) -> String {
    format!(
        "Keeps the better parent: not told apart from it, and significantly better than the worse one; interpolates: \
         significantly between them; not told apart: from neither. Paired tests, Holm-corrected, alpha {}; the \
         interval says how large a difference is still possible. {SCALE}",
        found.alpha
    )
}

fn notes(found: &Inheritance) -> Vec<String> {
    let mut out: Vec<String> =
        origin(&found.source).map(|source| format!("results: {source}")).into_iter().collect();
    out.extend(data(&found.data, 1));
    out.extend(found.notes.iter().cloned());
    let mut reasons: Vec<&str> = Vec::new();
    for note in found.rows.iter().filter_map(|row| row.note.as_deref()) {
        if !reasons.contains(&note) {
            reasons.push(note);
        }
    }
    out.extend(reasons.iter().map(|why| format!("not tested: {why}")));
    out
}
