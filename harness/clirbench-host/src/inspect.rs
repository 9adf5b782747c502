//! Reads a plugin's manifest from its file. Nothing of the file is executed.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};

use clirbench_abi::{SECTION, TARGET};
use object::read::ReadCache;
use object::{Object, ObjectSection};
use sha2::{Digest, Sha256};

use crate::{Error, Manifest, Result};

/// A plugin as it lies on disk.
#[derive(Clone, Debug, PartialEq)]
pub struct PluginFile {
    /// The shared object.
    pub path: PathBuf,
    /// What it says about itself.
    pub manifest: Manifest,
    /// SHA-256 of the file, lowercase hex.
    pub sha256: String,
}

/// Reads the manifest and the hash of the library at `path`.
///
/// # Errors
/// When the file cannot be read, is not a whole shared object, has no manifest or a damaged one,
/// or is for another target.
pub fn inspect(path: &Path) -> Result<PluginFile> {
    let section = section(path)?.ok_or_else(|| Error::NotAPlugin {
        path: path.to_owned(),
        reason: format!("it has no section `{SECTION}`"),
    })?;
    described(path, &section)
}

/// As [`inspect`]; `None` for a sound library that is no plugin.
pub(crate) fn inspect_if_plugin(path: &Path) -> Result<Option<PluginFile>> {
    section(path)?.map(|section| described(path, &section)).transpose()
}

fn described(path: &Path, section: &[u8]) -> Result<PluginFile> {
    let refuse = |reason| Error::Manifest { path: path.to_owned(), reason };
    let manifest = Manifest::from_section(section).map_err(refuse)?;
    if manifest.target != TARGET {
        return Err(Error::Target { plugin: manifest.id, built: manifest.target, here: TARGET });
    }
    Ok(PluginFile { path: path.to_owned(), manifest, sha256: sha256(path)? })
}

/// The manifest section's bytes; `None` where the library has none.
fn section(path: &Path) -> Result<Option<Vec<u8>>> {
    let not = |e: object::Error| Error::NotAPlugin {
        path: path.to_owned(),
        reason: format!("it is not a whole shared object ({e})"),
    };
    // Only the headers and the section are read: a directory may hold libraries of a gigabyte.
    let cache = ReadCache::new(open(path)?);
    let file = object::File::parse(&cache).map_err(not)?;
    let Some(section) = file.section_by_name(SECTION) else { return Ok(None) };
    section.data().map(|data| Some(data.to_vec())).map_err(not)
}

/// SHA-256 of a file, lowercase hex.
pub(crate) fn sha256(path: &Path) -> Result<String> {
    let mut file = open(path)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        let n = file.read(&mut buffer).map_err(|e| unreadable(path, e))?;
        if n == 0 {
            break;
        }
        hash.update(&buffer[..n]);
    }
    Ok(hash.finalize().iter().fold(String::with_capacity(64), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("writing to a string cannot fail");
        hex
    }))
}

fn open(path: &Path) -> Result<File> {
    let open = || {
        let mut file = File::open(path)?;
        // A directory opens but does not read; say so here rather than as a broken object.
        if file.metadata()?.is_dir() {
            return Err(io::Error::from(io::ErrorKind::IsADirectory));
        }
        file.rewind()?;
        Ok(file)
    };
    open().map_err(|e| unreadable(path, e))
}

fn unreadable(path: &Path, source: io::Error) -> Error {
    Error::File { action: "read", path: path.to_owned(), source }
}
