//! CLIR and Mono averages side by side, laid out as table 2 of Jang et al. 2025.

use clirbench_core::results::ScoreRow;

use super::{Column, Leaderboard, Section, average, clir, mono};

/// The AVG of every direction and language, and OVR, the mean of the OVR of CLIR and of Mono. With
/// two languages that is the mean of the four averages, as in the paper; with more, CLIR does not
/// outweigh Mono by its number of directions. Empty unless both boards have results.
#[must_use]
pub fn overall(scores: &[ScoreRow]) -> Leaderboard {
    let (clir, mono) = (clir(scores), mono(scores));
    let mut columns = Vec::new();
    if !clir.is_empty() && !mono.is_empty() {
        for (board, group) in [(&clir, "CLIR AVG"), (&mono, "Mono AVG")] {
            let averages = board.columns().filter(|c| c.group == "AVG");
            columns.extend(averages.map(|c| Column { group: group.to_owned(), ..c.clone() }));
        }
        let overall: Vec<&Column> =
            clir.columns().chain(mono.columns()).filter(|c| c.group == "OVR").collect();
        columns.push(average(&overall, "OVR", ""));
    }
    Leaderboard {
        title: "Overall",
        caption: "nDCG@10 x 100, mean over datasets; OVR: mean of the CLIR and the Mono average.",
        models: clir.models,
        sections: vec![Section { title: String::new(), columns }],
    }
}
