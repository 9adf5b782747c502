//! The exact ranks of a query's relevant documents, under every tie rule at once.

use serde::{Deserialize, Serialize};

/// How documents with equal scores are ordered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ties {
    /// Document id descending, bytewise: what trec_eval does.
    #[default]
    Trec,
    /// Pool order.
    Index,
    /// Relevant documents before everything tied with them.
    Best,
    /// Relevant documents after everything tied with them.
    Worst,
}

/// Where one relevant (judged, grade > 0) document stands among the documents of the pool that
/// are *not* relevant to the query. Excluded documents count nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// Grade of the judgement, > 0.
    pub grade: i32,
    /// Score of the document for this query.
    pub score: f32,
    /// Position in the tie order: of two documents with equal scores the smaller is ahead.
    pub order: u32,
    /// Non-relevant documents with a higher score.
    pub above: u32,
    /// Non-relevant documents with an equal score.
    pub tied: u32,
    /// Of those, how many have a smaller `order`.
    pub tied_ahead: u32,
    /// Index into the task's `relevant` list of this query.
    pub judged: u32,
}

/// One query's outcome: enough for every metric, whatever the cutoff.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ranking {
    /// One entry per relevant document that is in the pool; sorted by (score descending, order).
    pub relevant: Vec<Standing>,
    /// Documents in this query's pool, exclusions taken off.
    pub pool_size: u32,
    /// Grades of all judged documents > 0, retrieved or not, descending (the ideal ranking).
    pub ideal: Vec<i32>,
}

impl Ranking {
    /// Ranks (from 1) and grades of the relevant documents, ascending by rank, under `ties`.
    ///
    /// `Trec` and `Index` both read `order`: the caller lays the pool out in that order. `Best` and
    /// `Worst` move the relevant documents within what they tie with, never among themselves.
    pub fn ranks(&self, ties: Ties) -> impl Iterator<Item = (u32, i32)> + '_ {
        self.relevant.iter().enumerate().map(move |(i, s)| {
            let tied = match ties {
                Ties::Trec | Ties::Index => s.tied_ahead,
                Ties::Best => 0,
                Ties::Worst => s.tied,
            };
            (1 + i as u32 + s.above + tied, s.grade)
        })
    }

    /// Whether a non-relevant document ties with a relevant one.
    #[must_use]
    pub fn has_tie(&self) -> bool {
        self.relevant.iter().any(|s| s.tied > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_count_relevant_and_other_documents_ahead() {
        // Scores and order, relevant marked: 9 | 7 (order 1), 7* (2), 7* (4), 7 (5) | 3* (6).
        let standing = |score, order, above, tied, tied_ahead, judged| Standing {
            grade: 1,
            score,
            order,
            above,
            tied,
            tied_ahead,
            judged,
        };
        let relevant =
            vec![standing(7.0, 2, 1, 2, 1, 0), standing(7.0, 4, 1, 2, 1, 1), standing(3.0, 6, 3, 0, 0, 2)];
        let ranking = Ranking { relevant, pool_size: 6, ideal: vec![1, 1, 1] };
        let ranks = |ties| ranking.ranks(ties).map(|(rank, _)| rank).collect::<Vec<_>>();
        assert_eq!(ranks(Ties::Trec), [3, 4, 6]);
        assert_eq!(ranks(Ties::Index), [3, 4, 6]);
        assert_eq!(ranks(Ties::Best), [2, 3, 6]);
        assert_eq!(ranks(Ties::Worst), [4, 5, 6]);
        assert!(ranking.has_tie());
        assert!(!Ranking { relevant: ranking.relevant[2..].to_vec(), ..ranking }.has_tie());
    }
}
