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
    buffer.resize(wanted.len() * dim, 0.0);
    let mut filled = 0;
    for run in wanted.chunk_by(|a, b| a.checked_add(1) == Some(*b)) {
        let start = run[0] as usize;
        let rows = start..start + run.len();
        let out = &mut buffer[filled * dim..(filled + run.len()) * dim];
        matrix.read(rows.clone(), out).map_err(|source| SearchError::Read { side, rows, source })?;
        filled += run.len();
    }
    for (strip, lanes) in packed.chunks_mut(STRIP).enumerate() {
        for i in 0..wanted.len().min(N) {
            let row = &buffer[i * dim + strip * STRIP..][..lanes.len()];
            for (lane, &value) in lanes.iter_mut().zip(row) {
                lane.as_mut()[i] = value;
            }
        }
    }
    Ok(())
}
