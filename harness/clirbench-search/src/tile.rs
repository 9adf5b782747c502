//! Up to 6 queries on their way through the pool.

use std::{
    ops::Range,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

use clirbench_core::ranking::Ranking;

use crate::{
    Outcome, Pool, Search, SearchError, Target,
    block::{Panel, lanes},
    counter::{Counter, Relevant},
    kernel::{DOCUMENTS, DocumentLanes, Kernel, QUERIES, QueryLanes, Scores},
    pack::pack,
    top::Top,
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
        // A lane without a row holds zeros or a row that was met before, whose score was finite.
        if let Some(lane) = lanes(scores, |score| !score.is_finite()).next()
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
}

fn non_finite(query_row: u32, document_row: u32, score: f32) -> SearchError {
    SearchError::NonFinite { query_row, document_row, score }
}

/// Queries that the kernel scores together.
pub(crate) struct QueryTile<'a> {
    targets: &'a [Target],
    vectors: Vec<QueryLanes>,
    /// Per lane the bits of the score below which a document concerns neither counts nor top. It only
    /// rises, so whoever reads an old one looks at more documents than needed, never at fewer.
    floors: [AtomicU32; QUERIES],
    /// Threads score without the lock and take it for what they find.
    queries: Mutex<Vec<Query>>,
}

impl<'a> QueryTile<'a> {
    /// Reads the queries at `range` (at most 6) and scores what they know by name: their relevant and
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
        let floor = |i| queries.get(i).map_or(f32::INFINITY, Query::floor);
        let floors = std::array::from_fn(|i| AtomicU32::new(floor(i).to_bits()));
        Ok(Self { targets, vectors, floors, queries: Mutex::new(queries) })
    }

    /// Scores panels and takes what matters from them. `scores` is scratch space.
    pub(crate) fn meet(
        &self,
        kernel: Kernel,
        panels: &[Panel<'_>],
        pool: &Pool<'_>,
        scores: &mut Vec<(u32, Scores)>,
    ) -> Result<(), SearchError> {
        let floors = self.floors.each_ref().map(|floor| f32::from_bits(floor.load(Ordering::Relaxed)));
        scores.resize(panels.len(), (0, Scores::ZERO));
        let mut all_reached = 0;
        for (panel, (reached, scores)) in panels.iter().zip(&mut *scores) {
            *reached = kernel.score(&self.vectors, &panel.vectors, &floors, scores);
            all_reached |= *reached;
        }
        if all_reached == 0 {
            return Ok(());
        }
        let mut queries = self.queries.lock().unwrap_or_else(PoisonError::into_inner);
        for (lane, query) in queries.iter_mut().enumerate() {
            for (panel, (_, scores)) in panels.iter().zip(&*scores).filter(|(_, s)| s.0 >> lane & 1 == 1) {
                query.meet(&scores.0[lane], panel, pool)?;
            }
            self.floors[lane].store(query.floor().to_bits(), Ordering::Relaxed);
        }
        Ok(())
    }

    /// One outcome per query.
    pub(crate) fn finish(self, pool_size: u32, order: &[u32]) -> impl Iterator<Item = Outcome> {
        let queries = self.queries.into_inner().unwrap_or_else(PoisonError::into_inner);
        queries.into_iter().zip(self.targets).map(move |(query, target)| {
            let mut ideal: Vec<i32> = target.judged.iter().map(|j| j.1).filter(|&grade| grade > 0).collect();
            ideal.sort_unstable_by(|a, b| b.cmp(a));
            let pool_size = pool_size - query.excluded.len() as u32;
            let ranking = Ranking { relevant: query.counter.finish(), pool_size, ideal };
            Outcome { ranking, top: query.top.finish(order) }
        })
    }
}

/// Scores of a tile's queries against every document that one of them judges relevant or excludes.
struct Known {
    /// Distinct rows, ascending.
    rows: Vec<u32>,
    /// A tile of scores per 64 rows.
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
