//! Up to 12 queries on their way through the pool.

use std::ops::Range;

use clirbench_core::ranking::Ranking;

use crate::{
    Outcome, Pool, Search, SearchError, Target,
    block::Panel,
    counter::{Counter, Relevant},
    kernel::{DOCUMENTS, DocumentLanes, Kernel, QUERIES, QueryLanes, Scores},
    pack::pack,
    top::{Candidate, Top},
};

/// What is known of one query so far.
struct Query {
    /// Row in the query matrix.
    row: u32,
    counter: Counter,
    top: Top,
    /// Pool positions, ascending, distinct.
    excluded: Vec<u32>,
}

impl Query {
    fn floor(&self) -> f32 {
        self.counter.floor().min(self.top.floor())
    }

    fn meet(
        &mut self,
        scores: &[f32; DOCUMENTS],
        panel: &Panel<'_>,
        pool: &Pool<'_>,
    ) -> Result<(), SearchError> {
        if !scores.iter().fold(true, |finite, score| finite & score.is_finite()) {
            for (&score, copies) in scores.iter().zip(panel.copies) {
                if let (false, Some(&copy)) = (score.is_finite(), copies.first()) {
                    return Err(non_finite(self.row, pool.rows[copy as usize], score));
                }
            }
        }
        self.counter.count(scores, panel, pool.order);
        let floor = self.top.floor();
        if scores.iter().fold(false, |any, &score| any | (score >= floor)) {
            for (&score, copies) in scores.iter().zip(panel.copies).filter(|(score, _)| **score >= floor) {
                for &document in copies {
                    if self.excluded.binary_search(&document).is_err() {
                        self.top.push(Candidate { score, order: pool.order[document as usize], document });
                    }
                }
            }
        }
        Ok(())
    }
}

fn non_finite(query_row: u32, document_row: u32, score: f32) -> SearchError {
    SearchError::NonFinite { query_row, document_row, score }
}

/// Queries that the kernel scores together.
pub(crate) struct QueryTile<'a> {
    targets: &'a [Target],
    queries: Vec<Query>,
    vectors: Vec<QueryLanes>,
    /// Per lane the score below which a document concerns neither counts nor top.
    floors: [f32; QUERIES],
}

impl<'a> QueryTile<'a> {
    /// Reads the queries at `range` (at most 12) and scores what they know by name: their relevant and
    /// their excluded documents.
    pub(crate) fn open(
        search: &Search<'a>,
        kernel: Kernel,
        range: Range<usize>,
    ) -> Result<Self, SearchError> {
        let rows = &search.query_rows[range.clone()];
        let targets = &search.targets[range];
        let mut vectors = vec![QueryLanes([0.0; QUERIES]); search.queries.dim()];
        pack(search.queries, "query", rows, &mut Vec::new(), &mut vectors)?;
        let known = Known::score(search, kernel, &vectors, targets)?;
        let queries = rows
            .iter()
            .zip(targets)
            .enumerate()
            .map(|(lane, (&row, target))| known.query(search, lane, row, target))
            .collect::<Result<Vec<_>, _>>()?;
        let floors = std::array::from_fn(|i| queries.get(i).map_or(f32::INFINITY, Query::floor));
        Ok(Self { targets, queries, vectors, floors })
    }

    /// Scores a panel and takes what matters from it.
    pub(crate) fn meet(
        &mut self,
        kernel: Kernel,
        panel: &Panel<'_>,
        pool: &Pool<'_>,
        scores: &mut Scores,
    ) -> Result<(), SearchError> {
        let mut reached = kernel.score(&self.vectors, &panel.vectors, &self.floors, scores);
        while reached != 0 {
            let lane = reached.trailing_zeros() as usize;
            reached &= reached - 1;
            if let Some(query) = self.queries.get_mut(lane) {
                query.meet(&scores.0[lane], panel, pool)?;
                self.floors[lane] = query.floor();
            }
        }
        Ok(())
    }

    /// One outcome per query.
    pub(crate) fn finish(self, pool_size: u32) -> impl Iterator<Item = Outcome> {
        self.queries.into_iter().zip(self.targets).map(move |(query, target)| {
            let mut ideal: Vec<i32> = target.judged.iter().map(|j| j.1).filter(|&grade| grade > 0).collect();
            ideal.sort_unstable_by(|a, b| b.cmp(a));
            let pool_size = pool_size - query.excluded.len() as u32;
            let ranking = Ranking { relevant: query.counter.finish(), pool_size, ideal };
            Outcome { ranking, top: query.top.finish() }
        })
    }
}

/// Scores of a tile's queries against every document that one of them judges relevant or excludes.
struct Known {
    /// Distinct rows, ascending.
    rows: Vec<u32>,
    /// A tile of scores per 32 rows.
    scores: Vec<Scores>,
}

impl Known {
    fn score(
        search: &Search<'_>,
        kernel: Kernel,
        queries: &[QueryLanes],
        targets: &[Target],
    ) -> Result<Self, SearchError> {
        let mut rows: Vec<u32> = targets
            .iter()
            .flat_map(|target| {
                let relevant = target.judged.iter().filter(|j| j.1 > 0).map(|j| j.0);
                relevant.chain(target.excluded.iter().copied())
            })
            .map(|document| search.pool.rows[document as usize])
            .collect();
        rows.sort_unstable();
        rows.dedup();
        let mut buffer = Vec::new();
        let mut vectors = vec![DocumentLanes([0.0; DOCUMENTS]); queries.len()];
        let scores = rows
            .chunks(DOCUMENTS)
            .map(|rows| {
                pack(search.documents, "document", rows, &mut buffer, &mut vectors)?;
                let mut scores = Scores::ZERO;
                kernel.score(queries, &vectors, &[f32::INFINITY; QUERIES], &mut scores);
                Ok(scores)
            })
            .collect::<Result<_, SearchError>>()?;
        Ok(Self { rows, scores })
    }

    /// The query in `lane`, before it has met the pool.
    fn query(
        &self,
        search: &Search<'_>,
        lane: usize,
        row: u32,
        target: &Target,
    ) -> Result<Query, SearchError> {
        let look_up = |document: u32| {
            let document_row = search.pool.rows[document as usize];
            let at = self.rows.partition_point(|&row| row < document_row);
            let score = self.scores[at / DOCUMENTS].0[lane][at % DOCUMENTS];
            let order = search.pool.order[document as usize];
            if score.is_finite() { Ok((score, order)) } else { Err(non_finite(row, document_row, score)) }
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
        Ok(Query { row, counter: Counter::new(relevant, scored), top, excluded })
    }
}
