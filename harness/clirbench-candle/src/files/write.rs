//! Writing: one file, or shards with an index as Transformers writes them.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;

use clirbench_plugin::{Error, Result};
use safetensors::tensor::{Dtype, View, serialize_to_file};
use serde_json::{Map, Value, json};

use super::{INDEX, SINGLE};

/// A tensor to write.
pub(crate) struct Entry<'a> {
    pub(crate) name: &'a str,
    pub(crate) dtype: Dtype,
    pub(crate) shape: &'a [usize],
    /// Gives the bytes when their turn has come.
    pub(crate) bytes: Box<dyn Fn() -> Result<Vec<u8>> + 'a>,
}

impl Entry<'_> {
    fn size(&self) -> usize {
        self.shape.iter().product::<usize>() * self.dtype.bitsize() / 8
    }
}

/// A tensor whose bytes are at hand.
struct Loaded<'a> {
    dtype: Dtype,
    shape: &'a [usize],
    bytes: Vec<u8>,
}

impl View for Loaded<'_> {
    fn dtype(&self) -> Dtype {
        self.dtype
    }

    fn shape(&self) -> &[usize] {
        self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.bytes)
    }

    fn data_len(&self) -> usize {
        self.bytes.len()
    }
}

/// Writes `entries` to `dir`: `model.safetensors`, or shards of at most `shard_bytes` (a larger tensor
/// has one to itself) with `model.safetensors.index.json`. Each file appears whole or not at all; what
/// the other layout left in `dir` is removed.
pub(crate) fn write(dir: &Path, entries: &[Entry<'_>], shard_bytes: usize) -> Result<()> {
    let total: usize = entries.iter().map(Entry::size).sum();
    if total <= shard_bytes {
        write_file(&dir.join(SINGLE), entries)?;
        return remove_if_there(&dir.join(INDEX));
    }
    let mut shards: Vec<&[Entry<'_>]> = Vec::new();
    let (mut start, mut size) = (0, 0);
    for (i, entry) in entries.iter().enumerate() {
        if i > start && size + entry.size() > shard_bytes {
            shards.push(&entries[start..i]);
            (start, size) = (i, 0);
        }
        size += entry.size();
    }
    shards.push(&entries[start..]);
    let mut map = Map::new();
    for (i, shard) in shards.iter().enumerate() {
        let file = format!("model-{:05}-of-{:05}.safetensors", i + 1, shards.len());
        write_file(&dir.join(&file), shard)?;
        map.extend(shard.iter().map(|entry| (entry.name.to_owned(), Value::from(file.as_str()))));
    }
    let index = json!({"metadata": {"total_size": total}, "weight_map": map});
    let path = dir.join(INDEX);
    let partial = dir.join(format!("{INDEX}.part"));
    std::fs::write(&partial, format!("{index:#}\n"))
        .and_then(|()| std::fs::rename(&partial, &path))
        .map_err(|e| Error::runtime(format!("{} cannot be written: {e}", path.display())))?;
    remove_if_there(&dir.join(SINGLE))
}

/// Writes one safetensors file under a temporary name, then renames it.
fn write_file(path: &Path, entries: &[Entry<'_>]) -> Result<()> {
    let tensors = entries
        .iter()
        .map(|entry| {
            Ok((entry.name, Loaded { dtype: entry.dtype, shape: entry.shape, bytes: (entry.bytes)()? }))
        })
        .collect::<Result<Vec<_>>>()?;
    let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    let failed = |e: &dyn std::fmt::Display| {
        Error::runtime(format!("{} cannot be written: {e}", path.display()))
            .hint("check the free space of the disk")
    };
    serialize_to_file(tensors, Some(metadata), path).map_err(|e| failed(&e))?;
    readable(path).map_err(|e| failed(&e))
}

/// The temporary file that becomes a written one is its owner's alone: weights are for everybody who
/// may see the directory.
fn readable(path: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644))?;
    }
    Ok(())
}

fn remove_if_there(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::runtime(format!("{} cannot be removed: {e}", path.display())))
        }
        _ => Ok(()),
    }
}
