//! 6 x 32 elements of a product, the only multiplications in it.
//!
//! Vector lanes hold columns; rows are broadcast. With AVX-512 a tile is 24 accumulators of 32
//! registers: enough independent chains to hide the latency of a multiply-add.

// `unsafe` serves one thing: calling a function that is compiled for an instruction set which not
// every CPU has. It is sound because a `Kernel` of that set is made only after the CPU was asked.
// Without, the loops would be compiled for SSE2, which has no fused multiply-add: 100 times slower.
#![allow(unsafe_code)]

/// Rows of one tile.
pub(super) const ROWS: usize = 6;
/// Columns of one tile.
pub(super) const COLUMNS: usize = 32;

/// One step of the inner dimension in the rows of a tile.
#[derive(Clone, Copy, Debug)]
pub(super) struct RowLanes(pub(super) [f64; ROWS]);

/// One step of the inner dimension in the columns of a tile; aligned so that no vector load crosses
/// a cache line.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(super) struct ColumnLanes(pub(super) [f64; COLUMNS]);

/// Elements of a product, a row after the other.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(super) struct Tile([[f64; COLUMNS]; ROWS]);

impl Tile {
    /// The tile at `row` and `column` of `out`, rows of `width`; zero where `out` ends.
    pub(super) fn load(out: &[f64], width: usize, row: usize, column: usize) -> Self {
        let mut tile = Self([[0.0; COLUMNS]; ROWS]);
        for (lanes, out) in tile.0.iter_mut().zip(out.chunks_exact(width).skip(row)) {
            let out = &out[column..];
            match out.first_chunk() {
                Some(whole) => *lanes = *whole,
                None => lanes[..out.len()].copy_from_slice(out),
            }
        }
        tile
    }

    /// Writes the tile back to where it was loaded.
    pub(super) fn store(&self, out: &mut [f64], width: usize, row: usize, column: usize) {
        for (lanes, out) in self.0.iter().zip(out.chunks_exact_mut(width).skip(row)) {
            let out = &mut out[column..];
            match out.first_chunk_mut() {
                Some(whole) => *whole = *lanes,
                None => out.copy_from_slice(&lanes[..out.len()]),
            }
        }
    }
}

/// An instruction set that this CPU has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kernel(Isa);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Isa {
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    Portable,
}

impl Kernel {
    /// The fastest that this CPU can run.
    pub(super) fn best() -> Self {
        Self::available()[0]
    }

    /// All that this CPU can run, fastest first; the portable one is always there.
    pub(super) fn available() -> Vec<Self> {
        let mut kernels = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f") {
                kernels.push(Self(Isa::Avx512));
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                kernels.push(Self(Isa::Avx2));
            }
        }
        kernels.push(Self(Isa::Portable));
        kernels
    }

    /// Adds to each element of `tile` the product of its row and its column. `rows` and `columns`
    /// are equally long.
    #[inline]
    pub(super) fn add(self, rows: &[RowLanes], columns: &[ColumnLanes], tile: &mut Tile) {
        debug_assert_eq!(rows.len(), columns.len());
        match self.0 {
            // SAFETY: `available` found AVX-512F.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => unsafe { avx512(rows, columns, tile) },
            // SAFETY: `available` found AVX2 and FMA.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => unsafe { avx2(rows, columns, tile) },
            Isa::Portable => multiply::<8>(rows, columns, tile),
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn avx512(rows: &[RowLanes], columns: &[ColumnLanes], tile: &mut Tile) {
    // 24 accumulators of 32 registers.
    multiply::<32>(rows, columns, tile);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn avx2(rows: &[RowLanes], columns: &[ColumnLanes], tile: &mut Tile) {
    // 12 accumulators of 16 registers.
    multiply::<8>(rows, columns, tile);
}

/// The tile in parts of `C` columns, which the compiler turns into vectors of whatever instruction
/// set the caller is compiled for.
#[inline(always)]
fn multiply<const C: usize>(rows: &[RowLanes], columns: &[ColumnLanes], tile: &mut Tile) {
    for c in (0..COLUMNS).step_by(C) {
        let mut sums = [[0.0; C]; ROWS];
        for (sums, lanes) in sums.iter_mut().zip(&tile.0) {
            sums.copy_from_slice(&lanes[c..c + C]);
        }
        for (row, column) in rows.iter().zip(columns) {
            let column = &column.0[c..c + C];
            for (sums, &factor) in sums.iter_mut().zip(&row.0) {
                for (sum, &other) in sums.iter_mut().zip(column) {
                    *sum = factor.mul_add(other, *sum);
                }
            }
        }
        for (lanes, sums) in tile.0.iter_mut().zip(&sums) {
            lanes[c..c + C].copy_from_slice(sums);
        }
    }
}
