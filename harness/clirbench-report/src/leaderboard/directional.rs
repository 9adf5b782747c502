//! CLIR and Mono, laid out as table 1 of Jang et al. 2025.

use clirbench_core::results::{QueryValues, ScoreRow};

use super::average::{Bootstrap, Sampled, average};
use super::{Index, Leaderboard, Section, distinct};

const METRIC: &str = "ndcg@10";

/// nDCG@10 per dataset and direction (`query-documents`), AVG per direction over datasets, and
/// OVR, the mean of the directions' AVG. Averages have intervals where `per_query` has the cells.
#[must_use]
pub fn clir(scores: &[ScoreRow], per_query: &[QueryValues]) -> Leaderboard {
    board(&directions(scores, per_query, "clir"), "CLIR", scores)
}

/// nDCG@10 per dataset and language, AVG per language over datasets, and OVR, the mean of the
/// languages' AVG. Averages have intervals where `per_query` has the cells.
#[must_use]
pub fn mono(scores: &[ScoreRow], per_query: &[QueryValues]) -> Leaderboard {
    board(&directions(scores, per_query, "mono"), "Mono", scores)
}

/// The columns of one scenario.
pub(super) struct Directions {
    cells: Vec<super::Column>,
    /// AVG per direction.
    pub(super) averages: Vec<Sampled>,
}

pub(super) fn directions(scores: &[ScoreRow], per_query: &[QueryValues], scenario: &str) -> Directions {
    let index = Index::new(scores);
    let mut bootstrap = Bootstrap::new(per_query);
    let places: Vec<_> = index.places.iter().copied().filter(|p| p.scenario == scenario).collect();
    let mut cells = Vec::new();
    // Directions with their columns under the run's own tie rule.
    let mut averaged: Vec<((&str, &str), Sampled)> = Vec::new();
    for collection in distinct(places.iter().map(|p| (p.dataset, p.documents))) {
        for &place in places.iter().filter(|p| (p.dataset, p.documents) == collection) {
            let name = format!("{}-{}", place.query_lang, place.pool_langs);
            let found = index.columns(place, METRIC, &index.dataset_label(place), &name);
            if let Some(own) = found.first() {
                let sampled = bootstrap.sample(own.clone(), place, &index.models);
                averaged.push(((place.query_lang, place.pool_langs), sampled));
            }
            cells.extend(found);
        }
    }
    let averages = distinct(averaged.iter().map(|(direction, _)| *direction))
        .into_iter()
        .map(|direction| {
            let over: Vec<_> = averaged.iter().filter(|(d, _)| *d == direction).map(|(_, c)| c).collect();
            average(&over, "AVG", &format!("{}-{}", direction.0, direction.1))
        })
        .collect();
    Directions { cells, averages }
}

fn board(directions: &Directions, title: &'static str, scores: &[ScoreRow]) -> Leaderboard {
    let mut columns = directions.cells.clone();
    if !directions.averages.is_empty() {
        columns.extend(directions.averages.iter().map(|a| a.column.clone()));
        columns.push(average(&directions.averages.iter().collect::<Vec<_>>(), "OVR", "").column);
    }
    Leaderboard {
        title,
        caption: "nDCG@10 x 100, queries-documents. AVG: mean over datasets. OVR: mean of the AVG.",
        models: Index::new(scores).model_names(),
        sections: vec![Section { title: String::new(), columns }],
    }
}
