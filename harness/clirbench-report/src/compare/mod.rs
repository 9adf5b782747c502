//! Comparisons: what they read and the formats they print.
//!
//! ```no_run
//! use std::path::Path;
//!
//! use clirbench_core::compare::{CompareOptions, compare};
//! use clirbench_report::compare::{Rendering, read_side};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let base = read_side(Path::new("results/base"))?;
//! let head = read_side(Path::new("results/head"))?;
//! let comparison = compare(&base, &head, &CompareOptions::default())?;
//! print!("{}", comparison.text(false));
//! let failed = !comparison.regressions(0.5).is_empty();
//! # let _ = failed;
//! # Ok(())
//! # }
//! ```

mod difference;
mod figure;
mod parents;
mod side;
mod table;
mod tiers;

use std::collections::BTreeMap;

use clirbench_core::compare::{Origin, Place, Scope};
use clirbench_core::results::Cell;
use serde::Serialize;
pub use side::{SideFiles, parse_side, read_side};

use crate::error::ReportError;

/// How a comparison is printed. Equal comparisons give equal bytes.
pub trait Rendering: Serialize {
    /// Aligned tables for a terminal. `colour` marks worse and better rows in red and green (ANSI);
    /// leave it off where NO_COLOR is set.
    fn text(&self, colour: bool) -> String;

    /// A pull request comment: what matters first, the rest folded away.
    fn markdown(&self) -> String;

    /// Exact numbers in the metrics' own units; empty fields where there is no number.
    ///
    /// # Errors
    /// When the CSV writer fails.
    fn csv(&self) -> Result<Vec<u8>, ReportError>;

    /// All of it, exact; pretty-printed, with a line end.
    ///
    /// # Errors
    /// When the JSON writer fails.
    fn json(&self) -> Result<String, ReportError> {
        serde_json::to_string_pretty(self)
            .map(|text| text + "\n")
            .map_err(|e| ReportError::Encode { file: "comparison", what: e.to_string() })
    }
}

const SCALE: &str = "Values on the 0-100 scale; max@r is a rank, lower is better.";

/// A cell without its model: `kdc clir en→ko`.
fn place(dataset: &str, documents: &str, scenario: &str, query_lang: &str, pool_langs: &str) -> String {
    let documents = if documents == "unique" { "" } else { documents };
    let words = [dataset, documents, scenario, query_lang];
    let words: Vec<_> = words.into_iter().filter(|w| !w.is_empty()).collect();
    format!("{}→{pool_langs}", words.join(" "))
}

fn place_of(cell: &Cell) -> String {
    place(&cell.dataset, &cell.documents, &cell.scenario, &cell.query_lang, &cell.pool_langs)
}

/// A cell, or a scenario and the number of its cells.
fn scope(scope: &Scope) -> String {
    match &scope.cell {
        Some(Place { dataset, documents, scenario, query_lang, pool_langs }) => {
            place(dataset, documents, scenario, query_lang, pool_langs)
        }
        None if scope.cells == 1 => format!("{}, 1 cell", scope.scenario),
        None => format!("{}, mean of {} cells", scope.scenario, scope.cells),
    }
}

/// `git:main, commit 0123456789ab`; nothing where the source has no name.
fn origin(origin: &Origin) -> Option<String> {
    let commit = origin.commit.as_deref().map(|commit| format!(", commit {}", short(commit)));
    (!origin.source.is_empty()).then(|| format!("{}{}", origin.source, commit.unwrap_or_default()))
}

/// The first digits of a hash, enough to tell any two apart.
fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}

/// The data that every source was measured on; nothing where no hash is known.
fn data(hashes: &BTreeMap<String, String>, sources: usize) -> Option<String> {
    let named: Vec<_> = hashes.iter().map(|(dataset, hash)| format!("{dataset} {}", short(hash))).collect();
    let shared = if sources > 1 { "data, the same for all" } else { "data" };
    (!named.is_empty()).then(|| format!("{shared}: {}", named.join(", ")))
}

/// Lines of a Markdown list, folded away where they are many.
fn fold(out: &mut String, summary: &str, body: &str) {
    out.push_str(&format!("<details><summary>{summary}</summary>\n\n{body}\n</details>\n\n"));
}

/// Ends with one line end.
fn ended(mut out: String) -> String {
    out.truncate(out.trim_end().len());
    out + "\n"
}
