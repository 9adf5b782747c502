//! Whether a second measurement repeats a recorded one, number by number.
//!
//! A difference is given in *points*: the metric's own difference on the 0-100 scale, in ranks for
//! `max@r` and `rank_gap`. Of the per-query values it is the mean absolute difference, so two
//! queries that change places do not cancel out.

use std::collections::BTreeMap;

use crate::compare::points_per_unit;
use crate::results::{BiasRow, Cell, QueryValues, ScoreRow};

/// The numbers of a measurement.
#[derive(Clone, Copy, Debug)]
pub struct Measurement<'a> {
    /// A row per cell and metric.
    pub scores: &'a [ScoreRow],
    /// Per-query values of the same.
    pub per_query: &'a [QueryValues],
    /// Language bias.
    pub bias: &'a [BiasRow],
}

/// How well a measurement repeats a recorded one.
#[derive(Clone, Debug, PartialEq)]
pub struct Replication {
    /// Rows of either side: scores and bias statistics.
    pub rows: usize,
    /// Rows that are equal in every number.
    pub equal: usize,
    /// Largest difference of a row that both sides have, in points.
    pub largest: f64,
    /// Rows that differ by more than the tolerance, in the order of cell and name.
    pub departures: Vec<Departure>,
}

/// A row that is not repeated.
#[derive(Clone, Debug, PartialEq)]
pub struct Departure {
    /// Its cell.
    pub cell: Cell,
    /// The metric, or `bias` with statistic and language.
    pub name: String,
    /// In what it differs.
    pub difference: Difference,
}

/// In what a row differs.
#[derive(Clone, Debug, PartialEq)]
pub enum Difference {
    /// A number of the row.
    Number {
        /// `value`, `ci_low`, `ci_high` or `per query`.
        column: &'static str,
        /// As recorded, in the metric's unit; of the queries their mean.
        recorded: f64,
        /// As measured.
        measured: f64,
        /// How far apart, in points.
        points: f64,
    },
    /// Queries, or documents in the pool.
    Counts {
        /// As recorded.
        recorded: [u32; 2],
        /// As measured.
        measured: [u32; 2],
    },
    /// The ids of the queries, or whether there are values for them.
    Queries,
    /// The record has it, the measurement does not.
    NotMeasured,
    /// The measurement has it, the record does not.
    NotRecorded,
}

/// Holds `measured` against `recorded`: a row departs when one of its numbers is more than
/// `tolerance` points away, or when it is about other queries.
#[must_use]
pub fn replicate(recorded: Measurement<'_>, measured: Measurement<'_>, tolerance: f64) -> Replication {
    let (recorded, measured) = (rows(recorded), rows(measured));
    let mut out = Replication { rows: 0, equal: 0, largest: 0.0, departures: Vec::new() };
    let keys: std::collections::BTreeSet<_> = recorded.keys().chain(measured.keys()).collect();
    for key @ (cell, name) in keys {
        out.rows += 1;
        let difference = match (recorded.get(key), measured.get(key)) {
            (Some(a), Some(b)) => a.difference(b),
            (Some(_), None) => Some(Difference::NotMeasured),
            (None, _) => Some(Difference::NotRecorded),
        };
        match difference {
            None => out.equal += 1,
            Some(difference) => {
                let within = match difference {
                    Difference::Number { points, .. } => {
                        out.largest = out.largest.max(points);
                        points <= tolerance
                    }
                    _ => false,
                };
                if !within {
                    out.departures.push(Departure { cell: cell.clone(), name: name.clone(), difference });
                }
            }
        }
    }
    out
}

struct Row<'a> {
    numbers: Vec<(&'static str, f64)>,
    counts: [u32; 2],
    queries: Option<&'a QueryValues>,
    points_per_unit: f64,
}

