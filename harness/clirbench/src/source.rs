//! Where results come from: from the argument of a command to a side of a comparison.

mod git;

use std::path::Path;

use anyhow::Result;
use clirbench_core::compare::Side;
use clirbench_report::compare::read_side;

/// Reads a results folder, a `scores.csv`, or `git:REV` (the folder `path` at that revision) and
/// `git:REV:PATH`.
pub(crate) fn read(source: &str, path: &str) -> Result<Side> {
    let mut side = match source.strip_prefix("git:") {
        Some(revision) => {
            let (revision, path) = revision.split_once(':').unwrap_or((revision, path));
            git::read(revision, path)?
        }
        None => read_side(Path::new(source))?,
    };
    source.clone_into(&mut side.origin.source);
    Ok(side)
}
