//! One query's candidates, and which of them are taken.

use clirbench_search::Hit;

use super::{
    MiningOptions, RankSemantics, Sampling,
    options::Limits,
    pool::Own,
    report::{Dropped, Reason},
};

/// A negative that was taken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mined {
    /// The document: its place in the pool.
    pub document: u32,
    /// Its rank, from 1, among all documents but the query's own positives.
    pub rank: usize,
    /// Its score.
    pub score: f32,
}

/// Walks down a ranking that is as deep as [`depth`] says, own positives included.
///
/// `draw` gives each document a number; those with the smallest are a random sample.
pub(super) fn choose(
    ranking: &[Hit],
    own: &Own<'_>,
    lowest_positive: f32,
    options: &MiningOptions,
    draw: impl Fn(u32) -> [u8; 32],
    dropped: &mut Dropped,
) -> Vec<Mined> {
    let limits = Limits::of(options, lowest_positive);
    let mut window = Vec::new();
    let (mut rank, mut survivors) = (0, 0);
    for hit in ranking {
        if own.is_positive(hit.document) {
            dropped.note(Reason::OwnPositive);
            continue;
        }
        rank += 1;
        let raw = options.rank_semantics == RankSemantics::Raw;
        if raw && rank > options.range_max {
            break;
        }
        let reason = if raw && rank <= options.range_min {
            Some(Reason::BeforeWindow)
        } else {
            beyond(hit, own, &limits)
        };
        if let Some(reason) = reason {
            dropped.note(reason);
            continue;
        }
        survivors += 1;
        match options.rank_semantics {
            RankSemantics::Survivors if survivors <= options.range_min => dropped.note(Reason::BeforeWindow),
            RankSemantics::Survivors if survivors > options.range_max => dropped.note(Reason::AfterWindow),
            _ => window.push(Mined { document: hit.document, rank, score: hit.score }),
        }
    }
    let spare = window.len().saturating_sub(options.count);
    dropped.not_sampled += spare as u64;
    if spare > 0 && options.sampling == Sampling::Random {
        window.sort_by_cached_key(|mined| draw(mined.document));
        window.truncate(options.count);
        window.sort_unstable_by_key(|mined| mined.rank);
    }
    window.truncate(options.count);
    window
}

/// How many documents of the ranking the options look at, where at most `positives` documents are
/// a query's own and at most `rows` rows share one.
pub(super) fn depth(options: &MiningOptions, positives: usize, rows: usize) -> usize {
    options.range_max
        + match options.rank_semantics {
            RankSemantics::Raw => positives,
            RankSemantics::Survivors => rows,
        }
}

/// Why a document cannot be a negative, whatever its rank.
fn beyond(hit: &Hit, own: &Own<'_>, limits: &Limits) -> Option<Reason> {
    let above = |limit: Option<f32>| limit.is_some_and(|limit| hit.score > limit);
    let below = |limit: Option<f32>| limit.is_some_and(|limit| hit.score < limit);
    if own.is_negative(hit.document) {
        Some(Reason::OwnNegative)
    } else if !own.is_readable(hit.document) {
        Some(Reason::Languages)
    } else if above(limits.absolute) {
        Some(Reason::AbsoluteMargin)
    } else if above(limits.relative) {
        Some(Reason::RelativeMargin)
    } else if above(limits.max) {
        Some(Reason::MaxScore)
    } else if below(limits.min) {
        Some(Reason::MinScore)
    } else {
        None
    }
}