impl Row<'_> {
    /// The largest difference from `other`; none where every number is equal.
    fn difference(&self, other: &Row<'_>) -> Option<Difference> {
        if self.counts != other.counts {
            return Some(Difference::Counts { recorded: self.counts, measured: other.counts });
        }
        let number = |column, recorded: f64, measured: f64, distance: f64| {
            (distance > 0.0).then_some(Difference::Number {
                column,
                recorded,
                measured,
                points: distance * self.points_per_unit,
            })
        };
        let mut found: Vec<Difference> = self
            .numbers
            .iter()
            .zip(&other.numbers)
            .filter_map(|((column, a), (_, b))| number(column, *a, *b, (a - b).abs()))
            .collect();
        match (self.queries, other.queries) {
            (None, None) => {}
            (Some(a), Some(b)) if a.queries == b.queries && a.values.len() == b.values.len() => {
                let mean = |values: &mut dyn Iterator<Item = f64>| {
                    values.sum::<f64>() / a.values.len().max(1) as f64
                };
                let apart = mean(&mut a.values.iter().zip(&b.values).map(|(a, b)| (a - b).abs()));
                let [a, b] = [a, b].map(|side| mean(&mut side.values.iter().copied()));
                found.extend(number("per query", a, b, apart));
            }
            _ => return Some(Difference::Queries),
        }
        let points = |d: &Difference| match d {
            Difference::Number { points, .. } => *points,
            _ => f64::INFINITY,
        };
        // Of equal ones the first: the value before what follows from it.
        found.into_iter().reduce(|best, next| if points(&next) > points(&best) { next } else { best })
    }
}

