//! Exact ranks of relevant documents and exact top-k, blocked and multi-threaded.
//!
//! One pass over the documents serves both. A relevant document's rank needs no sort: it is one more
//! than the number of documents ahead of it. So the scores of the few documents that a query judges
//! or excludes are computed first; then every distinct row of the pool is scored once, tile by tile,
//! compared with those few scores and with the lowest score of the top so far, and forgotten.
//!
//! That is exact only because equal vectors have equal scores wherever they stand, which the
//! arithmetic has to promise (it is a chain of fused multiply-adds, the same on every machine).
//! Copies of a text share a row, so they tie by construction.
//!
//! ```
//! use std::sync::atomic::AtomicBool;
//! use clirbench_search::{Dense, Pool, Search, Target};
//!
//! let documents = [1.0, 0.0, 0.6, 0.8, 0.0, 1.0];
//! let search = Search {
//!     queries: &Dense::new(&[1.0, 0.0], 1, 2).unwrap(),
//!     query_rows: &[0],
//!     documents: &Dense::new(&documents, 3, 2).unwrap(),
//!     pool: Pool { rows: &[0, 1, 2], order: &[0, 1, 2] },
//!     targets: &[Target { judged: vec![(1, 1)], excluded: vec![] }],
//!     top_k: 2,
//!     threads: 1,
//!     cancel: &AtomicBool::new(false),
//! };
//! let outcome = &search.run()?[0];
//! assert_eq!(outcome.ranking.relevant[0].above, 1); // document 1 has rank 2
//! assert_eq!(outcome.top.iter().map(|hit| hit.document).collect::<Vec<_>>(), [0, 1]);
//! # Ok::<(), clirbench_search::SearchError>(())
//! ```

mod block;
mod check;
mod counter;
mod error;
mod kernel;
mod known;
mod pack;
mod query;
mod rows;
mod search;
#[cfg(test)]
mod tests;
mod tile;
mod top;
mod workers;

pub use error::SearchError;
pub use rows::{Dense, Rows, UnitLength, normalise};
pub use search::{Hit, Outcome, Pool, Search, Target};
