//! Writes tensors to `model.safetensors`, or to shards and their index as Hugging Face names them,
//! piece by piece: memory holds what the caller holds.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::path::Path;

use clirbench_plugin::{Error, Result};
use serde_json::json;

use crate::partial::{PartialFile, write_error};

/// The largest shard that Hugging Face's tools write by default: 5 GB.
pub const SHARD_BYTES: u64 = 5_000_000_000;
const SINGLE: &str = "model.safetensors";
const INDEX: &str = "model.safetensors.index.json";

/// A tensor that is going to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorSpec {
    /// Its name, as in the architecture's state dict.
    pub name: String,
    /// `F32`, `F16`, `BF16`, `I64`, ...
    pub dtype: String,
    /// Dimensions, outermost first.
    pub shape: Vec<usize>,
}

impl TensorSpec {
    /// Bytes of the tensor.
    ///
    /// # Errors
    /// Kind `internal` for a type that safetensors does not have, or a size out of range.
    fn bytes(&self) -> Result<u64> {
        let element = element_bytes(&self.dtype);
        let size = element.and_then(|e| self.shape.iter().try_fold(e, |n, d| n.checked_mul(*d as u64)));
        size.ok_or_else(|| {
            Error::internal(format!("tensor `{}`: type {} and shape {:?}", self.name, self.dtype, self.shape))
        })
    }
}

/// Bytes of an element.
fn element_bytes(dtype: &str) -> Option<u64> {
    Some(match dtype {
        "F64" | "I64" | "U64" => 8,
        "F32" | "I32" | "U32" => 4,
        "F16" | "BF16" | "I16" | "U16" => 2,
        "I8" | "U8" | "BOOL" => 1,
        _ => return None,
    })
}

/// Writes the weights of one folder.
///
/// Tensors come in any order, whole or in pieces; [`TensorWriter::finish`] makes them visible.
#[derive(Debug)]
pub struct TensorWriter {
    shards: Vec<PartialFile>,
    entries: BTreeMap<String, Entry>,
    index: Option<PartialFile>,
    total: u64,
}

#[derive(Debug)]
struct Entry {
    shard: usize,
    start: u64,
    bytes: u64,
    written: u64,
}

impl TensorWriter {
    /// Starts the weights of `folder`; a shard holds at most `shard_bytes` (see [`SHARD_BYTES`]) unless a
    /// single tensor is larger.
    ///
    /// # Errors
    /// Kind `internal` when two tensors have one name or a type is unknown, `runtime` when the files
    /// cannot be created.
    pub fn create(folder: &Path, mut specs: Vec<TensorSpec>, shard_bytes: u64) -> Result<Self> {
        specs.sort_by(aligned);
        let shards = cut(&specs, shard_bytes)?;
        let count = shards.len();
        let name = |i: usize| match count {
            1 => SINGLE.to_owned(),
            _ => format!("model-{:05}-of-{count:05}.safetensors", i + 1),
        };
        Self::in_files(
            folder,
            shards.into_iter().enumerate().map(|(i, shard)| (name(i), shard.to_vec())).collect(),
        )
    }

    /// Starts the weights of `folder` in these files, which are named as Hugging Face names them: one
    /// called `model.safetensors`, or shards.
    ///
    /// # Errors
    /// As [`TensorWriter::create`].
    pub fn in_files(folder: &Path, files: Vec<(String, Vec<TensorSpec>)>) -> Result<Self> {
        let single = matches!(&files[..], [(name, _)] if name == SINGLE);
        let mut writer = TensorWriter { shards: Vec::new(), entries: BTreeMap::new(), index: None, total: 0 };
        let mut weight_map = BTreeMap::new();
        for (name, mut specs) in files {
            specs.sort_by(aligned);
            weight_map.extend(specs.iter().map(|spec| (spec.name.clone(), name.clone())));
            writer.start(&folder.join(name), &specs)?;
        }
        if !single {
            let index = json!({"metadata": {"total_size": writer.total}, "weight_map": weight_map});
            let path = folder.join(INDEX);
            let mut file = PartialFile::create(&path)?;
            file.write_all(format!("{index:#}\n").as_bytes()).map_err(|e| write_error(&path, &e))?;
            writer.index = Some(file);
        }
        Ok(writer)
    }

