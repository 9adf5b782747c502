//! Readers of dataset formats: files in, one parallel [`Collection`] out.
//!
//! A [`DatasetSpec`] (an entry of a bench file, or a [`Manifest`]) says where the files are and how
//! they are laid out. [`load`] reads them and returns the collection with its content hashes, or
//! the first thing that is wrong; [`validate`] goes on and reports what else is wrong. The only
//! room that knows an input format is this one, and a format is one file of it.
//!
//! ```
//! use clirbench_data::{DatasetSpec, load};
//!
//! let folder = tempfile::tempdir()?;
//! std::fs::write(folder.path().join("news.en.txt"), "Good morning.\nIt rains.\n")?;
//! std::fs::write(folder.path().join("news.ko.txt"), "좋은 아침입니다.\n비가 옵니다.\n")?;
//! let spec: DatasetSpec = toml::from_str(
//!     r#"
//!     name = "news"
//!     format = "bitext"
//!     path = "."
//!     files = "news.{lang}.txt"
//!     languages = ["en", "ko"]
//!     "#,
//! )?;
//! let loaded = load(&spec, folder.path())?;
//! assert_eq!(loaded.collection.queries[1].texts[1].as_deref(), Some("비가 옵니다."));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod beir;
mod belebele;
mod bitext;
mod collection;
mod column;
mod corpus;
mod error;
mod hash;
mod hint;
mod inspection;
mod json;
mod lines;
mod manifest;
mod npy;
mod problems;
mod qrels;
mod resolve;
mod source;
mod spec;
mod squad;
mod statistics;
mod suggest;
mod table;
mod template;
mod training;
mod training_file;
mod triples;

use std::path::{Path, PathBuf};

use clirbench_core::dataset::Collection;

pub use corpus::read_corpus;
pub use error::{Error, Kind, Place, Position, Warning};
pub use hash::ContentHashes;
pub use inspection::{ColumnStatistics, Inspection, inspect};
pub use lines::{JsonLines, JsonLinesWriter};
pub use manifest::{Manifest, list};
pub use npy::Npy;
pub use problems::LIMIT;
pub use source::{FileHash, read_text};
pub use spec::{DatasetSpec, Files, Format, Translation};
pub use statistics::{LanguageStatistics, Statistics, TextStatistics};
pub use suggest::{did_you_mean, nearest};
pub use training::{TrainingRow, TrainingRows, read_training};
pub use training_file::{Content, Example, TrainingFile};
pub use triples::{ParallelTriple, Texts, Triples, read_triples};

use problems::Problems;
use resolve::{Resolved, resolve};
use source::Source;

/// A dataset in memory.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The content. `documents` and `copies` of the entry are not applied: see
    /// [`Collection::arranged`].
    pub collection: Collection,
    /// Every file that was read, in reading order.
    pub files: Vec<FileHash>,
    /// Hashes of the content, whatever files it came from.
    pub hashes: ContentHashes,
    /// The entry together with what its manifest says, defaults filled in.
    pub spec: DatasetSpec,
    /// The folder that the names of its files count from.
    pub root: PathBuf,
    /// Queries left out because the split does not judge them (BEIR).
    pub unjudged: usize,
    /// What looks wrong, at most [`LIMIT`].
    pub warnings: Vec<Warning>,
}

/// What [`validate`] found.
#[derive(Debug)]
pub struct Report {
    /// What is wrong, at most [`LIMIT`].
    pub errors: Vec<Error>,
    /// How many more errors there are.
    pub more_errors: usize,
    /// What looks wrong, at most [`LIMIT`].
    pub warnings: Vec<Warning>,
    /// How many more warnings there are.
    pub more_warnings: usize,
    /// What the dataset holds, where it can be loaded.
    pub loaded: Option<Loaded>,
}

impl Report {
    /// Whether the dataset can be loaded.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.errors.is_empty()
    }
}

/// Reads a dataset. Relative paths of `spec` count from `base`, the folder of the file that holds
/// it; those of its manifest from the manifest's folder.
///
/// # Errors
/// The first thing that [`validate`] would report.
pub fn load(spec: &DatasetSpec, base: &Path) -> Result<Loaded, Error> {
    let dataset = resolve(spec, base)?;
    let (loaded, problems) = read(&dataset);
    match (problems.errors.into_iter().next(), loaded) {
        (Some(error), _) => Err(error),
        (None, Some(loaded)) => Ok(loaded),
        (None, None) => unreachable!("a reader that returns nothing notes why"),
    }
}

/// Reads a dataset and collects everything that is wrong with it.
#[must_use]
pub fn validate(spec: &DatasetSpec, base: &Path) -> Report {
    let mut problems = Problems::default();
    let mut loaded = None;
    if let Some(dataset) = problems.keep(resolve(spec, base)) {
        (loaded, problems) = read(&dataset);
    }
    Report {
        loaded,
        errors: problems.errors,
        more_errors: problems.more_errors,
        warnings: problems.warnings,
        more_warnings: problems.more_warnings,
    }
}

fn read(dataset: &Resolved) -> (Option<Loaded>, Problems) {
    let mut source = Source::new(dataset);
    let parts = match dataset.format {
        Format::Xquad | Format::Squad => squad::read(&mut source),
        Format::Belebele => belebele::read(&mut source),
        Format::Beir => beir::read(&mut source),
        Format::Bitext => bitext::read(&mut source),
    };
    let Source { files, problems, .. } = source;
    // Parts that come with errors may not be parallel: nothing may be computed from them.
    let loaded = parts.filter(|_| problems.errors.is_empty()).map(|parts| {
        let unjudged = parts.unjudged;
        let collection = parts.into_collection(dataset);
        Loaded {
            hashes: ContentHashes::of(&collection),
            collection,
            files,
            spec: dataset.spec.clone(),
            root: dataset.root.clone(),
            unjudged,
            warnings: problems.warnings.clone(),
        }
    });
    (loaded, problems)
}
