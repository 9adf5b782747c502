//! Weights and moments in safetensors files, as f32 whatever the model's own type.

use std::path::Path;

use candle_core::{Device, Tensor, Var};
use clirbench_candle::cpu;
use clirbench_model::{SHARD_BYTES, TensorSpec, TensorWriter, Tensors};
use clirbench_plugin::{Error, Result};

use crate::optimizer::{Optimizer, State, Trained, failed};
use crate::rows::LazyRows;

/// Elements whose bytes are made at a time.
const RUN: usize = 1 << 20;

/// Writes the weights of all trained tensors to `folder`.
///
/// # Errors
/// `runtime` when the disk is full or fails.
pub(crate) fn write_weights(folder: &Path, optimizer: &Optimizer) -> Result<()> {
    write(folder, optimizer.tensors().iter().map(weights).collect())
}

/// Writes weights and moments.
///
/// # Errors
/// As [`write_weights`].
pub(crate) fn write_state(folder: &Path, optimizer: &Optimizer) -> Result<()> {
    let mut pieces = Vec::new();
    for tensor in optimizer.tensors() {
        pieces.push(weights(tensor));
        let shape = tensor.weights.dims();
        match tensor.state() {
            State::New => {}
            State::Dense { first, second } => {
                for (part, values) in [(FIRST, first), (SECOND, second)] {
                    pieces.push(Piece::new(part, tensor, "F32", shape, Values::Slice(values)));
                }
            }
            State::Rows(rows) => {
                let (ids, moments) = rows.moments();
                let ids: Vec<i64> = ids.into_iter().map(i64::from).collect();
                let shape = [ids.len(), 2, shape[1]];
                pieces.push(Piece::new(IDS, tensor, "I64", &shape[..1], Values::Ids(ids)));
                pieces.push(Piece::new(ROWS, tensor, "F32", &shape, Values::Owned(moments)));
            }
            State::Device { first, second } => {
                for (part, values) in [(FIRST, first), (SECOND, second)] {
                    pieces.push(Piece::new(part, tensor, "F32", shape, Values::Tensor(values)));
                }
            }
        }
    }
    write(folder, pieces)
}

/// Puts the weights of [`write_weights`] or [`write_state`] in the place of those of the model.
///
/// # Errors
/// `runtime` when they cannot be read or are not those of this model.
pub(crate) fn read_weights(folder: &Path, optimizer: &Optimizer) -> Result<()> {
    let saved = Saved::open(folder)?;
    optimizer.tensors().iter().try_for_each(|tensor| saved.weights(tensor))
}

/// Goes on from what [`write_state`] wrote after `steps_done` steps.
///
/// # Errors
/// As [`read_weights`].
pub(crate) fn read_state(folder: &Path, steps_done: usize, optimizer: &mut Optimizer) -> Result<()> {
    let saved = Saved::open(folder)?;
    optimizer.restore(steps_done, |tensor| {
        saved.weights(tensor)?;
        saved.state(tensor, steps_done)
    })
}

const WEIGHTS: &str = "weights";
const FIRST: &str = "first";
const SECOND: &str = "second";
const IDS: &str = "ids";
const ROWS: &str = "rows";

/// A tensor of the file.
struct Piece<'a> {
    spec: TensorSpec,
    values: Values<'a>,
}

enum Values<'a> {
    Slice(&'a [f32]),
    Owned(Vec<f32>),
    Ids(Vec<i64>),
    Tensor(&'a Tensor),
}

impl<'a> Piece<'a> {
    fn new(part: &str, tensor: &Trained, dtype: &str, shape: &[usize], values: Values<'a>) -> Self {
        let spec = TensorSpec { name: name(part, tensor), dtype: dtype.to_owned(), shape: shape.to_vec() };
        Piece { spec, values }
    }
}

fn name(part: &str, tensor: &Trained) -> String {
    format!("{part}/{}", tensor.name)
}

fn weights(tensor: &Trained) -> Piece<'_> {
    let values = Values::Tensor(&tensor.weights);
    Piece::new(WEIGHTS, tensor, "F32", tensor.weights.dims(), values)
}

