//! Leaderboards: a row per model, columns and averages as in the papers' tables.
//!
//! A leaderboard is laid out once, here; CSV, Markdown and the terminal only print it.
//!
//! *Missing cells.* A cell that one model has and another lacks (it failed, or has not been run
//! yet) is empty for the latter, and so is every average that the cell enters: an average over
//! fewer cells would not be comparable with the row above it. A cell that no model has is no
//! column, and enters no average.
//!
//! *Documents.* The same dataset with unique and with per-question documents counts as two
//! datasets.

mod average;
mod directional;
mod metric;
mod mixed;
mod overall;

use std::collections::HashMap;

use clirbench_core::results::{Cell, QueryValues, ScoreRow};

pub use directional::{clir, mono};
pub(crate) use metric::Printed;
pub use mixed::mixed;
pub use overall::overall;

/// Lays out scores; per-query values, where they are given, add intervals to the averages.
pub type Layout = fn(&[ScoreRow], &[QueryValues]) -> Leaderboard;

/// Groups of the columns that average others.
const AVERAGES: [&str; 2] = ["AVG", "OVR"];

/// A table with a row per model.
#[derive(Clone, Debug, PartialEq)]
pub struct Leaderboard {
    /// `CLIR`, `Mono`, `Mixed` or `Overall`.
    pub title: &'static str,
    /// What the columns mean.
    pub caption: &'static str,
    /// Model names: the rows.
    pub models: Vec<String>,
    /// Parts that print as tables of their own where width counts; one part for CLIR and Mono.
    pub sections: Vec<Section>,
}

/// A part of a leaderboard.
#[derive(Clone, Debug, PartialEq)]
pub struct Section {
    /// What its columns share: scenario, dataset and pool; empty where the board has one section.
    pub title: String,
    /// The columns.
    pub columns: Vec<Column>,
}

/// One column of a leaderboard.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// What neighbouring columns share: a dataset, `AVG`, `OVR`, a query language.
    pub group: String,
    /// The direction (`en-ko`) or the metric; empty for `OVR`.
    pub name: String,
    /// Metric as in `scores.csv`.
    pub metric: String,
    /// One value per model; `None` where the cell is missing.
    pub values: Vec<Option<Value>>,
}

/// A value as in `scores.csv`, unscaled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Value {
    /// The mean.
    pub mean: f64,
    /// Its 95% interval; an average has one where the per-query values of its cells are there.
    pub interval: Option<(f64, f64)>,
}

/// A value of a metric as the papers print it.
pub(crate) fn printed(metric: &str, mean: f64) -> String {
    metric::printed(metric, Value { mean, interval: None }).mean
}

impl Leaderboard {
    /// Whether there is nothing to show.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sections.iter().all(|s| s.columns.is_empty())
    }

    /// Whether some model lacks a cell that another has.
    #[must_use]
    pub fn has_gaps(&self) -> bool {
        self.columns().any(|c| c.values.iter().any(Option::is_none))
    }

    /// The averages alone, for places where every cell would be too wide; the whole board where it has none.
    #[must_use]
    pub fn averages(&self) -> Leaderboard {
        let kept = |section: &Section| {
            let columns = section.columns.iter().filter(|c| AVERAGES.contains(&c.group.as_str())).cloned();
            Section { title: section.title.clone(), columns: columns.collect() }
        };
        let sections: Vec<Section> =
            self.sections.iter().map(kept).filter(|section| !section.columns.is_empty()).collect();
        if sections.is_empty() { self.clone() } else { Leaderboard { sections, ..self.clone() } }
    }

    pub(crate) fn columns(&self) -> impl Iterator<Item = &Column> {
        self.sections.iter().flat_map(|s| &s.columns)
    }
}

impl Section {
    /// What stands above each column where a table has one line of heads.
    pub(crate) fn heads(&self) -> impl Iterator<Item = String> {
        self.columns.iter().map(|column| {
            let words = [&self.title, &column.group, &column.name].map(String::as_str);
            words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
        })
    }
}

impl Column {
    /// The values as the papers print them; `None` where there is none.
    pub(crate) fn printed(&self) -> Vec<Option<Printed>> {
        self.values.iter().map(|v| v.map(|v| metric::printed(&self.metric, v))).collect()
    }

