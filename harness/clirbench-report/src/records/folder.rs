//! Records on disk: `records/MODEL/DATASET` with `record.json`, `scores.csv`, `bias.csv` and
//! `per_query.parquet`.
//!
//! `record.json` holds the checksums of the other files and is written last. So a record whose writing
//! was broken off, or a number that somebody changed, is found when it is read.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::record::{Record, Recorded};
use crate::bias::{BiasCsv, parse_bias};
use crate::error::ReportError;
use crate::file::{read_bytes, read_text, replace};
use crate::per_query::{PerQueryParquet, parse_per_query};
use crate::scores::{ScoresCsv, parse_scores};
use crate::{Exporter, Options};

/// Where a leaderboard's records lie in its folder.
const RECORDS: &str = "records";
const DESCRIPTION: &str = "record.json";
const NUMBERS: [&dyn Exporter; 3] = [&ScoresCsv, &BiasCsv, &PerQueryParquet];
const ADD_AGAIN: &str =
    "restore it from version control, or add the run again: `clirbench leaderboard add RUN`";

/// Writes a record into its leaderboard's folder, in place of the one that is there.
pub(super) fn write(board: &Path, recorded: &Recorded) -> Result<(), ReportError> {
    let folder = folder_of(board, &recorded.record)?;
    let results = recorded.results();
    let mut record = recorded.record.clone();
    record.files = BTreeMap::new();
    for exporter in NUMBERS {
        let bytes = exporter.render(&results, &Options::default())?;
        record.files.insert(exporter.file_name().to_owned(), sha256(&bytes));
        replace(&folder, exporter.file_name(), &bytes)?;
    }
    let mut bytes = serde_json::to_vec_pretty(&record)
        .map_err(|e| ReportError::Encode { file: DESCRIPTION, what: e.to_string() })?;
    bytes.push(b'\n');
    replace(&folder, DESCRIPTION, &bytes)
}

/// The records of a leaderboard by model and dataset name, each checked against its checksums.
///
/// # Errors
/// A folder that cannot be read, a record that is not whole, or one that is not what its
/// `record.json` says.
pub fn read_all(board: &Path) -> Result<Vec<Recorded>, ReportError> {
    read_each(board)?.into_iter().map(|(_, recorded)| recorded).collect()
}

/// The same with each record's folder, `MODEL/DATASET`, whether it can be read or not.
#[expect(clippy::type_complexity, reason = "a name and what lies there")]
pub(super) fn read_each(board: &Path) -> Result<Vec<(String, Result<Recorded, ReportError>)>, ReportError> {
    let named = |folder: &PathBuf| {
        let mut parts = folder.iter().rev().map(|part| part.to_string_lossy());
        let (dataset, model) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        (format!("{model}/{dataset}"), read(folder))
    };
    Ok(folders(board)?.iter().map(named).collect())
}

/// Paths below the leaderboard's folder, with `/`, of every record's per-query values.
///
/// # Errors
/// A folder that cannot be listed.
pub(crate) fn per_query_paths(board: &Path) -> Result<Vec<String>, ReportError> {
    let path = |folder: &PathBuf| {
        let folder = folder.strip_prefix(board).unwrap_or(folder);
        let parts: Vec<_> = folder.iter().map(|part| part.to_string_lossy()).collect();
        format!("{}/{}", parts.join("/"), PerQueryParquet.file_name())
    };
    Ok(folders(board)?.iter().map(path).collect())
}

/// Whether a path is one of those.
pub(crate) fn is_per_query(path: &str) -> bool {
    match path.split('/').collect::<Vec<_>>()[..] {
        [records, model, dataset, file] => {
            records == RECORDS
                && file == PerQueryParquet.file_name()
                && ![model, dataset].iter().any(|name| name.starts_with('.'))
        }
        _ => false,
    }
}

/// Where a record lies; an error where its names are no names of folders.
fn folder_of(board: &Path, record: &Record) -> Result<PathBuf, ReportError> {
    let mut folder = board.join(RECORDS);
    for name in [&record.model.name, &record.dataset.name] {
        let unusable = |c: char| c.is_control() || "/\\".contains(c);
        if name.is_empty() || name.starts_with('.') || name.contains(unusable) {
            return Err(ReportError::Record {
                path: folder,
                what: format!("`{name}` is no name of a folder"),
                hint: "give it another `name` in the bench file",
            });
        }
        folder.push(name);
    }
    Ok(folder)
}

/// The folders of all records, sorted; none where there is no leaderboard yet.
fn folders(board: &Path) -> Result<Vec<PathBuf>, ReportError> {
    let records = board.join(RECORDS);
    if !records.is_dir() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for model in inner(&records)? {
        found.extend(inner(&model)?);
    }
    Ok(found)
}

/// The folders in a folder by name; hidden ones are no records.
fn inner(folder: &Path) -> Result<Vec<PathBuf>, ReportError> {
    let io = |e| ReportError::io("list", folder, e);
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(io)? {
        let entry = entry.map_err(io)?;
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        if !hidden && entry.path().is_dir() {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

fn read(folder: &Path) -> Result<Recorded, ReportError> {
    let refuse = |path: PathBuf, what: String| ReportError::Record { path, what, hint: ADD_AGAIN };
    let path = folder.join(DESCRIPTION);
    if !path.is_file() {
        return Err(refuse(folder.to_owned(), format!("it has no {DESCRIPTION}")));
    }
    let record: Record =
        serde_json::from_str(&read_text(&path)?).map_err(|e| refuse(path.clone(), e.to_string()))?;
    if record.record != Record::VERSION {
        let what = format!("its layout has the version {}, not {}", record.record, Record::VERSION);
        return Err(refuse(path, what));
    }
    if !folder.ends_with(record.folder()) {
        return Err(refuse(path, format!("it is the record of {}", record.folder())));
    }
    let read = |exporter: &dyn Exporter| {
        let file = folder.join(exporter.file_name());
        let bytes = read_bytes(&file)?;
        if record.files.get(exporter.file_name()) != Some(&sha256(&bytes)) {
            let what = format!("it is not the file that {DESCRIPTION} was written with");
            return Err(refuse(file, what));
        }
        Ok((file, bytes))
    };
    let (scores, bias, per_query) = (read(&ScoresCsv)?, read(&BiasCsv)?, read(&PerQueryParquet)?);
    let recorded = Recorded {
        scores: parse_scores(&scores.0, &scores.1)?,
        bias: parse_bias(&bias.0, &bias.1)?,
        per_query: parse_per_query(&per_query.0, per_query.1)?,
        record,
    };
    match recorded.inconsistency() {
        Some(what) => Err(refuse(folder.to_owned(), what)),
        None => Ok(recorded),
    }
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
