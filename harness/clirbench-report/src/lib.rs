//! Results on their way out and back: one exporter per format, and the readers of what they write.
//!
//! Every file is written whole under a temporary name and renamed, so a results folder can be
//! rewritten after each cell: whoever looks, and whatever crashes, finds complete files.
//!
//! ```
//! use clirbench_core::results::ScoreRow;
//! use clirbench_report::{Options, Results, leaderboard, scores, terminal, write_all};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let row = ScoreRow {
//!     model: "hashed".into(),
//!     dataset: "kdc".into(),
//!     documents: "unique".into(),
//!     scenario: "clir".into(),
//!     query_lang: "en".into(),
//!     pool_langs: "ko".into(),
//!     metric: "ndcg@10".into(),
//!     value: 0.25,
//!     ci_low: 0.125,
//!     ci_high: 0.5,
//!     queries: 60,
//!     pool_size: 120,
//! };
//! let results = Results { scores: vec![row], ..Results::default() };
//! let dir = tempfile::tempdir()?;
//! write_all(dir.path(), &results, &Options::default())?;
//! assert_eq!(scores::read_scores(&dir.path().join("scores.csv"))?, results.scores);
//!
//! let board = leaderboard::clir(&results.scores, &results.per_query);
//! let table = terminal::render(&board, &terminal::Style::default());
//! assert!(table.contains("25.00"));
//! # Ok(())
//! # }
//! ```

use std::path::Path;

use clirbench_core::results::{BiasRow, QueryValues, ScoreRow};

pub mod audit;
mod bias;
pub mod compare;
mod error;
pub mod figures;
mod file;
pub mod leaderboard;
mod markdown;
mod number;
mod pairs;
mod paper_csv;
pub mod per_query;
pub mod published;
pub mod records;
mod run_json;
pub mod scores;
pub mod sweep;
mod table;
pub mod terminal;
pub mod trec;

pub use error::ReportError;

/// What a run has produced so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Results {
    /// One row per cell and metric; their order is the order of every file and table.
    pub scores: Vec<ScoreRow>,
    /// Per-query values of the same cells.
    pub per_query: Vec<QueryValues>,
    /// Language bias of the mixed pools.
    pub bias: Vec<BiasRow>,
    /// Provenance, written as `run.json`. `datasets.<name>.hash` is what a comparison reads.
    pub run: serde_json::Value,
}

/// What to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Whether `per_query.parquet`, by far the largest file, is written, and averages in Markdown
    /// get intervals from it: a run may leave both out while cells still arrive.
    pub per_query: bool,
    /// What a reader of the numbers has to know: failed cells and why, and the notes of the tasks.
    /// Printed below the leaderboards.
    pub notes: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Options { per_query: true, notes: Vec::new() }
    }
}

/// One file of a results folder.
trait Exporter {
    /// Name of the file.
    fn file_name(&self) -> &'static str;

    /// Whether the options ask for it.
    fn wanted(&self, _options: &Options) -> bool {
        true
    }

    /// The whole file: equal results give equal bytes.
    fn render(&self, results: &Results, options: &Options) -> Result<Vec<u8>, ReportError>;
}

/// In the order in which they are written.
const EXPORTERS: [&dyn Exporter; 12] = [
    &scores::ScoresCsv,
    &paper_csv::PaperCsv { file: "clir.csv", of: leaderboard::clir },
    &paper_csv::PaperCsv { file: "mono.csv", of: leaderboard::mono },
    &paper_csv::PaperCsv { file: "mixed.csv", of: leaderboard::mixed },
    &markdown::Markdown { file: "clir.md", of: leaderboard::clir },
    &markdown::Markdown { file: "mono.md", of: leaderboard::mono },
    &markdown::Markdown { file: "mixed.md", of: leaderboard::mixed },
    &pairs::PairsMarkdown,
    &markdown::LeaderboardMarkdown,
    &bias::BiasCsv,
    &per_query::PerQueryParquet,
    &run_json::RunJson,
];

/// Writes, or rewrites, every file of a results folder. The folder is made where there is none,
/// and has one writer at a time. TREC files are written cell by cell: [`trec::write_cell`].
///
/// # Errors
/// A value that is NaN or infinite, or a file that cannot be written. Files before it are new,
/// files after it are as they were, none is cut short.
pub fn write_all(dir: &Path, results: &Results, options: &Options) -> Result<(), ReportError> {
    for exporter in EXPORTERS.iter().filter(|e| e.wanted(options)) {
        file::replace(dir, exporter.file_name(), &exporter.render(results, options)?)?;
    }
    Ok(())
}

/// A CSV file with `\n` line ends; quotes only where a field needs them.
fn csv_bytes<const N: usize>(
    file: &'static str,
    header: &[&str; N],
    rows: impl Iterator<Item = Result<[String; N], ReportError>>,
) -> Result<Vec<u8>, ReportError> {
    let encode = |e: String| ReportError::Encode { file, what: e };
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(header).map_err(|e| encode(e.to_string()))?;
    for row in rows {
        writer.write_record(&row?).map_err(|e| encode(e.to_string()))?;
    }
    writer.into_inner().map_err(|e| encode(e.to_string()))
}
