//! Dot products of 6 queries with 64 documents, the only arithmetic on vectors in this crate.
//!
//! A score is *defined* as one chain of fused multiply-adds in component order,
//! `fma(q[n], d[n], ... fma(q[0], d[0], 0))`. Every output has an accumulator of its own, so a
//! score depends on nothing but its two vectors: not on its place in a tile, on block sizes, on the
//! number of threads, nor on which of the instruction sets below computes it. General matrix
//! products do not promise that (their edge tiles and small shapes may sum in another order), and
//! without it a relevant document's score could differ from that of an equal vector elsewhere.
//!
//! Vector lanes hold documents; queries are broadcast. With AVX-512 a tile is 24 accumulators of 32
//! registers: enough independent chains to hide the latency of a multiply-add, and only 10 loads for
//! 24 of them. The loops are plain arrays of a power of two, which the compiler turns into vectors
//! as fast as hand-written ones (182 of 184 Gflop/s per core where this was measured).

// `unsafe` serves one thing: calling a function that is compiled for an instruction set which not
// every CPU has. It is sound because a `Kernel` of that set is made only after the CPU was asked.
// Without, the loops would be compiled for SSE2, which has no fused multiply-add: 100 times slower.
#![allow(unsafe_code)]

/// Queries of one tile.
pub(crate) const QUERIES: usize = 6;
/// Documents of one tile.
pub(crate) const DOCUMENTS: usize = 64;

/// One component of the queries of a tile.
#[derive(Clone, Copy, Debug)]
pub(crate) struct QueryLanes(pub(crate) [f32; QUERIES]);

/// One component of the documents of a tile; aligned so that no vector load crosses a cache line.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(crate) struct DocumentLanes(pub(crate) [f32; DOCUMENTS]);

impl AsMut<[f32; QUERIES]> for QueryLanes {
    fn as_mut(&mut self) -> &mut [f32; QUERIES] {
        &mut self.0
    }
}

impl AsMut<[f32; DOCUMENTS]> for DocumentLanes {
    fn as_mut(&mut self) -> &mut [f32; DOCUMENTS] {
        &mut self.0
    }
}

/// Scores of one tile, a row per query.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(crate) struct Scores(pub(crate) [[f32; DOCUMENTS]; QUERIES]);

impl Scores {
    pub(crate) const ZERO: Self = Self([[0.0; DOCUMENTS]; QUERIES]);
}

