//! Every plugin on the search path.

use std::collections::HashSet;
use std::env::consts::{DLL_EXTENSION, DLL_PREFIX};
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use crate::inspect::inspect_if_plugin;
use crate::{Error, Origin, PluginFile, Result, SearchPath, detect, inspect};

/// What a search found.
#[derive(Debug, Default)]
pub struct Discovery {
    /// One plugin per id, in the order of the search.
    pub plugins: Vec<PluginFile>,
    /// Plugins whose id an earlier one has.
    pub shadowed: Vec<Shadowed>,
    /// Files that look like plugins and cannot be used, or that the user named and are none.
    pub refused: Vec<Refused>,
}

/// A plugin that is not used because another of the same id comes first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shadowed {
    /// The id of both.
    pub id: String,
    /// The one that is used.
    pub used: PathBuf,
    /// The one that is not.
    pub path: PathBuf,
}

/// A file that was not taken.
#[derive(Debug)]
pub struct Refused {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub reason: Error,
}

/// Reads every plugin on the search path; executes none.
///
/// Directories are not searched deeper. Libraries without a manifest are passed over unless the
/// user named the file.
#[must_use]
pub fn discover(path: &SearchPath) -> Discovery {
    let mut found = Discovery::default();
    let mut seen = HashSet::new();
    for (origin, place) in &path.places {
        match candidates(*origin, place) {
            Ok(mut files) => {
                // The same file by two ways is not a plugin that shadows itself.
                files.retain(|file| seen.insert(fs::canonicalize(file).unwrap_or_else(|_| file.clone())));
                for (file, outcome) in files.iter().zip(inspected(&files, place)) {
                    found.take(file, outcome);
                }
            }
            Err(reason) => found.refused.push(Refused { path: place.clone(), reason }),
        }
    }
    found
}

/// The libraries of a place, by name: the file itself, or what the directory holds.
fn candidates(origin: Origin, place: &Path) -> Result<Vec<PathBuf>> {
    if place.is_file() {
        return Ok(vec![place.to_owned()]);
    }
    let entries = match fs::read_dir(place) {
        Ok(entries) => entries,
        Err(_) if !origin.is_named() => return Ok(Vec::new()),
        Err(source) => return Err(Error::File { action: "read", path: place.to_owned(), source }),
    };
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|ext| ext == DLL_EXTENSION) && path.is_file())
        .collect();
    files.sort_unstable();
    Ok(files)
}

/// What each file of a place is, in order. Hashing them is most of what a search takes, so they are
/// shared out among threads.
fn inspected(files: &[PathBuf], place: &Path) -> Vec<Result<Option<PluginFile>>> {
    let one = |file: &PathBuf| if file == place { inspect(file).map(Some) } else { inspect_if_plugin(file) };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let share = files.len().div_ceil(threads).max(1);
    thread::scope(|scope| {
        let shares = files.chunks(share).map(|share| scope.spawn(move || share.iter().map(one).collect()));
        let shares: Vec<thread::ScopedJoinHandle<'_, Vec<_>>> = shares.collect();
        shares.into_iter().flat_map(|share| share.join().expect("inspecting a file does not panic")).collect()
    })
}

impl Discovery {
    fn take(&mut self, path: &Path, outcome: Result<Option<PluginFile>>) {
        match outcome {
            Ok(None) => {}
            Err(reason) => self.refused.push(Refused { path: path.to_owned(), reason }),
            Ok(Some(file)) => match self.plugins.iter().find(|p| p.manifest.id == file.manifest.id) {
                None => self.plugins.push(file),
                Some(first) => self.shadowed.push(Shadowed {
                    id: file.manifest.id,
                    used: first.path.clone(),
                    path: file.path,
                }),
            },
        }
    }

    /// The plugin with this id.
    ///
    /// # Errors
    /// [`Error::Unknown`] with the nearest id, or the reason why the file of that id was refused.
    pub fn find(&self, id: &str) -> Result<&PluginFile> {
        self.plugins
            .iter()
            .find(|p| p.manifest.id == id)
            .ok_or_else(|| Error::Unknown { id: id.to_owned(), hint: self.instead_of(id) })
    }

    /// The plugins that have an interface, such as `encoder/1`.
    pub fn with_interface(&self, interface: &str) -> impl Iterator<Item = &PluginFile> {
        self.plugins.iter().filter(move |p| p.manifest.interface(interface).is_some())
    }

    /// The encoder that recognises a model directory by what it holds.
    ///
    /// # Errors
    /// [`Error::Undetected`] when none does, or more than one.
    pub fn encoder_for(&self, model: &Path) -> Result<&PluginFile> {
        let fits = |file: &&PluginFile| {
            file.manifest.interface("encoder/1").is_some_and(|i| detect::fits(model, &i.detects))
        };
        let fitting: Vec<&PluginFile> = self.plugins.iter().filter(fits).collect();
        match fitting[..] {
            [file] => Ok(file),
            [] => Err(Error::Undetected {
                message: format!("no encoder recognises what `{}` holds", model.display()),
                hint: format!("name one with `encoder = ...`: {}", ids(self.with_interface("encoder/1"))),
            }),
            _ => Err(Error::Undetected {
                message: format!("several encoders recognise what `{}` holds", model.display()),
                hint: format!("name one with `encoder = ...`: {}", ids(fitting.into_iter())),
            }),
        }
    }

    fn instead_of(&self, id: &str) -> String {
        let file = format!("{}{}", DLL_PREFIX, id.replace('-', "_"));
        let refused = self.refused.iter().find(|r| r.path.file_stem().is_some_and(|stem| *stem == *file));
        if let Some(Refused { reason, .. }) = refused {
            return format!("its file is there, but: {reason}");
        }
        match nearest(id, self.plugins.iter().map(|p| p.manifest.id.as_str())) {
            Some(near) => format!("did you mean `{near}`?"),
            None if self.plugins.is_empty() => {
                "no plugin was found at all: name one with `--plugin` or set CLIRBENCH_PLUGIN_PATH".to_owned()
            }
            None => format!("found: {}", ids(self.plugins.iter())),
        }
    }
}

fn ids<'a>(plugins: impl Iterator<Item = &'a PluginFile>) -> String {
    plugins.map(|p| p.manifest.id.as_str()).collect::<Vec<_>>().join(", ")
}

/// The name nearest to `typed`, if it is near enough to be a slip.
pub(crate) fn nearest<'a>(typed: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    names
        .map(|name| (strsim::jaro_winkler(typed, name), name))
        .filter(|(similarity, _)| *similarity > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}
