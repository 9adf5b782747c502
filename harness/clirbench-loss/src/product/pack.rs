//! Operands in the order in which tiles read them.

use super::Matrix;
use super::tile::{COLUMNS, ColumnLanes, ROWS, RowLanes};

/// All columns of `b`, in panels of [`COLUMNS`]: `[panels, inner]`. Lanes without a column are 0.
pub(super) fn packed_columns(b: Matrix<'_>) -> Vec<ColumnLanes> {
    let panels = b.columns.div_ceil(COLUMNS);
    let mut packed = vec![ColumnLanes([0.0; COLUMNS]); panels * b.rows];
    for (panel, lanes) in packed.chunks_exact_mut(b.rows).enumerate() {
        let first = panel * COLUMNS;
        let count = COLUMNS.min(b.columns - first);
        if b.column_stride == 1 {
            for (k, lanes) in lanes.iter_mut().enumerate() {
                let at = k * b.row_stride + first;
                lanes.0[..count].copy_from_slice(&b.data[at..at + count]);
            }
        } else {
            for lane in 0..count {
                for (k, lanes) in lanes.iter_mut().enumerate() {
                    lanes.0[lane] = b.at(k, first + lane);
                }
            }
        }
    }
    packed
}

/// `count` rows of `a` from `first` on, in strips of [`ROWS`]: `[strips, inner]`. Lanes without a
/// row are 0.
pub(super) fn packed_rows(a: Matrix<'_>, first: usize, count: usize) -> Vec<RowLanes> {
    let mut packed = vec![RowLanes([0.0; ROWS]); count.div_ceil(ROWS) * a.columns];
    for (strip, lanes) in packed.chunks_exact_mut(a.columns).enumerate() {
        let first = first + strip * ROWS;
        for lane in 0..ROWS.min(count - strip * ROWS) {
            for (k, lanes) in lanes.iter_mut().enumerate() {
                lanes.0[lane] = a.at(first + lane, k);
            }
        }
    }
    packed
}
