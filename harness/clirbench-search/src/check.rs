//! Refuses searches whose parts do not fit each other, before any work.

use crate::{Rows, Search, SearchError};

impl Search<'_> {
    pub(crate) fn check(&self) -> Result<(), SearchError> {
        let pool = self.pool.rows.len();
        let sizes = [
            ("query dimension against document dimension", self.queries.dim(), self.documents.dim()),
            ("targets against queries", self.targets.len(), self.query_rows.len()),
            ("tie orders against pool documents", self.pool.order.len(), pool),
        ];
        for (what, left, right) in sizes {
            if left != right {
                return Err(SearchError::Mismatch { what, left, right });
            }
        }
        if u32::try_from(pool).is_err() {
            return Err(SearchError::PoolTooLarge { pool });
        }
        check_rows("query", self.query_rows, self.queries)?;
        check_rows("pool document", self.pool.rows, self.documents)?;
        for query in 0..self.targets.len() {
            self.check_target(query)?;
        }
        Ok(())
    }

    fn check_target(&self, query: usize) -> Result<(), SearchError> {
        let target = &self.targets[query];
        let mut judged: Vec<u32> = target.judged.iter().map(|j| j.0).collect();
        let pool = self.pool.rows.len();
        if let Some(&document) = judged.iter().chain(&target.excluded).find(|&&d| d as usize >= pool) {
            return Err(SearchError::Document { query, document, pool });
        }
        judged.sort_unstable();
        if let Some(pair) = judged.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(SearchError::JudgedTwice { query, document: pair[0] });
        }
        match target.excluded.iter().find(|document| judged.binary_search(document).is_ok()) {
            Some(&document) => Err(SearchError::JudgedAndExcluded { query, document }),
            None => Ok(()),
        }
    }
}

fn check_rows(side: &'static str, rows: &[u32], matrix: &dyn Rows) -> Result<(), SearchError> {
    let len = matrix.len();
    match rows.iter().position(|&row| row as usize >= len) {
        Some(index) => Err(SearchError::Row { side, index, row: rows[index], len }),
        None => Ok(()),
    }
}
