//! An object on its way: written aside, then committed by one rename.

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use serde_json::Value;

use crate::{
    Key, Object, Result, StoreError,
    object::{FileEntry, MANIFEST, Manifest},
};

static ATTEMPTS: AtomicU64 = AtomicU64::new(0);

/// An uncommitted object. Dropping it leaves nothing behind.
#[derive(Debug)]
pub struct Draft {
    folder: PathBuf,
    target: PathBuf,
    files: Vec<FileEntry>,
}

impl Draft {
    pub(crate) fn new(tmp: &Path, target: PathBuf) -> Result<Draft> {
        // Unique per attempt: process, moment and counter (machines may share the file system).
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let attempt = ATTEMPTS.fetch_add(1, Ordering::Relaxed);
        let name = format!("{}-{}-{attempt}", std::process::id(), now.as_nanos());
        let folder = tmp.join(name);
        fs::create_dir_all(&folder).map_err(StoreError::io("create", &folder))?;
        Ok(Draft { folder, target, files: Vec::new() })
    }

    /// Writes one file of the object and flushes it to the disk.
    ///
    /// # Errors
    /// When writing fails (a full disk, say); nothing committed is touched.
    pub fn write(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        write_synced(&self.folder.join(name), bytes)?;
        let blake3 = Key::of_bytes(bytes);
        self.files.push(FileEntry { name: name.to_owned(), size: bytes.len() as u64, blake3 });
        Ok(())
    }

    /// The folder of the draft, for files that others write; each needs [`Draft::adopt`].
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Takes in every file below `name`, a folder that was written under [`Draft::folder`], and
    /// flushes them to the disk.
    ///
    /// # Errors
    /// When a file cannot be read or flushed.
    pub fn adopt(&mut self, name: &str) -> Result<()> {
        let mut open = vec![name.to_owned()];
        while let Some(relative) = open.pop() {
            let folder = self.folder.join(&relative);
            let entries = fs::read_dir(&folder).map_err(StoreError::io("list", &folder))?;
            let mut names = entries
                .map(|e| e.map(|e| e.file_name().to_string_lossy().into_owned()))
                .collect::<std::io::Result<Vec<_>>>()
                .map_err(StoreError::io("list", &folder))?;
            names.sort();
            for entry in names {
                let (name, path) = (format!("{relative}/{entry}"), folder.join(&entry));
                if path.is_dir() {
                    open.push(name);
                    continue;
                }
                let file = File::open(&path).map_err(StoreError::io("open", &path))?;
                file.sync_all().map_err(StoreError::io("flush", &path))?;
                let size = file.metadata().map_err(StoreError::io("read", &path))?.len();
                let blake3 = Key::of_reader(file).map_err(StoreError::io("read", &path))?;
                self.files.push(FileEntry { name, size, blake3 });
            }
            sync_folder(&folder)?;
        }
        Ok(())
    }

    /// Makes the object visible, all at once.
    ///
    /// # Errors
    /// When the manifest cannot be written or the rename fails.
    pub fn commit(mut self, meta: Value) -> Result<Object> {
        let manifest = Manifest { files: std::mem::take(&mut self.files), meta };
        let text = serde_json::to_vec_pretty(&manifest).expect("a manifest has a JSON form");
        write_synced(&self.folder.join(MANIFEST), &text)?;
        sync_folder(&self.folder)?;
        let parent = self.target.parent().expect("an object has a kind");
        fs::create_dir_all(parent).map_err(StoreError::io("create", parent))?;
        match fs::rename(&self.folder, &self.target) {
            Ok(()) => sync_folder(parent)?,
            // Somebody else committed the same key first: same inputs, same result.
            Err(_) if self.target.join(MANIFEST).is_file() => {}
            Err(e) => return Err(StoreError::io("commit", &self.target)(e)),
        }
        Object::read(&self.target)?
            .ok_or_else(|| StoreError::damaged(&self.target, "it vanished after the commit"))
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // After a commit the folder is gone, and otherwise `prune` would find it.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn write_synced(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = File::create(path).map_err(StoreError::io("create", path))?;
    file.write_all(bytes).map_err(StoreError::io("write", path))?;
    file.sync_all().map_err(StoreError::io("flush", path))
}

fn sync_folder(path: &Path) -> Result<()> {
    File::open(path).and_then(|f| f.sync_all()).map_err(StoreError::io("flush", path))
}