fn write(folder: &Path, pieces: Vec<Piece<'_>>) -> Result<()> {
    let specs = pieces.iter().map(|piece| piece.spec.clone()).collect();
    let mut writer = TensorWriter::create(folder, specs, SHARD_BYTES)?;
    for Piece { spec, values } in pieces {
        match values {
            Values::Slice(values) => write_floats(&mut writer, &spec.name, values)?,
            Values::Owned(values) => write_floats(&mut writer, &spec.name, &values)?,
            Values::Ids(ids) => {
                let bytes: Vec<u8> = ids.iter().flat_map(|id| id.to_le_bytes()).collect();
                writer.write(&spec.name, &bytes)?;
            }
            Values::Tensor(tensor) => {
                let tensor = tensor.to_device(&Device::Cpu).map_err(failed)?;
                let values = cpu::values(&tensor).map_err(failed)?;
                write_floats(&mut writer, &spec.name, &values)?;
            }
        }
    }
    writer.finish()
}

fn write_floats(writer: &mut TensorWriter, name: &str, values: &[f32]) -> Result<()> {
    for (run, values) in values.chunks(RUN).enumerate() {
        let bytes: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
        writer.write_at(name, (run * RUN * size_of::<f32>()) as u64, &bytes)?;
    }
    Ok(())
}

/// A file that was written here.
struct Saved<'a> {
    folder: &'a Path,
    tensors: Tensors,
}

impl<'a> Saved<'a> {
    fn open(folder: &'a Path) -> Result<Self> {
        let tensors = Tensors::open(folder).map_err(|e| damaged(folder, &e.message))?;
        Ok(Saved { folder, tensors })
    }

    fn weights(&self, tensor: &Trained) -> Result<()> {
        let values = self.floats(&name(WEIGHTS, tensor), tensor.weights.elem_count())?;
        set(&tensor.weights, values).map_err(failed)
    }

    fn state(&self, tensor: &Trained, steps_done: usize) -> Result<State> {
        let (ids, first) = (name(IDS, tensor), name(FIRST, tensor));
        if self.tensors.describe(&ids).is_some() {
            let ids = self.tensors.read(&ids).and_then(|t| t.to_i64());
            let ids = ids.map_err(|e| damaged(self.folder, &e.message))?;
            let dims = tensor.weights.dims2().map_err(|e| damaged(self.folder, &e.to_string()))?;
            let moments = self.floats(&name(ROWS, tensor), ids.len() * 2 * dims.1)?;
            let ids: Vec<u32> = ids.into_iter().filter_map(|id| u32::try_from(id).ok()).collect();
            let rows = LazyRows::restored(dims, steps_done as u32, &ids, &moments);
            return rows
                .map(State::Rows)
                .ok_or_else(|| damaged(self.folder, &format!("the rows of {} do not fit it", tensor.name)));
        }
        if self.tensors.describe(&first).is_none() {
            return Ok(State::New);
        }
        let count = tensor.weights.elem_count();
        let (first, second) = (self.floats(&first, count)?, self.floats(&name(SECOND, tensor), count)?);
        if tensor.weights.device().is_cpu() {
            return Ok(State::Dense { first, second });
        }
        let on_device = |values: Vec<f32>| {
            Tensor::from_vec(values, tensor.weights.dims(), tensor.weights.device()).map_err(failed)
        };
        Ok(State::Device { first: on_device(first)?, second: on_device(second)? })
    }

    fn floats(&self, name: &str, count: usize) -> Result<Vec<f32>> {
        let values = self.tensors.read(name).and_then(|t| t.to_f32());
        let values = values.map_err(|e| damaged(self.folder, &e.message))?;
        if values.len() != count {
            let message = format!("{name} has {} elements, the model's tensor {count}", values.len());
            return Err(damaged(self.folder, &message));
        }
        Ok(values)
    }
}

fn set(weights: &Var, values: Vec<f32>) -> candle_core::Result<()> {
    if weights.device().is_cpu() {
        return cpu::update(weights, |weights| weights.copy_from_slice(&values));
    }
    weights.set(&Tensor::from_vec(values, weights.dims(), weights.device())?)
}

/// A checkpoint that cannot be continued.
pub(crate) fn damaged(folder: &Path, what: &str) -> Error {
    Error::runtime(format!("the checkpoint {} is damaged: {what}", folder.display()))
        .hint("delete the folder and train from the start")
}
