//! What can be wrong with a dataset, where, and what to do about it.

use std::{fmt, path::PathBuf};

use crate::hint;

/// One thing that is wrong. `Display` gives a single line: where, what, what to do.
#[derive(Debug, thiserror::Error)]
#[error("{}: {}; {}", .0.place, .0.kind, .0.kind.hint())]
pub struct Error(Box<Problem>);

#[derive(Debug)]
struct Problem {
    place: Place,
    kind: Kind,
}

impl Error {
    pub(crate) fn new(place: Place, kind: Kind) -> Self {
        Error(Box::new(Problem { place, kind }))
    }

    /// Where it is wrong.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.0.place
    }

    /// What is wrong; its `Display` says neither where nor what to do.
    #[must_use]
    pub fn kind(&self) -> &Kind {
        &self.0.kind
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        self.0.kind.hint()
    }
}

/// Something that looks wrong but does not stop a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// Where.
    pub place: Place,
    /// What.
    pub message: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

/// Where a problem is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the entry that describes the dataset of this name.
    Dataset(String),
    /// In a file.
    File(PathBuf, Position),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Dataset(name) if name.is_empty() => f.write_str("a dataset without a name"),
            Place::Dataset(name) => write!(f, "dataset `{name}`"),
            Place::File(path, Position::Json(at)) => write!(f, "{}: {at}", path.display()),
            Place::File(path, Position::Line(line)) => write!(f, "{}:{line}", path.display()),
            Place::File(path, Position::Column(line, column)) => {
                write!(f, "{}:{line}:{column}", path.display())
            }
            Place::File(path, Position::Whole) => path.display().fmt(f),
        }
    }
}

/// Where in a file; lines and columns count from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Position {
    /// The file as a whole.
    Whole,
    /// A line.
    Line(u64),
    /// A line and a column.
    Column(u64, u64),
    /// A JSON path such as `$.data[3].paragraphs[1].qas[0].id`.
    Json(String),
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Position::Whole => f.write_str("the file"),
            Position::Line(line) | Position::Column(line, _) => write!(f, "line {line}"),
            Position::Json(at) => f.write_str(at),
        }
    }
}

/// Every kind of problem.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Kind {
    /// The operating system refused.
    #[error("cannot be read ({0})")]
    Io(std::io::Error),
    /// A file or folder is not there; what its folder holds instead (`None`: no such folder).
    #[error("there is no such file")]
    NotFound {
        /// Names in the folder that should hold it, sorted.
        holds: Option<Vec<String>>,
    },
    /// Bytes that are not UTF-8.
    #[error("byte 0x{byte:02X} at offset {offset} is not UTF-8{}", .looks_like.map(|e| format!(" (the file looks like {e})")).unwrap_or_default())]
    Encoding {
        /// The first bad byte.
        byte: u8,
        /// Its offset in the file, from 0.
        offset: usize,
        /// An encoding that the file's first bytes give away.
        looks_like: Option<&'static str>,
    },
    /// The content is not what the manifest pins.
    #[error("the sha256 is {found}, but the manifest pins {expected}")]
    Checksum {
        /// Lower-case hex of the pin.
        expected: String,
        /// Lower-case hex of the file.
        found: String,
    },
    /// JSON that ends too early.
    #[error("the JSON ends in the middle")]
    Truncated,
    /// Text that is not JSON, or an object with the wrong fields.
    #[error("{0}")]
    Json(String),
    /// A JSON value of the wrong type.
    #[error("expected {expected}, found {found}")]
    Shape {
        /// What the format wants here.
        expected: &'static str,
        /// What is here.
        found: &'static str,
    },
    /// A table row or header of the wrong form.
    #[error("{0}")]
    Table(String),
    /// A TOML file that cannot be read as a manifest.
    #[error("{message}")]
    Toml {
        /// The parser's message.
        message: String,
        /// The key that was probably meant.
        meant: Option<String>,
    },
    /// A file without a single row of this kind.
    #[error("there is no {0} in it")]
    Nothing(String),
    /// An id that is there twice.
    #[error("the {noun} id `{id}` is there twice, first at {first}")]
    Duplicate {
        /// `query` or `document`.
        noun: &'static str,
        /// The id.
        id: String,
        /// Where it was first, in the same file.
        first: Position,
    },
    /// A query or document without text.
    #[error("the {noun} `{id}` has an empty text")]
    EmptyText {
        /// `query` or `document`.
        noun: &'static str,
        /// Its id.
        id: String,
    },
    /// A query or document without id.
    #[error("a {0} has an empty id")]
    EmptyId(&'static str),
    /// Ids of one language that another does not have.
    #[error("{count} of {total} {noun} ids of {other} are missing here: {}", hint::sample(.first, *.count))]
    MissingParallel {
        /// `query` or `document`.
        noun: &'static str,
        /// How many are missing.
        count: usize,
        /// How many the other file has.
        total: usize,
        /// The first few of them.
        first: Vec<String>,
        /// Name of the file that has them.
        other: String,
    },
    /// A question that belongs to different paragraphs in different languages.
    #[error("the question `{id}` belongs to paragraph `{here}` here, but to `{there}` in {other}")]
    Moved {
        /// Question id.
        id: String,
        /// Paragraph in this file.
        here: String,
        /// Paragraph in the other file.
        there: String,
        /// Name of the other file.
        other: String,
    },
    /// Line-aligned files of different lengths.
    #[error("{lines} lines, but {other} has {expected}")]
    LineCount {
        /// Lines here.
        lines: usize,
        /// Lines in the first language's file.
        expected: usize,
        /// Name of the first language's file.
        other: String,
    },
    /// A judgement of something that does not exist.
    #[error("the judgement names the {noun} `{id}`, which {missing_from} does not have")]
    DanglingJudgement {
        /// `query` or `document`.
        noun: &'static str,
        /// The id.
        id: String,
        /// Name of the file it should be in.
        missing_from: String,
    },
    /// Judgements that contradict each other.
    #[error(
        "query `{query}` and document `{document}` have grade {grade} here, but {other_grade} at {other}"
    )]
    Contradiction {
        /// Query id.
        query: String,
        /// Document id.
        document: String,
        /// Grade here; `none` where it is not judged.
        grade: String,
        /// The other grade.
        other_grade: String,
        /// Where that is.
        other: Place,
    },
    /// A dataset entry that cannot work.
    #[error("{what}")]
    Entry {
        /// What is wrong.
        what: String,
        /// What to do.
        hint: String,
    },
}

impl Kind {
    fn hint(&self) -> String {
        hint::of(self)
    }
}
