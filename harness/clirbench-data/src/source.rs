//! The files of a dataset: found, read once, hashed, checked against pins and for UTF-8.

use std::{
    fs,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Kind, Place, Position},
    hash,
    problems::Problems,
    resolve::Resolved,
};

/// A file that was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileHash {
    /// Under the dataset's folder, with `/`.
    pub path: String,
    /// Lower-case hex of the whole file.
    pub sha256: String,
    /// Whether the manifest or entry pins this checksum.
    pub pinned: bool,
}

/// Reads the files of one dataset and keeps what is wrong with them.
pub(crate) struct Source<'a> {
    pub(crate) dataset: &'a Resolved,
    pub(crate) files: Vec<FileHash>,
    pub(crate) problems: Problems,
}

impl<'a> Source<'a> {
    pub(crate) fn new(dataset: &'a Resolved) -> Self {
        let mut problems = Problems::default();
        if !dataset.left_out.is_empty() {
            let message = format!("left out, no files: {}", dataset.left_out.join(", "));
            problems.warn(Place::Dataset(dataset.spec.name.clone()), message);
        }
        Source { dataset, files: Vec::new(), problems }
    }

    /// The files of every language, in their order: of each one's candidates the first that
    /// exists, or the first of all, so that reading it reports what is missing.
    pub(crate) fn located(&self) -> Vec<String> {
        let existing =
            |names: &Vec<String>| names.iter().find(|name| self.exists(name)).unwrap_or(&names[0]).clone();
        self.dataset.candidates.iter().map(existing).collect()
    }

    /// The same text for a file of `dataset` in every message.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dataset.root.join(name)
    }

    pub(crate) fn place(&self, name: &str, position: Position) -> Place {
        Place::File(self.path(name), position)
    }

    pub(crate) fn exists(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    /// The text of a file without its byte order mark; `None` with the reason noted.
    pub(crate) fn read(&mut self, name: &str) -> Option<String> {
        let path = self.path(name);
        let bytes = self.problems.keep(bytes(&path))?;
        self.check_pin(name, &bytes);
        self.problems.keep(decode(&path, bytes))
    }

    fn check_pin(&mut self, name: &str, bytes: &[u8]) {
        let found = hash::sha256(bytes);
        let pin = self.dataset.spec.sha256.get(name).map(|pin| pin.to_ascii_lowercase());
        let pinned = pin.is_some();
        if let Some(expected) = pin.filter(|pin| *pin != found) {
            let place = self.place(name, Position::Whole);
            self.problems.at(place, Kind::Checksum { expected, found: found.clone() });
        }
        self.files.push(FileHash { path: name.to_owned(), sha256: found, pinned });
    }
}

/// The text of a file without its byte order mark.
///
/// # Errors
/// The file cannot be read, or is not UTF-8.
pub fn read_text(path: &Path) -> Result<String, Error> {
    decode(path, bytes(path)?)
}

/// The bytes of a file.
fn bytes(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|e| unreadable(path, e))
}

/// Why a file cannot be read.
pub(crate) fn unreadable(path: &Path, error: io::Error) -> Error {
    let kind = match error.kind() {
        ErrorKind::NotFound => Kind::NotFound { holds: path.parent().and_then(names_in) },
        _ => Kind::Io(error),
    };
    Error::new(Place::File(path.to_owned(), Position::Whole), kind)
}

/// The text of a file without its byte order mark.
fn decode(path: &Path, bytes: Vec<u8>) -> Result<String, Error> {
    match String::from_utf8(bytes) {
        Ok(mut text) => {
            if text.starts_with('\u{feff}') {
                text.drain(..'\u{feff}'.len_utf8());
            }
            Ok(text)
        }
        Err(e) => {
            let offset = e.utf8_error().valid_up_to();
            let bytes = e.as_bytes();
            let line = bytes[..offset].iter().filter(|b| **b == b'\n').count() as u64 + 1;
            let looks_like = match bytes {
                [0xFF, 0xFE, ..] => Some("UTF-16LE"),
                [0xFE, 0xFF, ..] => Some("UTF-16BE"),
                _ => None,
            };
            let kind = Kind::Encoding { byte: bytes[offset], offset, looks_like };
            Err(Error::new(Place::File(path.to_owned(), Position::Line(line)), kind))
        }
    }
}

/// The sorted names in a folder; `None` where there is no such folder. An empty path is the current one.
fn names_in(folder: &Path) -> Option<Vec<String>> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let mut names: Vec<String> =
        fs::read_dir(folder).ok()?.flatten().map(|e| e.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    Some(names)
}
