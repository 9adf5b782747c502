//! What a model's vectors depend on: its files, its plugin, its options.

use std::{fs, path::Path};

use clirbench_host::EncoderInfo;
use clirbench_store::{Dtype, Key};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::job::{Failure, PluginRef};

/// What a probe job found out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Probe {
    /// What the encoder says about itself.
    pub info: EncoderInfo,
    /// The sample query as the model sees it.
    pub rendered_query: String,
    /// The sample document as the model sees it.
    pub rendered_document: String,
}

/// A file that vectors depend on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelFile {
    /// Path relative to the model directory.
    pub path: String,
    /// Hash of its bytes.
    pub blake3: Key,
}

/// The version of what this crate makes of an encoder's answer; part of every group.
const EMBED_VERSION: &str = "embed/1";

/// Hashes the files that the encoder names.
///
/// # Errors
/// When one cannot be read.
pub fn hash_files(directory: &Path, files: &[String]) -> Result<Vec<ModelFile>, Failure> {
    let mut files = files.to_vec();
    files.sort();
    files.dedup();
    files
        .into_iter()
        .map(|path| {
            let full = directory.join(&path);
            let blake3 = fs::File::open(&full).and_then(Key::of_reader).map_err(|e| {
                Failure::new(
                    format!("cannot read {}: {e}", full.display()),
                    "the encoder plugin names it as used",
                )
            })?;
            Ok(ModelFile { path, blake3 })
        })
        .collect()
}

/// The files of a model directory that a training or merge depends on, relative to it: all but
/// hidden ones and exported graphs, which are stale as soon as the weights change.
///
/// # Errors
/// When a folder cannot be listed.
pub fn weight_files(directory: &Path) -> Result<Vec<String>, Failure> {
    let mut found = Vec::new();
    let mut open = vec![String::new()];
    while let Some(relative) = open.pop() {
        let folder = directory.join(&relative);
        let entries = fs::read_dir(&folder)
            .map_err(|e| Failure::new(format!("cannot list {}: {e}", folder.display()), "check the path"))?;
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = if relative.is_empty() { name.clone() } else { format!("{relative}/{name}") };
            let left_out = name.starts_with('.') || name == "onnx" || name.ends_with(".onnx");
            match entry.path() {
                _ if left_out => {}
                inner if inner.is_dir() => open.push(path),
                _ => found.push(path),
            }
        }
    }
    found.sort();
    Ok(found)
}

/// A cheap look at a directory: names, sizes and times. Decides only whether a probe is still good.
#[must_use]
pub fn listing(directory: &Path) -> Value {
    let mut found = Vec::new();
    let mut open = vec![directory.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with('.') {
                continue;
            }
            let Ok(meta) = fs::metadata(entry.path()) else { continue };
            if meta.is_dir() {
                open.push(entry.path());
            } else {
                let modified =
                    meta.modified().ok().and_then(|t| t.duration_since(std::time::UNIX_EPOCH).ok());
                let path = entry.path().to_string_lossy().into_owned();
                found.push((path, meta.len(), modified.unwrap_or_default().as_nanos().to_string()));
            }
        }
    }
    found.sort();
    json!(found)
}

/// The group of a model and role: the hash of everything that a vector depends on but the text.
///
/// Where both roles see a text alike they share a group, so that the text is encoded once.
#[must_use]
pub fn group(
    plugin: &PluginRef,
    options: &Value,
    probe: &Probe,
    files: &[ModelFile],
    dtype: Dtype,
    role: &str,
) -> Key {
    let info = &probe.info;
    let role = if info.symmetric { "any" } else { role };
    Key::of(&json!({
        "version": EMBED_VERSION,
        "plugin": [plugin.id, plugin.sha256],
        "options": options,
        "files": files,
        "runtime": info.runtime,
        "dim": info.dim,
        "max_tokens": info.max_tokens,
        "prompts": [info.query_prompt, info.document_prompt],
        "dtype": dtype,
        "role": role,
    }))
}
