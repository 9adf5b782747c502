//! Merges of two models, laid out as the tables of appendix C of Jang et al. 2025: for each model
//! (the anchor) the models that it was merged with, and what became of it.

use std::fmt::Write as _;

use clirbench_core::results::Merged;

use super::Sweep;
use crate::error::ReportError;
use crate::leaderboard::{self, Leaderboard, Printed};
use crate::markdown::escape;
use crate::pairs::distinct;

/// The averages of every model, by model and column.
pub(super) struct Averages {
    board: Leaderboard,
    columns: Vec<(String, Vec<Option<Printed>>)>,
}

impl Averages {
    /// Of CLIR and Mono where there are both, as in the paper; else those of the scenarios there are.
    pub(super) fn of(sweep: &Sweep<'_>) -> Averages {
        let (scores, per_query) = (&sweep.results.scores, &sweep.results.per_query);
        let layouts: [leaderboard::Layout; 3] = [leaderboard::clir, leaderboard::mono, leaderboard::mixed];
        let board = layouts.iter().fold(leaderboard::overall(scores, per_query), |found, of| {
            if found.is_empty() { of(scores, per_query).averages() } else { found }
        });
        let heads = board.sections.iter().flat_map(leaderboard::Section::heads);
        let columns = heads.zip(board.columns().map(leaderboard::Column::printed)).collect();
        Averages { board, columns }
    }

    fn heads(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|(head, _)| head.as_str())
    }

    /// The averages of one model as text; empty where it has none.
    fn row(&self, model: &str) -> Vec<String> {
        let at = self.board.models.iter().position(|m| m == model);
        let cell = |values: &Vec<Option<Printed>>| {
            at.and_then(|at| values[at].as_ref()).map_or_else(String::new, |p| p.mean.clone())
        };
        self.columns.iter().map(|(_, values)| cell(values)).collect()
    }

    fn caption(&self) -> &str {
        self.board.caption
    }
}

/// Ways to merge that the sweep tried, in its order: a table each.
fn recipes(merges: &[Merged]) -> Vec<(&str, &[f64])> {
    let pairs = merges.iter().filter(|m| m.parents.len() == 2);
    distinct(pairs.map(|m| (m.recipe.as_str(), m.weights.as_slice())))
}

/// The other parent of a merge of two.
fn partner<'a>(merge: &'a Merged, anchor: &str) -> Option<&'a str> {
    match merge.parents.as_slice() {
        [a, b] if a == anchor => Some(b),
        [a, b] if b == anchor => Some(a),
        _ => None,
    }
}

/// Parents of merges of two, in the order of the checkpoints.
fn anchors(merges: &[Merged]) -> Vec<&str> {
    let parents = merges.iter().filter(|m| m.parents.len() == 2).flat_map(|m| &m.parents);
    distinct(parents.map(String::as_str))
}

/// A row per model: `method, weights, anchor, pair`, then the averages. Checkpoints have no pair.
pub(super) fn csv(sweep: &Sweep<'_>) -> Result<Vec<u8>, ReportError> {
    const FILE: &str = "merges.csv";
    let encode = |e: csv::Error| ReportError::Encode { file: FILE, what: e.to_string() };
    let averages = Averages::of(sweep);
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer
        .write_record(["model", "method", "weights", "parents"].into_iter().chain(averages.heads()))
        .map_err(encode)?;
    for model in &averages.board.models {
        let merge = sweep.merges.iter().find(|m| m.model == *model);
        let mut record = vec![model.clone()];
        record.extend(match merge {
            Some(merge) => [merge.recipe.clone(), weights(&merge.weights), merge.parents.join(" ")],
            None => [const { String::new() }; 3],
        });
        record.extend(averages.row(model));
        writer.write_record(&record).map_err(encode)?;
    }
    writer.into_inner().map_err(|e| ReportError::Encode { file: FILE, what: e.to_string() })
}

fn weights(weights: &[f64]) -> String {
    weights.iter().map(f64::to_string).collect::<Vec<_>>().join(" ")
}

/// A table per way to merge; each row is there from the side of both parents.
pub(super) fn markdown(out: &mut String, sweep: &Sweep<'_>) {
    let averages = Averages::of(sweep);
    for (recipe, shares) in recipes(sweep.merges) {
        let _ = write!(out, "## Pairwise merges: {}", escape(recipe));
        if shares.iter().any(|share| *share != shares[0]) {
            let _ = write!(out, ", weights {}", weights(shares));
        }
        let _ = write!(out, "\n\n{}\n\n| anchor | pair |", averages.caption());
        averages.heads().for_each(|head| {
            let _ = write!(out, " {} |", escape(head));
        });
        let _ = write!(out, "\n|:--|:--|{}\n", "--:|".repeat(averages.columns.len()));
        let merged = |anchor, pair: &str| {
            sweep.merges.iter().find(|m| {
                (m.recipe.as_str(), m.weights.as_slice()) == (recipe, shares)
                    && partner(m, anchor) == Some(pair)
            })
        };
        let all = anchors(sweep.merges);
        for anchor in &all {
            line(out, anchor, "alone", &averages.row(anchor));
            for pair in all.iter().filter(|pair| *pair != anchor) {
                if let Some(merge) = merged(anchor, pair) {
                    line(out, "", pair, &averages.row(&merge.model));
                }
            }
        }
        out.push('\n');
    }
}

fn line(out: &mut String, anchor: &str, pair: &str, cells: &[String]) {
    let _ = writeln!(out, "| {} | {} | {} |", escape(anchor), escape(pair), cells.join(" | "));
}
