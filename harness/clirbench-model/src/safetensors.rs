//! Reads tensors from safetensors files one at a time, so that memory holds no second copy of a model.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};

use clirbench_plugin::{Error, Result};
use half::{bf16, f16};
use serde::Deserialize;

/// The reference implementation refuses longer headers too.
const MAX_HEADER: u64 = 100_000_000;

/// Tensors by name, from one file or from the shards of an index.
#[derive(Debug)]
pub struct Tensors {
    source: PathBuf,
    files: Vec<PathBuf>,
    entries: BTreeMap<String, Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    file: usize,
    dtype: String,
    shape: Vec<usize>,
    start: u64,
    bytes: usize,
}

#[derive(Deserialize)]
struct Header {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: (u64, u64),
}

#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

/// One tensor as stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Name of the type in the file: `F32`, `F16`, `BF16`, `I64`, ...
    pub dtype: String,
    /// Dimensions, outermost first.
    pub shape: Vec<usize>,
    /// Little-endian elements.
    pub bytes: Vec<u8>,
}

impl Tensors {
    /// Opens a safetensors file, a `*.index.json` beside its shards, or a directory that holds
    /// `model.safetensors` or `model.safetensors.index.json`. Reads headers only.
    ///
    /// # Errors
    /// Kind `model` when nothing is there or a header is damaged.
    pub fn open(path: &Path) -> Result<Self> {
        let mut tensors = Tensors { source: path.to_owned(), files: Vec::new(), entries: BTreeMap::new() };
        let candidates = [path.join("model.safetensors"), path.join("model.safetensors.index.json")];
        let found =
            if path.is_dir() { candidates.iter().find(|p| p.is_file()) } else { Some(&tensors.source) };
        let Some(found) = found.cloned() else {
            return Err(Error::model(format!("{} holds no model.safetensors", path.display()))
                .hint("convert the weights to safetensors, or point `weights` at the file"));
        };
        if found.extension().is_some_and(|e| e == "json") {
            let shards = shards(&found)?;
            tensors.files.push(found);
            for shard in shards {
                tensors.add(&shard)?;
            }
        } else {
            tensors.add(&found)?;
        }
        Ok(tensors)
    }

    /// The files behind the tensors, an index included.
    pub fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// Names of all tensors, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// The type and shape of a tensor, without reading it.
    pub fn describe(&self, name: &str) -> Option<(&str, &[usize])> {
        self.entries.get(name).map(|entry| (entry.dtype.as_str(), entry.shape.as_slice()))
    }

    /// The size of a tensor as stored.
    pub fn bytes(&self, name: &str) -> Option<u64> {
        self.entries.get(name).map(|entry| entry.bytes as u64)
    }

    /// The weight files, an index left out, each with its tensors in the order in which they lie there.
    pub fn layout(&self) -> Vec<(&Path, Vec<&str>)> {
        let mut placed: Vec<(usize, u64, &str)> =
            self.entries.iter().map(|(name, entry)| (entry.file, entry.start, name.as_str())).collect();
        placed.sort_unstable();
        let files = placed.chunk_by(|a, b| a.0 == b.0);
        files
            .map(|of| (self.files[of[0].0].as_path(), of.iter().map(|(_, _, name)| *name).collect()))
            .collect()
    }

    /// Reads one tensor.
    ///
    /// # Errors
    /// Kind `model` when there is none of that name or the file ends early.
    pub fn read(&self, name: &str) -> Result<Tensor> {
        let entry = self.entry(name)?;
        let bytes = self.read_range(name, 0..entry.bytes)?;
        Ok(Tensor { dtype: entry.dtype.clone(), shape: entry.shape.clone(), bytes })
    }

    /// Reads a part of a tensor: these bytes, counted from its beginning.
    ///
    /// # Errors
    /// Kind `model` when there is none of that name or the file ends early, `internal` when the tensor
    /// does.
    pub fn read_range(&self, name: &str, range: Range<usize>) -> Result<Vec<u8>> {
        let mut bytes = vec![0; range.len()];
        self.read_into(name, range.start, &mut bytes)?;
        Ok(bytes)
    }

