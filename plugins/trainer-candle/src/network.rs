//! The model under training, on the fit's own threads.

use clirbench_candle::{Forward, Gradients, Mode, Model, cpu};
use clirbench_plugin::{Error, Result};
use rayon::ThreadPool;

use crate::gradcache::{Chunks, Trainable};
use crate::inputs::Inputs;
use crate::optimizer::failed;

/// Bytes of a thread's stack.
const STACK: usize = 16 << 20;

/// A model, its gradients and the inputs that it is given by number.
pub(crate) struct Network<'a> {
    pub(crate) model: &'a Model,
    pub(crate) gradients: &'a mut Gradients,
    pub(crate) inputs: &'a Inputs,
    pub(crate) threads: &'a ThreadPool,
}

/// As many threads as the host allows. The host's calls run on the calling thread, which waits
/// while these compute.
///
/// # Errors
/// `runtime` when the threads cannot be started.
pub(crate) fn threads(count: usize) -> Result<ThreadPool> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(count)
        // candle walks its graph recursively: some thousand frames for a model of 24 layers.
        .stack_size(STACK)
        .thread_name(|index| format!("train-{index}"))
        .build()
        .map_err(|e| Error::runtime(format!("cannot start {count} threads: {e}")))
}

impl Trainable for Network<'_> {
    type Graph = Forward;

    fn dim(&self) -> usize {
        self.model.dim()
    }

    fn embed(&mut self, inputs: &[u32], seed: u64) -> Result<Vec<f32>> {
        embeddings(&self.forward_in(inputs, Mode::Embed { dropout_seed: seed })?)
    }

    fn forward(&mut self, inputs: &[u32], seed: u64) -> Result<(Vec<f32>, Forward)> {
        let forward = self.forward_in(inputs, Mode::Train { dropout_seed: seed })?;
        Ok((embeddings(&forward)?, forward))
    }

    fn backward(&mut self, graph: Forward, gradient: &[f32]) -> Result<()> {
        let (model, gradients) = (self.model, &mut *self.gradients);
        self.threads.install(|| model.backward(graph, gradient, gradients))
    }
}

impl Network<'_> {
    fn forward_in(&self, inputs: &[u32], mode: Mode) -> Result<Forward> {
        let batch = self.inputs.batch(inputs);
        self.threads.install(|| self.model.forward(&batch, mode))
    }
}

/// Embeddings of all `inputs` in their order, `[inputs, dim]`, without dropout, at most `budget` tokens
/// at a time. `poll` runs before each chunk.
///
/// # Errors
/// Those of `poll`, or when the runtime fails.
pub(crate) fn infer(
    model: &Model,
    inputs: &Inputs,
    budget: usize,
    threads: &ThreadPool,
    mut poll: impl FnMut() -> Result<()>,
) -> Result<Vec<f32>> {
    let all: Vec<u32> = (0..inputs.len() as u32).collect();
    let chunks = Chunks::new(&all, |input| inputs.tokens(input), budget);
    let mut rows = Vec::with_capacity(all.len() * model.dim());
    for chunk in chunks.iter() {
        poll()?;
        let batch = inputs.batch(chunk);
        rows.extend(embeddings(&threads.install(|| model.forward(&batch, Mode::Inference))?)?);
    }
    Ok(chunks.spread(&rows, model.dim()))
}

fn embeddings(forward: &Forward) -> Result<Vec<f32>> {
    let tensor = forward.embeddings.to_device(&candle_core::Device::Cpu).map_err(failed)?;
    Ok(cpu::values(&tensor).map_err(failed)?.to_vec())
}

#[cfg(test)]
#[path = "../tests/it/tiny.rs"]
mod tiny;

#[cfg(test)]
mod tests {
    use std::path::Path;

    use candle_core::{DType, Device};
    use clirbench_candle::{Gradient, Head, Step};
    use clirbench_model::{ModelOptions, TextModel};
    use clirbench_plugin::Role;

    use super::*;
    use crate::gradcache::accumulate;

    fn texts() -> Vec<String> {
        let words = |i: usize| (0..2 + i % 5).map(|j| format!("w{}", (7 * i + j) % 60)).collect::<Vec<_>>();
        (0..12).map(|i| words(i).join(" ")).collect()
    }

