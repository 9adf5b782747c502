//! Checkpoints: what a fit that was stopped goes on from.
//!
//! ```text
//! step-120/            state.json, training.csv, model.safetensors (weights and moments)
//! best-100/            model.safetensors (the weights that validated best so far)
//! ```
//!
//! Folders appear whole, by rename. All randomness is a function of the seed and the step, and all
//! batches are planned from the seed, so the step is the whole of the sampler's and generator's state.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use clirbench_model::{PartialDirectory, PartialFile, write_error};
use clirbench_plugin::{Error, Result, StepReport};
use serde::{Deserialize, Serialize};

use crate::log::{self, Log};
use crate::optimizer::Optimizer;
use crate::saved::{damaged, read_state, read_weights, write_state, write_weights};

const STATE: &str = "state.json";

/// A fit between two steps, apart from weights and moments.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Progress {
    /// Steps done.
    pub(crate) step: usize,
    /// The best validation so far.
    pub(crate) best: Option<Best>,
    /// Texts that went through the network, a second pass not counted.
    pub(crate) texts: u64,
    /// Whether it was seen that every trained tensor gets a gradient.
    pub(crate) gradients_seen: bool,
    /// The last step, while its validation is not done.
    pub(crate) pending: Option<StepReport>,
}

/// The best validation.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Best {
    pub(crate) step: usize,
    pub(crate) score: f64,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    job: String,
    #[serde(flatten)]
    progress: Progress,
}

/// The checkpoints of one job.
pub(crate) struct Checkpoints {
    folder: PathBuf,
    job: String,
}

impl Checkpoints {
    /// The checkpoints in `folder` of the job with this digest. What a killed process left unfinished
    /// is removed: it would take the place of several models.
    ///
    /// # Errors
    /// `runtime` when the folder cannot be made or read.
    pub(crate) fn open(folder: &Path, job: String) -> Result<Self> {
        fs::create_dir_all(folder).map_err(|e| write_error(folder, &e))?;
        let checkpoints = Checkpoints { folder: folder.to_owned(), job };
        for name in checkpoints.names()? {
            if name.starts_with(".step-") || name.starts_with(".best-") {
                remove_folder(&folder.join(name))?;
            }
        }
        Ok(checkpoints)
    }

    /// Puts model and optimiser in the state of the newest checkpoint; `None` where there is none.
    ///
    /// # Errors
    /// `config` for a checkpoint of another job, `runtime` for a damaged one.
    pub(crate) fn resume(&self, optimizer: &mut Optimizer) -> Result<Option<(Progress, Log)>> {
        let Some(step) = self.steps("step-")?.into_iter().max() else { return Ok(None) };
        let folder = self.at("step-", step);
        let read = |name: &str| {
            fs::read_to_string(folder.join(name)).map_err(|e| damaged(&folder, &format!("{name}: {e}")))
        };
        let stored: Stored =
            serde_json::from_str(&read(STATE)?).map_err(|e| damaged(&folder, &format!("{STATE}: {e}")))?;
        if stored.job != self.job {
            return Err(Error::config(format!(
                "{} is a checkpoint of another fit: base, data, options or seed were different",
                folder.display()
            ))
            .hint("choose another folder for checkpoints, or delete this one to train from the start"));
        }
        if stored.progress.step != step {
            return Err(damaged(&folder, "its step is not that of its name"));
        }
        read_state(&folder, step, optimizer)?;
        Ok(Some((stored.progress, Log::restore(read(log::FILE)?))))
    }

    /// Saves a checkpoint and removes those before it. No row may have steps to make up for.
    ///
    /// # Errors
    /// `runtime` when the disk is full or fails; the checkpoint before is then still there.
    pub(crate) fn save(&self, progress: &Progress, log: &Log, optimizer: &Optimizer) -> Result<()> {
        let target = self.at("step-", progress.step);
        if target.exists() {
            // The one that was continued, stopped again before the next step.
            return Ok(());
        }
        let folder = PartialDirectory::create(&target)?;
        let stored = Stored { job: self.job.clone(), progress: progress.clone() };
        let state = serde_json::to_string(&stored)
            .map_err(|e| Error::internal(format!("the state of a fit as JSON: {e}")))?;
        write_text(&folder.path().join(STATE), &state)?;
        write_text(&folder.path().join(log::FILE), log.as_str())?;
        write_state(folder.path(), optimizer)?;
        self.commit(folder)?;
        self.remove("step-", Some(progress.step))?;
        self.remove("best-", progress.best.map(|best| best.step))
    }

    /// Saves the weights as the best so far. The best before stays until the next checkpoint, since
    /// the newest one may have to be continued. No row may have steps to make up for.
    ///
    /// # Errors
    /// `runtime` when the disk is full or fails.
    pub(crate) fn save_best(&self, step: usize, optimizer: &Optimizer) -> Result<()> {
        let target = self.at("best-", step);
        if target.exists() {
            // Written by a run that was stopped before its next checkpoint.
            remove_folder(&target)?;
        }
        let folder = PartialDirectory::create(&target)?;
        write_weights(folder.path(), optimizer)?;
        self.commit(folder)
    }

    /// Puts the weights of [`Checkpoints::save_best`] into the model.
    ///
    /// # Errors
    /// `runtime` when they are damaged or gone.
    pub(crate) fn load_best(&self, best: Best, optimizer: &Optimizer) -> Result<()> {
        read_weights(&self.at("best-", best.step), optimizer)
    }

    /// Removes everything: the fit is done.
    ///
    /// # Errors
    /// `runtime` when something cannot be removed.
    pub(crate) fn clear(&self) -> Result<()> {
        self.remove("step-", None)?;
        self.remove("best-", None)
    }

    fn at(&self, kind: &str, step: usize) -> PathBuf {
        self.folder.join(format!("{kind}{step}"))
    }

    fn commit(&self, folder: PartialDirectory) -> Result<()> {
        folder.commit()?;
        // The rename itself has to reach the disk.
        File::open(&self.folder).and_then(|f| f.sync_all()).map_err(|e| write_error(&self.folder, &e))
    }

    fn names(&self) -> Result<Vec<String>> {
        let entries = fs::read_dir(&self.folder)
            .map_err(|e| Error::runtime(format!("cannot read {}: {e}", self.folder.display())))?;
        Ok(entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect())
    }

    /// The steps of the folders of one kind.
    fn steps(&self, kind: &str) -> Result<Vec<usize>> {
        Ok(self.names()?.iter().filter_map(|name| name.strip_prefix(kind)?.parse().ok()).collect())
    }

    fn remove(&self, kind: &str, except: Option<usize>) -> Result<()> {
        let steps = self.steps(kind)?.into_iter().filter(|step| Some(*step) != except);
        steps.map(|step| self.at(kind, step)).try_for_each(|folder| remove_folder(&folder))
    }
}

fn remove_folder(folder: &Path) -> Result<()> {
    fs::remove_dir_all(folder).map_err(|e| {
        Error::runtime(format!("cannot remove the older checkpoint {}: {e}", folder.display()))
            .hint("check that nothing else uses the folder")
    })
}

/// Writes a small file, flushed to disk.
pub(crate) fn write_text(path: &Path, text: &str) -> Result<()> {
    let mut file = PartialFile::create(path)?;
    file.write_all(text.as_bytes()).map_err(|e| write_error(path, &e))?;
    file.commit()
}
