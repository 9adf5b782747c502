//! What came of a mining: how many candidates were dropped, and why.

use serde::Serialize;

use super::{Histogram, Mined, MiningOptions};

/// Why a candidate was not taken. One that several reasons hold for counts under the first here,
/// but with raw ranks the window comes before all reasons but the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    OwnPositive,
    OwnNegative,
    Languages,
    AbsoluteMargin,
    RelativeMargin,
    MaxScore,
    MinScore,
    BeforeWindow,
    AfterWindow,
}

/// Candidates that were not taken, by reason. Together with those that were taken they are the
/// documents that were looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Dropped {
    /// A positive of the query, or a passage that shares a text with one.
    pub own_positive: u64,
    /// A negative that the row has already, or a passage that shares a text with one.
    pub own_negative: u64,
    /// Not in all languages of the row.
    pub languages: u64,
    /// Above the lowest positive less the absolute margin.
    pub absolute_margin: u64,
    /// Above the lowest positive less the relative margin.
    pub relative_margin: u64,
    /// Above the highest score.
    pub max_score: u64,
    /// Below the lowest score.
    pub min_score: u64,
    /// Ranked before the window.
    pub before_window: u64,
    /// Ranked after the window.
    pub after_window: u64,
    /// In the window, but the row had enough.
    pub not_sampled: u64,
}

impl Dropped {
    pub(super) fn note(&mut self, reason: Reason) {
        *match reason {
            Reason::OwnPositive => &mut self.own_positive,
            Reason::OwnNegative => &mut self.own_negative,
            Reason::Languages => &mut self.languages,
            Reason::AbsoluteMargin => &mut self.absolute_margin,
            Reason::RelativeMargin => &mut self.relative_margin,
            Reason::MaxScore => &mut self.max_score,
            Reason::MinScore => &mut self.min_score,
            Reason::BeforeWindow => &mut self.before_window,
            Reason::AfterWindow => &mut self.after_window,
        } += 1;
    }

    /// Reasons in words, with their counts.
    #[must_use]
    pub fn reasons(&self) -> [(&'static str, u64); 10] {
        [
            ("own positive", self.own_positive),
            ("own negative", self.own_negative),
            ("lacks a language", self.languages),
            ("absolute margin", self.absolute_margin),
            ("relative margin", self.relative_margin),
            ("above max score", self.max_score),
            ("below min score", self.min_score),
            ("before the window", self.before_window),
            ("after the window", self.after_window),
            ("not sampled", self.not_sampled),
        ]
    }
}

/// What came of a mining.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MiningReport {
    /// Rows that negatives were mined for.
    pub rows: usize,
    /// Distinct documents in the pool.
    pub documents: usize,
    /// Rows with as many negatives as asked for.
    pub complete: usize,
    /// Rows with fewer, but some.
    pub short: usize,
    /// Rows with none.
    pub without: usize,
    /// Rows that are left out for that.
    pub left_out: usize,
    /// Documents that were looked at, query by query.
    pub candidates: u64,
    /// Negatives that were found; those of rows that are left out among them.
    pub mined: u64,
    /// The others, by reason.
    pub dropped: Dropped,
    /// Ranks of the negatives of rows that are not left out.
    pub ranks: Histogram,
    /// Their scores.
    pub scores: Histogram,
    /// Lowest positive scores of rows that are not left out.
    pub positive_scores: Histogram,
}

impl MiningReport {
    pub(super) fn new(rows: usize, documents: usize) -> Self {
        let scores = || Histogram::new(0, 1, 20);
        MiningReport {
            rows,
            documents,
            complete: 0,
            short: 0,
            without: 0,
            left_out: 0,
            candidates: 0,
            mined: 0,
            dropped: Dropped::default(),
            ranks: Histogram::new(1, 10, 1),
            scores: scores(),
            positive_scores: scores(),
        }
    }

    /// Counts what a row got; `left_out` where it is not written.
    pub(super) fn add(&mut self, mined: &[Mined], positive: f32, options: &MiningOptions, left_out: bool) {
        match mined.len() {
            found if found == options.count => self.complete += 1,
            0 => self.without += 1,
            _ => self.short += 1,
        }
        self.mined += mined.len() as u64;
        if left_out {
            self.left_out += 1;
            return;
        }
        for negative in mined {
            self.ranks.add(negative.rank as f64);
            self.scores.add(f64::from(negative.score));
        }
        self.positive_scores.add(f64::from(positive));
    }

    pub(super) fn close(&mut self) {
        self.candidates = self.mined + self.dropped.reasons().iter().map(|(_, count)| count).sum::<u64>();
    }
}
