//! Measured results beside figures that were published: has the same thing been measured?
//!
//! A published figure has neither per-query values nor an interval, so no significance test is possible. A
//! cell is held against a tolerance instead, and the interval of the measured value says how far chance in
//! the choice of queries would carry it.

use std::collections::{BTreeSet, HashSet};

use serde::Serialize;

use crate::{
    figure::{Figure, Place, Scale},
    results::{Cell, ScoreRow},
    stats::Interval,
};

mod join;
mod names;
#[cfg(test)]
mod tests;

use join::{Measured, Run};
pub use names::is_base;

/// How far a measured value may be from the published one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Tolerance {
    /// It has to round to the printed digits.
    Digits,
    /// A difference of a fraction; of norms (0 to 100) 100 times that, of ranks that share of the rank.
    Fraction(f64),
}

/// A figure that is known to be wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Erratum {
    /// Its table.
    pub table: String,
    /// Its cell.
    pub cell: Cell,
    /// Its metric.
    pub metric: String,
    /// What is wrong with it.
    pub remark: String,
}

/// The tables of one source.
#[derive(Clone, Debug, PartialEq)]
pub struct Published {
    /// `hong2026`.
    pub source: String,
    /// Its figures; the model of a cell has its variant behind a slash.
    pub figures: Vec<Figure>,
    /// Which of them are known to be wrong.
    pub errata: Vec<Erratum>,
    /// Where the user gives none.
    pub tolerance: Tolerance,
}

/// How to compare.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PublishedOptions {
    /// Published model to measured model, beside those whose names are equal.
    pub models: Vec<(String, String)>,
    /// Published dataset to measured dataset, beside those whose names are equal.
    pub datasets: Vec<(String, String)>,
    /// In place of the source's own.
    pub tolerance: Option<Tolerance>,
}

/// One figure and what was measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PublishedRow {
    /// Where the figure stands.
    pub place: Place,
    /// Its table.
    pub table: String,
    /// The published model with its variant.
    pub published_model: String,
    /// The cell, under the names of the run.
    pub cell: Cell,
    /// The metric.
    pub metric: String,
    /// The published value, in the metric's own unit.
    pub published: f64,
    /// The same as it is printed.
    pub printed: String,
    /// Decimals with which it is printed.
    pub decimals: usize,
    /// What the value is multiplied by where it is printed.
    pub factor: f64,
    /// The measured value.
    pub measured: f64,
    /// Measured minus published.
    pub difference: f64,
    /// 95% interval of the measured value; an average over datasets has none.
    pub interval: Option<Interval>,
    /// How large the difference may be.
    pub tolerance: f64,
    /// Whether it is not larger.
    pub within: bool,
    /// What is known to be wrong with the published value.
    pub erratum: Option<String>,
}

/// Figures that have nothing beside them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unjoined {
    /// Why.
    pub why: String,
    /// How many.
    pub figures: usize,
}

/// A run beside published figures.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PublishedComparison {
    /// `hong2026`.
    pub source: String,
    /// Those outside the tolerance first, both in the order of the tables.
    pub rows: Vec<PublishedRow>,
    /// What could not be joined, a line per reason, most figures first.
    pub unjoined: Vec<Unjoined>,
    /// How large a difference may be.
    pub tolerance: Tolerance,
}

impl PublishedComparison {
    /// Rows outside the tolerance whose published value is not known to be wrong.
    #[must_use]
    pub fn differences(&self) -> Vec<&PublishedRow> {
        self.rows.iter().filter(|r| !r.within && r.erratum.is_none()).collect()
    }
}

/// Why nothing can be compared.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PublishedError {
    /// A model or dataset that was asked for is not there.
    #[error("{side} has no {what} `{name}`; it has {}", known.join(", "))]
    Unknown {
        /// The source, or `the run`.
        side: String,
        /// `model` or `dataset`.
        what: &'static str,
        /// The name asked for.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// No model is on both sides.
    #[error(
        "no model of {published} is in the run, which has {}; published are {}; name pairs with --model PUBLISHED=RUN",
        run.join(", "), models.join(", ")
    )]
    NoModel {
        /// The source.
        published: String,
        /// Its models.
        models: Vec<String>,
        /// Models of the run.
        run: Vec<String>,
    },
    /// Models are on both sides, figures are not.
    #[error("nothing of {published} can be compared: {}", unjoined.iter().map(|u| format!("{} figures: {}", u.figures, u.why)).collect::<Vec<_>>().join("; "))]
    Nothing {
        /// The source.
        published: String,
        /// Why.
        unjoined: Vec<Unjoined>,
    },
}

