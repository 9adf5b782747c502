//! CLIR against Mono: which models nothing beats in both.

use std::fmt::Write as _;

use super::Sweep;
use crate::csv_bytes;
use crate::error::ReportError;
use crate::leaderboard::{self, Leaderboard, Printed};
use crate::markdown::escape;

/// A model and its two averages.
struct Point {
    model: String,
    /// OVR of CLIR and of Mono.
    values: [f64; 2],
    printed: [Printed; 2],
    /// The model that is at least as good in both, and better in one, by the most; none on the front.
    dominated_by: Option<String>,
}

/// Every model that has both averages, by falling CLIR; models that tie stay in their order.
fn points(sweep: &Sweep<'_>) -> Vec<Point> {
    let of = |layout: leaderboard::Layout| layout(&sweep.results.scores, &sweep.results.per_query);
    let boards = [of(leaderboard::clir), of(leaderboard::mono)];
    let [Some(clir), Some(mono)] = boards.each_ref().map(overall) else { return Vec::new() };
    let both = boards[0].models.iter().zip(clir.values.iter().zip(clir.printed())).filter_map(
        |(model, (value, printed))| {
            let at = boards[1].models.iter().position(|m| m == model)?;
            let (other, other_printed) = (mono.values[at]?, mono.printed().swap_remove(at)?);
            Some((model.clone(), [value.as_ref()?.mean, other.mean], [printed?, other_printed]))
        },
    );
    let mut points: Vec<Point> =
        both.map(|(model, values, printed)| Point { model, values, printed, dominated_by: None }).collect();
    let dominator = |point: &Point| {
        let gain = |other: &Point| (0..2).map(|i| other.values[i] - point.values[i]).sum::<f64>();
        let better = points.iter().filter(|other| {
            (0..2).all(|i| other.values[i] >= point.values[i]) && other.values != point.values
        });
        better.max_by(|a, b| gain(a).total_cmp(&gain(b))).map(|other| other.model.clone())
    };
    let dominators: Vec<_> = points.iter().map(dominator).collect();
    for (point, dominator) in points.iter_mut().zip(dominators) {
        point.dominated_by = dominator;
    }
    points.sort_by(|a, b| b.values[0].total_cmp(&a.values[0]));
    points
}

/// The board's mean over all of its columns.
fn overall(board: &Leaderboard) -> Option<&leaderboard::Column> {
    board.sections.iter().flat_map(|s| &s.columns).find(|c| c.group == "OVR")
}

const HEADER: [&str; 8] = [
    "model",
    "clir_ovr",
    "clir_ci_low",
    "clir_ci_high",
    "mono_ovr",
    "mono_ci_low",
    "mono_ci_high",
    "dominated_by",
];

/// nDCG@10 x 100 with its 95% intervals, where there are per-query values.
pub(super) fn csv(sweep: &Sweep<'_>) -> Result<Vec<u8>, ReportError> {
    let row = |point: Point| {
        let [clir, mono] = point.printed.map(|p| {
            let (low, high) = p.interval.unwrap_or_default();
            [p.mean, low, high]
        });
        let ([a, b, c], [d, e, f]) = (clir, mono);
        Ok([point.model, a, b, c, d, e, f, point.dominated_by.unwrap_or_default()])
    };
    csv_bytes("pareto.csv", &HEADER, points(sweep).into_iter().map(row))
}

pub(super) fn markdown(out: &mut String, sweep: &Sweep<'_>) {
    let points = points(sweep);
    if points.is_empty() {
        return;
    }
    out.push_str(
        "## CLIR against Mono\n\nOVR of nDCG@10 x 100. On the front is what no other model equals or beats in both; \
         intervals are those of each average, the order of neighbours is often chance.\n\n\
         | model | CLIR OVR | Mono OVR | |\n|:--|--:|--:|:--|\n",
    );
    for point in points {
        let [clir, mono] = point.printed.map(|p| match p.margin {
            Some(margin) => format!("{} ±{margin}", p.mean),
            None => p.mean,
        });
        let place = match &point.dominated_by {
            None => "**front**".to_owned(),
            Some(by) => format!("behind {}", escape(by)),
        };
        let _ = writeln!(out, "| {} | {clir} | {mono} | {place} |", escape(&point.model));
    }
    out.push('\n');
}
