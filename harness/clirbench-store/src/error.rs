//! What can go wrong with a store.

use std::{
    io,
    path::{Path, PathBuf},
};

/// An error of the store; every message says what, where and what to do.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The operating system refused.
    #[error("cannot {action} {}: {source}{}", path.display(), advice(source))]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which path.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The folder holds something else.
    #[error("{} is not a store of this version (found `{found}`); give another folder with --store", path.display())]
    Format {
        /// The store's folder.
        path: PathBuf,
        /// What its VERSION file says.
        found: String,
    },
    /// A committed file is not what its manifest says.
    #[error("{} is damaged ({reason}); run `clirbench cache verify --repair`, then run again", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What differs.
        reason: String,
    },
}

fn advice(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::StorageFull => {
            "; free some space (`clirbench cache prune`) and run again: nothing committed was lost"
        }
        io::ErrorKind::PermissionDenied => "; check the permissions or give another folder with --store",
        _ => "",
    }
}

impl StoreError {
    pub(crate) fn io(action: &'static str, path: &Path) -> impl Fn(io::Error) -> StoreError + use<> {
        let path = path.to_owned();
        move |source| StoreError::Io { action, path: path.clone(), source }
    }

    pub(crate) fn damaged(path: &Path, reason: impl Into<String>) -> StoreError {
        StoreError::Damaged { path: path.to_owned(), reason: reason.into() }
    }
}
