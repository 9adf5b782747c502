//! From a run (documents with scores) and qrels to a [`Ranking`], as trec_eval orders them.
//!
//! trec_eval holds scores as C `float` and sorts by score descending, then by document id
//! descending, bytewise. Here the same ranks are counted without sorting the run: a relevant
//! document's rank is one more than the number of documents ahead of it.
//!
//! ```
//! use clirbench_core::{metrics::Metric, ranking::Ties, run::Judged};
//!
//! let judged = Judged::new([("p1", 1), ("p7", 2), ("p9", 0)])?;
//! // p9 ties with p7 and has the greater id: p9, p7, p1.
//! let ranking = judged.rank(&[("p1", 0.5), ("p7", 0.75), ("p9", 0.75)], 1000)?;
//! assert_eq!(ranking.ranks(Ties::Trec).collect::<Vec<_>>(), [(2, 2), (3, 1)]);
//! assert_eq!("mrr".parse::<Metric>()?.value(&ranking, Ties::Trec), Some(0.5));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::cmp::Ordering;

use crate::ranking::{Ranking, Standing};

/// Why a run cannot be ranked.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RunError {
    /// One document is judged twice for a query.
    #[error("document `{document}` is judged twice for one query: keep one line of the qrels")]
    JudgedTwice {
        /// Its id.
        document: String,
    },
    /// A relevant document is retrieved twice for a query.
    #[error("document `{document}` is retrieved twice for one query: keep its best line of the run")]
    RetrievedTwice {
        /// Its id.
        document: String,
    },
    /// A score is NaN or does not fit a 32-bit float.
    #[error("score of document `{document}` is {score}: trec_eval's order needs finite 32-bit scores")]
    Score {
        /// Its id.
        document: String,
        /// The score.
        score: f32,
    },
}

/// The judgements of one query, ready to rank runs against.
///
/// Grades above 0 are relevant; 0 and negative grades are judged non-relevant, which no metric
/// here tells from unjudged.
#[derive(Clone, Debug)]
pub struct Judged<'a> {
    /// Relevant documents, ascending by id.
    relevant: Vec<Relevant<'a>>,
    /// Their grades, descending.
    ideal: Vec<i32>,
    /// Union of their [`fingerprint`]s: most documents of a run are told apart by it alone.
    fingerprints: u64,
}

#[derive(Clone, Copy, Debug)]
struct Relevant<'a> {
    id: &'a str,
    grade: i32,
    /// Position among the judgements as given.
    judged: u32,
}