    /// Reads a part of a tensor into a buffer that it fills: from byte `start` of the tensor on.
    ///
    /// # Errors
    /// As [`Tensors::read_range`].
    pub fn read_into(&self, name: &str, start: usize, out: &mut [u8]) -> Result<()> {
        let entry = self.entry(name)?;
        if start.saturating_add(out.len()) > entry.bytes {
            let (end, size) = (start.saturating_add(out.len()), entry.bytes);
            return Err(Error::internal(format!(
                "bytes {start}..{end} of tensor `{name}`, which has {size}"
            )));
        }
        let path = &self.files[entry.file];
        File::open(path)
            .and_then(|mut file| {
                file.seek(SeekFrom::Start(entry.start + start as u64))?;
                file.read_exact(out)
            })
            .map_err(|e| Error::model(format!("{}: tensor `{name}`: {e}", path.display())))
    }

    fn entry(&self, name: &str) -> Result<&Entry> {
        self.entries.get(name).ok_or_else(|| {
            Error::model(format!("{} has no tensor `{name}`", self.source.display()))
                .hint("the weights have to come from the architecture that config.json names")
        })
    }

    fn add(&mut self, path: &Path) -> Result<()> {
        let damaged = |what: String| {
            Error::model(format!("{}: {what}", path.display()))
                .hint("download the file again; it looks damaged")
        };
        let mut file = File::open(path).map_err(|e| {
            Error::model(format!("cannot read {}: {e}", path.display())).hint("check the path of the weights")
        })?;
        let size = file.metadata().map_err(|e| damaged(e.to_string()))?.len();
        let mut length = [0; 8];
        file.read_exact(&mut length).map_err(|_| damaged("not a safetensors file".into()))?;
        let length = u64::from_le_bytes(length);
        if length > MAX_HEADER || length + 8 > size {
            return Err(damaged(format!("a header of {length} bytes in a file of {size}")));
        }
        let mut header = vec![0; length as usize];
        file.read_exact(&mut header).map_err(|e| damaged(e.to_string()))?;
        let header: BTreeMap<String, serde_json::Value> =
            serde_json::from_slice(&header).map_err(|e| damaged(format!("header: {e}")))?;
        for (name, value) in header {
            if name == "__metadata__" {
                continue;
            }
            let entry: Header =
                serde_json::from_value(value).map_err(|e| damaged(format!("tensor `{name}`: {e}")))?;
            let (start, end) = entry.data_offsets;
            if start > end || end > size - 8 - length {
                return Err(damaged(format!(
                    "tensor `{name}` lies at {start}..{end}, past the end of the file"
                )));
            }
            let entry = Entry {
                file: self.files.len(),
                dtype: entry.dtype,
                shape: entry.shape,
                start: 8 + length + start,
                bytes: (end - start) as usize,
            };
            self.entries.insert(name, entry);
        }
        self.files.push(path.to_owned());
        Ok(())
    }
}

/// The shards that an index names, each once, in order of name.
fn shards(index: &Path) -> Result<Vec<PathBuf>> {
    let bytes =
        std::fs::read(index).map_err(|e| Error::model(format!("cannot read {}: {e}", index.display())))?;
    let parsed: Index = serde_json::from_slice(&bytes)
        .map_err(|e| Error::model(format!("{}: {e}", index.display())).hint("download the file again"))?;
    let mut names: Vec<String> = parsed.weight_map.into_values().collect();
    names.sort();
    names.dedup();
    let folder = index.parent().unwrap_or(Path::new(""));
    Ok(names.iter().map(|name| folder.join(name)).collect())
}

impl Tensor {
    /// The elements as f32; `F32`, `F16` and `BF16` can be read so, exactly.
    ///
    /// # Errors
    /// Kind `model` for another type, or for a size that the shape does not explain.
    pub fn to_f32(&self) -> Result<Vec<f32>> {
        let values: Vec<f32> = match self.dtype.as_str() {
            "F32" => self.words().map(f32::from_le_bytes).collect(),
            "F16" => self.words().map(|b| f16::from_le_bytes(b).to_f32()).collect(),
            "BF16" => self.words().map(|b| bf16::from_le_bytes(b).to_f32()).collect(),
            other => {
                return Err(Error::model(format!(
                    "weights of type {other} cannot be read as floating point"
                ))
                .hint("store the weights as F32, F16 or BF16"));
            }
        };
        self.check(values.len())?;
        Ok(values)
    }

