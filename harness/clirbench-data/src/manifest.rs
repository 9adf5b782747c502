//! Dataset manifests: TOML files that say what a dataset is and where its files are.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    error::{Error, Kind, Place, Position},
    spec::DatasetSpec,
    suggest::did_you_mean,
};

/// A manifest as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The TOML file.
    pub file: PathBuf,
    /// What it says; its relative `path` counts from [`Manifest::folder`].
    pub spec: DatasetSpec,
}

impl Manifest {
    /// Reads a manifest: a [`DatasetSpec`] with at least `name`, `format` and `languages`.
    ///
    /// # Errors
    /// The file cannot be read, is not TOML, has an unknown key (with the nearest known one), or
    /// lacks one of the three.
    pub fn read(file: &Path) -> Result<Manifest, Error> {
        let whole = |kind| Error::new(Place::File(file.to_owned(), Position::Whole), kind);
        let text = fs::read_to_string(file).map_err(|e| whole(Kind::Io(e)))?;
        let spec: DatasetSpec = toml::from_str(&text).map_err(|e| toml_error(file, &text, &e))?;
        let missing = [
            ("name", spec.name.is_empty()),
            ("format", spec.format.is_none()),
            ("languages", spec.languages.is_empty()),
        ];
        if let Some((key, _)) = missing.iter().find(|(_, missing)| *missing) {
            return Err(whole(Kind::Entry {
                what: format!("the manifest has no `{key}`"),
                hint: "a manifest needs `name`, `format` and `languages`".to_owned(),
            }));
        }
        if spec.manifest.is_some() {
            return Err(whole(Kind::Entry {
                what: "the manifest names another `manifest`".to_owned(),
                hint: "write its keys here instead".to_owned(),
            }));
        }
        Ok(Manifest { file: file.to_owned(), spec })
    }

    /// The folder that the manifest's relative paths count from.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.file.parent().unwrap_or(Path::new(""))
    }
}

/// The manifests (`*.toml`) of a folder, by file name.
///
/// # Errors
/// The folder cannot be read, or the first manifest that [`Manifest::read`] refuses.
pub fn list(folder: &Path) -> Result<Vec<Manifest>, Error> {
    let unreadable = |e| Error::new(Place::File(folder.to_owned(), Position::Whole), Kind::Io(e));
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let file = entry.map_err(unreadable)?.path();
        if file.extension().is_some_and(|e| e == "toml") {
            files.push(file);
        }
    }
    files.sort();
    files.iter().map(|file| Manifest::read(file)).collect()
}

fn toml_error(file: &Path, text: &str, error: &toml::de::Error) -> Error {
    let position = error.span().map_or(Position::Whole, |span| {
        let before = &text[..text.floor_char_boundary(span.start)];
        let line = before.matches('\n').count() as u64 + 1;
        let column = before.chars().rev().take_while(|c| *c != '\n').count() as u64 + 1;
        Position::Column(line, column)
    });
    let meant = did_you_mean(error.message()).map(str::to_owned);
    // With a suggestion the list of every known key would only hide it.
    let message = match (&meant, error.message().split_once(", expected")) {
        (Some(_), Some((found, _))) => found,
        _ => error.message(),
    };
    let message = message.trim_end().replace('\n', " ");
    Error::new(Place::File(file.to_owned(), position), Kind::Toml { message, meant })
}
