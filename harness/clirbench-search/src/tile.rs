//! Up to 6 queries on their way through the pool.

use std::{
    ops::Range,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

use crate::{
    Outcome, Pool, Search, SearchError, Target,
    block::Panel,
    kernel::{Kernel, QUERIES, QueryLanes, Scores},
    known::Known,
    pack::pack,
    query::Query,
};

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
            .map(|(lane, (&row, target))| {
                Query::new(target, row, search, |document| known.look_up(search, lane, document))
            })
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
        let outcomes = queries.into_iter().zip(self.targets);
        outcomes.map(move |(query, target)| query.finish(target, pool_size, order))
    }
}
