//! The gradient of a whole batch in the memory of a chunk (GradCache: Gao et al. 2021, section 3).
//!
//! A contrastive loss needs all embeddings of a batch at once, but its gradient by the weights is a
//! sum over texts, given dL/dE. So: embed chunk by chunk and keep no activations; ask the loss for
//! dL/dE; run each chunk again, with the same dropout, and go back from its part of dL/dE.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::ops::Range;

use clirbench_plugin::Result;

/// A network, as far as its training is concerned.
pub(crate) trait Trainable {
    /// What a forward pass leaves behind for the backward pass.
    type Graph;

    /// Length of one embedding.
    fn dim(&self) -> usize;

    /// Embeddings `[inputs.len(), dim]`. The same inputs and seed give the same dropout.
    ///
    /// # Errors
    /// When the runtime fails.
    fn embed(&mut self, inputs: &[u32], seed: u64) -> Result<Vec<f32>>;

    /// The same embeddings, and what the backward pass needs.
    ///
    /// # Errors
    /// When the runtime fails.
    fn forward(&mut self, inputs: &[u32], seed: u64) -> Result<(Vec<f32>, Self::Graph)>;

    /// Adds to the gradients of the weights what follows from `gradient`, the loss's by the embeddings.
    ///
    /// # Errors
    /// When the runtime fails.
    fn backward(&mut self, graph: Self::Graph, gradient: &[f32]) -> Result<()>;
}

/// A batch's distinct inputs, cut into chunks.
#[derive(Debug, PartialEq)]
pub(crate) struct Chunks {
    /// Distinct inputs, longest first.
    inputs: Vec<u32>,
    /// For each cell of `[columns, rows]`, where its input stands in `inputs`.
    places: Vec<usize>,
    /// Parts of `inputs`.
    ranges: Vec<Range<usize>>,
}

impl Chunks {
    /// Cuts the inputs of `cells` (`[columns, rows]`) into chunks of at most `budget` tokens; an input
    /// that is longer has a chunk to itself.
    pub(crate) fn new(cells: &[u32], length: impl Fn(u32) -> usize, budget: usize) -> Self {
        let mut inputs = cells.to_vec();
        inputs.sort_unstable_by_key(|input| (Reverse(length(*input)), *input));
        inputs.dedup();
        let place: HashMap<u32, usize> = inputs.iter().copied().zip(0..).collect();
        let places = cells.iter().map(|input| place[input]).collect();
        let mut ranges: Vec<Range<usize>> = Vec::new();
        let mut tokens = 0;
        for (index, input) in inputs.iter().enumerate() {
            tokens += length(*input);
            match ranges.last_mut() {
                Some(range) if tokens <= budget => range.end = index + 1,
                _ => {
                    tokens = length(*input);
                    ranges.push(index..index + 1);
                }
            }
        }
        Chunks { inputs, places, ranges }
    }

    /// Distinct inputs of the batch.
    pub(crate) fn inputs(&self) -> &[u32] {
        &self.inputs
    }

    /// The parts of the inputs that go through the network at once.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u32]> {
        self.ranges.iter().map(|range| &self.inputs[range.clone()])
    }

    /// The same, with the place of each and a seed for it.
    fn parts(&self, seed: u64) -> impl DoubleEndedIterator<Item = (&[u32], &Range<usize>, u64)> {
        self.ranges
            .iter()
            .enumerate()
            .map(move |(chunk, range)| (&self.inputs[range.clone()], range, mixed(seed, chunk as u64)))
    }

    /// The parts with their seeds, as [`accumulate`] gives them to the network.
    #[cfg(test)]
    pub(crate) fn seeded(&self, seed: u64) -> impl Iterator<Item = (&[u32], u64)> {
        self.parts(seed).map(|(inputs, _, seed)| (inputs, seed))
    }

    /// Embeddings of the distinct inputs as those of the cells, `[columns, rows, dim]`.
    pub(crate) fn spread(&self, embeddings: &[f32], dim: usize) -> Vec<f32> {
        self.places.iter().flat_map(|place| &embeddings[place * dim..][..dim]).copied().collect()
    }

    /// The other way: an input's gradient is the sum over its cells.
    fn gather(&self, gradients: &[f32], dim: usize) -> Vec<f32> {
        let mut sums = vec![0.0; self.inputs.len() * dim];
        for (place, gradient) in self.places.iter().zip(gradients.chunks_exact(dim)) {
            sums[place * dim..][..dim].iter_mut().zip(gradient).for_each(|(sum, g)| *sum += g);
        }
        sums
    }
}

