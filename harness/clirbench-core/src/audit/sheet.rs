//! A sheet: the figures that are held against each other.

use std::collections::HashMap;

use super::known::known_dataset;
use crate::{
    figure::Figure,
    printed::Printed,
    results::{Cell, QueryValues},
};

/// Figures of one file, or of several that belong together, grouped by cell.
#[derive(Clone, Debug, Default)]
pub struct Sheet {
    figures: Vec<Figure>,
    groups: Vec<Vec<usize>>,
    per_query: Vec<QueryValues>,
}

impl Sheet {
    /// Groups `figures`, in the order in which the cells come up.
    #[must_use]
    pub fn new(figures: Vec<Figure>) -> Sheet {
        let mut at: HashMap<(Cell, String), usize> = HashMap::new();
        let mut groups: Vec<Vec<usize>> = Vec::new();
        for (i, figure) in figures.iter().enumerate() {
            let group = *at.entry((figure.cell.clone(), figure.ties.clone())).or_insert(groups.len());
            if group == groups.len() {
                groups.push(Vec::new());
            }
            groups[group].push(i);
        }
        Sheet { figures, groups, per_query: Vec::new() }
    }

    /// The same with the per-query values behind the figures.
    #[must_use]
    pub fn with_per_query(self, per_query: Vec<QueryValues>) -> Sheet {
        Sheet { per_query, ..self }
    }

    /// All figures, in the order of the file.
    #[must_use]
    pub fn figures(&self) -> &[Figure] {
        &self.figures
    }

    /// Per-query values; empty where there are none.
    #[must_use]
    pub fn per_query(&self) -> &[QueryValues] {
        &self.per_query
    }

    /// One group per cell and tie rule.
    pub fn groups(&self) -> impl Iterator<Item = Group<'_>> {
        self.groups.iter().map(|indices| Group { sheet: self, indices })
    }
}

/// The figures of one cell under one tie rule; never empty.
#[derive(Clone, Copy, Debug)]
pub struct Group<'a> {
    sheet: &'a Sheet,
    indices: &'a [usize],
}

impl<'a> Group<'a> {
    /// The figures with their position in the sheet.
    pub fn figures(self) -> impl Iterator<Item = (usize, &'a Figure)> {
        self.indices.iter().map(move |&i| (i, &self.sheet.figures[i]))
    }

    /// The cell that all figures are about.
    #[must_use]
    pub fn cell(self) -> &'a Cell {
        &self.sheet.figures[self.indices[0]].cell
    }

    /// The first readable figure of a measure.
    #[must_use]
    pub fn get(self, stem: &str, cutoff: Option<u32>) -> Option<Reading<'a>> {
        self.readings().find(|r| r.figure.measure.is(stem, cutoff))
    }

    /// The figures that have a number.
    pub fn readings(self) -> impl Iterator<Item = Reading<'a>> {
        self.figures()
            .filter_map(|(position, figure)| Some(Reading { position, figure, number: figure.value? }))
    }

    /// How many documents are relevant to every query, where that is known: one in each language that
    /// counts. With a copy of a document for each question it is not: all copies may count, or one.
    #[must_use]
    pub fn relevant(self) -> Option<u64> {
        let cell = self.cell();
        known_dataset(&cell.dataset).filter(|_| cell.documents != "per-question")?;
        let languages = cell.pool_langs.split('+').filter(|l| !l.is_empty()).count().max(1) as u64;
        Some(match cell.scenario.as_str() {
            "multi-1" => languages.saturating_sub(1).max(1),
            _ => languages,
        })
    }
}

/// A figure that has a number.
#[derive(Clone, Copy, Debug)]
pub struct Reading<'a> {
    /// Position in the sheet.
    pub position: usize,
    /// The figure.
    pub figure: &'a Figure,
    /// Its number, in the metric's own unit.
    pub number: Printed,
}
