//! Rows of a matrix laid out as the kernel reads them: component by component.

use crate::{Rows, SearchError};

/// Components that are transposed together, so that what is read and written stays in the L1 cache.
const STRIP: usize = 16;

/// Reads `wanted` rows (at most `N`) of a matrix into `packed`, lane `i` holding row `wanted[i]`.
/// Lanes without a row keep what they hold. Consecutive rows are read together. `buffer` is scratch
/// space.
pub(crate) fn pack<const N: usize, L: AsMut<[f32; N]>>(
    matrix: &dyn Rows,
    side: &'static str,
    wanted: &[u32],
    buffer: &mut Vec<f32>,
    packed: &mut [L],
) -> Result<(), SearchError> {
    let dim = matrix.dim();
    let values = match lent(matrix, wanted) {
        Some(values) => values,
        None => {
            read(matrix, side, wanted, buffer)?;
            buffer
        }
    };
    let rows = wanted.len().min(N);
    for (strip, lanes) in packed.chunks_mut(STRIP).enumerate() {
        let len = lanes.len();
        let row = |i: usize| &values[i * dim + strip * STRIP..][..len];
        // Four rows at once: their four values of a component are one store.
        let fours = rows / 4 * 4;
        for i in (0..fours).step_by(4) {
            let [a, b, c, d] = [row(i), row(i + 1), row(i + 2), row(i + 3)];
            for (((lane, a), b), (c, d)) in lanes.iter_mut().zip(a).zip(b).zip(c.iter().zip(d)) {
                lane.as_mut()[i..i + 4].copy_from_slice(&[*a, *b, *c, *d]);
            }
        }
        for i in fours..rows {
            for (lane, &value) in lanes.iter_mut().zip(row(i)) {
                lane.as_mut()[i] = value;
            }
        }
    }
    Ok(())
}

/// The rows as they lie in memory, where they lie there one after another.
fn lent<'a>(matrix: &'a dyn Rows, wanted: &[u32]) -> Option<&'a [f32]> {
    let (first, last) = (*wanted.first()? as usize, *wanted.last()? as usize);
    let consecutive = wanted.iter().zip(first..).all(|(&row, expected)| row as usize == expected);
    if consecutive { matrix.lend(first..last + 1) } else { None }
}

fn read(
    matrix: &dyn Rows,
    side: &'static str,
    wanted: &[u32],
    buffer: &mut Vec<f32>,
) -> Result<(), SearchError> {
    let dim = matrix.dim();
    buffer.resize(wanted.len() * dim, 0.0);
    let mut filled = 0;
    for run in wanted.chunk_by(|a, b| a.checked_add(1) == Some(*b)) {
        let start = run[0] as usize;
        let rows = start..start + run.len();
        let out = &mut buffer[filled * dim..(filled + run.len()) * dim];
        matrix.read(rows.clone(), out).map_err(|source| SearchError::Read { side, rows, source })?;
        filled += run.len();
    }
    Ok(())
}