/// Embeds the batch, asks `loss` for its value and the gradients of `[columns, rows, dim]` embeddings,
/// and adds the gradient of the weights to the network's. Each distinct input is embedded once where
/// the batch is one chunk, else twice, except for the last chunk, whose activations are still there
/// when the loss is known. `poll` runs before each chunk.
///
/// # Errors
/// Those of network, loss and `poll`.
pub(crate) fn accumulate<T: Trainable>(
    network: &mut T,
    chunks: &Chunks,
    seed: u64,
    mut poll: impl FnMut() -> Result<()>,
    loss: impl FnOnce(&[f32], &mut [f32]) -> Result<f64>,
) -> Result<f64> {
    let dim = network.dim();
    let mut embeddings = Vec::with_capacity(chunks.inputs.len() * dim);
    let mut parts = chunks.parts(seed);
    let last = parts.next_back();
    for (inputs, _, seed) in parts {
        poll()?;
        embeddings.extend(network.embed(inputs, seed)?);
    }
    let mut kept = None;
    if let Some((inputs, range, seed)) = last {
        poll()?;
        let (rows, graph) = network.forward(inputs, seed)?;
        embeddings.extend(rows);
        kept = Some((graph, range));
    }

    let embeddings = chunks.spread(&embeddings, dim);
    let mut gradients = vec![0.0; embeddings.len()];
    let value = loss(&embeddings, &mut gradients)?;
    drop(embeddings);
    let gradients = chunks.gather(&gradients, dim);
    let of = |range: &Range<usize>| &gradients[range.start * dim..range.end * dim];

    if let Some((graph, range)) = kept {
        network.backward(graph, of(range))?;
    }
    for (inputs, range, seed) in chunks.parts(seed).rev().skip(1) {
        poll()?;
        let (_, graph) = network.forward(inputs, seed)?;
        network.backward(graph, of(range))?;
    }
    Ok(value)
}

