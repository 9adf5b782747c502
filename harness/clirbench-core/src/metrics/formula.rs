//! The formulas, over ascending ranks (from 1) of the relevant documents.

use crate::{
    metrics::Cutoff,
    ranking::{Ranking, Ties},
};

/// Ascending ranks with grades.
pub(super) trait Ranks: Iterator<Item = (u32, i32)> {}
impl<I: Iterator<Item = (u32, i32)>> Ranks for I {}

fn within(cutoff: Option<Cutoff>) -> u32 {
    cutoff.map_or(u32::MAX, Cutoff::get)
}

/// Linear gains; the ideal ranking is cut at the same rank.
pub(super) fn ndcg(ranks: impl Ranks, ideal: &[i32], cutoff: Option<Cutoff>) -> f64 {
    let last = within(cutoff);
    let discounted = |(rank, grade): (u32, i32)| f64::from(grade) / (f64::from(rank) + 1.0).log2();
    let gained: f64 = ranks.take_while(|&(rank, _)| rank <= last).map(discounted).sum();
    let best: f64 = (1..=last).zip(ideal.iter().copied()).map(discounted).sum();
    gained / best
}

/// 0 when nothing relevant is within the cutoff.
pub(super) fn reciprocal_rank(mut ranks: impl Ranks, cutoff: Option<Cutoff>) -> f64 {
    match ranks.next() {
        Some((rank, _)) if rank <= within(cutoff) => 1.0 / f64::from(rank),
        _ => 0.0,
    }
}

/// Relevant documents within the cutoff.
pub(super) fn found(ranks: impl Ranks, cutoff: Cutoff) -> usize {
    ranks.take_while(|&(rank, _)| rank <= cutoff.get()).count()
}

/// Average precision over `all` relevant documents; one that was not retrieved adds 0.
pub(super) fn average_precision(ranks: impl Ranks, all: usize) -> f64 {
    let precisions = ranks.enumerate().map(|(before, (rank, _))| (before + 1) as f64 / f64::from(rank));
    precisions.sum::<f64>() / all as f64
}

/// Whether a relevant document is missing from the ranking.
pub(super) fn is_truncated(ranking: &Ranking) -> bool {
    ranking.relevant.len() < ranking.ideal.len()
}

/// Rank of the last relevant document; the pool size when one is missing.
pub(super) fn max_at_r(ranking: &Ranking, ties: Ties) -> u32 {
    match ranking.ranks(ties).last() {
        Some((rank, _)) if !is_truncated(ranking) => rank,
        _ => ranking.pool_size,
    }
}

/// Hong et al. 2026: 100 when the relevant documents fill the first ranks, 0 when the last one is
/// at the end of the pool. In a pool of nothing but relevant documents every ranking is perfect.
pub(super) fn max_at_r_norm(max_at_r: f64, pool_size: f64, relevant: f64) -> f64 {
    if pool_size == relevant && max_at_r == relevant {
        return 100.0;
    }
    100.0 * (pool_size.log2() - max_at_r.log2()) / (pool_size.log2() - relevant.log2())
}
