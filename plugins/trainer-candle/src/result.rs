//! The directory of the trained model: there when it is whole, and not before.

use std::fs;
use std::path::Path;

use clirbench_candle::{Model, SaveType};
use clirbench_model::{PartialDirectory, Step, TextModel, copy_directory, write_error};
use clirbench_plugin::{Error, LossInput, Result};

use crate::card::Card;
use crate::checkpoint::write_text;
use crate::classifier;
use crate::log::{self, Log};
use crate::options::SavedType;

/// Writes weights (names unchanged), everything else of the base, card and log to the folder
/// `out`, which is empty or absent before.
///
/// # Errors
/// `runtime` when the disk is full or fails; `out` is then as it was.
pub(crate) fn write(
    out: &Path,
    text: &TextModel,
    model: &Model,
    saved: SavedType,
    card: &Card<'_>,
    log: &Log,
) -> Result<()> {
    let folder = PartialDirectory::create(out)?;
    let path = folder.path();
    let directory = &text.directory;
    let (dtype, saved) = match saved {
        SavedType::F32 => (Some("F32"), SaveType::F32),
        SavedType::Base => (None, SaveType::AsRead),
    };
    copy_directory(directory.files.root(), path, dtype)?;
    let transformer = path.join(&directory.transformer);
    make(&transformer)?;
    model.save(&transformer, saved)?;
    match card.job.input {
        LossInput::Embeddings => {
            for step in &directory.steps {
                if let Step::Dense(dense) = step {
                    let module = path.join(dense.folder());
                    make(&module)?;
                    model.save_module(dense.folder(), &module, saved)?;
                }
            }
        }
        LossInput::Scores => classifier::complete(path, directory)?,
    }
    write_text(&path.join("README.md"), &card.text()?)?;
    write_text(&path.join(log::FILE), log.as_str())?;
    folder.commit()
}

/// Refuses a folder that a result cannot be written to, before anything is computed for it.
///
/// # Errors
/// `config` when it is not empty, `runtime` when nothing can be written beside it.
pub(crate) fn check(out: &Path) -> Result<()> {
    if out.as_os_str().is_empty() {
        return Err(Error::config("no folder for the trained model").hint("set `out`"));
    }
    PartialDirectory::create(out).map(drop)
}

fn make(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).map_err(|e| write_error(folder, &e))
}
