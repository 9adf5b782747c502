//! Any results file as figures: what an audit holds against each other, and what published tables hold.
//!
//! Unlike the strict readers of what `clirbench` writes, these take a broken file as far as it goes: a field
//! that is not what it has to be becomes a [`Fault`](clirbench_core::figure::Fault) of its figure.

use std::path::Path;

use clirbench_core::{
    audit::Sheet,
    figure::{Fault, Figure, Place},
    results::Cell,
};

use crate::error::ReportError;
use crate::per_query::read_per_query;

mod json;
mod mteb;
mod run_json;
mod table;

pub use table::parse_table;

/// Folders below a folder that are looked into: `results/<org>__<name>/<revision>/<Task>.json` and some more.
const DEPTH: usize = 8;

/// Reads a file (`scores.csv`, `bias.csv`, `run.json`, a table of published figures, MTEB results JSON) or
/// every such file of a folder. What belongs together is one sheet: `scores.csv` with its
/// `per_query.parquet`, every other file alone.
///
/// # Errors
/// A path that cannot be read, a file that is none of these, a folder that has none of them.
pub fn read_sheets(path: &Path) -> Result<Vec<Sheet>, ReportError> {
    let unknown = |what: &str| ReportError::Unknown { path: path.to_owned(), what: what.to_owned() };
    if path.is_dir() {
        let mut sheets = Vec::new();
        read_folder(path, DEPTH, &mut sheets)?;
        return if sheets.is_empty() {
            Err(unknown("no results file is in this folder"))
        } else {
            Ok(sheets)
        };
    }
    read_file(path)?.ok_or_else(|| unknown("not a results file that is known here"))
}

/// In the order of the names, so that equal folders give equal reports.
fn read_folder(folder: &Path, depth: usize, sheets: &mut Vec<Sheet>) -> Result<(), ReportError> {
    let list = || std::fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>();
    let mut entries = list().map_err(|e| ReportError::io("read", folder, e))?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        // Not through links to folders: one to a folder above has no end. Files may be links, into a cache.
        let kind = entry.file_type().map_err(|e| ReportError::io("read", &path, e))?;
        if kind.is_dir() && depth > 0 {
            read_folder(&path, depth - 1, sheets)?;
        } else if path.is_file()
            && let Some(read) = read_file(&path)?
        {
            sheets.extend(read);
        }
    }
    Ok(())
}

/// `None` for a file that holds no results.
fn read_file(path: &Path) -> Result<Option<Vec<Sheet>>, ReportError> {
    let name = path.display().to_string();
    let bytes = || std::fs::read(path).map_err(|e| ReportError::io("read", path, e));
    let figures = match path.extension().and_then(|e| e.to_str()) {
        Some("csv") => parse_table(&name, &bytes()?),
        Some("json") => parse_document(&name, &String::from_utf8_lossy(&bytes()?)),
        // An error that names the path, rather than "not known", for what is not there.
        _ => std::fs::metadata(path).map(|_| None).map_err(|e| ReportError::io("read", path, e))?,
    };
    let Some(figures) = figures else { return Ok(None) };
    let beside = path.with_file_name("per_query.parquet");
    if path.file_name().is_none_or(|n| n != "scores.csv") || !beside.exists() {
        return Ok(Some(vec![Sheet::new(figures)]));
    }
    Ok(Some(match read_per_query(&beside) {
        Ok(per_query) => vec![Sheet::new(figures).with_per_query(per_query)],
        Err(error) => {
            let place = Place::key(&beside.display().to_string(), "");
            vec![
                Sheet::new(figures),
                Sheet::new(vec![unreadable(place, error.to_string(), "a readable file")]),
            ]
        }
    }))
}

/// Figures of a JSON document; `None` where it is no results file.
fn parse_document(name: &str, text: &str) -> Option<Vec<Figure>> {
    let document = match json::parse(text) {
        Ok(document) => document,
        Err(error) => {
            let place = Place { file: name.to_owned(), at: error.line().to_string() };
            return Some(vec![unreadable(
                place,
                error.to_string(),
                "JSON (a bare NaN may stand for a number)",
            )]);
        }
    };
    mteb::figures(name, &document).or_else(|| run_json::figures(name, &document))
}

/// A place where no figure can be read.
fn unreadable(place: Place, found: String, expected: &str) -> Figure {
    let fault = Fault { field: "content".to_owned(), found, expected: expected.to_owned() };
    Figure { faults: vec![fault], ..Figure::new(place, Cell::default(), "") }
}

/// What a cell is about, in words.
pub(crate) fn words(cell: &Cell) -> String {
    let parts = [&cell.model, &cell.dataset, &cell.documents, &cell.scenario, &cell.query_lang];
    let mut out = parts.into_iter().filter(|p| !p.is_empty()).cloned().collect::<Vec<_>>().join(" ");
    if !cell.pool_langs.is_empty() {
        out.extend(["→", &cell.pool_langs]);
    }
    out
}
