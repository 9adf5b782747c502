//! Reads the files of a model directory and remembers which: they go into cache keys.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clirbench_plugin::{Error, Result};
use serde::de::DeserializeOwned;

/// A model directory and what has been read from it.
#[derive(Clone, Debug)]
pub struct ModelFiles {
    root: PathBuf,
    used: Vec<String>,
}

impl ModelFiles {
    /// Opens the directory.
    ///
    /// # Errors
    /// Kind `model` when it is missing or not a directory.
    pub fn open(root: &Path) -> Result<Self> {
        if !root.is_dir() {
            let what = if root.exists() { "is not a directory" } else { "does not exist" };
            return Err(Error::model(format!("model directory {} {what}", root.display()))
                .hint("give the path of a sentence-transformers directory"));
        }
        Ok(ModelFiles { root: root.to_owned(), used: Vec::new() })
    }

    /// The directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where `relative` lies; empty is the directory itself.
    pub fn path(&self, relative: &str) -> PathBuf {
        // Joining nothing would add a slash, which people get to see.
        if relative.is_empty() { self.root.clone() } else { self.root.join(relative) }
    }

    /// Remembers that the vectors depend on `relative`.
    pub fn note(&mut self, relative: &str) {
        if !self.used.iter().any(|known| known == relative) {
            self.used.push(relative.to_owned());
        }
    }

    /// The files read so far, sorted, relative to the directory with `/` between components.
    pub fn used(&self) -> Vec<String> {
        let mut used = self.used.clone();
        used.sort();
        used
    }

    /// Reads a JSON file.
    ///
    /// # Errors
    /// Kind `model` when it is missing, unreadable or not the expected JSON.
    pub fn json<T: DeserializeOwned>(&mut self, relative: &str) -> Result<T> {
        match self.json_if_present(relative)? {
            Some(value) => Ok(value),
            None => Err(Error::model(format!("{} is missing", self.path(relative).display()))
                .hint("copy the whole model directory, its sub-directories included")),
        }
    }

    /// Reads a JSON file that may be absent.
    ///
    /// # Errors
    /// Kind `model` when it is there but unreadable or not the expected JSON.
    pub fn json_if_present<T: DeserializeOwned>(&mut self, relative: &str) -> Result<Option<T>> {
        let path = self.path(relative);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(Error::model(format!("cannot read {}: {e}", path.display()))),
        };
        let value = serde_json::from_slice(&bytes).map_err(|e| {
            Error::model(format!("{}: {e}", path.display())).hint("download the file again; it looks damaged")
        })?;
        self.note(relative);
        Ok(Some(value))
    }
}

/// Joins a folder of the directory (empty for the directory itself) and a name.
pub fn join(folder: &str, name: &str) -> String {
    let folder = folder.trim_matches('/');
    if folder.is_empty() || folder == "." { name.to_owned() } else { format!("{folder}/{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_file_is_named_and_an_absent_one_is_none() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        fs::write(dir.path().join("config.json"), "{\"a\": ").expect("write");
        let mut files = ModelFiles::open(dir.path()).expect("open");
        let error = files.json::<serde_json::Value>("config.json").expect_err("truncated JSON");
        assert_eq!(error.kind, "model");
        assert!(error.message.contains("config.json"), "{}", error.message);
        assert_eq!(files.json_if_present::<serde_json::Value>("modules.json").expect("absent"), None);
        assert!(files.used().is_empty());
        assert_eq!(ModelFiles::open(&dir.path().join("none")).expect_err("no directory").kind, "model");
    }

    #[test]
    fn join_leaves_no_stray_slashes() {
        assert_eq!(join("", "config.json"), "config.json");
        assert_eq!(join("1_Pooling/", "config.json"), "1_Pooling/config.json");
        assert_eq!(join(".", "config.json"), "config.json");
    }
}
