//! The scores that a rank is counted against, before the scan.

use crate::{
    Search, SearchError, Target,
    kernel::{DOCUMENTS, DocumentLanes, Kernel, QUERIES, QueryLanes, Scores},
    pack::pack,
};

/// Scores of a tile's queries with every document that one of them judges relevant or excludes.
///
/// They come from the same kernel as all others, so that the scan meets them again to the bit.
pub(crate) struct Known {
    /// Distinct rows, ascending.
    rows: Vec<u32>,
    /// A tile of scores per 64 rows.
    scores: Vec<Scores>,
}

impl Known {
    pub(crate) fn score(
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

    /// The score of the query in `lane` with a pool document that a target of the tile names.
    pub(crate) fn look_up(&self, search: &Search<'_>, lane: usize, document: u32) -> f32 {
        let document_row = search.pool.rows[document as usize];
        let at = self.rows.partition_point(|&row| row < document_row);
        self.scores[at / DOCUMENTS].0[lane][at % DOCUMENTS]
    }
}
