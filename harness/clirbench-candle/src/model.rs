//! A loaded model: forward, backward, save.

use std::path::Path;
use std::sync::Arc;

use candle_core::{DType, Device, Result as Candle, Tensor, Var};
use clirbench_plugin::{Error, Result};
use safetensors::tensor::Dtype;

use crate::buffer::Pool;
use crate::config::Architecture;
use crate::encoder::Encoder;
use crate::error::candle;
use crate::files::{self, Entry, TensorFile};
use crate::fused::Fused;
use crate::gradients::Gradients;
use crate::head::Head;
use crate::initial::Initial;
use crate::layout::Layout;
use crate::parameters::{Loader, Named, Parameter, Parameters};
use crate::plain::Plain;
use crate::profile::{OpTime, Profile};
use crate::tape::{Backward, Tape};
use crate::{Batch, cpu};

/// Shards of written models are at most this long, as Transformers writes them.
const SHARD_BYTES: usize = 5_000_000_000;

/// What a forward pass is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// No dropout, no way back.
    Inference,
    /// Dropout, no way back: the first pass of gradient caching.
    Embed {
        /// Equal seeds and batches drop the same elements.
        dropout_seed: u64,
    },
    /// Dropout and a record for [`Model::backward`].
    Train {
        /// Equal seeds and batches drop the same elements.
        dropout_seed: u64,
    },
}

/// Float type of written weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SaveType {
    /// f32, as the masters are.
    F32,
    /// The type that each tensor had in the files that it was read from.
    AsRead,
}

/// What a fit changes about a model that it loads.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Changes {
    /// The probability, below 1, of every dropout, in place of what `config.json` says.
    pub dropout: Option<f32>,
    /// Seed of a cross-encoder's classifier where the files have none; without a seed that is an error.
    pub classifier_seed: Option<u64>,
}

/// An encoder with its parameters.
pub struct Model {
    encoder: Encoder,
    parameters: Parameters,
    device: Device,
    compute: DType,
    reference: bool,
    pool: Arc<Pool>,
    profile: Profile,
}

/// The result of a forward pass.
pub struct Forward {
    /// Embeddings `[texts, dim]`, or a cross-encoder's scores `[pairs, 1]`; f32, on the model's device,
    /// part of no graph.
    pub embeddings: Tensor,
    record: Record,
}

enum Record {
    None,
    /// The end of candle's graph, and the gathered token rows at its start.
    Plain {
        output: Tensor,
        token_rows: Option<Var>,
        ids: Vec<u32>,
    },
    Fused {
        tape: Tape,
        output: usize,
        values: usize,
    },
}

impl Model {
    /// Reads `config.json` and the safetensors of a transformer's directory, and the modules of its head.
    ///
    /// Parameters are f32 whatever the type of the files; values between operations are of type
    /// `compute` (f32, bf16 or f16). Buffers and heads of other tasks that the files may hold
    /// (`position_ids`, `pooler.*`, `cls.*`, ...) are kept for [`Model::save`].
    ///
    /// # Errors
    /// Unreadable or damaged files, an architecture that is not supported, tensors that are missing,
    /// of another shape, or used by nothing: each names file, field or tensors.
    pub fn load(transformer_dir: &Path, head: &Head, device: &Device, compute: DType) -> Result<Model> {
        Self::load_with(transformer_dir, head, device, compute, Changes::default())
    }

    /// [`Model::load`] with what a fit changes.
    ///
    /// # Errors
    /// As [`Model::load`].
    pub fn load_with(
        transformer_dir: &Path,
        head: &Head,
        device: &Device,
        compute: DType,
        changes: Changes,
    ) -> Result<Model> {
        if !matches!(compute, DType::F32 | DType::BF16 | DType::F16) {
            return Err(Error::config(format!("compute type {compute:?} is not supported"))
                .hint("use f32, bf16 or f16"));
        }
        let in_dir =
            |e: Error| Error { message: format!("{}: {}", transformer_dir.display(), e.message), ..e };
        let mut architecture = Architecture::read(transformer_dir)?;
        if let Some(rate) = changes.dropout {
            architecture.set_dropout(rate);
        }
        let classifier = changes.classifier_seed.map(Initial::new);
        let mut loader = Loader::new(TensorFile::open_dir(transformer_dir)?, device);
        let encoder = Encoder::load(&architecture, head, classifier, &mut loader).map_err(in_dir)?;
        let parameters = loader.finish(Encoder::harmless).map_err(in_dir)?;
        Ok(Model {
            encoder,
            parameters,
            device: device.clone(),
            compute,
            reference: false,
            pool: Arc::default(),
            profile: Profile::default(),
        })
    }

