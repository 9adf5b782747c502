//! Matrix products in f64 whose every element is defined to the last bit.
//!
//! An element of `out += a · b` is one chain of fused multiply-adds in the order of the inner
//! dimension, `fma(a[k], b[k], ... fma(a[0], b[0], out))`, wherever it stands. So it depends on
//! nothing but its row and its column: not on its place, the sizes around it, the number of threads
//! or the instruction set. General matrix products do not promise that (small shapes and edges take
//! other paths), and GIST compares cosines of one product with those of another for equality: equal
//! texts must be equally similar.

mod pack;
mod tile;

use std::sync::Mutex;
use std::thread;

use pack::{pack_rows, packed_columns};
use tile::{COLUMNS, Kernel, ROWS, RowLanes, Tile};

/// Rows of `out` that one task computes: enough to use a packed piece of `b` many times while it is
/// in the cache, few enough to spread over threads.
const TASK: usize = 16 * ROWS;

/// Inner dimension of one pass: `DEPTH` x [`COLUMNS`] of `b` is 32 KiB, which the first-level cache
/// holds.
const DEPTH: usize = 128;

/// Multiply-adds below which starting threads costs more than it saves.
const SMALL: usize = 1 << 20;

/// A view of a matrix, or of its transpose.
#[derive(Clone, Copy, Debug)]
pub struct Matrix<'a> {
    data: &'a [f64],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a> Matrix<'a> {
    /// `data` is row-major `[rows, columns]`.
    ///
    /// # Panics
    /// If it has another length.
    #[must_use]
    pub fn new(data: &'a [f64], rows: usize, columns: usize) -> Self {
        assert_eq!(data.len(), rows * columns, "a matrix of {rows} rows and {columns} columns");
        Self { data, rows, columns, row_stride: columns, column_stride: 1 }
    }

    /// The transpose; nothing is copied.
    #[must_use]
    pub fn t(self) -> Self {
        Self {
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }

    fn at(&self, row: usize, column: usize) -> f64 {
        self.data[row * self.row_stride + column * self.column_stride]
    }
}

/// Adds the product `a · b` to `out`, row-major `[a's rows, b's columns]`, on up to `threads`
/// threads; the result does not depend on how many.
///
/// # Panics
/// If the shapes do not fit.
pub fn add_product(out: &mut [f64], a: Matrix<'_>, b: Matrix<'_>, threads: usize) {
    add_product_with(Kernel::best(), out, a, b, threads);
}

fn add_product_with(kernel: Kernel, out: &mut [f64], a: Matrix<'_>, b: Matrix<'_>, threads: usize) {
    let (inner, width) = (a.columns, b.columns);
    assert_eq!(inner, b.rows, "the inner dimensions of a product");
    assert_eq!(out.len(), a.rows * width, "the size of a product");
    if out.is_empty() || inner == 0 {
        return;
    }
    let columns = packed_columns(b);
    let work = |first: usize, out: &mut [f64], rows: &mut Vec<RowLanes>| {
        for start in (0..inner).step_by(DEPTH) {
            let pass = start..inner.min(start + DEPTH);
            pack_rows(a, first..first + out.len() / width, pass.clone(), rows);
            for (j, panel) in columns.chunks_exact(inner).enumerate() {
                for (i, strip) in rows.chunks_exact(pass.len()).enumerate() {
                    let mut tile = Tile::load(out, width, i * ROWS, j * COLUMNS);
                    kernel.add(strip, &panel[pass.clone()], &mut tile);
                    tile.store(out, width, i * ROWS, j * COLUMNS);
                }
            }
        }
    };
    let tasks = out.chunks_mut(TASK * width).enumerate();
    let threads = if a.rows * width * inner < SMALL { 1 } else { threads.clamp(1, tasks.len()) };
    let queue = Mutex::new(tasks);
    let drain = || {
        let mut rows = Vec::new();
        loop {
            // A panic elsewhere cannot leave the iterator half-advanced.
            let next = queue.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).next();
            let Some((task, out)) = next else { return };
            work(task * TASK, out, &mut rows);
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(drain);
        }
        drain();
    });
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The definition of a product.
    fn chain(out: &mut [f64], a: Matrix<'_>, b: Matrix<'_>) {
        for (at, out) in out.iter_mut().enumerate() {
            let (i, j) = (at / b.columns, at % b.columns);
            *out = (0..a.columns).fold(*out, |sum, k| a.at(i, k).mul_add(b.at(k, j), sum));
        }
    }

    #[test]
    fn a_product_by_hand() {
        let (a, b) = ([1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]);
        let (a, b) = (Matrix::new(&a, 2, 2), Matrix::new(&b, 2, 2));
        let product = |a, b| {
            let mut out = [0.0; 4];
            add_product(&mut out, a, b, 1);
            out
        };
        assert_eq!(product(a, b), [19.0, 22.0, 43.0, 50.0]);
        assert_eq!(product(a.t(), b), [26.0, 30.0, 38.0, 44.0]);
        assert_eq!(product(a, b.t()), [17.0, 23.0, 39.0, 53.0]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        /// Every element has the bits of the definition, for every instruction set, on any number
        /// of threads, in shapes around the borders of tiles, tasks and passes.
        #[test]
        fn an_element_is_the_chain_wherever_it_stands(
            rows in prop_oneof![1_usize..14, 94_usize..99],
            inner in prop_oneof![0_usize..5, 126_usize..131],
            columns in prop_oneof![1_usize..4, 30_usize..67],
            (turn_a, turn_b) in any::<(bool, bool)>(),
            threads in 1_usize..4,
            seed in prop::collection::vec(-1.0_f64..1.0, 997),
        ) {
            let values = |count: usize, from: usize| -> Vec<f64> {
                seed.iter().copied().cycle().skip(from).take(count).collect()
            };
            let (a, b) = (values(rows * inner, 0), values(inner * columns, 100));
            let a = if turn_a { Matrix::new(&a, inner, rows).t() } else { Matrix::new(&a, rows, inner) };
            let b = if turn_b { Matrix::new(&b, columns, inner).t() } else { Matrix::new(&b, inner, columns) };
            let before = values(rows * columns, 200);
            let mut expected = before.clone();
            chain(&mut expected, a, b);
            for kernel in Kernel::available() {
                let mut out = before.clone();
                add_product_with(kernel, &mut out, a, b, threads);
                prop_assert!(out == expected, "{kernel:?}");
            }
        }
    }

    /// Large enough for threads.
    #[test]
    fn threads_change_no_bit() {
        let values: Vec<f64> = (0..200 * 130).map(|i| f64::from(i).sin()).collect();
        let (a, b) = (Matrix::new(&values, 200, 130), Matrix::new(&values, 130, 200));
        let mut one = vec![0.5; 200 * 200];
        let mut four = one.clone();
        add_product(&mut one, a, b, 1);
        add_product(&mut four, a, b, 4);
        assert!(one == four);
    }
}