impl<'a> Judged<'a> {
    /// Takes the qrels of one query: document ids with grades.
    ///
    /// # Errors
    /// [`RunError::JudgedTwice`].
    pub fn new(qrels: impl IntoIterator<Item = (&'a str, i32)>) -> Result<Judged<'a>, RunError> {
        let given = (0..).zip(qrels);
        let mut relevant: Vec<_> =
            given.map(|(judged, (id, grade))| Relevant { id, grade, judged }).collect();
        relevant.sort_unstable_by_key(|r| r.id);
        if let Some(pair) = relevant.windows(2).find(|pair| pair[0].id == pair[1].id) {
            return Err(RunError::JudgedTwice { document: pair[0].id.to_owned() });
        }
        relevant.retain(|r| r.grade > 0);
        let mut ideal: Vec<i32> = relevant.iter().map(|r| r.grade).collect();
        ideal.sort_unstable_by(|a, b| b.cmp(a));
        let fingerprints = relevant.iter().fold(0, |all, r| all | fingerprint(r.id));
        Ok(Judged { relevant, ideal, fingerprints })
    }

    /// Ranks one query's run, given in any order; scores are compared as 32-bit floats.
    ///
    /// `collection_size` is the number of documents that were searched: `max@r` of a query whose
    /// run lacks a relevant document. It is raised to the number of documents that run and qrels
    /// name, so 0 stands for "unknown".
    ///
    /// # Errors
    /// When a score is not finite, or a relevant document occurs twice. A non-relevant document
    /// that occurs twice is not looked for: it costs a hash table over the run.
    pub fn rank<S: AsRef<str>>(&self, run: &[(S, f32)], collection_size: u32) -> Result<Ranking, RunError> {
        let (positions, mut standings) = self.find(run)?;
        standings.sort_unstable_by(|a, b| descending(a.score, b.score).then(a.order.cmp(&b.order)));
        self.count_ahead(&mut standings, run, &positions);

        let missing = self.relevant.len() - standings.len();
        let seen = (run.len() + missing) as u32;
        Ok(Ranking { relevant: standings, pool_size: collection_size.max(seen), ideal: self.ideal.clone() })
    }

    fn position(&self, id: &str) -> Option<usize> {
        if fingerprint(id) & self.fingerprints == 0 {
            return None;
        }
        self.relevant.binary_search_by(|r| r.id.cmp(id)).ok()
    }

    /// Positions in the run of the relevant documents, ascending, and their standings in that
    /// order, nothing counted yet.
    fn find<S: AsRef<str>>(&self, run: &[(S, f32)]) -> Result<(Vec<usize>, Vec<Standing>), RunError> {
        let all = self.relevant.len();
        let mut seen = vec![false; all];
        let (mut positions, mut standings) = (Vec::with_capacity(all), Vec::with_capacity(all));
        for (at, (id, score)) in run.iter().enumerate() {
            let (id, score) = (id.as_ref(), *score);
            if !score.is_finite() {
                return Err(RunError::Score { document: id.to_owned(), score });
            }
            let Some(found) = self.position(id) else { continue };
            if std::mem::replace(&mut seen[found], true) {
                return Err(RunError::RetrievedTwice { document: id.to_owned() });
            }
            let Relevant { grade, judged, .. } = self.relevant[found];
            let order = (all - 1 - found) as u32;
            positions.push(at);
            standings.push(Standing { grade, score, order, above: 0, tied: 0, tied_ahead: 0, judged });
        }
        Ok((positions, standings))
    }

    /// Counts, for each of the sorted standings, the non-relevant documents above and beside it.
    /// `positions` are those of the relevant documents, which do not count.
    fn count_ahead<S: AsRef<str>>(&self, standings: &mut [Standing], run: &[(S, f32)], positions: &[usize]) {
        let mut relevant = positions.iter().peekable();
        for (at, (id, score)) in run.iter().enumerate() {
            if relevant.next_if(|&&position| position == at).is_some() {
                continue;
            }
            let mut next = standings.partition_point(|s| s.score > *score);
            while let Some(tied) = standings.get_mut(next).filter(|s| s.score == *score) {
                let other = self.relevant[self.relevant.len() - 1 - tied.order as usize].id;
                tied.tied += 1;
                tied.tied_ahead += u32::from(id.as_ref() > other);
                next += 1;
            }
            // Above this one and, by the sums below, above every later one.
            if let Some(first_below) = standings.get_mut(next) {
                first_below.above += 1;
            }
        }
        let mut above = 0;
        for standing in standings {
            above += standing.above;
            standing.above = above;
        }
    }
}

/// One of 64 bits, from the end of the id, where ids differ.
fn fingerprint(id: &str) -> u64 {
    match id.as_bytes() {
        [.., a, b] => 1 << (a.wrapping_mul(10).wrapping_add(*b) % 64),
        [b] => 1 << (b % 64),
        [] => 1,
    }
}

/// Finite scores, highest first; 0 and -0 are equal, as they are in C.
fn descending(a: f32, b: f32) -> Ordering {
    b.partial_cmp(&a).unwrap_or(Ordering::Equal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ranking::Ties;

    fn ranks(qrels: &[(&str, i32)], run: &[(&str, f32)], ties: Ties) -> Vec<(u32, i32)> {
        let judged = Judged::new(qrels.iter().copied()).expect("no duplicates");
        judged.rank(run, 0).expect("finite").ranks(ties).collect()
    }

    #[test]
    fn ties_go_by_document_id_descending() {
        let run = [("a", 1.0), ("b", 1.0), ("c", 1.0), ("d", 2.0)];
        // d, then c, b, a.
        assert_eq!(ranks(&[("b", 1)], &run, Ties::Trec), [(3, 1)]);
        assert_eq!(ranks(&[("b", 1)], &run, Ties::Best), [(2, 1)]);
        assert_eq!(ranks(&[("b", 1)], &run, Ties::Worst), [(4, 1)]);
        assert_eq!(ranks(&[("a", 1), ("c", 2)], &run, Ties::Trec), [(2, 2), (4, 1)]);
        assert_eq!(ranks(&[("a", 1), ("c", 2)], &run, Ties::Best), [(2, 2), (3, 1)]);
        assert_eq!(ranks(&[("a", 1), ("c", 2)], &run, Ties::Worst), [(3, 2), (4, 1)]);
    }

    #[test]
    fn ids_compare_bytewise() {
        // "d10" < "d9" and "Z" < "a" in bytes, and a prefix is smaller.
        assert_eq!(ranks(&[("d10", 1)], &[("d10", 1.0), ("d9", 1.0)], Ties::Trec), [(2, 1)]);
        assert_eq!(ranks(&[("Z", 1)], &[("Z", 1.0), ("a", 1.0)], Ties::Trec), [(2, 1)]);
        assert_eq!(ranks(&[("d", 1)], &[("d", 1.0), ("d1", 1.0)], Ties::Trec), [(2, 1)]);
    }

    #[test]
    fn negative_zero_ties_with_zero() {
        assert_eq!(ranks(&[("a", 1)], &[("a", -0.0), ("b", 0.0)], Ties::Best), [(1, 1)]);
        assert_eq!(ranks(&[("a", 1)], &[("a", 0.0), ("b", -0.0)], Ties::Trec), [(2, 1)]);
    }

    #[test]
    fn only_positive_grades_are_relevant() {
        let judged = Judged::new([("a", -2), ("b", 0), ("c", 3), ("d", 1)]).expect("no duplicates");
        let ranking = judged.rank(&[("a", 3.0), ("b", 2.0), ("c", 1.0)], 50).expect("finite");
        assert_eq!(ranking.ideal, [3, 1]);
        assert_eq!(ranking.pool_size, 50);
        assert_eq!(ranking.ranks(Ties::Trec).collect::<Vec<_>>(), [(3, 3)]);
        assert_eq!(ranking.relevant[0].judged, 2);
    }

    #[test]
    fn an_unknown_collection_holds_what_is_named() {
        let judged = Judged::new([("a", 1), ("x", 1), ("y", 1)]).expect("no duplicates");
        let ranking = judged.rank(&[("a", 1.0), ("b", 0.5)], 0).expect("finite");
        assert_eq!(ranking.pool_size, 4);
    }

    #[test]
    fn bad_input_is_an_error() {
        let twice = Judged::new([("a", 1), ("b", 0), ("a", 0)]);
        assert_eq!(twice.err(), Some(RunError::JudgedTwice { document: "a".into() }));
        let judged = Judged::new([("a", 1)]).expect("no duplicates");
        let twice = judged.rank(&[("a", 1.0), ("b", 0.5), ("a", 0.0)], 0);
        assert_eq!(twice.err(), Some(RunError::RetrievedTwice { document: "a".into() }));
        let nan = judged.rank(&[("b", f32::NAN)], 0);
        assert!(matches!(nan, Err(RunError::Score { document, .. }) if document == "b"));
    }
}
