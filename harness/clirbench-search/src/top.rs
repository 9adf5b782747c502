//! The best `k` documents of a stream.

use crate::Hit;

/// A document on its way into the top `k`; the foremost is the smallest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Candidate {
    /// Score descending, then order ascending: one integer, because it is compared often.
    key: u64,
    document: u32,
}

/// The sign of an IEEE 754 number.
const SIGN: u32 = 1 << 31;

impl Candidate {
    fn new(score: f32, order: u32, document: u32) -> Self {
        // Zeros of either sign are equal: make them the same.
        let bits = (score + 0.0).to_bits();
        // Ascending integers for ascending floats: negative ones are in reverse.
        let ascending = if bits & SIGN == 0 { bits | SIGN } else { !bits };
        Self { key: u64::from(!ascending) << 32 | u64::from(order), document }
    }

    fn score(self) -> f32 {
        let ascending = !((self.key >> 32) as u32);
        f32::from_bits(if ascending & SIGN == 0 { !ascending } else { ascending ^ SIGN })
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

    /// Takes a document with a finite score.
    pub(crate) fn push(&mut self, score: f32, order: u32, document: u32) {
        let candidate = Candidate::new(score, order, document);
        if self.k == 0 || self.last.is_some_and(|last| candidate > last) {
            return;
        }
        self.candidates.push(candidate);
        if self.candidates.len() == 2 * self.k {
            self.clear();
        }
    }

    #[cold]
    fn clear(&mut self) {
        let (_, last, _) = self.candidates.select_nth_unstable(self.k - 1);
        self.last = Some(*last);
        self.candidates.truncate(self.k);
    }

    /// The best `k`, foremost first.
    pub(crate) fn finish(mut self) -> Vec<Hit> {
        self.candidates.sort_unstable();
        self.candidates.truncate(self.k);
        self.candidates.iter().map(|c| Hit { document: c.document, score: c.score() }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn top(k: usize, scores: &[f32]) -> Vec<u32> {
        let mut top = Top::new(k);
        for (i, &score) in scores.iter().enumerate() {
            top.push(score, 100 - i as u32, i as u32);
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
    fn keys_sort_as_scores_do_and_give_them_back() {
        let descending = [f32::MAX, 1.5, f32::MIN_POSITIVE, 1e-45, 0.0, -1e-45, -1.5, f32::MIN];
        let candidates = descending.map(|score| Candidate::new(score, 9, 9));
        assert!(candidates.is_sorted_by(|a, b| a < b));
        assert_eq!(candidates.map(Candidate::score), descending);
        assert_eq!(Candidate::new(-0.0, 1, 2), Candidate::new(0.0, 1, 2));
        assert!(Candidate::new(1.0, 1, 8) < Candidate::new(1.0, 2, 7));
    }

    #[test]
    fn the_floor_rises_and_never_passes_the_kth_score() {
        let mut top = Top::new(2);
        assert_eq!(top.floor(), f32::NEG_INFINITY);
        for (i, score) in [0.1, 0.4, 0.3, 0.2].into_iter().enumerate() {
            top.push(score, 0, i as u32);
        }
        assert_eq!(top.floor(), 0.3);
    }
}