fn rows(measurement: Measurement<'_>) -> BTreeMap<(Cell, String), Row<'_>> {
    let Measurement { scores, per_query, bias } = measurement;
    let queries: BTreeMap<(Cell, String), &QueryValues> =
        per_query.iter().map(|q| ((q.cell.clone(), q.metric.clone()), q)).collect();
    let mut rows = BTreeMap::new();
    for score in scores {
        let key = (score.cell(), score.metric.clone());
        let row = Row {
            numbers: vec![("value", score.value), ("ci_low", score.ci_low), ("ci_high", score.ci_high)],
            counts: [score.queries, score.pool_size],
            queries: queries.get(&key).copied(),
            points_per_unit: points_per_unit(&score.metric).unwrap_or(1.0),
        };
        rows.insert(key, row);
    }
    for one in bias {
        let name = format!("bias {} {}", one.statistic, one.language).trim_end().to_owned();
        let row = Row {
            numbers: vec![("value", one.value)],
            counts: [one.queries, 0],
            queries: None,
            points_per_unit: bias_points(&one.statistic),
        };
        rows.insert((one.cell(), name), row);
    }
    rows
}

/// Points per unit of a bias statistic: shares are fractions, ratios and ranks count as they are.
fn bias_points(statistic: &str) -> f64 {
    match statistic.split_once(':') {
        Some((_, metric)) => points_per_unit(metric).unwrap_or(1.0),
        None if ["rank_gap", "top10_over_share"].contains(&statistic) => 1.0,
        None => 100.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(metric: &str, value: f64) -> ScoreRow {
        ScoreRow {
            model: "m".into(),
            dataset: "d".into(),
            documents: "unique".into(),
            scenario: "clir".into(),
            query_lang: "en".into(),
            pool_langs: "ko".into(),
            metric: metric.into(),
            value,
            ci_low: 0.0,
            ci_high: 1.0,
            queries: 2,
            pool_size: 9,
        }
    }

    fn queries(metric: &str, values: [f64; 2]) -> QueryValues {
        QueryValues {
            cell: score(metric, 0.0).cell(),
            metric: metric.into(),
            queries: vec!["q1".into(), "q2".into()],
            values: values.to_vec(),
        }
    }

    fn bias(statistic: &str, value: f64) -> BiasRow {
        let Cell { model, dataset, documents, scenario, query_lang, pool_langs } = score("", 0.0).cell();
        BiasRow {
            model,
            dataset,
            documents,
            scenario,
            query_lang,
            pool_langs,
            statistic: statistic.into(),
            language: "en".into(),
            value,
            queries: 2,
        }
    }

    fn side<'a>(
        scores: &'a [ScoreRow],
        per_query: &'a [QueryValues],
        bias: &'a [BiasRow],
    ) -> Measurement<'a> {
        Measurement { scores, per_query, bias }
    }

    #[test]
    fn equal_measurements_are_equal_in_every_row() {
        let (scores, values) = ([score("mrr", 0.5)], [queries("mrr", [0.25, 0.75])]);
        let bias = [bias("rank_gap", 3.0)];
        let one = side(&scores, &values, &bias);
        let expected = Replication { rows: 2, equal: 2, largest: 0.0, departures: vec![] };
        assert_eq!(replicate(one, one, 0.0), expected);
    }

    #[test]
    fn a_difference_counts_in_points_and_in_ranks() {
        let recorded = [score("mrr", 0.5), score("max@r", 40.0)];
        let measured = [score("mrr", 0.501), score("max@r", 40.25)];
        let found = replicate(side(&recorded, &[], &[]), side(&measured, &[], &[]), 0.2);
        assert_eq!((found.rows, found.equal), (2, 0));
        assert!((found.largest - 0.25).abs() < 1e-12);
        let [only] = &found.departures[..] else { panic!("{found:?}") };
        assert_eq!(only.name, "max@r");
        assert!(matches!(only.difference, Difference::Number { column: "value", .. }));
    }

    #[test]
    fn queries_that_change_places_do_not_cancel_out() {
        let scores = [score("mrr", 0.5)];
        let (a, b) = ([queries("mrr", [0.25, 0.75])], [queries("mrr", [0.75, 0.25])]);
        let found = replicate(side(&scores, &a, &[]), side(&scores, &b, &[]), 10.0);
        let [only] = &found.departures[..] else { panic!("{found:?}") };
        assert!(
            matches!(only.difference, Difference::Number { column: "per query", points, .. } if points == 50.0)
        );
    }

    #[test]
    fn rows_of_one_side_other_queries_and_other_counts_depart_whatever_the_tolerance() {
        let recorded = [score("mrr", 0.5), score("map", 0.5), score("recall@10", 0.5)];
        let mut counted = score("recall@10", 0.5);
        counted.pool_size = 10;
        let measured = [score("mrr", 0.5), score("ndcg@10", 0.5), counted];
        let mut renamed = queries("mrr", [0.5, 0.5]);
        renamed.queries[0] = "q9".into();
        let (before, after) = ([queries("mrr", [0.5, 0.5])], [renamed]);
        let found = replicate(side(&recorded, &before, &[]), side(&measured, &after, &[]), 1e9);
        let kinds: Vec<_> = found.departures.iter().map(|d| (d.name.as_str(), &d.difference)).collect();
        let counts = Difference::Counts { recorded: [2, 9], measured: [2, 10] };
        let expected = [
            ("map", &Difference::NotMeasured),
            ("mrr", &Difference::Queries),
            ("ndcg@10", &Difference::NotRecorded),
            ("recall@10", &counts),
        ];
        assert_eq!(kinds, expected);
    }

    #[test]
    fn bias_has_the_unit_of_its_statistic() {
        for (statistic, points) in [
            ("top10_share", 100.0),
            ("top10_over_share", 1.0),
            ("rank_gap", 1.0),
            ("disparity:ndcg@10", 100.0),
            ("gap:max@r", 1.0),
        ] {
            let (a, b) = ([bias(statistic, 0.25)], [bias(statistic, 0.5)]);
            let found = replicate(side(&[], &[], &a), side(&[], &[], &b), 1e9);
            assert_eq!(found.largest, 0.25 * points, "{statistic}");
        }
    }
}
