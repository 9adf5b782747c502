//! TREC runs and qrels: what `trec_eval` and every other tool of the field reads.
//!
//! run: `qid Q0 docid rank score tag`; qrels: `qid 0 docid rel`; any white space.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::path::Path;

use clirbench_core::results::{Cell, RunLine};

use crate::error::ReportError;
use crate::file::{read_text, replace};

/// One line of a qrels file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QrelsLine {
    /// Query id.
    pub query: String,
    /// Document id as in the run.
    pub document: String,
    /// Relevance; positive means relevant.
    pub grade: i32,
}

/// The file name of a cell without its ending: its coordinates joined by `@`.
///
/// Letters, digits and `._-+` stay; every other byte becomes `%XX`, so that two cells never share
/// a name and none leaves the folder.
#[must_use]
pub fn cell_file_stem(cell: &Cell) -> String {
    [&cell.model, &cell.dataset, &cell.documents, &cell.scenario, &cell.query_lang, &cell.pool_langs]
        .map(|part| {
            let mut out = String::new();
            for c in part.chars() {
                if c.is_alphanumeric() || "._-+".contains(c) {
                    out.push(c);
                } else {
                    let mut utf8 = [0; 4];
                    for byte in c.encode_utf8(&mut utf8).bytes() {
                        let _ = write!(out, "%{byte:02X}");
                    }
                }
            }
            out
        })
        .join("@")
}

/// Writes the pair `trec/<cell>.run` and `trec/<cell>.qrels` below `dir`; the tag is the model's
/// name with `_` for white space. Scores are the shortest decimals that read back as the same f32,
/// so ties stay ties and the order stays the order.
///
/// # Errors
/// An id that is empty or has white space, a score that is not finite, a file that cannot be
/// written.
pub fn write_cell(dir: &Path, cell: &Cell, run: &[RunLine], qrels: &[QrelsLine]) -> Result<(), ReportError> {
    let folder = dir.join("trec");
    let stem = cell_file_stem(cell);
    // Both are rendered before either is written: an error leaves no half of a pair.
    let (run, qrels) = (render_run(run, &tag(&cell.model))?, render_qrels(qrels)?);
    replace(&folder, &format!("{stem}.qrels"), qrels.as_bytes())?;
    replace(&folder, &format!("{stem}.run"), run.as_bytes())
}

fn tag(model: &str) -> String {
    let tag: String = model.chars().map(|c| if c.is_whitespace() { '_' } else { c }).collect();
    if tag.is_empty() { "clirbench".to_owned() } else { tag }
}

fn render_run(run: &[RunLine], tag: &str) -> Result<String, ReportError> {
    let mut out = String::new();
    for line in run {
        let (query, document) = (id("query", &line.query)?, id("document", &line.document)?);
        if !line.score.is_finite() {
            return Err(ReportError::NotFinite {
                file: "run",
                row: format!("{query} {document}"),
                column: "score",
                value: line.score.into(),
            });
        }
        let _ = writeln!(out, "{query} Q0 {document} {} {} {tag}", line.rank, line.score);
    }
    Ok(out)
}

fn render_qrels(qrels: &[QrelsLine]) -> Result<String, ReportError> {
    let mut out = String::new();
    for line in qrels {
        let (query, document) = (id("query", &line.query)?, id("document", &line.document)?);
        let _ = writeln!(out, "{query} 0 {document} {}", line.grade);
    }
    Ok(out)
}

fn id<'a>(kind: &'static str, id: &'a str) -> Result<&'a str, ReportError> {
    if id.is_empty() || id.contains(char::is_whitespace) {
        return Err(ReportError::TrecId { kind, id: id.to_owned() });
    }
    Ok(id)
}

/// Reads a run; lines stay in file order.
///
/// # Errors
/// With line number: other than six columns, a rank or score that is no (finite) number, a
/// document that a query lists twice.
pub fn read_run(path: &Path) -> Result<Vec<RunLine>, ReportError> {
    let text = read_text(path)?;
    let mut seen = HashSet::new();
    let mut run = Vec::new();
    for (number, fields) in lines(&text) {
        let bad = |what: String| ReportError::Line { path: path.to_owned(), line: number, what };
        let [query, _, document, rank, score, _] = fields[..] else {
            return Err(bad(format!("{} columns, expected `qid Q0 docid rank score tag`", fields.len())));
        };
        if !seen.insert((query, document)) {
            return Err(bad(format!("query `{query}` lists document `{document}` twice; keep one")));
        }
        let rank = rank.parse().map_err(|_| bad(format!("rank `{rank}` is not a whole number")))?;
        let value: f32 = score.parse().map_err(|_| bad(format!("score `{score}` is not a number")))?;
        if !value.is_finite() {
            return Err(bad(format!("score `{score}` is not a finite f32")));
        }
        run.push(RunLine { query: query.to_owned(), document: document.to_owned(), rank, score: value });
    }
    Ok(run)
}

/// Reads qrels; lines stay in file order.
///
/// # Errors
/// With line number: other than four columns, a grade that is no whole number, a document judged
/// twice for a query.
pub fn read_qrels(path: &Path) -> Result<Vec<QrelsLine>, ReportError> {
    let text = read_text(path)?;
    let mut seen = HashSet::new();
    let mut qrels = Vec::new();
    for (number, fields) in lines(&text) {
        let bad = |what: String| ReportError::Line { path: path.to_owned(), line: number, what };
        let [query, _, document, grade] = fields[..] else {
            return Err(bad(format!("{} columns, expected `qid 0 docid rel`", fields.len())));
        };
        if !seen.insert((query, document)) {
            return Err(bad(format!("query `{query}` judges document `{document}` twice; keep one")));
        }
        let grade = grade.parse().map_err(|_| bad(format!("rel `{grade}` is not a whole number")))?;
        qrels.push(QrelsLine { query: query.to_owned(), document: document.to_owned(), grade });
    }
    Ok(qrels)
}

/// Line numbers from 1 and their columns; blank lines are passed over.
fn lines(text: &str) -> impl Iterator<Item = (u64, Vec<&str>)> {
    text.lines()
        .enumerate()
        .map(|(i, line)| (i as u64 + 1, line.split_whitespace().collect::<Vec<_>>()))
        .filter(|(_, fields)| !fields.is_empty())
}
