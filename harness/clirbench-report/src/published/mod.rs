//! Published figures, which the program carries with it, and the formats of a comparison with them.
//!
//! ```
//! use clirbench_report::published::{SOURCES, source};
//!
//! let hong = source("hong2026")?;
//! assert_eq!(hong.published().figures.len(), 1348);
//! assert!(SOURCES.iter().any(|s| s.name == "mteb"));
//! # Ok::<(), clirbench_report::ReportError>(())
//! ```

use clirbench_core::{
    audit::Sheet,
    figure::Figure,
    published::{Erratum, Published, Tolerance},
};

use crate::error::ReportError;
use crate::figures::parse_table;

pub mod csv;
pub mod json;
mod line;
pub mod markdown;
pub mod text;

/// A paper or leaderboard whose figures are at hand.
#[derive(Debug)]
pub struct Source {
    /// `hong2026`.
    pub name: &'static str,
    /// Authors and title.
    pub title: &'static str,
    /// Where it is published.
    pub address: &'static str,
    /// How far a measured value may be from a figure.
    pub tolerance: Tolerance,
    /// Name and content of each file.
    pub files: &'static [(&'static str, &'static str)],
}

macro_rules! file {
    ($name:literal) => {
        ($name, include_str!(concat!("../../../../datasets/published/", $name)))
    };
}

/// Every source.
pub const SOURCES: &[Source] = &[
    Source {
        name: "hong2026",
        title: "Hong et al.: Improving Semantic Proximity in Information Retrieval through Cross-Lingual Alignment",
        address: "https://arxiv.org/abs/2604.05684",
        tolerance: Tolerance::Digits,
        files: &[file!("hong2026-multi.csv"), file!("hong2026-mono.csv"), file!("hong2026-ablation.csv")],
    },
    Source {
        name: "jang2025",
        title: "Jang et al.: Improving Korean-English Cross-Lingual Retrieval",
        address: "https://arxiv.org/abs/2507.08480",
        tolerance: Tolerance::Digits,
        files: &[
            file!("jang2025-composition.csv"),
            file!("jang2025-merging.csv"),
            file!("jang2025-pairwise-merges.csv"),
        ],
    },
    Source {
        name: "goworek2025",
        title: "Goworek et al.: What Drives Cross-lingual Ranking?",
        address: "https://arxiv.org/abs/2511.19324",
        tolerance: Tolerance::Digits,
        files: &[file!("goworek2025.csv")],
    },
    Source {
        name: "mteb",
        title: "MTEB: public results of four models",
        address: "https://github.com/embeddings-benchmark/results",
        // Ties move them.
        tolerance: Tolerance::Fraction(0.003),
        files: &[file!("mteb.csv")],
    },
];

const ERRATA: (&str, &str) = file!("errata.csv");

/// The source of this name.
///
/// # Errors
/// A name that is none, with those that are.
pub fn source(name: &str) -> Result<&'static Source, ReportError> {
    SOURCES.iter().find(|s| s.name == name).ok_or_else(|| ReportError::UnknownSource {
        name: name.to_owned(),
        known: SOURCES.iter().map(|s| s.name).collect::<Vec<_>>().join(", "),
    })
}

impl Source {
    /// All figures, in the order of the files.
    #[must_use]
    pub fn figures(&self) -> Vec<Figure> {
        let tables = self.files.iter().filter_map(|(name, text)| parse_table(name, text.as_bytes()));
        tables.flatten().collect()
    }

    /// Figures, errata and tolerance, as a comparison takes them.
    #[must_use]
    pub fn published(&self) -> Published {
        Published {
            source: self.name.to_owned(),
            figures: self.figures(),
            errata: self.errata(),
            tolerance: self.tolerance,
        }
    }

    /// All tables as one sheet: what two of them print has to agree.
    #[must_use]
    pub fn sheet(&self) -> Sheet {
        Sheet::new(self.figures())
    }

    /// The tables as one CSV file, as they are.
    #[must_use]
    pub fn csv(&self) -> String {
        let header = self.files.first().and_then(|(_, text)| text.lines().next()).unwrap_or_default();
        let rows = self.files.iter().flat_map(|(_, text)| text.lines().skip(1));
        [header].into_iter().chain(rows).map(|line| format!("{line}\n")).collect()
    }

    /// Figures that are known to be wrong.
    fn errata(&self) -> Vec<Erratum> {
        let figures = parse_table(ERRATA.0, ERRATA.1.as_bytes()).unwrap_or_default();
        let mut reader = ::csv::Reader::from_reader(ERRATA.1.as_bytes());
        let header = reader.headers().cloned().unwrap_or_default();
        let records: Vec<_> = reader.into_records().flatten().collect();
        let field = |record: &::csv::StringRecord, name: &str| {
            let at = header.iter().position(|h| h == name);
            at.and_then(|at| record.get(at)).unwrap_or_default().to_owned()
        };
        let own =
            figures.into_iter().zip(&records).filter(|(_, record)| field(record, "source") == self.name);
        own.map(|(figure, record)| Erratum {
            table: figure.table,
            cell: figure.cell,
            metric: figure.name,
            remark: format!("{} would follow: {}", field(record, "follows"), field(record, "remark")),
        })
        .collect()
    }
}