    /// The gradient of all parameters for 12 texts, at most `budget` tokens at a time: dense, by name.
    fn gradients(base: &Path, budget: usize, dropout_in_chunks: bool) -> Vec<(String, Vec<f32>)> {
        let options = ModelOptions { path: base.to_owned(), ..ModelOptions::default() };
        let text = TextModel::open(options).expect("a model directory");
        let texts = texts();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let inputs =
            Inputs::of_texts(&texts, Role::Document, &text.tokenizer, &text.prompts).expect("tokens");
        let mut head = Head::pooled(clirbench_candle::PoolingMode::Mean);
        if let Head::Embedding { steps, .. } = &mut head {
            steps.push(Step::Normalize);
        }
        let model = Model::load(base, &head, &Device::Cpu, DType::F32).expect("a model");
        let mut gradients = model.gradients();
        let threads = threads(1).expect("a thread");
        let mut network =
            Network { model: &model, gradients: &mut gradients, inputs: &inputs, threads: &threads };
        let cells: Vec<u32> = (0..12).collect();
        let chunks = Chunks::new(&cells, |input| inputs.tokens(input), budget);
        assert_eq!(chunks.iter().count() > 1, budget < 100);
        let mut first = Vec::new();
        accumulate(
            &mut network,
            &chunks,
            5,
            || Ok(()),
            |embeddings, gradients| {
                // Any loss that couples all texts: (sum_ij w_ij e_i . e_j), with weights of no pattern.
                for (i, g) in gradients.chunks_mut(16).enumerate() {
                    for (j, e) in embeddings.chunks(16).enumerate() {
                        let weight = ((i * 5 + j * 5) % 11) as f32 - 5.0;
                        g.iter_mut().zip(e).for_each(|(g, e)| *g += weight * e);
                    }
                }
                first = embeddings.to_vec();
                Ok(0.0)
            },
        )
        .expect("gradients");
        if dropout_in_chunks {
            // The second pass has to be the first one over again.
            let again: Vec<f32> = chunks
                .seeded(5)
                .flat_map(|(inputs, seed)| network.forward(inputs, seed).expect("rows").0)
                .collect();
            assert_eq!(chunks.spread(&again, 16), first);
        }
        let parameters = model.parameters().enumerate();
        let dense = parameters.map(|(index, (name, var))| {
            let values = match gradients.get(index).expect("a gradient") {
                Gradient::Dense(values) => cpu::values(values).expect("numbers").to_vec(),
                Gradient::Rows { ids, rows } => {
                    let mut table = vec![0.0; var.elem_count()];
                    let rows = cpu::values(rows).expect("numbers");
                    for (id, row) in ids.iter().zip(rows.chunks(16)) {
                        table[*id as usize * 16..][..16].copy_from_slice(row);
                    }
                    table
                }
            };
            (name.to_owned(), values)
        });
        dense.collect()
    }

    #[test]
    fn the_cached_gradient_is_that_of_the_whole_batch() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        tiny::write(dir.path(), 0.0);
        let whole = gradients(dir.path(), 1000, false);
        let norm = |values: &[f32]| values.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
        let total = norm(&whole.iter().flat_map(|(_, values)| values.clone()).collect::<Vec<_>>());
        for budget in [1, 20] {
            for ((name, cached), (_, whole)) in gradients(dir.path(), budget, false).iter().zip(&whole) {
                let difference: Vec<f32> = cached.iter().zip(whole).map(|(a, b)| a - b).collect();
                // The gradient of a key's bias is 0 but for rounding: softmax does not see it.
                let scale = norm(whole).max(1e-3 * total);
                assert!(norm(&difference) < 1e-5 * scale, "{name}: {} of {scale}", norm(&difference));
            }
        }
    }

    #[test]
    fn the_second_pass_drops_what_the_first_one_dropped() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        tiny::write(dir.path(), 0.3);
        let dropped = gradients(dir.path(), 20, true);
        tiny::write(dir.path(), 0.0);
        assert_ne!(dropped, gradients(dir.path(), 20, true), "there was dropout");
    }
}
