//! `sweep.md`: what was chosen and on what data, CLIR against Mono, and every pair.

use std::fmt::Write as _;

use super::{Sweep, pairwise, pareto};
use crate::markdown::escape;
use crate::number::fixed;

/// How winners were chosen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Selection {
    /// What the score is: metric, scenarios, datasets.
    pub score: String,
    /// The datasets that it is measured on.
    pub datasets: Vec<String>,
    /// What these share with the reported data; empty where they share no text.
    pub shared: Vec<String>,
    /// Every model with its score, best first.
    pub candidates: Vec<Candidate>,
    /// Names of the winners, best first.
    pub winners: Vec<String>,
    /// Checkpoints of the greedy soup, in the order in which they were added.
    pub soup: Vec<String>,
}

/// A model that stood for selection.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// Its name.
    pub model: String,
    /// Its score on the selection data, times 100 where the metric is a fraction.
    pub score: f64,
}

pub(super) fn page(sweep: &Sweep<'_>) -> String {
    let mut out = String::from("# Sweep\n\n");
    for note in sweep.notes {
        let _ = writeln!(out, "- {}", escape(note));
    }
    if !sweep.notes.is_empty() {
        out.push('\n');
    }
    if let Some(selection) = sweep.selection {
        describe(&mut out, selection);
    }
    pareto::markdown(&mut out, sweep);
    pairwise::markdown(&mut out, sweep);
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

fn describe(out: &mut String, selection: &Selection) {
    let names = |names: &[String]| names.iter().map(|n| escape(n)).collect::<Vec<_>>().join(", ");
    let _ =
        writeln!(out, "## Selection\n\nBy {}, on {}.", escape(&selection.score), names(&selection.datasets));
    if selection.shared.is_empty() {
        out.push_str("It shares no text with the reported data.\n\n");
    } else {
        out.push_str("**Selection and reported data are not separate**, so the winners' numbers below are optimistic:\n\n");
        for shared in &selection.shared {
            let _ = writeln!(out, "- {}", escape(shared));
        }
        out.push('\n');
    }
    if !selection.soup.is_empty() {
        let _ = writeln!(out, "Greedy soup: {}.\n", names(&selection.soup));
    }
    out.push_str("| model | selection score | |\n|:--|--:|:--|\n");
    for candidate in &selection.candidates {
        let won = if selection.winners.contains(&candidate.model) { "**winner**" } else { "" };
        let _ = writeln!(out, "| {} | {} | {won} |", escape(&candidate.model), fixed(candidate.score, 2));
    }
    out.push('\n');
}
