//! Several models: where they meet, what they measured there, and the tests between them.

use std::collections::HashMap;

use serde::Serialize;

use super::evidence::{Evidence, Panels, align, statistic};
use super::join::{same_data, wanted};
use super::{CompareError, CompareOptions, Verdict};
use crate::results::{Cell, QueryValues, ScoreRow};
use crate::stats::{CellStatistic, Interval, PanelCell, StatsError, holm};

/// A cell without its model.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Place {
    /// Dataset name.
    pub dataset: String,
    /// `unique` or `per-question`.
    pub documents: String,
    /// Scenario name.
    pub scenario: String,
    /// Language of the queries.
    pub query_lang: String,
    /// Languages of the pool joined by `+`.
    pub pool_langs: String,
}

impl Place {
    fn of(row: &ScoreRow) -> Place {
        let Cell { model: _, dataset, documents, scenario, query_lang, pool_langs } = row.cell();
        Place { dataset, documents, scenario, query_lang, pool_langs }
    }
}

/// What is compared: a metric in one cell, or its mean over the cells of a scenario.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Scope {
    /// The scenario.
    pub scenario: String,
    /// The metric.
    pub metric: String,
    /// The cell; `None` for the mean over cells.
    pub cell: Option<Place>,
    /// Number of cells that are averaged, each with the same weight.
    pub cells: usize,
}

/// A model of one of the sides.
#[derive(Debug)]
pub(super) struct Entrant<'a> {
    pub(super) model: &'a str,
    pub(super) side: usize,
}

/// The models that are compared.
pub(super) struct Field<'a> {
    pub(super) sides: Vec<Evidence<'a>>,
    pub(super) entrants: Vec<Entrant<'a>>,
    pub(super) options: &'a CompareOptions,
}

/// A scope, the entrants that have it (by their place in the field), and their rows.
pub(super) struct Meeting<'a> {
    pub(super) scope: Scope,
    pub(super) entrants: Vec<usize>,
    /// `[entrant][cell]`
    rows: Vec<Vec<&'a ScoreRow>>,
    /// `[entrant]`: its per-query values, `[cell][query]`, or why it is not tested.
    values: Vec<Result<Vec<Vec<f64>>, String>>,
    cells: Vec<PanelCell<'a>>,
    /// Per cell; empty where it cannot be told.
    statistics: Vec<CellStatistic>,
}

/// What a test between two entrants says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tested {
    pub(super) p: f64,
    /// After Holm's correction over the family.
    pub(super) p_holm: f64,
    /// Of the second less the first.
    pub(super) interval: Option<Interval>,
}

/// The rows of one scenario and metric: per place, one of each entrant that has it.
struct Group<'a> {
    scenario: &'a str,
    metric: &'a str,
    places: Vec<(Place, Vec<Option<&'a ScoreRow>>)>,
}

