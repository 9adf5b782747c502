//! What can go wrong when results are written or read back.

use std::io;
use std::path::{Path, PathBuf};

/// An error that names the file, the place in it and what to do.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The file system refused.
    #[error("cannot {action} {}: {source}; check that the path exists, is permitted and has space", path.display())]
    Io {
        /// `read`, `write`, ...
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A value to be written is NaN or infinite.
    #[error(
        "{file}: {column} of `{row}` is {value}; only finite numbers are written, so look for the cause in the run"
    )]
    NotFinite {
        /// The file that was to be written.
        file: &'static str,
        /// The row's coordinates and metric.
        row: String,
        /// The column.
        column: &'static str,
        /// NaN, inf or -inf.
        value: f64,
    },
    /// A column that the format needs is not in the header.
    #[error("{}: no column `{column}` in the header; write the file again with `clirbench run`", path.display())]
    MissingColumn {
        /// The file.
        path: PathBuf,
        /// The column.
        column: &'static str,
    },
    /// One field cannot be read.
    #[error("{}:{line}: column `{column}`: {what}", path.display())]
    Field {
        /// The file.
        path: PathBuf,
        /// Line from 1.
        line: u64,
        /// The column.
        column: &'static str,
        /// The text and what was expected.
        what: String,
    },
    /// A line does not have the format's shape.
    #[error("{}:{line}: {what}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// Line from 1.
        line: u64,
        /// What is wrong and what was expected.
        what: String,
    },
    /// A file as a whole does not have the format's shape.
    #[error("{}: {what}; write the file again with `clirbench run`", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// A run that no record can be made of.
    #[error("{}: {what}; {hint}", path.display())]
    Run {
        /// The results folder.
        path: PathBuf,
        /// What is wrong.
        what: String,
        /// What to do.
        hint: &'static str,
    },
    /// A record that is not what its `record.json` says.
    #[error("{}: {what}; {hint}", path.display())]
    Record {
        /// The record's folder, or the file in it.
        path: PathBuf,
        /// What is wrong.
        what: String,
        /// What to do.
        hint: &'static str,
    },
    /// Records that may not stand in one table.
    #[error("{0}")]
    Disagreement(String),
    /// Bytes that stand for a file which is elsewhere.
    #[error("{}: {what}", path.display())]
    Pointer {
        /// The file.
        path: PathBuf,
        /// What it is and what to do.
        what: String,
    },
    /// A file, or a folder, that holds no results.
    #[error("{}: {what}; known are scores.csv, bias.csv, run.json, tables of published figures and MTEB results JSON", path.display())]
    Unknown {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// A source of published figures that is not known.
    #[error("no published figures are called `{name}`; there are {known}")]
    UnknownSource {
        /// The name.
        name: String,
        /// The names there are.
        known: String,
    },
    /// An id that a TREC file cannot hold.
    #[error(
        "{kind} id `{id}` is empty or has white space, which separates the columns of a TREC file; rename it or run without --trec"
    )]
    TrecId {
        /// `query` or `document`.
        kind: &'static str,
        /// The id.
        id: String,
    },
    /// The in-memory encoding of a file failed.
    #[error("cannot encode {file}: {what}")]
    Encode {
        /// The file that was to be written.
        file: &'static str,
        /// The encoder's reason.
        what: String,
    },
}

impl ReportError {
    pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        ReportError::Io { action, path: path.to_owned(), source }
    }
}
