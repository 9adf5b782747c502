//! `plugins.lock`: the libraries that results were made with.

use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::{Error, PluginFile, Result};

/// The plugins that a project uses, by hash. Several targets can stand side by side.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// Ordered by id and target.
    #[serde(default, rename = "plugin")]
    pub plugins: Vec<LockedPlugin>,
}

/// One library.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedPlugin {
    /// Plugin id.
    pub id: String,
    /// Version in its manifest.
    pub version: String,
    /// SHA-256 of the library, lowercase hex.
    pub sha256: String,
    /// Interfaces in its manifest.
    pub interfaces: Vec<String>,
    /// Target triple.
    pub target: String,
}

impl From<&PluginFile> for LockedPlugin {
    fn from(file: &PluginFile) -> Self {
        let manifest = &file.manifest;
        LockedPlugin {
            id: manifest.id.clone(),
            version: manifest.version.clone(),
            sha256: file.sha256.clone(),
            interfaces: manifest.interfaces.iter().map(|i| i.id.clone()).collect(),
            target: manifest.target.clone(),
        }
    }
}

impl Lock {
    /// Name of the file, in the directory of the bench file.
    pub const FILE: &'static str = "plugins.lock";

    /// Reads a lock; `None` where there is no file.
    ///
    /// # Errors
    /// When the file cannot be read or is not a lock.
    pub fn read(path: &Path) -> Result<Option<Self>> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(Error::File { action: "read", path: path.to_owned(), source }),
        };
        toml::from_str(&text).map(Some).map_err(|e| {
            let line = e.span().map(|span| 1 + text[..span.start.min(text.len())].matches('\n').count());
            let place = line.map(|line| format!("line {line}: ")).unwrap_or_default();
            Error::LockFile { path: path.to_owned(), reason: format!("{place}{}", e.message()) }
        })
    }

    /// Writes the lock; a reader sees the old one or the new one, whole.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        let mut text =
            String::from("# Written by clirbench: the plugins that the results were made with.\n\n");
        text += &toml::to_string(self).expect("strings and lists of strings are always TOML");
        let new = path.with_extension(format!("lock.{}", std::process::id()));
        let written = fs::write(&new, text).and_then(|()| fs::rename(&new, path));
        written.map_err(|source| Error::File { action: "write", path: path.to_owned(), source })
    }

    /// Adds a plugin, or puts it in the place of the one with its id and target.
    pub fn insert(&mut self, file: &PluginFile) {
        let new = LockedPlugin::from(file);
        self.plugins.retain(|old| (&old.id, &old.target) != (&new.id, &new.target));
        self.plugins.push(new);
        self.plugins.sort_by(|a, b| (&a.id, &a.target).cmp(&(&b.id, &b.target)));
    }

    /// Checks that the library is the locked one; call it before [`load`](crate::load).
    ///
    /// # Errors
    /// [`Error::Locked`] says what differs, or that the lock does not name the plugin.
    pub fn check(&self, file: &PluginFile) -> Result<()> {
        let new = LockedPlugin::from(file);
        let old = self.plugins.iter().find(|p| p.id == new.id && p.target == new.target);
        let difference = match old {
            None => format!("it has no entry for target {}", new.target),
            Some(old) if *old == new => return Ok(()),
            Some(old) if old.version != new.version => {
                format!("version {} instead of {}", new.version, old.version)
            }
            Some(old) if old.sha256 != new.sha256 => {
                format!("sha256 {:.12}... instead of {:.12}...", new.sha256, old.sha256)
            }
            Some(old) => {
                format!("interfaces {} instead of {}", new.interfaces.join(", "), old.interfaces.join(", "))
            }
        };
        Err(Error::Locked { plugin: new.id, difference })
    }
}
