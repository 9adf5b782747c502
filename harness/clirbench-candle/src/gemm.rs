//! Matrix products of row-major f32 matrices, possibly parts of wider ones.
//!
//! The only `unsafe` of the crate: `gemm` takes pointers and strides.
#![allow(unsafe_code)]

use gemm::Parallelism;

/// A read-only matrix: `rows x cols` values, `stride` apart from row to row.
#[derive(Clone, Copy)]
pub(crate) struct Matrix<'a> {
    data: &'a [f32],
    rows: usize,
    cols: usize,
    row_stride: usize,
    col_stride: usize,
}

impl<'a> Matrix<'a> {
    /// Rows of `cols` values, `stride` apart.
    pub(crate) fn new(data: &'a [f32], rows: usize, cols: usize, stride: usize) -> Self {
        assert!(fits(data.len(), rows, cols, stride), "a matrix of {rows} x {cols} in {} values", data.len());
        Matrix { data, rows, cols, row_stride: stride, col_stride: 1 }
    }

    /// The transposed matrix, of the same values.
    pub(crate) fn t(self) -> Self {
        Matrix {
            rows: self.cols,
            cols: self.rows,
            row_stride: self.col_stride,
            col_stride: self.row_stride,
            ..self
        }
    }
}

/// A matrix to write to.
pub(crate) struct MatrixMut<'a> {
    data: &'a mut [f32],
    rows: usize,
    cols: usize,
    stride: usize,
}

impl<'a> MatrixMut<'a> {
    /// Rows of `cols` values, `stride` apart.
    pub(crate) fn new(data: &'a mut [f32], rows: usize, cols: usize, stride: usize) -> Self {
        assert!(fits(data.len(), rows, cols, stride), "a matrix of {rows} x {cols} in {} values", data.len());
        MatrixMut { data, rows, cols, stride }
    }
}

fn fits(len: usize, rows: usize, cols: usize, stride: usize) -> bool {
    rows == 0 || cols == 0 || (cols <= stride && (rows - 1) * stride + cols <= len)
}

/// Whether a product replaces what is there or is added to it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Into {
    /// `out = a b`; what was there does not matter.
    Overwrite,
    /// `out += a b`.
    Add,
}

/// `out = a b` or `out += a b` on the calling thread.
pub(crate) fn product(out: MatrixMut<'_>, into: Into, a: Matrix<'_>, b: Matrix<'_>) {
    run(out, into, a, b, Parallelism::None);
}

/// The same on the threads of the current pool. Each element is summed in the same order whatever
/// their number.
pub(crate) fn parallel_product(out: MatrixMut<'_>, into: Into, a: Matrix<'_>, b: Matrix<'_>) {
    let parallelism = match rayon::current_num_threads() {
        1 => Parallelism::None,
        threads => Parallelism::Rayon(threads),
    };
    run(out, into, a, b, parallelism);
}

fn run(out: MatrixMut<'_>, into: Into, a: Matrix<'_>, b: Matrix<'_>, parallelism: Parallelism) {
    assert!(a.rows == out.rows && b.cols == out.cols && a.cols == b.rows, "a product of unequal shapes");
    // SAFETY: `Matrix::new` and `MatrixMut::new` have checked that every element that these shapes and
    // strides reach lies in the slices, which live through the call; transposing swaps both together.
    // `out` is borrowed exclusively, so it overlaps neither operand, and its rows do not overlap each
    // other (`cols <= stride`). All values are initialised f32.
    unsafe {
        gemm::gemm(
            out.rows,
            out.cols,
            a.cols,
            out.data.as_mut_ptr(),
            1,
            out.stride as isize,
            into == Into::Add,
            a.data.as_ptr(),
            a.col_stride as isize,
            a.row_stride as isize,
            b.data.as_ptr(),
            b.col_stride as isize,
            b.row_stride as isize,
            1.0,
            1.0,
            false,
            false,
            false,
            parallelism,
        );
    }
}