/// A seed of its own for the `index`-th of something that has `seed` (SplitMix64).
pub(crate) fn mixed(seed: u64, index: u64) -> u64 {
    let mut z = seed.wrapping_add((index + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// y = dropout(w * x), one weight per component, x the input's number.
    struct Scaling {
        weights: [f32; 2],
        gradients: [f32; 2],
        embedded: Vec<Vec<u32>>,
        forwarded: Vec<Vec<u32>>,
    }

    impl Scaling {
        fn new() -> Self {
            Scaling { weights: [0.5, -2.0], gradients: [0.0; 2], embedded: vec![], forwarded: vec![] }
        }

        fn rows(&self, inputs: &[u32], seed: u64) -> Vec<f32> {
            let kept = |i: &u32| if mixed(seed, u64::from(*i)).is_multiple_of(4) { 0.0 } else { 1.0 };
            inputs.iter().flat_map(|i| self.weights.map(|w| w * *i as f32 * kept(i))).collect()
        }
    }

    impl Trainable for Scaling {
        type Graph = (Vec<u32>, Vec<f32>);

        fn dim(&self) -> usize {
            2
        }

        fn embed(&mut self, inputs: &[u32], seed: u64) -> Result<Vec<f32>> {
            self.embedded.push(inputs.to_vec());
            Ok(self.rows(inputs, seed))
        }

        fn forward(&mut self, inputs: &[u32], seed: u64) -> Result<(Vec<f32>, Self::Graph)> {
            self.forwarded.push(inputs.to_vec());
            let rows = self.rows(inputs, seed);
            Ok((rows.clone(), (inputs.to_vec(), rows)))
        }

        fn backward(&mut self, (inputs, rows): Self::Graph, gradient: &[f32]) -> Result<()> {
            for ((input, row), gradient) in inputs.iter().zip(rows.chunks(2)).zip(gradient.chunks(2)) {
                for d in 0..2 {
                    let kept = if row[d] == 0.0 { 0.0 } else { 1.0 };
                    self.gradients[d] += gradient[d] * *input as f32 * kept;
                }
            }
            Ok(())
        }
    }

    /// sum_{c, r} (c + 1) |e|^2 / 2
    fn squares(embeddings: &[f32], gradients: &mut [f32]) -> Result<f64> {
        let half = embeddings.len() / 2;
        let mut value = 0.0;
        for (i, (e, g)) in embeddings.iter().zip(gradients).enumerate() {
            let weight = if i < half { 1.0 } else { 2.0 };
            value += f64::from(weight * e * e) / 2.0;
            *g = weight * e;
        }
        Ok(value)
    }

    /// Two columns of three rows; input 3 stands in both.
    const CELLS: [u32; 6] = [3, 1, 4, 2, 3, 5];

    fn lengths(input: u32) -> usize {
        [0, 10, 20, 30, 40, 10][input as usize]
    }

    #[test]
    fn chunks_hold_each_input_once_longest_first_within_the_budget() {
        let chunks = Chunks::new(&CELLS, lengths, 50);
        assert_eq!(chunks.inputs(), [4, 3, 2, 1, 5]);
        assert_eq!(chunks.ranges, [0..1, 1..3, 3..5]);
        assert_eq!(chunks.places, [1, 3, 0, 2, 1, 4]);
        assert_eq!(Chunks::new(&CELLS, lengths, 110).ranges, vec![0..5]);
        assert_eq!(Chunks::new(&CELLS, lengths, 1).ranges.len(), 5, "each alone, over the budget");
    }

    #[test]
    fn a_cached_gradient_is_that_of_the_whole_batch() {
        // By hand: the loss weighs input 3 with 1 + 2, 1 and 4 with 1, 2 and 5 with 2.
        let sum = 3.0 * 9.0 + 1.0 + 16.0 + 2.0 * (4.0 + 25.0);
        // A seed without dropout for any of these inputs in any chunk.
        let quiet = (0..).find(|seed| {
            [1, 50, 110].iter().all(|budget| {
                Chunks::new(&CELLS, lengths, *budget)
                    .parts(*seed)
                    .all(|(inputs, _, seed)| Scaling::new().rows(inputs, seed).iter().all(|y| *y != 0.0))
            })
        });
        for budget in [1, 50, 110] {
            let mut network = Scaling::new();
            let chunks = Chunks::new(&CELLS, lengths, budget);
            let value = accumulate(&mut network, &chunks, quiet.expect("a seed"), || Ok(()), squares);
            assert_eq!(value.expect("a value"), (0.25 + 4.0) * sum / 2.0);
            assert_eq!(network.gradients, [0.5 * sum as f32, -2.0 * sum as f32], "{budget}");
        }
    }

    #[test]
    fn dropout_of_the_second_pass_is_that_of_the_first() {
        let mut dropped = 0;
        for seed in 0..20 {
            let mut network = Scaling::new();
            let chunks = Chunks::new(&CELLS, lengths, 50);
            let mut seen = Vec::new();
            let value = accumulate(
                &mut network,
                &chunks,
                seed,
                || Ok(()),
                |embeddings, gradients| {
                    seen = embeddings.to_vec();
                    squares(embeddings, gradients)
                },
            );
            // The loss is quadratic: w . dL/dw = 2 L, if both passes drop the same.
            let euler: f32 = network.gradients.iter().zip(network.weights).map(|(g, w)| g * w).sum();
            assert_eq!(f64::from(euler), 2.0 * value.expect("a value"), "{seed}");
            dropped += seen.iter().filter(|y| **y == 0.0).count();
        }
        assert!(dropped > 0, "no dropout at all");
    }

    #[test]
    fn one_chunk_takes_one_pass_and_the_last_chunk_is_never_repeated() {
        let mut network = Scaling::new();
        accumulate(&mut network, &Chunks::new(&CELLS, lengths, 110), 1, || Ok(()), squares).expect("a value");
        assert_eq!((network.embedded.len(), network.forwarded.len()), (0, 1));

        let mut network = Scaling::new();
        accumulate(&mut network, &Chunks::new(&CELLS, lengths, 50), 1, || Ok(()), squares).expect("a value");
        assert_eq!(network.embedded, [vec![4], vec![3, 2]]);
        assert_eq!(network.forwarded, [vec![1, 5], vec![3, 2], vec![4]]);
    }

    #[test]
    fn a_stop_between_chunks_leaves_at_once() {
        let mut network = Scaling::new();
        let mut polls = 0;
        let stop = || {
            polls += 1;
            if polls == 2 { Err(clirbench_plugin::Error::cancelled("stop")) } else { Ok(()) }
        };
        let chunks = Chunks::new(&CELLS, lengths, 50);
        let error = accumulate(&mut network, &chunks, 1, stop, squares).expect_err("stopped");
        assert_eq!((&error.kind[..], network.embedded.len()), ("cancelled", 1));
    }
}
