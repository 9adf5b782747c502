//! A row's texts, as the text and Markdown tables share them.

use clirbench_core::compare::lower_is_better;
use clirbench_core::published::{PublishedComparison, PublishedRow, Tolerance};

use crate::figures::words;
use crate::number::fixed;

pub(super) const HEAD: [&str; 7] =
    ["", "published", "cell", "metric", "figure", "measured (95% interval)", "difference"];

pub(super) fn fields(row: &PublishedRow) -> [String; 7] {
    let number = |v: f64| fixed(v * row.factor, row.decimals);
    let difference = number(row.difference);
    let interval = row.interval.map(|i| format!(" ({} to {})", number(i.low), number(i.high)));
    [
        match (row.within, &row.erratum) {
            (true, _) => "",
            (false, Some(_)) => "erratum",
            (false, None) => "differs",
        }
        .to_owned(),
        format!("{} (table {})", row.published_model, row.table),
        words(&row.cell),
        row.metric.clone(),
        row.printed.clone(),
        number(row.measured) + &interval.unwrap_or_default(),
        if difference.starts_with('-') || row.difference == 0.0 {
            difference
        } else {
            format!("+{difference}")
        },
    ]
}

/// How many rows agree, and what that means.
pub(super) fn summary(comparison: &PublishedComparison) -> String {
    let rows = &comparison.rows;
    let within = rows.iter().filter(|r| r.within).count();
    let intervals: Vec<bool> = rows
        .iter()
        .filter_map(|r| r.interval.map(|i| i.low <= r.published && r.published <= i.high))
        .collect();
    let tolerance = match comparison.tolerance {
        Tolerance::Digits => "the printed digits".to_owned(),
        Tolerance::Fraction(t) if rows.iter().any(|r| lower_is_better(&r.metric)) => {
            format!("{t} (ranks: {}%)", fixed(100.0 * t, 1))
        }
        Tolerance::Fraction(t) => t.to_string(),
    };
    format!(
        "{} figures of {} compared: {within} within {tolerance}; {} of {} lie in the 95% interval of the measured value. Published figures have no per-query values, so no significance test is possible.",
        rows.len(),
        comparison.source,
        intervals.iter().filter(|&&i| i).count(),
        intervals.len(),
    )
}

/// What stands below the table.
pub(super) fn remarks(comparison: &PublishedComparison) -> Vec<String> {
    let mut out = Vec::new();
    for row in comparison.rows.iter().filter(|r| !r.within) {
        if let Some(erratum) = &row.erratum {
            let [_, published, _, metric, printed, ..] = fields(row);
            out.push(format!("erratum at {}: {published} {metric} {printed}: {erratum}", row.place));
        }
    }
    out.extend(comparison.unjoined.iter().map(|u| format!("{} not compared: {}", u.figures, u.why)));
    out
}
