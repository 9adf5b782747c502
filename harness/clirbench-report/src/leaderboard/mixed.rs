//! Mixed pools, with the metrics of tables 1 and 2 of Hong et al. 2026.

use clirbench_core::results::{QueryValues, ScoreRow};

use super::average::{Bootstrap, Sampled, average};
use super::{Column, Index, Leaderboard, Place, Section, distinct};

/// One section per scenario, dataset and pool with columns per query language and metric; then,
/// per scenario, OVR: per metric the mean over directions (pool and query language) of the mean
/// over datasets, with an interval where `per_query` has the cells. Max@R is a rank in pools of different sizes and has no OVR: its norm has.
///
/// Scenarios other than `mono` and `clir` land here, also those of third-party plugins.
#[must_use]
pub fn mixed(scores: &[ScoreRow], per_query: &[QueryValues]) -> Leaderboard {
    let index = Index::new(scores);
    let mut bootstrap = Bootstrap::new(per_query);
    let places: Vec<_> =
        index.places.iter().copied().filter(|p| !["mono", "clir"].contains(&p.scenario)).collect();
    let mut sections = Vec::new();
    for scenario in distinct(places.iter().map(|p| p.scenario)) {
        let metrics = metrics(scenario, scores);
        let here: Vec<_> = places.iter().copied().filter(|p| p.scenario == scenario).collect();
        let mut averaged = Vec::new();
        for pool in distinct(here.iter().map(|p| (p.dataset, p.documents, p.pool_langs))) {
            let mut columns = Vec::new();
            let mut title = String::new();
            for &place in here.iter().filter(|p| (p.dataset, p.documents, p.pool_langs) == pool) {
                title = format!("{scenario} {} {}", index.dataset_label(place), place.pool_langs);
                for metric in &metrics {
                    let found = index.columns(place, metric, place.query_lang, metric);
                    if let Some(own) = found.first() {
                        averaged.push((place, bootstrap.sample(own.clone(), place, &index.models)));
                    }
                    columns.extend(found);
                }
            }
            sections.push(Section { title, columns });
        }
        let columns: Vec<_> = metrics
            .iter()
            .filter(|&&m| m != "max@r")
            .filter_map(|metric| overall(metric, &averaged))
            .collect();
        sections.push(Section { title: scenario.to_owned(), columns });
    }
    sections.retain(|s| !s.columns.is_empty());
    Leaderboard {
        title: "Mixed",
        caption: "Per pool and query language; complete, ndcg and map x 100; max@r: lower is better.
OVR: mean over pools and query languages of the mean over datasets.",
        models: index.model_names(),
        sections,
    }
}

/// The metrics that the papers print for a scenario; for one that they do not have, all of its own.
fn metrics<'a>(scenario: &str, scores: &'a [ScoreRow]) -> Vec<&'a str> {
    match scenario {
        "multi" => vec!["complete@10", "max@r", "max@r_norm_of_mean"],
        "multi-1" => vec!["ndcg@1", "mrr"],
        s if s.starts_with("pool-") => vec!["complete@10", "max@r", "max@r_norm_of_mean", "map"],
        _ => {
            let own = scores.iter().filter(|r| r.scenario == scenario);
            distinct(own.map(|r| r.metric.as_str()).filter(|m| !m.contains('/')))
        }
    }
}

/// The mean over directions of the mean over datasets; `None` where one cell is all there is.
fn overall(metric: &str, columns: &[(Place, Sampled)]) -> Option<Column> {
    let of: Vec<_> = columns.iter().filter(|(_, c)| c.column.metric == metric).collect();
    if of.len() < 2 {
        return None;
    }
    let directions: Vec<Sampled> = distinct(of.iter().map(|(p, _)| (p.pool_langs, p.query_lang)))
        .into_iter()
        .map(|direction| {
            let over: Vec<_> = of
                .iter()
                .filter(|(p, _)| (p.pool_langs, p.query_lang) == direction)
                .map(|(_, c)| c)
                .collect();
            average(&over, "", "")
        })
        .collect();
    Some(average(&directions.iter().collect::<Vec<_>>(), "OVR", metric).column)
}
