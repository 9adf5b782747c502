//! From vectors to negatives, some thousand queries at a time.

use std::{io, ops::Range, sync::atomic::AtomicBool};

use clirbench_data::Npy;
use clirbench_search::{Pool as SearchPool, Rows, Search, Target};

use super::{
    Incomplete, Mined, MiningError, MiningOptions, MiningReport, MiningRow, Passage, Pool, Sampling,
    choice::{choose, depth},
};

/// Queries that are searched together; all that memory holds at a time. As many as pass over the
/// documents together in a search.
const BLOCK: usize = 2_040;

/// What was found for a row.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The row's place.
    pub row: usize,
    /// The lowest score of its query's positives.
    pub positive_score: f32,
    /// The negatives, by rank.
    pub mined: Vec<Mined>,
    /// Whether there are fewer than asked for and such rows are left out.
    pub left_out: bool,
}

/// A mining that is ready to run.
pub struct Mining<'a, R: MiningRow> {
    /// Rows and documents.
    pub pool: &'a Pool<'a, R>,
    /// Query vectors, compared as they are.
    pub queries: &'a dyn Rows,
    /// Each row's query in `queries`.
    pub query_rows: &'a [u32],
    /// Document vectors, compared as they are.
    pub documents: &'a dyn Rows,
    /// Each document of the pool in `documents`.
    pub document_rows: &'a [u32],
    /// What is mined.
    pub options: &'a MiningOptions,
    /// Threads to use.
    pub threads: usize,
    /// Polled while it runs.
    pub cancel: &'a AtomicBool,
}

impl<R: MiningRow> Mining<'_, R> {
    /// Mines for every row and hands each one's outcome to `on`, in the order of the rows.
    ///
    /// Nothing depends on the number of threads. Memory, beside the pool: what
    /// [`Search::run`] needs for 2,040 queries.
    ///
    /// # Errors
    /// When the options make no sense, a score is not finite, vectors cannot be read, the mining is
    /// cancelled, or `on` fails.
    pub fn run(&self, on: &mut dyn FnMut(Outcome) -> io::Result<()>) -> Result<MiningReport, MiningError> {
        self.options.check()?;
        let mut report = MiningReport::new(self.query_rows.len(), self.document_rows.len());
        let order: Vec<u32> = (0..self.document_rows.len() as u32).collect();
        let hashes = match self.options.sampling {
            Sampling::Top => Vec::new(),
            Sampling::Random => self.pool.texts().iter().map(|text| blake3::hash(text.as_bytes())).collect(),
        };
        let rows = self.query_rows.len();
        for start in (0..rows).step_by(BLOCK) {
            self.block(start..rows.min(start + BLOCK), (&order, &hashes), &mut report, on)?;
        }
        report.close();
        Ok(report)
    }

    fn block(
        &self,
        rows: Range<usize>,
        (order, hashes): (&[u32], &[blake3::Hash]),
        report: &mut MiningReport,
        on: &mut dyn FnMut(Outcome) -> io::Result<()>,
    ) -> Result<(), MiningError> {
        let own: Vec<_> = rows.clone().map(|row| self.pool.own(row)).collect();
        let judged = |positives: &[u32]| positives.iter().map(|&document| (document, 1)).collect();
        let targets: Vec<Target> =
            own.iter().map(|own| Target { judged: judged(&own.positives), excluded: Vec::new() }).collect();
        let most = own.iter().map(|own| own.positive_documents).max().unwrap_or(0);
        let search = Search {
            queries: self.queries,
            query_rows: &self.query_rows[rows.clone()],
            documents: self.documents,
            pool: SearchPool { rows: self.document_rows, order },
            targets: &targets,
            top_k: depth(self.options, most, self.pool.most_rows_of_a_query()),
            threads: self.threads,
            cancel: self.cancel,
        };
        for ((row, own), outcome) in rows.zip(&own).zip(search.run()?) {
            let positives = outcome.ranking.relevant.iter().map(|standing| standing.score);
            // Zeros of either sign are equal; every row has a positive.
            let positive_score = positives.fold(f32::INFINITY, f32::min);
            let draw = self.draw(row, hashes);
            let mined = choose(&outcome.top, own, positive_score, self.options, draw, &mut report.dropped);
            let left_out = mined.len() < self.options.count && self.options.incomplete == Incomplete::Drop;
            report.add(&mined, positive_score, self.options, left_out);
            on(Outcome { row, positive_score, mined, left_out })?;
        }
        Ok(())
    }

    /// Gives each document a number that depends on the seed, the row's name and the document's text
    /// alone; `texts` holds the documents' hashes.
    fn draw<'t>(&self, row: usize, texts: &'t [blake3::Hash]) -> impl Fn(u32) -> [u8; 32] + use<'t, R> {
        let mut key = blake3::Hasher::new();
        key.update(&self.options.seed.to_le_bytes());
        key.update(self.pool.rows()[row].name().as_bytes());
        let key = *key.finalize().as_bytes();
        move |document| *blake3::keyed_hash(&key, texts[document as usize].as_bytes()).as_bytes()
    }

    /// The row of an outcome as it is written: its own negatives first, then those that were mined,
    /// each in the languages of the row.
    #[must_use]
    pub fn row(&self, outcome: &Outcome) -> R {
        self.pool.rows()[outcome.row].with_negatives(self.negatives(outcome), None)
    }

    /// The same as rows with one negative each.
    pub fn triplets(&self, outcome: &Outcome) -> impl Iterator<Item = R> {
        let row = &self.pool.rows()[outcome.row];
        let negatives = self.negatives(outcome);
        (1..).zip(negatives).map(|(k, negative)| row.with_negatives(vec![negative], Some(k)))
    }

    fn negatives(&self, outcome: &Outcome) -> Vec<R::Passage> {
        let row = &self.pool.rows()[outcome.row];
        let mined =
            outcome.mined.iter().map(|mined| self.pool.passage(mined.document).in_languages_of(row.query()));
        row.negatives().iter().cloned().chain(mined).collect()
    }
}

/// Vectors of an `.npy` file.
pub struct NpyRows<'a>(pub &'a Npy);

impl Rows for NpyRows<'_> {
    fn len(&self) -> usize {
        self.0.rows()
    }

    fn dim(&self) -> usize {
        self.0.dim()
    }

    fn read(&self, rows: Range<usize>, out: &mut [f32]) -> io::Result<()> {
        self.0.read(rows, out)
    }
}