impl<'a> Field<'a> {
    fn groups(&self) -> Vec<Group<'a>> {
        let mut groups: Vec<Group> = Vec::new();
        let mut known: HashMap<(&str, &str), usize> = HashMap::new();
        let mut places: HashMap<(usize, Place), usize> = HashMap::new();
        for (e, entrant) in self.entrants.iter().enumerate() {
            let side = self.sides[entrant.side].side;
            let own = side.scores.iter().filter(|r| r.model == entrant.model);
            for row in own.filter(|r| wanted(r, &self.options.metrics)) {
                let g = *known.entry((&row.scenario, &row.metric)).or_insert_with(|| {
                    groups.push(Group { scenario: &row.scenario, metric: &row.metric, places: Vec::new() });
                    groups.len() - 1
                });
                let group = &mut groups[g].places;
                let place = Place::of(row);
                let p = *places.entry((g, place.clone())).or_insert_with(|| {
                    group.push((place, vec![None; self.entrants.len()]));
                    group.len() - 1
                });
                group[p].1[e] = Some(row);
            }
        }
        groups
    }

    /// The means of the scenarios, and notes on cells that they leave out. A scenario with one cell
    /// has a mean only where `single` asks for it.
    pub(super) fn means(&self, single: bool) -> (Vec<Meeting<'a>>, Vec<String>) {
        let (mut meetings, mut notes) = (Vec::new(), Vec::new());
        for group in self.groups() {
            let has = |e: &usize| group.places.iter().any(|(_, rows)| rows[*e].is_some());
            let entrants: Vec<usize> = (0..self.entrants.len()).filter(has).collect();
            let rows_of = |e: &usize| -> Vec<Option<&'a ScoreRow>> {
                let shared =
                    group.places.iter().filter(|(_, rows)| entrants.iter().all(|&e| rows[e].is_some()));
                shared.map(|(_, rows)| rows[*e]).collect()
            };
            let rows: Vec<Vec<&ScoreRow>> =
                entrants.iter().map(|e| rows_of(e).into_iter().flatten().collect()).collect();
            let cells = rows.first().map_or(0, Vec::len);
            if entrants.len() < 2 || cells == 0 || (cells == 1 && !single) {
                continue;
            }
            let (scenario, metric) = (group.scenario.to_owned(), group.metric.to_owned());
            if cells < group.places.len() {
                notes.push(format!(
                    "{scenario} {metric}: the mean is over the {cells} of {} cells that all have",
                    group.places.len()
                ));
            }
            meetings.push(self.meeting(Scope { scenario, metric, cell: None, cells }, entrants, rows));
        }
        (meetings, notes)
    }

    /// Every cell and metric that at least two have.
    pub(super) fn cells(&self) -> Vec<Meeting<'a>> {
        let mut meetings = Vec::new();
        for group in self.groups() {
            for (place, rows) in group.places {
                let entrants: Vec<usize> = (0..rows.len()).filter(|&e| rows[e].is_some()).collect();
                if entrants.len() < 2 {
                    continue;
                }
                let scope = Scope {
                    scenario: group.scenario.to_owned(),
                    metric: group.metric.to_owned(),
                    cell: Some(place),
                    cells: 1,
                };
                let rows = rows.into_iter().flatten().map(|row| vec![row]).collect();
                meetings.push(self.meeting(scope, entrants, rows));
            }
        }
        meetings
    }

    fn meeting(&self, scope: Scope, entrants: Vec<usize>, rows: Vec<Vec<&'a ScoreRow>>) -> Meeting<'a> {
        let evidence = |e: usize| &self.sides[self.entrants[e].side];
        let found: Vec<Result<Vec<&QueryValues>, String>> = entrants
            .iter()
            .zip(&rows)
            .map(|(&e, rows)| {
                let values = rows.iter().map(|row| {
                    let none = || format!("{} has no per-query values", evidence(e).label);
                    evidence(e).values(row)?.ok_or_else(none)
                });
                values.collect()
            })
            .collect();
        // The first with values lends the order of queries; rows say the statistic for all.
        let first = found.iter().flatten().next().cloned().unwrap_or_default();
        let cells: Vec<PanelCell> =
            first.iter().map(|v| PanelCell { dataset: &v.cell.dataset, queries: &v.queries }).collect();
        let values: Vec<Result<Vec<Vec<f64>>, String>> = found
            .iter()
            .zip(&entrants)
            .map(|(found, &e)| {
                let own = found.as_ref().map_err(String::clone)?;
                let aligned = own.iter().zip(&cells).map(|(values, cell)| align(cell.queries, values));
                let aligned: Option<Vec<_>> = aligned.collect();
                aligned.ok_or_else(|| format!("{} has other queries", evidence(e).label))
            })
            .collect();
        let of_cell = |cell: usize| {
            let mut tested = values.iter().zip(&rows).filter_map(|(v, rows)| Some((v.as_ref().ok()?, rows)));
            tested.find_map(|(values, rows)| statistic(rows[cell], &values[cell]))
        };
        let statistics = (0..cells.len()).map(of_cell).collect::<Option<_>>().unwrap_or_default();
        Meeting { scope, entrants, rows, values, cells, statistics }
    }

    /// Notes on the data; an error where they differ and it is not forced.
    pub(super) fn same_data(&self, meetings: &[Meeting<'a>]) -> Result<Vec<String>, CompareError> {
        let side = |meeting: &Meeting, e: usize| &self.sides[self.entrants[meeting.entrants[e]].side];
        let uses = meetings.iter().flat_map(|meeting| {
            let others = 1..meeting.entrants.len();
            others.flat_map(move |e| {
                let rows = meeting.rows[0].iter().zip(&meeting.rows[e]);
                rows.map(move |(&x, &y)| [(side(meeting, 0), x), (side(meeting, e), y)])
            })
        });
        same_data("the results", uses, self.options.force)
    }
}

impl<'a> Meeting<'a> {
    /// The entrant's number: the mean over the cells.
    pub(super) fn value(&self, entrant: usize) -> f64 {
        let rows = &self.rows[entrant];
        rows.iter().map(|row| row.value).sum::<f64>() / rows.len() as f64
    }

    /// Why the entrant is not tested.
    pub(super) fn untested(&self, entrant: usize) -> Option<&str> {
        if self.statistics.is_empty() && self.cells.len() > 1 {
            return Some("the norm cannot be told from the ranks where all of them are the last");
        }
        self.values[entrant].as_ref().err().map(String::as_str)
    }

    /// Whether both have what a test takes.
    pub(super) fn testable(&self, (a, b): (usize, usize)) -> bool {
        self.untested(a).is_none() && self.untested(b).is_none()
    }

    pub(super) fn datasets(&self) -> impl Iterator<Item = &str> {
        self.rows.iter().flatten().map(|row| row.dataset.as_str())
    }

    /// The intervals of the entrants' numbers, and the tests between the pairs that can be tested;
    /// pairs are positions in [`Meeting::entrants`].
    pub(super) fn test(
        &self,
        pairs: &[(usize, usize)],
        panels: &mut Panels<'a>,
        options: &CompareOptions,
    ) -> Result<Outcome, CompareError> {
        let fail = |source| CompareError::Stats {
            cell: self.scope.scenario.clone(),
            metric: self.scope.metric.clone(),
            source,
        };
        self.measured(pairs, panels, options).map_err(fail)
    }

    fn measured(
        &self,
        pairs: &[(usize, usize)],
        panels: &mut Panels<'a>,
        options: &CompareOptions,
    ) -> Result<Outcome, StatsError> {
        let stated = |entrant: usize| match &self.rows[entrant][..] {
            [row] => Some(Interval { low: row.ci_low, high: row.ci_high }),
            _ => None,
        };
        let mut intervals: Vec<Option<Interval>> = (0..self.entrants.len()).map(stated).collect();
        if self.cells.is_empty() {
            return Ok(Outcome { intervals, tests: vec![None; pairs.len()] });
        }
        let panel = panels.of(self.cells.clone(), options)?;
        let values = |entrant: usize| -> Option<Vec<&[f64]>> {
            let values = self.values[entrant].as_ref().ok()?;
            Some(values.iter().map(Vec::as_slice).collect())
        };
        let mut samples = vec![None; self.entrants.len()];
        if !self.statistics.is_empty() {
            for (entrant, samples) in samples.iter_mut().enumerate() {
                *samples = values(entrant).map(|v| panel.samples(&v, &self.statistics)).transpose()?;
                if intervals[entrant].is_none() {
                    intervals[entrant] = samples.clone().and_then(Interval::of_samples);
                }
            }
        }
        // One cell's norm is tested on its ranks, whether its factor is known or not.
        let ranks = [CellStatistic::Mean];
        let statistics = if self.statistics.is_empty() { &ranks[..] } else { &self.statistics };
        let mut tests = Vec::with_capacity(pairs.len());
        for &(a, b) in pairs {
            let (Some(first), Some(second)) = (values(a), values(b)) else {
                tests.push(None);
                continue;
            };
            if !self.testable((a, b)) {
                tests.push(None);
                continue;
            }
            let p = panel.test(&first, &second, statistics, options.permutations, options.seed)?.p;
            let interval = samples[a].as_ref().zip(samples[b].as_ref()).and_then(|(a, b)| {
                Interval::of_samples(a.iter().zip(b).map(|(a, b): (&f64, &f64)| b - a).collect())
            });
            tests.push(Some(Tested { p, p_holm: p, interval }));
        }
        Ok(Outcome { intervals, tests })
    }

    /// What the difference second - first says about the second.
    pub(super) fn verdict(&self, delta: f64, p_holm: Option<f64>, alpha: f64) -> Verdict {
        Verdict::of(&self.scope.metric, delta, p_holm.is_some_and(|p| p < alpha))
    }
}

/// What the tests of one meeting say.
pub(super) struct Outcome {
    /// Of each entrant's number.
    pub(super) intervals: Vec<Option<Interval>>,
    /// Per pair; `None` where it cannot be tested.
    pub(super) tests: Vec<Option<Tested>>,
}

/// Runs the tests of all meetings, `pairs` of each, and corrects them as one family.
pub(super) fn family<'a>(
    meetings: &[Meeting<'a>],
    pairs: &[Vec<(usize, usize)>],
    options: &CompareOptions,
) -> Result<Vec<Outcome>, CompareError> {
    let mut panels = Panels::default();
    let run = |(meeting, pairs): (&Meeting<'a>, &Vec<_>)| meeting.test(pairs, &mut panels, options);
    let mut outcomes = meetings.iter().zip(pairs).map(run).collect::<Result<Vec<_>, _>>()?;
    let tests = || outcomes.iter().flat_map(|outcome| outcome.tests.iter().flatten());
    let corrected = holm(&tests().map(|test| test.p).collect::<Vec<_>>());
    let tests = outcomes.iter_mut().flat_map(|outcome| outcome.tests.iter_mut().flatten());
    tests.zip(corrected).for_each(|(test, p_holm)| test.p_holm = p_holm);
    Ok(outcomes)
}
