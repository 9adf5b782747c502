//! The manifest: what a plugin says about itself.

use clirbench_abi::manifest_records;
use serde::{Deserialize, Serialize};

/// What a plugin says about itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Name that bench files and locks use, such as `encoder-onnx`.
    pub id: String,
    /// Version of the plugin's crate.
    pub version: String,
    /// SPDX expression.
    pub licence: String,
    /// One line.
    pub description: String,
    /// The interfaces that the plugin has, in its own order.
    pub interfaces: Vec<InterfaceManifest>,
    /// Version of `clirbench-abi` that it was built with. Recorded, not enforced.
    pub abi: String,
    /// Target triple that it was built for.
    pub target: String,
    /// Compiler that built it. Recorded, not enforced.
    pub rustc: String,
}

/// One interface of a plugin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InterfaceManifest {
    /// Id such as `encoder/1`.
    pub id: String,
    /// JSON schema of the config that `open` takes.
    pub schema: serde_json::Value,
    /// Glob patterns of model-directory contents that this interface can open (`onnx/*.onnx`).
    #[serde(default)]
    pub detects: Vec<String>,
}

impl Manifest {
    /// The interface with this id (`encoder/1`).
    #[must_use]
    pub fn interface(&self, id: &str) -> Option<&InterfaceManifest> {
        self.interfaces.iter().find(|i| i.id == id)
    }

    /// Reads the manifest from the contents of its section.
    ///
    /// # Errors
    /// [`ManifestError`] when the section holds no record, several, or one that is not JSON.
    pub fn from_section(section: &[u8]) -> Result<Self, ManifestError> {
        match manifest_records(section).map_err(|e| ManifestError(e.to_string()))?[..] {
            [record] => Self::from_json(record),
            _ => Err(ManifestError("it holds several manifests; a library exports one plugin".to_owned())),
        }
    }

    /// Reads the manifest from its JSON.
    ///
    /// # Errors
    /// [`ManifestError`] when it is not JSON or lacks a field.
    pub fn from_json(json: &[u8]) -> Result<Self, ManifestError> {
        serde_json::from_slice(json)
            .map_err(|e| ManifestError(format!("its manifest is not what a manifest should be: {e}")))
    }
}

/// A manifest that cannot be read; the text finishes the sentence "PATH is refused: ...".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ManifestError(String);
