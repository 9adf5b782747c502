//! Where the relevant documents of one query stand, by counting.

use std::ops::Range;

use clirbench_core::ranking::Standing;

use crate::{
    block::{Panel, lanes},
    kernel::DOCUMENTS,
};

/// Up to this many distinct relevant scores each is compared with a whole panel at once; beyond, each
/// score of the panel is looked up among them.
const FEW: usize = 4;

/// A relevant document and its score.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Relevant {
    pub(crate) grade: i32,
    pub(crate) score: f32,
    pub(crate) order: u32,
    /// Index into the target's judgements.
    pub(crate) judged: u32,
}

/// Counts, over a stream of documents, how many are above and how many tie with each relevant one.
///
/// The stream is the whole pool, relevant and excluded documents included: their scores are known
/// beforehand, so `finish` takes them off again.
#[derive(Debug)]
pub(crate) struct Counter {
    /// By score descending, then order.
    relevant: Vec<Relevant>,
    /// Score and order of documents that are in the pool but not in this query's.
    excluded: Vec<(f32, u32)>,
    /// Distinct scores of relevant documents, ascending.
    thresholds: Vec<f32>,
    /// `between[j]`: documents with a score above `thresholds[j]` and not above the next one.
    between: Vec<u32>,
    /// `tied[j]`: documents whose score is `thresholds[j]`.
    tied: Vec<u32>,
    /// Differences of the number of tied documents with a smaller order, parallel to `relevant`:
    /// a tied document is ahead of every relevant one from some place on.
    ahead: Vec<u32>,
}

impl Counter {
    /// All scores are finite.
    pub(crate) fn new(mut relevant: Vec<Relevant>, excluded: Vec<(f32, u32)>) -> Self {
        for document in &mut relevant {
            // Zeros of either sign are equal: make them the same.
            document.score += 0.0;
        }
        relevant.sort_unstable_by(|a, b| {
            b.score.total_cmp(&a.score).then(a.order.cmp(&b.order)).then(a.judged.cmp(&b.judged))
        });
        let mut thresholds: Vec<f32> = relevant.iter().rev().map(|document| document.score).collect();
        thresholds.dedup();
        Self {
            between: vec![0; thresholds.len()],
            tied: vec![0; thresholds.len()],
            ahead: vec![0; relevant.len()],
            relevant,
            excluded,
            thresholds,
        }
    }

    /// Scores below this one are of no use.
    pub(crate) fn floor(&self) -> f32 {
        self.thresholds.first().copied().unwrap_or(f32::INFINITY)
    }

    /// Counts a panel. `order` is the pool's.
    pub(crate) fn count(&mut self, scores: &[f32; DOCUMENTS], panel: &Panel<'_>, order: &[u32]) {
        if self.thresholds.len() <= FEW {
            self.count_by_threshold(scores, panel, order);
        } else {
            self.count_by_score(scores, panel, order);
        }
    }

    fn count_by_threshold(&mut self, scores: &[f32; DOCUMENTS], panel: &Panel<'_>, order: &[u32]) {
        for j in 0..self.thresholds.len() {
            let threshold = self.thresholds[j];
            let mut above = 0;
            for (&score, &weight) in scores.iter().zip(&panel.weights) {
                // A mask instead of a branch: this loop becomes vector instructions.
                above += weight & u32::from(score > threshold).wrapping_neg();
            }
            for lane in lanes(scores, |score| score == threshold) {
                self.tie(j, panel.copies[lane], order);
            }
            if above == 0 {
                return;
            }
            self.between[j] += above;
            if j > 0 {
                self.between[j - 1] -= above;
            }
        }
    }

    fn count_by_score(&mut self, scores: &[f32; DOCUMENTS], panel: &Panel<'_>, order: &[u32]) {
        let floor = self.floor();
        for lane in lanes(scores, |score| score >= floor) {
            let (score, copies) = (scores[lane], panel.copies[lane]);
            let below = self.thresholds.partition_point(|&threshold| threshold < score);
            if below > 0 {
                self.between[below - 1] += copies.len() as u32;
            }
            if self.thresholds.get(below) == Some(&score) {
                self.tie(below, copies, order);
            }
        }
    }

    /// Relevant documents whose score is `score`.
    fn group(&self, score: f32) -> Range<usize> {
        let start = self.relevant.partition_point(|document| document.score > score);
        start..self.relevant.partition_point(|document| document.score >= score)
    }

    fn tie(&mut self, j: usize, copies: &[u32], order: &[u32]) {
        let group = self.group(self.thresholds[j]);
        self.tied[j] += copies.len() as u32;
        for &copy in copies {
            let order = order[copy as usize];
            let behind = self.relevant[group.clone()].partition_point(|document| document.order <= order);
            if let Some(ahead) = self.ahead[group.clone()].get_mut(behind) {
                *ahead += 1;
            }
        }
    }

    /// Standings among the documents that are neither relevant nor excluded, foremost first.
    pub(crate) fn finish(self) -> Vec<Standing> {
        let mut known: Vec<(f32, u32)> = self.relevant.iter().map(|r| (r.score, r.order)).collect();
        known.extend(self.excluded.iter().map(|&(score, order)| (score + 0.0, order)));
        known.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));

        let mut standings = Vec::with_capacity(self.relevant.len());
        let mut above = 0;
        for j in (0..self.thresholds.len()).rev() {
            let threshold = self.thresholds[j];
            above += self.between[j];
            let start = known.partition_point(|known| known.0 > threshold);
            let end = known.partition_point(|known| known.0 >= threshold);
            let mut ahead = 0;
            for i in self.group(threshold) {
                let Relevant { grade, score, order, judged } = self.relevant[i];
                ahead += self.ahead[i];
                let known_ahead = known[start..end].partition_point(|known| known.1 < order);
                standings.push(Standing {
                    grade,
                    score,
                    order,
                    above: above - start as u32,
                    tied: self.tied[j] - (end - start) as u32,
                    tied_ahead: ahead - known_ahead as u32,
                    judged,
                });
            }
        }
        standings
    }
}