/// An instruction set that this CPU has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kernel(Isa);

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
    pub(crate) fn best() -> Self {
        Self::available()[0]
    }

    /// All that this CPU can run, fastest first; the portable one is always there.
    pub(crate) fn available() -> Vec<Self> {
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

    /// Scores a tile. Bit `i` of the result is set when a score of query `i` is not below
    /// `floors[i]` or is not finite, so that whoever counts need not look at the others.
    ///
    /// `queries` and `documents` hold one entry per component and are equally long.
    #[inline]
    pub(crate) fn score(
        self,
        queries: &[QueryLanes],
        documents: &[DocumentLanes],
        floors: &[f32; QUERIES],
        scores: &mut Scores,
    ) -> u32 {
        debug_assert_eq!(queries.len(), documents.len());
        match self.0 {
            // SAFETY: `available` found AVX-512F.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => unsafe { avx512(queries, documents, floors, scores) },
            // SAFETY: `available` found AVX2 and FMA.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => unsafe { avx2(queries, documents, floors, scores) },
            Isa::Portable => tile::<6, 16>(queries, documents, floors, scores),
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn avx512(
    queries: &[QueryLanes],
    documents: &[DocumentLanes],
    floors: &[f32; QUERIES],
    scores: &mut Scores,
) -> u32 {
    // 24 accumulators of 32 registers.
    tile::<6, 64>(queries, documents, floors, scores)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn avx2(
    queries: &[QueryLanes],
    documents: &[DocumentLanes],
    floors: &[f32; QUERIES],
    scores: &mut Scores,
) -> u32 {
    // 12 accumulators of 16 registers.
    tile::<6, 16>(queries, documents, floors, scores)
}

/// The tile in parts of `Q` queries and `D` documents, which the compiler turns into vectors of
/// whatever instruction set the caller is compiled for.
#[inline(always)]
fn tile<const Q: usize, const D: usize>(
    queries: &[QueryLanes],
    documents: &[DocumentLanes],
    floors: &[f32; QUERIES],
    scores: &mut Scores,
) -> u32 {
    for q in (0..QUERIES).step_by(Q) {
        for d in (0..DOCUMENTS).step_by(D) {
            let mut sums = [[0.0_f32; D]; Q];
            for (query, document) in queries.iter().zip(documents) {
                let document = &document.0[d..d + D];
                for (sums, &component) in sums.iter_mut().zip(&query.0[q..q + Q]) {
                    for (sum, &other) in sums.iter_mut().zip(document) {
                        *sum = component.mul_add(other, *sum);
                    }
                }
            }
            for (row, sums) in scores.0[q..q + Q].iter_mut().zip(&sums) {
                row[d..d + D].copy_from_slice(sums);
            }
        }
    }
    let mut reached = 0;
    for (i, (row, &floor)) in scores.0.iter().zip(floors).enumerate() {
        let hit = row.iter().fold(false, |hit, &score| {
            let below = score < floor && score != f32::NEG_INFINITY;
            hit | !below
        });
        reached |= u32::from(hit) << i;
    }
    reached
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The definition of a score.
    fn chain(query: &[f32], document: &[f32]) -> f32 {
        query.iter().zip(document).fold(0.0, |sum, (&q, &d)| q.mul_add(d, sum))
    }

    fn floats() -> impl Strategy<Value = f32> {
        prop_oneof![-1.0_f32..1.0, -1e-3_f32..1e-3, Just(0.0), -1e4_f32..1e4]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Every kernel gives each of the 384 places of a tile the bits of the definition.
        #[test]
        fn a_score_is_the_chain_wherever_it_stands(
            dim in 0_usize..70,
            seed in prop::collection::vec(floats(), (QUERIES + DOCUMENTS) * 70),
            floor in floats(),
        ) {
            let query = |i: usize| &seed[i * dim..(i + 1) * dim];
            let document = |i: usize| query(QUERIES + i);
            let queries: Vec<_> =
                (0..dim).map(|k| QueryLanes(std::array::from_fn(|i| query(i)[k]))).collect();
            let documents: Vec<_> =
                (0..dim).map(|k| DocumentLanes(std::array::from_fn(|i| document(i)[k]))).collect();
            for kernel in Kernel::available() {
                let mut scores = Scores([[f32::NAN; DOCUMENTS]; QUERIES]);
                let reached = kernel.score(&queries, &documents, &[floor; QUERIES], &mut scores);
                for (i, row) in scores.0.iter().enumerate() {
                    for (j, score) in row.iter().enumerate() {
                        let expected = chain(query(i), document(j));
                        prop_assert_eq!(score.to_bits(), expected.to_bits(), "{:?} {} {}", kernel, i, j);
                    }
                    prop_assert_eq!(reached >> i & 1 == 1, row.iter().any(|&s| s >= floor));
                }
            }
        }
    }

    #[test]
    fn every_non_finite_score_is_reported_whatever_the_floor() {
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            for place in [0, 15, 16, 63] {
                let queries = [QueryLanes([1.0; QUERIES])];
                let mut documents = [DocumentLanes([0.5; DOCUMENTS])];
                documents[0].0[place] = bad;
                for kernel in Kernel::available() {
                    let mut scores = Scores::ZERO;
                    let reached = kernel.score(&queries, &documents, &[f32::INFINITY; QUERIES], &mut scores);
                    assert_eq!(reached, (1 << QUERIES) - 1, "{kernel:?}, {bad} in lane {place}");
                }
            }
        }
    }

    #[test]
    fn nothing_is_reported_below_the_floor() {
        let (queries, documents) = ([QueryLanes([1.0; QUERIES])], [DocumentLanes([0.5; DOCUMENTS])]);
        let mut floors = [0.6; QUERIES];
        floors[3] = 0.5;
        for kernel in Kernel::available() {
            let reached = kernel.score(&queries, &documents, &floors, &mut Scores::ZERO.clone());
            assert_eq!(reached, 1 << 3, "{kernel:?}");
        }
    }
}