/// Joins published figures with the rows of a results folder.
///
/// Models join by name, whatever the case and without an organisation in front (`BAAI/bge-m3`); a name
/// without variant is the published base model. Pools join as sets of languages. A figure whose table says
/// how documents are arranged joins only rows of that arrangement. What two tables print alike joins once.
///
/// # Errors
/// Names that are not there, and sides that share nothing.
pub fn compare_published(
    published: &Published,
    run: &[ScoreRow],
    options: &PublishedOptions,
) -> Result<PublishedComparison, PublishedError> {
    let tolerance = options.tolerance.unwrap_or(published.tolerance);
    let pairs = names::pair_models(published, run, &options.models)?;
    let run = Run::new(published, run, &options.datasets)?;
    let mut rows = Vec::new();
    let mut unjoined: Vec<Unjoined> = Vec::new();
    let mut without_model = BTreeSet::new();
    let mut lacking = 0;
    let mut printed_before = HashSet::new();
    for figure in &published.figures {
        let Some(value) = figure.value else { continue };
        // A table that repeats what another has printed adds nothing.
        if !printed_before.insert((&figure.cell, &figure.measure, value.value.to_bits())) {
            continue;
        }
        let models: Vec<&str> =
            pairs.iter().filter(|(p, _)| *p == figure.cell.model).map(|(_, r)| r.as_str()).collect();
        if models.is_empty() {
            without_model.insert(figure.cell.model.as_str());
            lacking += 1;
        }
        for model in models {
            match run.measured(figure, model) {
                Ok(measured) => rows.push(row(published, figure, value.value, measured, tolerance)),
                Err(why) => match unjoined.iter_mut().find(|u| u.why == why) {
                    Some(reason) => reason.figures += 1,
                    None => unjoined.push(Unjoined { why, figures: 1 }),
                },
            }
        }
    }
    if lacking > 0 {
        unjoined.push(Unjoined { why: names::not_in_the_run(&without_model), figures: lacking });
    }
    unjoined.sort_by_key(|u| std::cmp::Reverse(u.figures));
    if rows.is_empty() {
        return Err(PublishedError::Nothing { published: published.source.clone(), unjoined });
    }
    rows.sort_by_key(|r| r.within);
    Ok(PublishedComparison { source: published.source.clone(), rows, unjoined, tolerance })
}

fn row(
    published: &Published,
    figure: &Figure,
    value: f64,
    measured: Measured,
    tolerance: Tolerance,
) -> PublishedRow {
    let printed = figure.value.map_or(0.0, |v| v.unit / 2.0);
    let tolerance = match (tolerance, figure.measure.scale()) {
        (Tolerance::Digits, _) => printed,
        (Tolerance::Fraction(t), Scale::Percent) => 100.0 * t,
        (Tolerance::Fraction(t), Scale::Rank) => t * value,
        (Tolerance::Fraction(t), _) => t,
    };
    let difference = measured.value - value;
    let erratum = published
        .errata
        .iter()
        .find(|e| e.table == figure.table && e.cell == figure.cell && e.metric == figure.name);
    PublishedRow {
        place: figure.place.clone(),
        table: figure.table.clone(),
        published_model: figure.cell.model.clone(),
        cell: measured.cell,
        metric: figure.measure.to_string(),
        published: value,
        printed: figure.shown(value, 0),
        decimals: figure.value.map_or(6, |v| v.decimals(figure.factor)),
        factor: figure.factor,
        measured: measured.value,
        difference,
        interval: measured.interval,
        tolerance,
        // 0.903 - 0.9 is more than 0.003 by a rounding error.
        within: difference.abs() <= tolerance + 1e-9 * value.abs().max(1.0),
        erratum: erratum.map(|e| e.remark.clone()),
    }
}
