//! The best `k` documents of a stream.

use std::cmp::Ordering;

use crate::Hit;

/// A document on its way into the top `k`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate {
    pub(crate) score: f32,
    pub(crate) order: u32,
    pub(crate) document: u32,
}

impl Candidate {
    /// Foremost first: score descending, order ascending, pool position ascending.
    fn compare(&self, other: &Self) -> Ordering {
        other
            .score
            .total_cmp(&self.score)
            .then(self.order.cmp(&other.order))
            .then(self.document.cmp(&other.document))
    }
}

/// Keeps up to `2 k` candidates and throws the worse half away whenever it is full, which costs
/// O(1) per candidate; a heap would cost O(log k).
#[derive(Debug)]
pub(crate) struct Top {
    k: usize,
    candidates: Vec<Candidate>,
    /// The worst of the best `k` at the last clearing.
    last: Option<Candidate>,
}

impl Top {
    pub(crate) fn new(k: usize) -> Self {
        Self { k, candidates: Vec::new(), last: None }
    }

    /// Scores below this one are of no use.
    pub(crate) fn floor(&self) -> f32 {
        match self.last {
            _ if self.k == 0 => f32::INFINITY,
            Some(last) => last.score,
            None => f32::NEG_INFINITY,
        }
    }

    /// Takes a candidate with a finite score.
    pub(crate) fn push(&mut self, mut candidate: Candidate) {
        // Zeros of either sign are equal: make them the same.
        candidate.score += 0.0;
        if self.k == 0 || self.last.is_some_and(|last| candidate.compare(&last).is_gt()) {
            return;
        }
        self.candidates.push(candidate);
        if self.candidates.len() == 2 * self.k {
            let (_, last, _) = self.candidates.select_nth_unstable_by(self.k - 1, Candidate::compare);
            self.last = Some(*last);
            self.candidates.truncate(self.k);
        }
    }

    /// The best `k`, foremost first.
    pub(crate) fn finish(mut self) -> Vec<Hit> {
        self.candidates.sort_unstable_by(Candidate::compare);
        self.candidates.truncate(self.k);
        self.candidates.iter().map(|c| Hit { document: c.document, score: c.score }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn top(k: usize, scores: &[f32]) -> Vec<u32> {
        let mut top = Top::new(k);
        for (i, &score) in scores.iter().enumerate() {
            top.push(Candidate { score, order: 100 - i as u32, document: i as u32 });
        }
        top.finish().iter().map(|hit| hit.document).collect()
    }

    #[test]
    fn best_first_and_ties_by_order() {
        assert_eq!(top(3, &[1.0, 3.0, 2.0, 3.0, 0.0]), [3, 1, 2]);
        assert_eq!(top(2, &[0.0, -0.0, 0.0, -0.0, 0.0]), [4, 3]);
        assert_eq!(top(1, &[1.0, 1.0, 2.0, 1.0, 2.0]), [4]);
        assert_eq!(top(9, &[-1.0, 1.0]), [1, 0]);
        assert_eq!(top(0, &[1.0]), [0_u32; 0]);
    }

    #[test]
    fn the_floor_rises_and_never_passes_the_kth_score() {
        let mut top = Top::new(2);
        assert_eq!(top.floor(), f32::NEG_INFINITY);
        for (i, score) in [0.1, 0.4, 0.3, 0.2].into_iter().enumerate() {
            top.push(Candidate { score, order: 0, document: i as u32 });
        }
        assert_eq!(top.floor(), 0.3);
    }
}
