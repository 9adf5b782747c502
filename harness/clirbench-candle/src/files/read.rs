//! Reading: headers at once, tensors one by one, so that a model is never in memory twice.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use candle_core::{DType, Device, Tensor};
use clirbench_plugin::{Error, Result};
use safetensors::tensor::{Dtype, Metadata};
use serde_json::Value;

use super::{INDEX, SINGLE};

/// An open safetensors file.
#[derive(Debug)]
pub(crate) struct TensorFile {
    path: PathBuf,
    // Kept open: a model can be written over the directory that it was read from.
    file: Mutex<File>,
    data_start: u64,
}

/// Where a tensor lies, and what it is.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    file: Arc<TensorFile>,
    pub(crate) dtype: Dtype,
    pub(crate) shape: Vec<usize>,
    offsets: (usize, usize),
}

impl TensorFile {
    /// The tensors of `model.safetensors`, or of the shards that `model.safetensors.index.json` names.
    pub(crate) fn open_dir(dir: &Path) -> Result<BTreeMap<String, Source>> {
        let single = dir.join(SINGLE);
        if single.exists() {
            return Self::open(&single);
        }
        let index = dir.join(INDEX);
        if !index.exists() {
            return Err(Error::model(format!("{} has neither {SINGLE} nor {INDEX}", dir.display()))
                .hint("save the model with safe serialization (safetensors)"));
        }
        let text = std::fs::read_to_string(&index)
            .map_err(|e| Error::model(format!("{} cannot be read: {e}", index.display())))?;
        let json: Value = serde_json::from_str(&text)
            .map_err(|e| Error::model(format!("{} is damaged: {e}", index.display())))?;
        let map = json.get("weight_map").and_then(Value::as_object);
        let map = map.ok_or_else(|| Error::model(format!("{} has no weight_map", index.display())))?;
        let mut shards: Vec<&str> = map.values().filter_map(Value::as_str).collect();
        shards.sort_unstable();
        shards.dedup();
        let mut tensors = BTreeMap::new();
        for shard in shards {
            tensors.extend(Self::open(&dir.join(shard))?);
        }
        let absent: Vec<&str> =
            map.keys().filter(|name| !tensors.contains_key(*name)).map(String::as_str).collect();
        if !absent.is_empty() {
            return Err(Error::model(format!(
                "{} promises tensors that its shards lack: {}",
                index.display(),
                absent.join(", ")
            )));
        }
        Ok(tensors)
    }

    /// The tensors of one file.
    pub(crate) fn open(path: &Path) -> Result<BTreeMap<String, Source>> {
        let broken = |why: &str| {
            Error::model(format!("{} is not a safetensors file: {why}", path.display()))
                .hint("copy the file again; a pointer of Git LFS has to be fetched first")
        };
        let unreadable = |e: std::io::Error| Error::model(format!("{} cannot be read: {e}", path.display()));
        let mut file = File::open(path).map_err(unreadable)?;
        let size = file.metadata().map_err(unreadable)?.len();
        let mut length = [0; 8];
        file.read_exact(&mut length).map_err(|_| broken("it has no header"))?;
        let header_size = u64::from_le_bytes(length);
        if header_size > size.saturating_sub(8) {
            return Err(broken("its header is longer than the file"));
        }
        let mut header = vec![0; header_size as usize];
        file.read_exact(&mut header).map_err(unreadable)?;
        let metadata: Metadata = serde_json::from_slice(&header).map_err(|e| broken(&e.to_string()))?;
        let data_start = 8 + header_size;
        if data_start + metadata.data_len() as u64 != size {
            return Err(broken("its tensors do not end where the file does"));
        }
        let file = Arc::new(TensorFile { path: path.to_owned(), file: Mutex::new(file), data_start });
        let source = |info: &safetensors::tensor::TensorInfo| Source {
            file: Arc::clone(&file),
            dtype: info.dtype,
            shape: info.shape.clone(),
            offsets: info.data_offsets,
        };
        Ok(metadata.tensors().into_iter().map(|(name, info)| (name, source(info))).collect())
    }
}

impl Source {
    /// The tensor's bytes, little-endian.
    pub(crate) fn bytes(&self) -> Result<Vec<u8>> {
        let mut bytes = vec![0; self.offsets.1 - self.offsets.0];
        let mut file = self.file.file.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        file.seek(SeekFrom::Start(self.file.data_start + self.offsets.0 as u64))
            .and_then(|_| file.read_exact(&mut bytes))
            .map_err(|e| Error::model(format!("{} cannot be read: {e}", self.file.path.display())))?;
        Ok(bytes)
    }

    /// The tensor as f32 on `device`.
    pub(crate) fn load(&self, name: &str, device: &Device) -> Result<Tensor> {
        let dtype = match self.dtype {
            Dtype::F32 => DType::F32,
            Dtype::F16 => DType::F16,
            Dtype::BF16 => DType::BF16,
            Dtype::F64 => DType::F64,
            other => {
                return Err(Error::model(format!(
                    "{}: tensor {name} has type {other:?}; f32, f16, bf16 and f64 are supported",
                    self.file.path.display()
                )));
            }
        };
        let bytes = self.bytes()?;
        Tensor::from_raw_buffer(&bytes, dtype, &self.shape, &Device::Cpu)
            .and_then(|tensor| tensor.to_dtype(DType::F32)?.to_device(device))
            .map_err(crate::error::candle)
    }
}