    /// Which models print the best value; none where fewer than two have one.
    pub(crate) fn best(&self) -> Vec<bool> {
        let shown: Vec<_> = self.printed().iter().map(|p| p.as_ref().map(|p| p.mean.clone())).collect();
        if self.values.iter().flatten().count() < 2 {
            return vec![false; shown.len()];
        }
        let lower = clirbench_core::compare::lower_is_better(&self.metric);
        let ahead = |a: f64, b: f64| if lower { a < b } else { a > b };
        let best = (0..self.values.len()).filter(|&i| self.values[i].is_some()).reduce(|i, j| {
            match (self.values[i], self.values[j]) {
                (Some(a), Some(b)) if ahead(b.mean, a.mean) => j,
                _ => i,
            }
        });
        // Equal as printed is equal: a digit that nobody sees does not make a winner.
        shown.iter().map(|s| s.is_some() && best.is_some_and(|b| *s == shown[b])).collect()
    }
}

/// A cell without its model.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Place<'a> {
    dataset: &'a str,
    documents: &'a str,
    scenario: &'a str,
    query_lang: &'a str,
    pool_langs: &'a str,
}

impl<'a> Place<'a> {
    fn of(row: &'a ScoreRow) -> Self {
        Place {
            dataset: &row.dataset,
            documents: &row.documents,
            scenario: &row.scenario,
            query_lang: &row.query_lang,
            pool_langs: &row.pool_langs,
        }
    }

    fn cell(self, model: &str) -> Cell {
        let owned = str::to_owned;
        Cell {
            model: owned(model),
            dataset: owned(self.dataset),
            documents: owned(self.documents),
            scenario: owned(self.scenario),
            query_lang: owned(self.query_lang),
            pool_langs: owned(self.pool_langs),
        }
    }
}

/// Scores by place, metric and model.
struct Index<'a> {
    models: Vec<&'a str>,
    places: Vec<Place<'a>>,
    rows: HashMap<(Place<'a>, &'a str, &'a str), &'a ScoreRow>,
}

impl<'a> Index<'a> {
    fn new(scores: &'a [ScoreRow]) -> Self {
        Index {
            models: distinct(scores.iter().map(|r| r.model.as_str())),
            places: distinct(scores.iter().map(Place::of)),
            rows: scores.iter().map(|r| ((Place::of(r), r.metric.as_str(), r.model.as_str()), r)).collect(),
        }
    }

    fn model_names(&self) -> Vec<String> {
        self.models.iter().map(|&m| m.to_owned()).collect()
    }

    /// The dataset's name, with its documents mode where the results hold it in both.
    fn dataset_label(&self, place: Place) -> String {
        let both = self.places.iter().any(|p| p.dataset == place.dataset && p.documents != place.documents);
        if both { format!("{} ({})", place.dataset, place.documents) } else { place.dataset.to_owned() }
    }

    /// The column of a metric at a place, followed by its `/best` and `/worst` tie rules where the
    /// documents are per-question (equal texts tie exactly there) and ties change what is printed.
    /// Empty where no model has the metric.
    fn columns(&self, place: Place<'a>, metric: &str, group: &str, name: &str) -> Vec<Column> {
        let values = |metric: &str| -> Vec<Option<Value>> {
            let row = |m: &&str| self.rows.get(&(place, metric, *m)).copied();
            let value = |r: &ScoreRow| Value { mean: r.value, interval: Some((r.ci_low, r.ci_high)) };
            self.models.iter().map(|m| row(m).map(value)).collect()
        };
        let column = |suffix: &str| Column {
            group: group.to_owned(),
            name: format!("{name}{suffix}"),
            metric: metric.to_owned(),
            values: values(&format!("{metric}{suffix}")),
        };
        let own = column("");
        if own.values.iter().all(Option::is_none) {
            return Vec::new();
        }
        let mut columns = vec![own];
        if place.documents == "per-question" {
            for suffix in ["/best", "/worst"] {
                let other = column(suffix);
                let differs = |(a, b): (&Option<Printed>, &Option<Printed>)| matches!((a, b), (Some(a), Some(b)) if a.mean != b.mean);
                if columns[0].printed().iter().zip(&other.printed()).any(differs) {
                    columns.push(other);
                }
            }
        }
        columns
    }
}

/// The first of each, in order.
fn distinct<T: Copy + Eq + std::hash::Hash>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut seen = std::collections::HashSet::new();
    items.filter(|&item| seen.insert(item)).collect()
}
