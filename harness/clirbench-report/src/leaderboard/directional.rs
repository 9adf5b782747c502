//! CLIR and Mono, laid out as table 1 of Jang et al. 2025.

use clirbench_core::results::ScoreRow;

use super::{Column, Index, Leaderboard, Section, average, distinct};

const METRIC: &str = "ndcg@10";

/// nDCG@10 per dataset and direction (`query-documents`), AVG per direction over datasets, and
/// OVR, the mean of the directions' AVG.
#[must_use]
pub fn clir(scores: &[ScoreRow]) -> Leaderboard {
    let caption = "nDCG@10 x 100 per dataset and direction (queries-documents); AVG: mean over datasets; OVR: mean of the AVG.";
    board(scores, "clir", "CLIR", caption)
}

/// nDCG@10 per dataset and language, AVG per language over datasets, and OVR, the mean of the
/// languages' AVG.
#[must_use]
pub fn mono(scores: &[ScoreRow]) -> Leaderboard {
    let caption = "nDCG@10 x 100 per dataset and language (queries-documents); AVG: mean over datasets; OVR: mean of the AVG.";
    board(scores, "mono", "Mono", caption)
}

fn board(scores: &[ScoreRow], scenario: &str, title: &'static str, caption: &'static str) -> Leaderboard {
    let index = Index::new(scores);
    let places: Vec<_> = index.places.iter().copied().filter(|p| p.scenario == scenario).collect();
    let mut columns = Vec::new();
    // (direction, its column under the run's own tie rule), for the averages.
    let mut averaged: Vec<((&str, &str), Column)> = Vec::new();
    for collection in distinct(places.iter().map(|p| (p.dataset, p.documents))) {
        for &place in places.iter().filter(|p| (p.dataset, p.documents) == collection) {
            let name = format!("{}-{}", place.query_lang, place.pool_langs);
            let found = index.columns(place, METRIC, &index.dataset_label(place), &name);
            averaged.extend(found.first().map(|own| ((place.query_lang, place.pool_langs), own.clone())));
            columns.extend(found);
        }
    }
    let directions = distinct(averaged.iter().map(|(direction, _)| *direction));
    let averages: Vec<Column> = directions
        .iter()
        .map(|direction| {
            let over: Vec<&Column> =
                averaged.iter().filter(|(d, _)| d == direction).map(|(_, c)| c).collect();
            average(&over, "AVG", &format!("{}-{}", direction.0, direction.1))
        })
        .collect();
    if !averages.is_empty() {
        let overall = average(&averages.iter().collect::<Vec<_>>(), "OVR", "");
        columns.extend(averages);
        columns.push(overall);
    }
    let sections = vec![Section { title: String::new(), columns }];
    Leaderboard { title, caption, models: index.model_names(), sections }
}