    /// Overwrites each trainable parameter for which `read` has other values: given its name (as in
    /// [`Model::parameters`]) and its values (row-major), it returns whether it changed them.
    ///
    /// # Errors
    /// What `read` returns; a device that fails.
    pub fn overwrite(&mut self, read: impl Fn(&str, &mut [f32]) -> Result<bool>) -> Result<()> {
        for Named { name, var, .. } in &self.parameters.trainable {
            let mut values: Vec<f32> = var.flatten_all().and_then(|flat| flat.to_vec1()).map_err(candle)?;
            if read(name, &mut values)? {
                let tensor = Tensor::from_vec(values, var.shape(), &self.device).map_err(candle)?;
                var.set(&tensor).map_err(candle)?;
            }
        }
        Ok(())
    }

    /// Computes with candle's own operations even where there are faster ones: what those are tested
    /// against.
    #[must_use]
    pub fn with_reference_ops(mut self) -> Model {
        self.reference = true;
        self
    }

    /// Width of the token states.
    #[must_use]
    pub fn hidden(&self) -> usize {
        self.encoder.hidden
    }

    /// Width of the embeddings; 1 for a cross-encoder.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.encoder.dim
    }

    /// The longest text, in tokens; `usize::MAX` for a static model.
    #[must_use]
    pub fn max_positions(&self) -> usize {
        self.encoder.max_positions
    }

    /// Where the parameters are.
    #[must_use]
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Names and masters of the trainable parameters, always in the same order. Names are those of the
    /// files; those of a head's module have its directory before them (`2_Dense/linear.weight`).
    pub fn parameters(&self) -> impl ExactSizeIterator<Item = (&str, &Var)> {
        self.parameters.trainable.iter().map(|named| (named.name.as_str(), &named.var))
    }

    /// Names and shapes of floating-point tensors of the transformer's files that this network does not
    /// use (`pooler.dense.weight`), sorted by name.
    pub fn unused(&self) -> impl Iterator<Item = (&str, &[usize])> {
        let floats = [Dtype::F64, Dtype::F32, Dtype::F16, Dtype::BF16];
        let untouched = self.parameters.untouched.iter();
        untouched
            .filter(move |(_, source)| floats.contains(&source.dtype))
            .map(|(name, source)| (name.as_str(), &source.shape[..]))
    }

    /// Gradients to add to, none so far.
    #[must_use]
    pub fn gradients(&self) -> Gradients {
        Gradients::new(self.parameters().map(|(name, _)| name.to_owned()).collect())
    }

    /// Time that each kind of fused operation has taken since the model was loaded, by name.
    #[must_use]
    pub fn profile(&self) -> Vec<(&'static str, OpTime)> {
        self.profile.times()
    }

    /// Embeds or scores the texts of a batch.
    ///
    /// # Errors
    /// Token ids or lengths that the model has no rows for; a device that fails.
    pub fn forward(&self, batch: &Batch, mode: Mode) -> Result<Forward> {
        batch.check(self.encoder.vocabulary, self.encoder.segments, self.encoder.max_positions)?;
        let layout = Layout::new(batch);
        let (seed, graph) = match mode {
            Mode::Inference => (None, false),
            Mode::Embed { dropout_seed } => (Some(dropout_seed), false),
            Mode::Train { dropout_seed } => (Some(dropout_seed), true),
        };
        let fused = self.device.is_cpu() && self.compute == DType::F32 && !self.reference;
        let forward = if fused {
            self.forward_fused(layout, seed, graph)
        } else {
            self.forward_plain(layout, seed, graph)
        };
        forward.map_err(candle)
    }

    fn forward_plain(&self, layout: Layout, seed: Option<u64>, graph: bool) -> Candle<Forward> {
        let plain = Plain {
            parameters: &self.parameters,
            layout: &layout,
            device: &self.device,
            compute: self.compute,
            seed,
            graph,
            token_rows: Default::default(),
        };
        let output = self.encoder.forward(&plain)?.to_dtype(DType::F32)?;
        let token_rows = plain.token_rows.take();
        let embeddings = output.detach();
        let record = match graph {
            true => Record::Plain { output, token_rows, ids: layout.unique_ids },
            false => Record::None,
        };
        Ok(Forward { embeddings, record })
    }

    fn forward_fused(&self, layout: Layout, seed: Option<u64>, graph: bool) -> Candle<Forward> {
        let fused = Fused::new(&self.parameters, layout, Arc::clone(&self.pool), &self.profile, seed, graph);
        let output = self.encoder.forward(&fused)?;
        let embeddings = Tensor::from_slice(&output.data, (output.rows, output.cols), &Device::Cpu)?;
        let record = match fused.finish() {
            Some((tape, values)) => Record::Fused { tape, output: output.id, values },
            None => Record::None,
        };
        self.pool.end_pass();
        Ok(Forward { embeddings, record })
    }

    /// Adds the gradients of a loss to `into`, given the loss's gradient with respect to the
    /// embeddings: `grad` is `[texts, dim]`, row-major.
    ///
    /// # Errors
    /// A pass that was not in [`Mode::Train`], a gradient of another size, a device that fails.
    pub fn backward(&self, forward: Forward, grad: &[f32], into: &mut Gradients) -> Result<()> {
        let expected = forward.embeddings.elem_count();
        if grad.len() != expected {
            return Err(Error::internal(format!(
                "the gradient of {expected} embedding values has {} values",
                grad.len()
            )));
        }
        match forward.record {
            Record::None => Err(Error::internal("backward needs a forward pass with Mode::Train")),
            Record::Plain { output, token_rows, ids } => {
                self.backward_plain(&output, token_rows, ids, grad, into).map_err(candle)
            }
            Record::Fused { tape, output, values } => {
                let mut gradient = self.pool.stale(grad.len());
                gradient.copy_from_slice(grad);
                let pool = Arc::clone(&self.pool);
                let backward = Backward::new(&self.parameters, into, pool, values);
                tape.run(output, gradient, backward, &self.profile).map_err(candle)?;
                self.pool.end_pass();
                Ok(())
            }
        }
    }

    fn backward_plain(
        &self,
        output: &Tensor,
        token_rows: Option<Var>,
        ids: Vec<u32>,
        grad: &[f32],
        into: &mut Gradients,
    ) -> Candle<()> {
        // The gradient of sum(embeddings * grad) is grad, carried through the graph.
        let grad = Tensor::from_slice(grad, output.shape(), &self.device)?;
        let mut store = (output * grad)?.sum_all()?.backward()?;
        for (index, named) in self.parameters.trainable.iter().enumerate() {
            if let Some(gradient) = store.remove(named.var.as_tensor()) {
                into.add(Parameter(index), gradient)?;
            }
        }
        if let Some(gradient) = token_rows.and_then(|rows| store.remove(rows.as_tensor())) {
            into.add_rows(self.encoder.token_table, ids, gradient)?;
        }
        Ok(())
    }

    /// Writes the transformer's tensors to `dir`: `model.safetensors`, or shards with an index above
    /// 5 GB. Names are those that were read, and tensors that this model does not use come along
    /// unchanged. Each file appears whole or not at all. `config.json` is the caller's to copy.
    ///
    /// # Errors
    /// A file that cannot be written, a full disk included.
    pub fn save(&self, dir: &Path, dtype: SaveType) -> Result<()> {
        self.save_sharded(dir, dtype, SHARD_BYTES)
    }

    /// [`Model::save`] with shards of at most `shard_bytes`.
    ///
    /// # Errors
    /// As [`Model::save`].
    pub fn save_sharded(&self, dir: &Path, dtype: SaveType, shard_bytes: usize) -> Result<()> {
        let mut entries = self.entries(None, dtype);
        entries.extend(self.parameters.untouched.iter().map(|(name, source)| Entry {
            name,
            dtype: source.dtype,
            shape: &source.shape,
            bytes: Box::new(|| source.bytes()),
        }));
        files::write(dir, &entries, shard_bytes)
    }

    /// Writes the tensors of the head's module `name` (`2_Dense`) to `dir/model.safetensors`.
    ///
    /// # Errors
    /// A module that the model does not have; a file that cannot be written.
    pub fn save_module(&self, name: &str, dir: &Path, dtype: SaveType) -> Result<()> {
        let entries = self.entries(Some(name), dtype);
        if entries.is_empty() {
            return Err(Error::internal(format!("the model has no module {name:?} with weights")));
        }
        files::write(dir, &entries, usize::MAX)
    }

    /// The trainable tensors of a module, or of the transformer.
    fn entries(&self, module: Option<&str>, dtype: SaveType) -> Vec<Entry<'_>> {
        let chosen = self.parameters.trainable.iter().filter(|named| named.module.as_deref() == module);
        chosen
            .map(|named| {
                let dtype = match dtype {
                    SaveType::F32 => Dtype::F32,
                    SaveType::AsRead => named.dtype,
                };
                let name = match module {
                    Some(module) => &named.name[module.len() + 1..],
                    None => &named.name,
                };
                let bytes = Box::new(move || bytes(named, dtype).map_err(candle));
                Entry { name, dtype, shape: named.var.dims(), bytes }
            })
            .collect()
    }
}

/// A parameter's values as little-endian bytes of a float type.
fn bytes(named: &Named, dtype: Dtype) -> Candle<Vec<u8>> {
    let tensor = named.var.as_detached_tensor().to_device(&Device::Cpu)?;
    let target = DType::try_from(dtype).map_err(candle_core::Error::wrap)?;
    let tensor = tensor.to_dtype(target)?.flatten_all()?;
    Ok(match target {
        DType::BF16 => little_endian(&tensor.to_vec1::<half::bf16>()?, |v| v.to_le_bytes()),
        DType::F16 => little_endian(&tensor.to_vec1::<half::f16>()?, |v| v.to_le_bytes()),
        DType::F64 => little_endian(&tensor.to_vec1::<f64>()?, |v| v.to_le_bytes()),
        _ => little_endian(&cpu::values(&tensor)?, |v| v.to_le_bytes()),
    })
}

fn little_endian<T: Copy, const N: usize>(values: &[T], bytes: impl Fn(T) -> [u8; N]) -> Vec<u8> {
    values.iter().flat_map(|&value| bytes(value)).collect()
}
