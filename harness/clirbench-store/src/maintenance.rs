//! Looking after a store: what is in it, is it whole, what may go.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use crate::{Object, Result, Store, StoreError, object::MANIFEST};

/// Objects and bytes of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KindInfo {
    /// Committed objects.
    pub objects: usize,
    /// Bytes of their files.
    pub bytes: u64,
}

/// What a store holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreInfo {
    /// Per kind (`embed`, `score`, ...).
    pub kinds: BTreeMap<String, KindInfo>,
    /// Folders of attempts that never committed.
    pub unfinished: usize,
}

/// An object that is not what its manifest says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The object's folder.
    pub folder: PathBuf,
    /// What is wrong.
    pub reason: String,
}

impl Store {
    /// Counts objects and bytes per kind.
    ///
    /// # Errors
    /// When a folder cannot be listed.
    pub fn info(&self) -> Result<StoreInfo> {
        let mut info =
            StoreInfo { unfinished: entries(&self.root().join("tmp"))?.len(), ..Default::default() };
        for folder in self.folders()? {
            let kind = info.kinds.entry(self.kind_of(&folder)).or_default();
            if let Ok(Some(object)) = Object::read(&folder) {
                kind.objects += 1;
                kind.bytes += object.size();
            }
        }
        Ok(info)
    }

    /// Checks every file of every object against its checksum.
    ///
    /// # Errors
    /// When a folder cannot be listed; damage is returned, not an error.
    pub fn verify(&self) -> Result<Vec<Damage>> {
        let mut damaged = Vec::new();
        for folder in self.folders()? {
            let reason = match Object::read(&folder) {
                Ok(Some(object)) => object.verify().err().map(|e| e.to_string()),
                Ok(None) => Some("it has no manifest".to_owned()),
                Err(e) => Some(e.to_string()),
            };
            damaged.extend(reason.map(|reason| Damage { folder, reason }));
        }
        Ok(damaged)
    }

    /// Removes one object, whole or damaged.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn remove(&self, folder: &Path) -> Result<()> {
        // The manifest first: without it no reader trusts the rest.
        let manifest = folder.join(MANIFEST);
        if manifest.exists() {
            fs::remove_file(&manifest).map_err(StoreError::io("remove", &manifest))?;
        }
        fs::remove_dir_all(folder).map_err(StoreError::io("remove", folder))
    }

    /// Removes objects last committed more than `older_than` ago, what is left of work that was
    /// broken off as long ago, and attempts that never committed (those of the last hour stay: they
    /// may be at work). Returns objects and bytes removed.
    ///
    /// # Errors
    /// When something cannot be removed.
    pub fn prune(&self, older_than: Duration) -> Result<KindInfo> {
        let mut removed = KindInfo::default();
        for folder in self.folders()? {
            if age(&folder.join(MANIFEST)).is_none_or(|a| a >= older_than) {
                removed.bytes += Object::read(&folder).ok().flatten().map_or(0, |o| o.size());
                removed.objects += 1;
                self.remove(&folder)?;
            }
        }
        for attempt in entries(&self.root().join("tmp"))? {
            if age(&attempt).is_none_or(|a| a >= Duration::from_secs(3600)) {
                fs::remove_dir_all(&attempt).map_err(StoreError::io("remove", &attempt))?;
            }
        }
        for unfinished in entries(&self.root().join("work")).unwrap_or_default() {
            if age(&unfinished).is_none_or(|a| a >= older_than) {
                fs::remove_dir_all(&unfinished).map_err(StoreError::io("remove", &unfinished))?;
            }
        }
        Ok(removed)
    }

    fn kind_of(&self, folder: &Path) -> String {
        let relative = folder.strip_prefix(self.objects()).unwrap_or(folder);
        relative
            .components()
            .next()
            .map_or_else(String::new, |c| c.as_os_str().to_string_lossy().into_owned())
    }

    /// Object folders: those with a manifest, or damaged ones, with files and no folders inside (kinds
    /// nest: `embed/<group>/<key>`, and objects may hold folders).
    fn folders(&self) -> Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        let mut open = vec![self.objects()];
        while let Some(folder) = open.pop() {
            for entry in entries(&folder)? {
                if !entry.is_dir() {
                    continue;
                }
                let inside = entries(&entry)?;
                if inside.iter().any(|e| e.ends_with(MANIFEST)) {
                    found.push(entry);
                } else if inside.iter().any(|e| e.is_dir()) {
                    open.push(entry);
                } else if !inside.is_empty() {
                    found.push(entry);
                }
            }
        }
        found.sort();
        Ok(found)
    }
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let list = fs::read_dir(folder).map_err(StoreError::io("list", folder))?;
    list.map(|e| e.map(|e| e.path())).collect::<std::io::Result<_>>().map_err(StoreError::io("list", folder))
}

/// Time since `path` was last written; `None` when it is gone or from the future.
#[must_use]
pub fn age(path: &Path) -> Option<Duration> {
    let modified = fs::metadata(path).and_then(|m| m.modified()).ok()?;
    SystemTime::now().duration_since(modified).ok()
}
