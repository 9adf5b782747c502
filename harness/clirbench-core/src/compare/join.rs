//! Which rows belong together, and whether they may be compared.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::evidence::Evidence;
use super::{CompareError, CompareOptions, MetricChoice, Rows, Side, main_metrics, words};
use crate::results::ScoreRow;

/// All rows of a side, also those that are not compared: a test may lean on another metric.
pub(super) fn rows_by_key<'a>(
    side: &str,
    of: &'a Side,
    options: &CompareOptions,
) -> Result<Rows<'a>, CompareError> {
    let mut rows = HashMap::with_capacity(of.scores.len());
    for row in &of.scores {
        let twice = rows.insert((row.cell(), row.metric.as_str()), row).is_some();
        if twice && wanted(row, &options.metrics) {
            return Err(CompareError::Duplicate {
                side: side.to_owned(),
                cell: words(&row.cell()),
                metric: row.metric.clone(),
            });
        }
    }
    Ok(rows)
}

pub(super) fn wanted(row: &ScoreRow, metrics: &MetricChoice) -> bool {
    let name = row.metric.as_str();
    match metrics {
        MetricChoice::Named(names) => names.iter().any(|n| n == name),
        MetricChoice::All => !name.contains('/'),
        MetricChoice::Main => match main_metrics(&row.scenario) {
            Some(main) => main.contains(&name),
            None => !name.contains('/'),
        },
    }
}

pub(super) fn known_metrics(sides: &[&Side], metrics: &MetricChoice) -> Result<(), CompareError> {
    let MetricChoice::Named(names) = metrics else { return Ok(()) };
    let known: BTreeSet<&String> = sides.iter().flat_map(|side| &side.scores).map(|r| &r.metric).collect();
    match names.iter().find(|n| !known.contains(n)) {
        None => Ok(()),
        Some(name) => {
            let known = known.into_iter().cloned().collect();
            Err(CompareError::UnknownMetric { name: name.clone(), known })
        }
    }
}

pub(super) fn models(side: &Side) -> Vec<String> {
    let mut seen = HashSet::new();
    side.scores.iter().map(|r| &r.model).filter(|m| seen.insert(*m)).cloned().collect()
}

/// (BASE model, HEAD model) pairs.
pub(super) fn pair_models(
    base: &Side,
    head: &Side,
    options: &CompareOptions,
) -> Result<Vec<(String, String)>, CompareError> {
    let (in_base, in_head) = (models(base), models(head));
    for (from, to) in &options.models {
        for (side, name, known) in [("BASE", from, &in_base), ("HEAD", to, &in_head)] {
            if !known.contains(name) {
                let (side, name, known) = (side.to_owned(), name.clone(), known.clone());
                return Err(CompareError::UnknownModel { side, name, known });
            }
        }
    }
    if !options.models.is_empty() {
        return Ok(options.models.iter().map(|(b, h)| (b.clone(), h.clone())).collect());
    }
    let shared: Vec<_> = in_base.iter().filter(|m| in_head.contains(m)).cloned().collect();
    if shared.is_empty() && in_base.len() == 1 && in_head.len() == 1 {
        return Ok(in_base.into_iter().zip(in_head).collect());
    }
    Ok(shared.into_iter().map(|m| (m.clone(), m)).collect())
}

/// Whether a model's unmatched rows are news: with models paired by hand, only those of the pairs.
pub(super) fn listed(
    model: &str,
    options: &CompareOptions,
    pairs: &[(String, String)],
    side: impl Fn(&(String, String)) -> &String,
) -> bool {
    options.models.is_empty() || pairs.iter().any(|p| side(p) == model)
}

/// Notes on what could not be checked; an error where the data differ and it is not forced. `uses`
/// are rows that are compared with each other, each with its side.
pub(super) fn same_data<'a: 'e, 'e>(
    sides: &'static str,
    uses: impl Iterator<Item = [(&'e Evidence<'a>, &'a ScoreRow); 2]>,
    force: bool,
) -> Result<Vec<String>, CompareError> {
    let (mut different, mut unknown) = (BTreeSet::new(), BTreeSet::new());
    for [(a, x), (b, y)] in uses {
        let name = &x.dataset;
        // Results in one folder come from one run, or were joined by somebody who knew.
        if !std::ptr::eq(a.side, b.side) {
            match (a.side.dataset_hashes.get(name), b.side.dataset_hashes.get(name)) {
                (Some(own), Some(other)) if own != other => {
                    different.insert(format!(
                        "dataset {name} has the hash {own} in {} and {other} in {}",
                        a.label, b.label
                    ));
                }
                (Some(_), Some(_)) => {}
                _ => {
                    unknown.insert(name.as_str());
                }
            }
        }
        if (x.queries, x.pool_size) != (y.queries, y.pool_size) {
            different.insert(format!(
                "{name} {} {}: {} queries and {} documents in {}, {} and {} in {}",
                x.scenario, x.pool_langs, x.queries, x.pool_size, a.label, y.queries, y.pool_size, b.label
            ));
        }
    }
    if !different.is_empty() && !force {
        return Err(CompareError::DifferentData { sides, differences: different.into_iter().collect() });
    }
    let mut notes: Vec<String> = different.iter().map(|d| format!("compared by force: {d}")).collect();
    if !unknown.is_empty() {
        let names: Vec<_> = unknown.into_iter().collect();
        notes.push(format!("not checked for equal data, a hash is missing: {}", names.join(", ")));
    }
    Ok(notes)
}

/// The hash of each dataset for which all sides have the same one.
pub(super) fn common_hashes<'a>(
    datasets: impl Iterator<Item = &'a str>,
    sides: &[&Side],
) -> BTreeMap<String, String> {
    let common = |name: &str| {
        let mut hashes = sides.iter().map(|side| side.dataset_hashes.get(name));
        let first = hashes.next()??;
        hashes.all(|hash| hash == Some(first)).then(|| first.clone())
    };
    let datasets: BTreeSet<&str> = datasets.collect();
    datasets.into_iter().filter_map(|name| Some((name.to_owned(), common(name)?))).collect()
}