    /// Starts a file with its header.
    fn start(&mut self, path: &Path, specs: &[TensorSpec]) -> Result<()> {
        // transformers refuses a file without `format`.
        let mut header = serde_json::Map::from_iter([("__metadata__".to_owned(), json!({"format": "pt"}))]);
        let mut end = 0;
        for spec in specs {
            let start = end;
            end += spec.bytes()?;
            let value = json!({"dtype": spec.dtype, "shape": spec.shape, "data_offsets": [start, end]});
            if header.insert(spec.name.clone(), value).is_some() || self.entries.contains_key(&spec.name) {
                return Err(Error::internal(format!("two tensors are named `{}`", spec.name)));
            }
        }
        let mut text = serde_json::Value::Object(header).to_string();
        text.extend(std::iter::repeat_n(' ', text.len().next_multiple_of(8) - text.len()));
        let data = 8 + text.len() as u64;
        let mut file = PartialFile::create(path)?;
        file.write_at(0, &(text.len() as u64).to_le_bytes())?;
        file.write_at(8, text.as_bytes())?;
        let mut start = data;
        for spec in specs {
            let bytes = spec.bytes()?;
            let entry = Entry { shard: self.shards.len(), start, bytes, written: 0 };
            self.entries.insert(spec.name.clone(), entry);
            start += bytes;
        }
        self.total += start - data;
        self.shards.push(file);
        Ok(())
    }

    /// Writes a whole tensor: little-endian elements.
    ///
    /// # Errors
    /// As [`TensorWriter::write_at`].
    pub fn write(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        self.write_at(name, 0, bytes)
    }

    /// Writes a part of a tensor, `offset` bytes from its start. Parts must not overlap.
    ///
    /// # Errors
    /// Kind `internal` for a tensor that was not announced or is longer than announced, `runtime` when
    /// the disk is full or fails.
    pub fn write_at(&mut self, name: &str, offset: u64, bytes: &[u8]) -> Result<()> {
        let length = bytes.len() as u64;
        let entry = self
            .entries
            .get_mut(name)
            .filter(|entry| offset.saturating_add(length) <= entry.bytes)
            .ok_or_else(|| {
            Error::internal(format!("{length} bytes at {offset} of tensor `{name}` were not announced"))
        })?;
        entry.written += length;
        self.shards[entry.shard].write_at(entry.start + offset, bytes)
    }

    /// Flushes the files and gives them their names, the index last; weights that the folder had before
    /// are replaced.
    ///
    /// # Errors
    /// Kind `internal` when a tensor was not written in full, `runtime` when the disk is full or fails.
    pub fn finish(self) -> Result<()> {
        if let Some((name, entry)) = self.entries.iter().find(|(_, entry)| entry.written != entry.bytes) {
            let Entry { written, bytes, .. } = entry;
            return Err(Error::internal(format!(
                "{written} of {bytes} bytes of tensor `{name}` were written"
            )));
        }
        let mut current = BTreeSet::new();
        let mut folder = None;
        for file in self.shards.into_iter().chain(self.index) {
            current.insert(file.target().file_name().map(ToOwned::to_owned));
            folder = file.target().parent().map(Path::to_owned);
            file.commit()?;
        }
        // Readers prefer one layout to the other, whichever is newer.
        for entry in folder.iter().filter_map(|f| fs::read_dir(f).ok()).flatten().flatten() {
            let name = entry.file_name();
            if is_weights(&name.to_string_lossy()) && !current.contains(&Some(name)) {
                fs::remove_file(entry.path()).map_err(|e| write_error(&entry.path(), &e))?;
            }
        }
        Ok(())
    }
}

/// The order of tensors in a file: wide types first keeps every tensor aligned, as the format's reference
/// writer does.
fn aligned(a: &TensorSpec, b: &TensorSpec) -> Ordering {
    let key = |spec: &TensorSpec| std::cmp::Reverse(element_bytes(&spec.dtype));
    key(a).cmp(&key(b)).then_with(|| a.name.cmp(&b.name))
}

/// Whether a file of this name is a folder's safetensors weights, or their index.
pub(crate) fn is_weights(name: &str) -> bool {
    let shard = name.strip_prefix("model-").and_then(|rest| rest.strip_suffix(".safetensors"));
    name == SINGLE || name == INDEX || shard.is_some_and(|rest| rest.contains("-of-"))
}

/// Cuts tensors into shards, in order, each filled as far as it goes.
fn cut(specs: &[TensorSpec], shard_bytes: u64) -> Result<Vec<&[TensorSpec]>> {
    let mut shards = Vec::new();
    let (mut start, mut size) = (0, 0);
    for (i, spec) in specs.iter().enumerate() {
        let bytes = spec.bytes()?;
        if i > start && size + bytes > shard_bytes {
            shards.push(&specs[start..i]);
            (start, size) = (i, 0);
        }
        size += bytes;
    }
    shards.push(&specs[start..]);
    Ok(shards)
}

#[cfg(test)]
mod tests {
    use safetensors::SafeTensors;

    use super::*;
    use crate::safetensors::Tensors;

    fn spec(name: &str, dtype: &str, shape: &[usize]) -> TensorSpec {
        TensorSpec { name: name.into(), dtype: dtype.into(), shape: shape.to_vec() }
    }

    fn names(folder: &Path) -> BTreeSet<String> {
        let entries = fs::read_dir(folder).expect("a folder").flatten();
        entries.map(|e| e.file_name().into_string().expect("a plain name")).collect()
    }

