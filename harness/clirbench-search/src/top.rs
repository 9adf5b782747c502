//! The best `k` documents of a stream.

use std::cmp::Ordering;

use crate::Hit;

/// A document on its way into the top `k`: small, because there are many and they are seldom met.
///
/// The upper half descends with the score; the lower is the document, whose tie order is looked up
/// when it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Candidate(u64);

/// The sign of an IEEE 754 number.
const SIGN: u32 = 1 << 31;

impl Candidate {
    fn new(score: f32, document: u32) -> Self {
        // Zeros of either sign are equal: make them the same.
        let bits = (score + 0.0).to_bits();
        // Ascending integers for ascending floats: negative ones are in reverse.
        let ascending = if bits & SIGN == 0 { bits | SIGN } else { !bits };
        Self(u64::from(!ascending) << 32 | u64::from(document))
    }

    fn document(self) -> u32 {
        self.0 as u32
    }

    fn score(self) -> f32 {
        let ascending = !((self.0 >> 32) as u32);
        f32::from_bits(if ascending & SIGN == 0 { !ascending } else { ascending ^ SIGN })
    }

    /// Foremost first: score descending, then order ascending.
    fn compare(self, other: Self, order: &[u32]) -> Ordering {
        let key = |candidate: Self| candidate.0 >> 32;
        key(self).cmp(&key(other)).then_with(|| {
            let order = |candidate: Self| (order[candidate.document() as usize], candidate.document());
            order(self).cmp(&order(other))
        })
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
            Some(last) => last.score(),
            None => f32::NEG_INFINITY,
        }
    }

    /// Takes a document with a finite score. `order` is the pool's.
    pub(crate) fn push(&mut self, score: f32, document: u32, order: &[u32]) {
        let candidate = Candidate::new(score, document);
        if self.k == 0 || self.last.is_some_and(|last| candidate.compare(last, order).is_gt()) {
            return;
        }
        self.candidates.push(candidate);
        if self.candidates.len() == 2 * self.k {
            let (_, last, _) =
                self.candidates.select_nth_unstable_by(self.k - 1, |a, b| a.compare(*b, order));
            self.last = Some(*last);
            self.candidates.truncate(self.k);
        }
    }

    /// The best `k`, foremost first.
    pub(crate) fn finish(mut self, order: &[u32]) -> Vec<Hit> {
        self.candidates.sort_unstable_by(|a, b| a.compare(*b, order));
        self.candidates.truncate(self.k);
        self.candidates.iter().map(|c| Hit { document: c.document(), score: c.score() }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Later documents come first among ties.
    const ORDER: [u32; 8] = [7, 6, 5, 4, 3, 2, 1, 0];

    fn top(k: usize, scores: &[f32]) -> Vec<u32> {
        let mut top = Top::new(k);
        for (document, &score) in scores.iter().enumerate() {
            top.push(score, document as u32, &ORDER);
        }
        top.finish(&ORDER).iter().map(|hit| hit.document).collect()
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
    fn keys_sort_as_scores_do_and_give_them_back() {
        let descending = [f32::MAX, 1.5, f32::MIN_POSITIVE, 1e-45, 0.0, -1e-45, -1.5, f32::MIN];
        let candidates = descending.map(|score| Candidate::new(score, 3));
        assert!(candidates.is_sorted_by(|a, b| a.compare(*b, &ORDER).is_lt()));
        assert_eq!(candidates.map(Candidate::score), descending);
        assert_eq!(Candidate::new(-0.0, 1), Candidate::new(0.0, 1));
        assert!(Candidate::new(1.0, 1).compare(Candidate::new(1.0, 0), &ORDER).is_lt());
    }

    #[test]
    fn the_floor_rises_and_never_passes_the_kth_score() {
        let mut top = Top::new(2);
        assert_eq!(top.floor(), f32::NEG_INFINITY);
        for (i, score) in [0.1, 0.4, 0.3, 0.2].into_iter().enumerate() {
            top.push(score, i as u32, &ORDER);
        }
        assert_eq!(top.floor(), 0.3);
    }
}
