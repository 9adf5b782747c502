//! CLIR and Mono averages side by side, laid out as table 2 of Jang et al. 2025.

use clirbench_core::results::{QueryValues, ScoreRow};

use super::average::average;
use super::directional::directions;
use super::{Column, Index, Leaderboard, Section};

/// The AVG of every CLIR direction and Mono language, and OVR, the mean of them all: two, two and
/// four in the paper. Empty unless both scenarios have results.
#[must_use]
pub fn overall(scores: &[ScoreRow], per_query: &[QueryValues]) -> Leaderboard {
    let of = |scenario| directions(scores, per_query, scenario).averages;
    let (clir, mono) = (of("clir"), of("mono"));
    let mut columns = Vec::new();
    if !clir.is_empty() && !mono.is_empty() {
        for (averages, group) in [(&clir, "CLIR AVG"), (&mono, "Mono AVG")] {
            let renamed = averages.iter().map(|a| Column { group: group.to_owned(), ..a.column.clone() });
            columns.extend(renamed);
        }
        let all: Vec<_> = clir.iter().chain(&mono).collect();
        columns.push(average(&all, "OVR", "").column);
    }
    Leaderboard {
        title: "Overall",
        caption: "nDCG@10 x 100, mean over datasets, queries-documents. OVR: mean of all columns.",
        models: Index::new(scores).model_names(),
        sections: vec![Section { title: String::new(), columns }],
    }
}