    #[test]
    fn one_file_reads_back_with_the_reference_reader() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        // The half-width tensor would leave the other one unaligned if it came first.
        let specs = vec![spec("a", "BF16", &[3]), spec("b", "F32", &[1, 2]), spec("c", "F32", &[0])];
        let mut writer = TensorWriter::create(dir.path(), specs, SHARD_BYTES).expect("created");
        writer.write_at("b", 4, &[5, 6, 7, 8]).expect("the second half");
        writer.write_at("b", 0, &[1, 2, 3, 4]).expect("the first half");
        writer.write("a", &[9; 6]).expect("written");
        assert!(Tensors::open(dir.path()).is_err(), "nothing is visible before the end");
        writer.finish().expect("finished");
        let bytes = fs::read(dir.path().join(SINGLE)).expect("the file");
        let read = SafeTensors::deserialize(&bytes).expect("valid");
        assert_eq!(read.len(), 3);
        let b = read.tensor("b").expect("b");
        assert_eq!((b.shape(), b.data()), (&[1, 2][..], &[1, 2, 3, 4, 5, 6, 7, 8][..]));
        assert_eq!(read.tensor("a").expect("a").data(), [9; 6]);
        assert!(b.data().as_ptr().addr().wrapping_sub(bytes.as_ptr().addr()) % 4 == 0, "aligned");
    }

    #[test]
    fn shards_replace_a_single_file_and_the_other_way_round() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let write = |shard_bytes| {
            let specs = vec![spec("a", "F32", &[2]), spec("b", "F32", &[2]), spec("c", "F32", &[6])];
            let mut writer = TensorWriter::create(dir.path(), specs, shard_bytes).expect("created");
            for (name, n) in [("c", 24), ("a", 8), ("b", 8)] {
                writer.write(name, &vec![n; n.into()]).expect("written");
            }
            writer.finish().expect("finished");
            let tensors = Tensors::open(dir.path()).expect("readable");
            assert_eq!(tensors.names().collect::<Vec<_>>(), ["a", "b", "c"]);
            assert_eq!(tensors.read("c").expect("c").bytes, [24; 24]);
        };
        write(100);
        assert_eq!(names(dir.path()), BTreeSet::from([SINGLE.to_owned()]));
        // a and b fill the first shard, c is larger than any.
        write(16);
        let shards = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", INDEX];
        assert_eq!(names(dir.path()), shards.map(str::to_owned).into());
        let index: serde_json::Value =
            serde_json::from_slice(&fs::read(dir.path().join(INDEX)).expect("index")).expect("JSON");
        assert_eq!(
            (&index["metadata"]["total_size"], &index["weight_map"]["b"]),
            (&json!(40), &json!(shards[0]))
        );
        write(100);
        assert_eq!(names(dir.path()), BTreeSet::from([SINGLE.to_owned()]));
    }

    #[test]
    fn a_layout_is_kept() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let files = vec![
            ("model-00001-of-00002.safetensors".to_owned(), vec![spec("b", "F32", &[2])]),
            (
                "model-00002-of-00002.safetensors".to_owned(),
                vec![spec("c", "F32", &[1]), spec("a", "F32", &[1])],
            ),
        ];
        let mut writer = TensorWriter::in_files(dir.path(), files).expect("created");
        for (name, n) in [("a", 4), ("b", 8), ("c", 4)] {
            writer.write(name, &vec![1; n]).expect("written");
        }
        writer.finish().expect("finished");
        let tensors = Tensors::open(dir.path()).expect("readable");
        let layout: Vec<_> = tensors.layout().into_iter().map(|(_, names)| names).collect();
        assert_eq!(layout, [vec!["b"], vec!["a", "c"]]);
    }

    #[test]
    fn what_is_not_finished_leaves_nothing() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let create = |specs| TensorWriter::create(dir.path(), specs, 8);
        let mut writer = create(vec![spec("a", "F32", &[2]), spec("b", "F32", &[2])]).expect("created");
        assert!(writer.write("c", &[0; 4]).is_err() && writer.write("a", &[0; 9]).is_err());
        writer.write("a", &[0; 8]).expect("written");
        let error = writer.finish().expect_err("b is missing");
        assert_eq!((error.kind.as_str(), error.message.contains("`b`")), ("internal", true));
        assert!(create(vec![spec("a", "F32", &[2]), spec("a", "F32", &[2])]).is_err(), "one name twice");
        assert!(create(vec![spec("a", "Q4", &[2])]).is_err());
        assert!(names(dir.path()).is_empty(), "{:?}", names(dir.path()));
        let error = TensorWriter::create(&dir.path().join("none"), vec![], 8).expect_err("no folder");
        assert_eq!(error.kind, "runtime");
    }
}
