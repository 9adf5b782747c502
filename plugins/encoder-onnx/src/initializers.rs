//! Binds weights from safetensors under a graph that has none, so that a merged or trained model
//! needs no export: the graph's external initialisers carry the names of the tensors.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clirbench_model::{ModelFiles, Tensor, Tensors};
use clirbench_plugin::{Error, Host, Result};
use half::f16;
use ort::value::{DynValue, Tensor as OrtTensor};

use crate::graph::{External, inspect};

/// Values of `TensorProto.DataType` that weights have.
const FLOAT: i64 = 1;
const INT64: i64 = 7;
const FLOAT16: i64 = 10;

/// A graph and the weights to bind when a session is made of it.
pub(crate) struct Graph {
    /// The ONNX file.
    pub(crate) path: PathBuf,
    /// Initialisers by name; empty when ONNX Runtime finds all weights by itself.
    pub(crate) bound: Vec<(String, Arc<DynValue>)>,
    /// Bytes of weights, to judge what a second session would cost.
    pub(crate) bytes: u64,
    /// See [`crate::graph::Summary`].
    pub(crate) dynamic_quantization: bool,
}

impl Graph {
    /// Prepares the graph at `relative`, and notes every file that it depends on.
    ///
    /// Weights come from `weights` where that is given, else from the safetensors file that the
    /// graph names, and from the host where it replaces them. External data in any other file are left to ONNX Runtime. The runtime has to be
    /// loaded before.
    ///
    /// # Errors
    /// Kind `model`: a damaged file, a tensor that is missing or has another shape or type; `config`
    /// when `weights` is set and the graph brings its own.
    pub(crate) fn open(
        files: &mut ModelFiles,
        relative: &str,
        weights: Option<&Path>,
        host: &Host,
    ) -> Result<Self> {
        let path = files.path(relative);
        let summary = inspect(&path)?;
        files.note(relative);
        let mut bytes = size(&path);
        let dynamic_quantization = summary.dynamic_quantization;
        let folder = path.parent().map(Path::to_owned).unwrap_or_default();
        let (by_name, own): (Vec<&External>, Vec<&External>) = summary
            .external
            .iter()
            .partition(|tensor| weights.is_some() || tensor.location.ends_with(".safetensors"));

        let mut locations: Vec<&str> = own.iter().map(|tensor| tensor.location.as_str()).collect();
        locations.sort_unstable();
        locations.dedup();
        for location in locations {
            let data = folder.join(location);
            if !data.is_file() {
                return Err(Error::model(format!(
                    "{} keeps weights in {}, which does not exist",
                    path.display(),
                    data.display()
                ))
                .hint("copy the graph's external data file beside it"));
            }
            bytes += size(&data);
            files.note(&relative_to(files.root(), &data));
        }
        if by_name.is_empty() {
            if weights.is_some() {
                return Err(Error::config(format!("`weights` is set, but {} brings its own weights", path.display()))
                    .hint("choose a graph without weights, for example `variant = \"graph\"`, or leave `weights` out"));
            }
            if host.replaces_weights() {
                return Err(Error::config(format!(
                    "{} brings its own weights, so those of a merge cannot be bound",
                    path.display()
                ))
                .hint("choose a graph without weights, for example `variant = \"graph\"`, or `encoder = \"candle\"`"));
            }
            return Ok(Graph { path, bound: Vec::new(), bytes, dynamic_quantization });
        }

        let source = match weights {
            Some(weights) => files.root().join(weights),
            None => beside(&folder, files.root(), &by_name[0].location),
        };
        let tensors = Tensors::open(&source)?;
        for file in tensors.files() {
            bytes += size(file);
            files.note(&relative_to(files.root(), file));
        }
        let bound = by_name
            .iter()
            .map(|wanted| {
                let tensor = tensors.read(&wanted.name)?;
                Ok((wanted.name.clone(), Arc::new(value(wanted, &tensor, host)?)))
            })
            .collect::<Result<_>>()?;
        Ok(Graph { path, bound, bytes, dynamic_quantization })
    }
}

/// The file that a graph names: beside the graph, or in the model directory itself.
fn beside(folder: &Path, root: &Path, location: &str) -> PathBuf {
    let beside = folder.join(location);
    if beside.exists() { beside } else { root.join(location) }
}

/// `path` below `root` with `/` between components; a path outside stays as it is.
fn relative_to(root: &Path, path: &Path) -> String {
    let relative = path.strip_prefix(root).unwrap_or(path);
    let parts: Vec<_> = relative.iter().map(|part| part.to_string_lossy()).collect();
    parts.join("/")
}

fn size(path: &Path) -> u64 {
    path.metadata().map_or(0, |m| m.len())
}

fn value(wanted: &External, tensor: &Tensor, host: &Host) -> Result<DynValue> {
    let named = |mut e: Error| {
        e.message = format!("tensor `{}`: {}", wanted.name, e.message);
        e
    };
    let shape: Vec<i64> = tensor.shape.iter().map(|d| *d as i64).collect();
    if shape != wanted.dims {
        return Err(Error::model(format!(
            "tensor `{}` has shape {shape:?}, the graph wants {:?}",
            wanted.name, wanted.dims
        ))
        .hint("the weights have to come from the architecture that the graph was made for"));
    }
    let floats = || {
        let mut values = tensor.to_f32()?;
        host.weights(&wanted.name, &mut values)?;
        Ok(values)
    };
    let value = match wanted.data_type {
        FLOAT => OrtTensor::from_array((shape, floats().map_err(named)?)).map(|t| t.into_dyn()),
        FLOAT16 => {
            let values: Vec<f16> = floats().map_err(named)?.into_iter().map(f16::from_f32).collect();
            OrtTensor::from_array((shape, values)).map(|t| t.into_dyn())
        }
        INT64 => OrtTensor::from_array((shape, tensor.to_i64().map_err(named)?)).map(|t| t.into_dyn()),
        other => {
            return Err(Error::model(format!(
                "tensor `{}`: the graph wants ONNX type {other}, and only FLOAT, FLOAT16 and INT64 can be bound",
                wanted.name
            )));
        }
    };
    value.map_err(|e| Error::runtime(format!("tensor `{}`: {e}", wanted.name)))
}
