//! Records on their way into a leaderboard.

use std::path::Path;

use super::agreement::{Changes, check};
use super::folder::{read_each, write};
use super::record::{Record, Recorded};
use crate::error::ReportError;

/// What became of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Added {
    /// `MODEL/DATASET`.
    pub folder: String,
    /// What happened to it.
    pub effect: Effect,
}

/// What adding a record did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// There was none.
    New,
    /// It was there, number by number, and stays as it is.
    Unchanged,
    /// It stands in place of another; what changed.
    Replaced(Vec<String>),
}

/// Adds records to a leaderboard, in place of those of the same model and dataset. Everything is
/// checked before anything is written.
///
/// A record whose numbers and model are those that are there stays as it is, whatever build of the
/// plugin measured it again.
///
/// # Errors
/// A record in place of one with other data or another configuration, unless `force`; records that
/// could then not share a table; and whatever [`super::read_all`] refuses, but for records that are replaced.
pub fn add(board: &Path, new: &[Recorded], force: bool) -> Result<Vec<Added>, ReportError> {
    let (mut kept, mut replaced) = (Vec::new(), Vec::new());
    for (folder, there) in read_each(board)? {
        if new.iter().any(|n| n.record.folder() == folder) {
            replaced.extend(there.ok());
        } else {
            kept.push(there?);
        }
    }
    let mut effects = Vec::new();
    for recorded in new {
        let old = replaced.iter().find(|old| old.record.folder() == recorded.record.folder());
        effects.push(effect(old, recorded, force)?);
    }
    check(&kept.iter().chain(new).map(|r| &r.record).collect::<Vec<&Record>>())?;
    let mut added = Vec::new();
    for (recorded, effect) in new.iter().zip(effects) {
        if effect != Effect::Unchanged {
            write(board, recorded)?;
        }
        added.push(Added { folder: recorded.record.folder(), effect });
    }
    Ok(added)
}

fn effect(old: Option<&Recorded>, new: &Recorded, force: bool) -> Result<Effect, ReportError> {
    let Some(old) = old else { return Ok(Effect::New) };
    let Changes { incomparable, mut model } = Changes::between(&old.record, &new.record);
    if !incomparable.is_empty() && !force {
        return Err(ReportError::Disagreement(format!(
            "the record {} was measured differently: {}; --force replaces it all the same",
            new.record.folder(),
            incomparable.join("; ")
        )));
    }
    let numbers = (&old.scores, &old.per_query, &old.bias) == (&new.scores, &new.per_query, &new.bias);
    if numbers && as_measured_by(new, old) == old.record {
        return Ok(Effect::Unchanged);
    }
    let mut changes = incomparable;
    changes.append(&mut model);
    if !numbers {
        let rows = new.scores.iter().filter(|row| !old.scores.contains(row)).count();
        changes.push(format!("{rows} of {} scores", new.scores.len()));
    } else if changes.is_empty() {
        changes.push("the description".to_owned());
    }
    Ok(Effect::Replaced(changes))
}

/// The record of `new` as if the program, plugins and runtime of `old` had measured it.
fn as_measured_by(new: &Recorded, old: &Recorded) -> Record {
    let mut record = new.record.clone();
    record.measured = old.record.measured.clone();
    record.model.plugin = old.record.model.plugin.clone();
    record.model.runtime = old.record.model.runtime.clone();
    record.files = old.record.files.clone();
    record
}