    /// The elements of an `I64` tensor.
    ///
    /// # Errors
    /// Kind `model` for another type, or for a size that the shape does not explain.
    pub fn to_i64(&self) -> Result<Vec<i64>> {
        if self.dtype != "I64" {
            return Err(Error::model(format!("weights of type {} where I64 is wanted", self.dtype)));
        }
        let values: Vec<i64> = self.words().map(i64::from_le_bytes).collect();
        self.check(values.len())?;
        Ok(values)
    }

    fn words<const N: usize>(&self) -> impl Iterator<Item = [u8; N]> + '_ {
        self.bytes.as_chunks::<N>().0.iter().copied()
    }

    fn check(&self, elements: usize) -> Result<()> {
        let expected = self.shape.iter().try_fold(1usize, |n, d| n.checked_mul(*d));
        if expected != Some(elements) {
            return Err(Error::model(format!("a tensor of shape {:?} with {elements} elements", self.shape))
                .hint("download the weights again; the file looks damaged"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use safetensors::Dtype;
    use safetensors::tensor::{TensorView, serialize_to_file};

    use super::*;

    fn write(path: &Path, name: &str, dtype: Dtype, shape: &[usize], bytes: &[u8]) {
        let view = TensorView::new(dtype, shape.to_vec(), bytes).expect("a view");
        serialize_to_file([(name, view)], None, path).expect("written");
    }

    #[test]
    fn tensors_of_a_file_and_of_shards_read_back() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let one: Vec<u8> = [1.5f32, -2.0].iter().flat_map(|x| x.to_le_bytes()).collect();
        let two: Vec<u8> = [0.5f32, 3.0].iter().flat_map(|x| bf16::from_f32(*x).to_le_bytes()).collect();
        write(&dir.path().join("a.safetensors"), "one", Dtype::F32, &[2], &one);
        write(&dir.path().join("b.safetensors"), "two", Dtype::BF16, &[1, 2], &two);
        fs::write(
            dir.path().join("model.safetensors.index.json"),
            r#"{"weight_map": {"one": "a.safetensors", "two": "b.safetensors"}}"#,
        )
        .expect("written");

        let sharded = Tensors::open(dir.path()).expect("the directory");
        assert_eq!(sharded.files().len(), 3);
        assert_eq!(sharded.names().collect::<Vec<_>>(), ["one", "two"]);
        assert_eq!(sharded.describe("two"), Some(("BF16", &[1, 2][..])));
        let (a, b) = (dir.path().join("a.safetensors"), dir.path().join("b.safetensors"));
        assert_eq!(sharded.layout(), [(a.as_path(), vec!["one"]), (b.as_path(), vec!["two"])]);
        assert_eq!(sharded.read("one").and_then(|t| t.to_f32()).expect("one"), [1.5, -2.0]);
        let tensor = sharded.read("two").expect("two");
        assert_eq!((tensor.shape.as_slice(), tensor.to_f32().expect("two")), (&[1, 2][..], vec![0.5, 3.0]));
        assert!(tensor.to_i64().is_err());
        assert_eq!(sharded.read_range("one", 4..8).expect("the second element"), (-2f32).to_le_bytes());
        assert!(sharded.read_range("one", 4..9).is_err());

        let single = Tensors::open(&dir.path().join("a.safetensors")).expect("a file");
        let error = single.read("two").expect_err("not in this file");
        assert!(error.message.contains("two"), "{}", error.message);
    }

    #[test]
    fn damage_is_an_error_that_names_the_file() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("model.safetensors");
        let bytes: Vec<u8> = [1.0f32; 4].iter().flat_map(|x| x.to_le_bytes()).collect();
        write(&path, "w", Dtype::F32, &[4], &bytes);
        let whole = fs::read(&path).expect("read");
        for keep in [0, 4, 12, whole.len() - 1] {
            fs::write(&path, &whole[..keep]).expect("written");
            let error = Tensors::open(&path).expect_err("truncated");
            assert!(error.message.contains("model.safetensors"), "{keep}: {}", error.message);
        }
        assert!(Tensors::open(&dir.path().join("none.safetensors")).is_err());
    }
}
