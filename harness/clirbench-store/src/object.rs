//! A committed object: its manifest and its files.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Key, Matrix, Result, StoreError};

pub(crate) const MANIFEST: &str = "manifest.json";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct FileEntry {
    pub(crate) name: String,
    pub(crate) size: u64,
    pub(crate) blake3: Key,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    pub(crate) files: Vec<FileEntry>,
    pub(crate) meta: Value,
}

/// A committed object.
#[derive(Clone, Debug)]
pub struct Object {
    folder: PathBuf,
    manifest: Manifest,
}

impl Object {
    pub(crate) fn read(folder: &Path) -> Result<Option<Object>> {
        let path = folder.join(MANIFEST);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(StoreError::io("read", &path)(e)),
        };
        let manifest =
            serde_json::from_slice(&text).map_err(|e| StoreError::damaged(&path, e.to_string()))?;
        Ok(Some(Object { folder: folder.to_owned(), manifest }))
    }

    /// The object's key.
    #[must_use]
    pub fn key(&self) -> &str {
        self.folder.file_name().and_then(|n| n.to_str()).unwrap_or_default()
    }

    /// What the writer noted about it.
    #[must_use]
    pub fn meta(&self) -> &Value {
        &self.manifest.meta
    }

    /// The object's folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Names of its files, with `/`.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.manifest.files.iter().map(|file| file.name.as_str())
    }

    /// Bytes of its files.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.manifest.files.iter().map(|f| f.size).sum()
    }

    fn entry(&self, name: &str) -> Result<(&FileEntry, PathBuf)> {
        let path = self.folder.join(name);
        match self.manifest.files.iter().find(|f| f.name == name) {
            Some(entry) => Ok((entry, path)),
            None => Err(StoreError::damaged(&path, "the manifest does not list it")),
        }
    }

    /// A file's bytes, checked against the manifest.
    ///
    /// # Errors
    /// When the file is missing or differs from its checksum.
    pub fn file(&self, name: &str) -> Result<Vec<u8>> {
        let (entry, path) = self.entry(name)?;
        let bytes = fs::read(&path).map_err(StoreError::io("read", &path))?;
        if Key::of_bytes(&bytes) != entry.blake3 {
            return Err(StoreError::damaged(&path, "its checksum differs"));
        }
        Ok(bytes)
    }

    /// A JSON file, checked against the manifest.
    ///
    /// # Errors
    /// As [`Object::file`], or when it does not hold a `T`.
    pub fn json<T: serde::de::DeserializeOwned>(&self, name: &str) -> Result<T> {
        serde_json::from_slice(&self.file(name)?)
            .map_err(|e| StoreError::damaged(&self.folder.join(name), e.to_string()))
    }

    /// Maps a matrix file; its size is checked, its checksum only by `cache verify`.
    ///
    /// # Errors
    /// When the file is missing or its size is not `rows * dim` values.
    pub fn matrix(&self, name: &str, rows: usize, dim: usize, dtype: crate::Dtype) -> Result<Matrix> {
        let (entry, path) = self.entry(name)?;
        let expected = (rows * dim * dtype.size()) as u64;
        if entry.size != expected {
            let reason = format!("{} bytes listed, {rows} x {dim} {dtype} are {expected}", entry.size);
            return Err(StoreError::damaged(&path, reason));
        }
        Matrix::map(&path, rows, dim, dtype)
    }

    /// Checks every file against the manifest.
    pub(crate) fn verify(&self) -> Result<()> {
        for entry in &self.manifest.files {
            let path = self.folder.join(&entry.name);
            let file = fs::File::open(&path).map_err(StoreError::io("open", &path))?;
            let found = Key::of_reader(file).map_err(StoreError::io("read", &path))?;
            if found != entry.blake3 {
                return Err(StoreError::damaged(&path, "its checksum differs"));
            }
        }
        Ok(())
    }
}
