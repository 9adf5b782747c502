//! Operands in the order in which tiles read them.

use std::ops::Range;

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

/// The `columns` of the `rows` of `a`, in strips of [`ROWS`]: `[strips, columns.len()]`. Lanes
/// without a row are 0.
pub(super) fn pack_rows(
    a: Matrix<'_>,
    rows: Range<usize>,
    columns: Range<usize>,
    packed: &mut Vec<RowLanes>,
) {
    packed.clear();
    packed.resize(rows.len().div_ceil(ROWS) * columns.len(), RowLanes([0.0; ROWS]));
    for (strip, first) in packed.chunks_exact_mut(columns.len()).zip(rows.clone().step_by(ROWS)) {
        for lane in 0..ROWS.min(rows.end - first) {
            for (lanes, k) in strip.iter_mut().zip(columns.clone()) {
                lanes.0[lane] = a.at(first + lane, k);
            }
        }
    }
}
