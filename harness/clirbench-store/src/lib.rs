//! The store: a content-addressed directory of committed results.
//!
//! An *object* is a folder `objects/<kind>/<key>` with payload files and a `manifest.json` that lists
//! their sizes and checksums. It appears by one atomic rename, complete or not at all, and never
//! changes afterwards. Readers trust only what the manifest lists. Two processes may commit the same
//! key: whoever comes second finds it there and drops its own copy.

mod draft;
mod error;
mod key;
mod maintenance;
mod matrix;
mod object;

use std::{
    fs,
    path::{Path, PathBuf},
};

pub use draft::Draft;
pub use error::StoreError;
pub use key::{Key, canonical_json};
pub use maintenance::{Damage, KindInfo, StoreInfo, age};
pub use matrix::{Dtype, Matrix, encode_rows};
pub use object::Object;

/// Result of store operations.
pub type Result<T> = std::result::Result<T, StoreError>;

const FORMAT: &str = "clirbench store 1\n";

/// An open store.
#[derive(Clone, Debug)]
pub struct Store {
    root: PathBuf,
}

impl Store {
    /// Opens the store at `root`, creating it where there is none.
    ///
    /// # Errors
    /// When the folder cannot be made, or holds a store of another format.
    pub fn open(root: &Path) -> Result<Store> {
        let at = |path: &Path| StoreError::io("open the store", path);
        for folder in ["objects", "tmp"] {
            let path = root.join(folder);
            fs::create_dir_all(&path).map_err(at(&path))?;
        }
        let version = root.join("VERSION");
        match fs::read_to_string(&version) {
            Ok(found) if found == FORMAT => {}
            Ok(found) => {
                return Err(StoreError::Format { path: root.to_owned(), found: found.trim().to_owned() });
            }
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                fs::write(&version, FORMAT).map_err(at(&version))?;
            }
            Err(e) => return Err(at(&version)(e)),
        }
        Ok(Store { root: root.to_owned() })
    }

    /// The store's folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn objects(&self) -> PathBuf {
        self.root.join("objects")
    }

    fn folder(&self, kind: &str, key: &Key) -> PathBuf {
        self.objects().join(kind).join(key.as_str())
    }

    /// Whether an object is committed.
    #[must_use]
    pub fn has(&self, kind: &str, key: &Key) -> bool {
        self.folder(kind, key).join(object::MANIFEST).is_file()
    }

    /// The object, or `None` where it is not committed.
    ///
    /// # Errors
    /// When its manifest cannot be read.
    pub fn get(&self, kind: &str, key: &Key) -> Result<Option<Object>> {
        Object::read(&self.folder(kind, key))
    }

    /// Every committed object of a kind, sorted by key.
    ///
    /// # Errors
    /// When the folder cannot be listed or a manifest cannot be read.
    pub fn list(&self, kind: &str) -> Result<Vec<Object>> {
        let folder = self.objects().join(kind);
        let mut names = match fs::read_dir(&folder) {
            Ok(entries) => entries
                .map(|e| e.map(|e| e.path()))
                .collect::<std::io::Result<Vec<_>>>()
                .map_err(StoreError::io("list", &folder))?,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(e) => return Err(StoreError::io("list", &folder)(e)),
        };
        names.sort();
        names.iter().filter_map(|path| Object::read(path).transpose()).collect()
    }

    /// The folder where whoever makes the object `key` keeps what it needs to go on after it was
    /// interrupted; made where there is none. Its maker removes it, or `prune`.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn work_folder(&self, key: &Key) -> Result<PathBuf> {
        let folder = self.root.join("work").join(key.as_str());
        fs::create_dir_all(&folder).map_err(StoreError::io("create", &folder))?;
        Ok(folder)
    }

    /// Starts an object; nothing is visible until [`Draft::commit`].
    ///
    /// # Errors
    /// When the temporary folder cannot be made.
    pub fn begin(&self, kind: &str, key: &Key) -> Result<Draft> {
        Draft::new(&self.root.join("tmp"), self.folder(kind, key))
    }
}
