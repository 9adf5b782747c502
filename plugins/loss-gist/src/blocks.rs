//! The candidates of a batch: which cosines stand where, and where their derivatives go.

use clirbench_loss::{Batch, Matrix, UnitRows, add_product};

use crate::options::Options;

/// Rows of cosines `[n, width]`, one per query: first its candidates in the order of the batch's
/// columns (aa if it is wanted, ap, an^1 .. an^K), then pp if it is wanted.
///
/// The softmax does not care for the order, and this one makes the first part a single product of
/// the queries with a piece of the batch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Blocks {
    /// Rows of the batch, `n`.
    pub(crate) rows: usize,
    dim: usize,
    /// Rows of the first candidate and past the last, in the batch.
    first: usize,
    end: usize,
    pub(crate) anchors: bool,
    pub(crate) positives: bool,
}

impl Blocks {
    pub(crate) fn new(batch: &Batch<'_>, options: &Options) -> Self {
        let rows = batch.rows;
        Self {
            rows,
            dim: batch.dim,
            first: if options.contrast_anchors { 0 } else { rows },
            end: batch.embeddings.len() / batch.dim,
            anchors: options.contrast_anchors,
            positives: options.contrast_positives,
        }
    }

    /// Candidates that are compared with the query.
    fn candidates(&self) -> usize {
        self.end - self.first
    }

    /// Candidates of a row.
    pub(crate) fn width(&self) -> usize {
        self.candidates() + if self.positives { self.rows } else { 0 }
    }

    /// Where row 0 has the cosine with its own positive; row `i` has it `i` further.
    pub(crate) fn own(&self) -> usize {
        self.rows - self.first
    }

    /// Where row `i` has its own text among the queries and among the positives.
    pub(crate) fn itself(&self, i: usize) -> impl Iterator<Item = usize> {
        let anchor = self.anchors.then_some(i);
        let positive = self.positives.then_some(self.candidates() + i);
        anchor.into_iter().chain(positive)
    }

    /// All cosines, `[n, width]`.
    pub(crate) fn cosines(&self, rows: &UnitRows, threads: usize) -> Vec<f64> {
        let mut cosines = vec![0.0; self.rows * self.candidates()];
        let queries = rows.matrix(0..self.rows);
        add_product(&mut cosines, queries, rows.matrix(self.first..self.end).t(), threads);
        if !self.positives {
            return cosines;
        }
        let positives = rows.matrix(self.rows..2 * self.rows);
        let mut pairs = vec![0.0; self.rows * self.rows];
        add_product(&mut pairs, positives, positives.t(), threads);
        let rows = cosines.chunks_exact(self.candidates()).zip(pairs.chunks_exact(self.rows));
        rows.flat_map(|(candidates, pairs)| candidates.iter().chain(pairs)).copied().collect()
    }

    /// From the derivatives by the cosines, `[n, width]`, to those by the unit rows, which are added
    /// to `gradients`.
    pub(crate) fn backward(
        &self,
        derivatives: &[f64],
        rows: &UnitRows,
        gradients: &mut [f64],
        threads: usize,
    ) {
        let n = self.rows;
        let queries = rows.matrix(0..n);
        let candidates = rows.matrix(self.first..self.end);
        let by_candidate = self.part(derivatives, 0, self.candidates());
        let by_candidate = Matrix::new(&by_candidate, n, self.candidates());
        add_product(&mut gradients[..n * self.dim], by_candidate, candidates, threads);
        add_product(&mut gradients[self.first * self.dim..], by_candidate.t(), queries, threads);
        if self.positives {
            let by_pair = self.part(derivatives, self.candidates(), n);
            // A cosine of two positives depends on both in the same way.
            let both: Vec<f64> = (0..n * n).map(|at| by_pair[at] + by_pair[at % n * n + at / n]).collect();
            let positives = &mut gradients[n * self.dim..2 * n * self.dim];
            add_product(positives, Matrix::new(&both, n, n), rows.matrix(n..2 * n), threads);
        }
    }

    /// `count` columns of `[n, width]` from `first` on.
    fn part(&self, of: &[f64], first: usize, count: usize) -> Vec<f64> {
        of.chunks_exact(self.width()).flat_map(|row| &row[first..first + count]).copied().collect()
    }
}
