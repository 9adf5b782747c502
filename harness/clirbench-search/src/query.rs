//! One query on its way through the pool.

use clirbench_core::ranking::Ranking;

use crate::{
    Outcome, Pool, Search, SearchError, Target,
    block::{Panel, lanes},
    counter::{Counter, Relevant},
    kernel::DOCUMENTS,
    top::Top,
};

/// What is known of one query so far.
pub(crate) struct Query {
    /// Row in the query matrix.
    row: u32,
    counter: Counter,
    top: Top,
    /// Pool positions, ascending, distinct.
    excluded: Vec<u32>,
}

impl Query {
    /// `score` gives the score of the query in `row` with a document that its target names.
    pub(crate) fn new(
        target: &Target,
        row: u32,
        search: &Search<'_>,
        score: impl Fn(u32) -> f32,
    ) -> Result<Self, SearchError> {
        let look_up = |document: u32| {
            let score = score(document);
            if score.is_finite() {
                Ok((score, search.pool.order[document as usize]))
            } else {
                Err(non_finite(row, search.pool.rows[document as usize], score))
            }
        };
        let mut relevant = Vec::new();
        for (judged, &(document, grade)) in target.judged.iter().enumerate().filter(|(_, j)| j.1 > 0) {
            let (score, order) = look_up(document)?;
            relevant.push(Relevant { grade, score, order, judged: judged as u32 });
        }
        let mut excluded = target.excluded.clone();
        excluded.sort_unstable();
        excluded.dedup();
        let scored = excluded.iter().map(|&document| look_up(document)).collect::<Result<_, _>>()?;
        let top = Top::new(search.top_k.min(search.pool.rows.len()));
        Ok(Self { row, counter: Counter::new(relevant, scored), top, excluded })
    }

    /// Scores below this one concern neither counts nor top. It only rises.
    pub(crate) fn floor(&self) -> f32 {
        self.counter.floor().min(self.top.floor())
    }

    /// Takes what matters from a panel.
    pub(crate) fn meet(
        &mut self,
        scores: &[f32; DOCUMENTS],
        panel: &Panel<'_>,
        pool: &Pool<'_>,
    ) -> Result<(), SearchError> {
        // A lane without a row holds zeros or a row that was met before, whose score was finite.
        if !all_finite(scores)
            && let Some(lane) = lanes(scores, |score| !score.is_finite()).next()
            && let Some(&document) = panel.copies[lane].first()
        {
            return Err(non_finite(self.row, pool.rows[document as usize], scores[lane]));
        }
        self.counter.count(scores, panel, pool.order);
        let floor = self.top.floor();
        for lane in lanes(scores, |score| score >= floor) {
            for &document in panel.copies[lane] {
                if self.excluded.binary_search(&document).is_err() {
                    self.top.push(scores[lane], document, pool.order);
                }
            }
        }
        Ok(())
    }

    pub(crate) fn finish(self, target: &Target, pool_size: u32, order: &[u32]) -> Outcome {
        let mut ideal: Vec<i32> = target.judged.iter().map(|j| j.1).filter(|&grade| grade > 0).collect();
        ideal.sort_unstable_by(|a, b| b.cmp(a));
        let pool_size = pool_size - self.excluded.len() as u32;
        let ranking = Ranking { relevant: self.counter.finish(), pool_size, ideal };
        Outcome { ranking, top: self.top.finish(order) }
    }
}

/// Whether no score is NaN or infinite. Zero times such a number is NaN, and a few additions find it
/// sooner than a mask of all lanes.
#[inline]
fn all_finite(scores: &[f32; DOCUMENTS]) -> bool {
    let sums = scores
        .as_chunks::<16>()
        .0
        .iter()
        .fold([0.0_f32; 16], |sums, scores| std::array::from_fn(|i| sums[i] + scores[i] * 0.0));
    sums.iter().all(|sum| !sum.is_nan())
}

fn non_finite(query_row: u32, document_row: u32, score: f32) -> SearchError {
    SearchError::NonFinite { query_row, document_row, score }
}
