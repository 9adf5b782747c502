//! The manifest: what a plugin says about itself, readable without executing it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Name of the section of the shared object that holds the manifest (per object format, since
/// Mach-O wants `__name` and PE images cut names at eight bytes).
pub const SECTION: &str = if cfg!(target_vendor = "apple") {
    "__clirbench"
} else if cfg!(windows) {
    ".clirben"
} else {
    ".clirbench"
};

/// First bytes of a manifest record: `MAGIC`, the length of the JSON (u32, little-endian), JSON.
pub const MAGIC: [u8; 8] = *b"CLIRPLUG";

/// Bytes in front of the JSON of a record.
pub const MANIFEST_HEADER: usize = MAGIC.len() + 4;

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
        let [record] = manifest_records(section)?[..] else {
            return Err(ManifestError("it holds several plugins: a library exports one".to_owned()));
        };
        Self::from_json(record)
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

/// The JSON texts of every record in a section; the linker may pad between records with zeros.
///
/// # Errors
/// [`ManifestError`] when there is none or when one is cut short.
pub fn manifest_records(section: &[u8]) -> Result<Vec<&[u8]>, ManifestError> {
    let mut records = Vec::new();
    let mut rest = section;
    while let Some(start) = rest.iter().position(|&b| b != 0) {
        rest = &rest[start..];
        let header = rest.split_first_chunk::<8>().filter(|(magic, _)| **magic == MAGIC);
        let sized = header.and_then(|(_, rest)| rest.split_first_chunk::<4>());
        let record =
            sized.and_then(|(length, rest)| rest.split_at_checked(u32::from_le_bytes(*length) as usize));
        let Some((json, after)) = record else {
            return Err(ManifestError("its manifest section is damaged".to_owned()));
        };
        records.push(json);
        rest = after;
    }
    if records.is_empty() {
        return Err(ManifestError("its manifest section is empty".to_owned()));
    }
    Ok(records)
}

/// A manifest that cannot be read; the text finishes the sentence "PATH is refused: ...".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestError(pub String);

impl fmt::Display for ManifestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ManifestError {}
