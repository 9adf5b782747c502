//! From records to the files of a leaderboard.

use std::cmp::Ordering;
use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::agreement::{check, short};
use super::record::{Record, Recorded};
use crate::error::ReportError;
use crate::file::replace;
use crate::markdown::escape;
use crate::per_query::PerQueryParquet;
use crate::{EXPORTERS, Exporter, Options, Results, csv_bytes, leaderboard};

const ROWS: &str = "rows.csv";
const PAGE: &str = "leaderboard.md";

/// A file that is not what the records give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stale {
    /// Its name in the leaderboard's folder.
    pub file: &'static str,
    /// What is the matter: `is missing`, or where the first difference is.
    pub what: String,
}

/// Makes the files of a leaderboard from its records; those that are right already stay untouched.
/// What was written.
///
/// Files are replaced one by one, each by a rename. The records are only read.
///
/// # Errors
/// No records, a record that is not whole, records that may not share a table, or a file that cannot
/// be written.
pub fn build(board: &Path) -> Result<Vec<&'static str>, ReportError> {
    let mut written = Vec::new();
    for (name, bytes) in files(board, super::folder::read_all(board)?)? {
        if std::fs::read(board.join(name)).ok().as_deref() != Some(&bytes) {
            replace(board, name, &bytes)?;
            written.push(name);
        }
    }
    Ok(written)
}

/// The files of a leaderboard that [`build`] would write.
///
/// # Errors
/// As [`build`].
pub fn stale(board: &Path) -> Result<Vec<Stale>, ReportError> {
    let made = files(board, super::folder::read_all(board)?)?;
    Ok(made
        .into_iter()
        .filter_map(|(file, bytes)| {
            let what = match std::fs::read(board.join(file)) {
                Err(_) => "is missing".to_owned(),
                Ok(there) if there == bytes => return None,
                Ok(there) => {
                    let lines = there.split(|b| *b == b'\n').zip(bytes.split(|b| *b == b'\n'));
                    let same = lines.take_while(|(a, b)| a == b).count();
                    format!("differs from line {} on", same + 1)
                }
            };
            Some(Stale { file, what })
        })
        .collect())
}

/// Every file of the leaderboard. The per-query values stay in the records (a fifth of a megabyte for 28
/// cells of 1,190 queries): one file of all of them would be written anew, megabytes in version control,
/// with each row.
fn files(board: &Path, records: Vec<Recorded>) -> Result<Vec<(&'static str, Vec<u8>)>, ReportError> {
    if records.is_empty() {
        return Err(ReportError::Record {
            path: board.to_owned(),
            what: "there are no records".to_owned(),
            hint: "add a run: `clirbench leaderboard add RUN --to FOLDER`",
        });
    }
    check(&records.iter().map(|r| &r.record).collect::<Vec<_>>())?;
    let records = ordered(records);
    let options = Options { notes: notes(&records), ..Options::default() };
    let results = results(&records);
    let exporters = EXPORTERS.iter().filter(|e| e.file_name() != PerQueryParquet.file_name());
    let mut files = Vec::new();
    for exporter in exporters {
        let mut bytes = exporter.render(&results, &options)?;
        if exporter.file_name() == PAGE {
            bytes.extend(rows_page(&records).into_bytes());
        }
        files.push((exporter.file_name(), bytes));
    }
    files.push((ROWS, rows_csv(&records)?));
    Ok(files)
}

/// The order of a leaderboard: models by the mean of their CLIR cells, best first, then those that
/// lack a cell, by name; a model's datasets by name.
fn ordered(mut records: Vec<Recorded>) -> Vec<Recorded> {
    let scores: Vec<_> = records.iter().flat_map(|r| r.scores.iter().cloned()).collect();
    let clir = leaderboard::clir(&scores, &[]);
    let overall = clir.columns().find(|c| c.group == "OVR");
    let mean = |model: &str| {
        let at = clir.models.iter().position(|m| m == model)?;
        Some(overall?.values[at]?.mean)
    };
    let rank = |a: &Record, b: &Record| match (mean(&a.model.name), mean(&b.model.name)) {
        (Some(a), Some(b)) => b.total_cmp(&a),
        (a, b) => b.is_some().cmp(&a.is_some()),
    };
    records.sort_by(|a, b| {
        let (a, b) = (&a.record, &b.record);
        let names = |r: &Record| (r.model.name.clone(), r.dataset.name.clone());
        match rank(a, b) {
            Ordering::Equal => names(a).cmp(&names(b)),
            other => other,
        }
    });
    records
}

fn results(records: &[Recorded]) -> Results {
    Results {
        scores: records.iter().flat_map(|r| r.scores.iter().cloned()).collect(),
        per_query: records.iter().flat_map(|r| r.per_query.iter().cloned()).collect(),
        bias: records.iter().flat_map(|r| r.bias.iter().cloned()).collect(),
        run: provenance(records),
    }
}

/// `run.json`: of a run's what holds for records that were measured at different times.
fn provenance(records: &[Recorded]) -> Value {
    let (mut datasets, mut models) = (Map::new(), Map::new());
    let mut by_name: Vec<&Record> = records.iter().map(|r| &r.record).collect();
    by_name.sort_by(|a, b| a.dataset.name.cmp(&b.dataset.name));
    for Record { dataset, .. } in by_name {
        let counts = json!({
            "hash": dataset.hash,
            "queries": dataset.queries,
            "documents": dataset.documents,
        });
        datasets.entry(dataset.name.clone()).or_insert(counts);
    }
    for Recorded { record: Record { model, .. }, .. } in records {
        let mut value = json!({
            "plugin": {"id": model.plugin.id},
            "hash": model.hash,
            "entry": model.entry,
            "files": model.files,
        });
        if let Some(merge) = &model.merge {
            value["merge"] = merge.clone();
        }
        models.entry(model.name.clone()).or_insert(value);
    }
    json!({"records": records.len(), "datasets": datasets, "models": models})
}

/// What a reader of the numbers has to know, once each.
fn notes(records: &[Recorded]) -> Vec<String> {
    let of_data = records
        .iter()
        .flat_map(|r| r.record.dataset.notes.iter().map(|note| format!("{}, {note}", r.record.dataset.name)));
    let of_models = records.iter().flat_map(|r| {
        r.record.model.warnings.iter().map(|warning| format!("{}: {warning}", r.record.model.name))
    });
    let mut notes = Vec::new();
    for note in of_data.chain(of_models) {
        if !notes.contains(&note) {
            notes.push(note);
        }
    }
    notes
}

fn rows_csv(records: &[Recorded]) -> Result<Vec<u8>, ReportError> {
    let header = [
        "model",
        "dataset",
        "model_hash",
        "plugin",
        "plugin_version",
        "plugin_sha256",
        "dataset_sha256",
        "configuration_hash",
        "seed",
        "runtime",
        "clirbench",
    ];
    let rows = records.iter().map(|Recorded { record, .. }| {
        let Record { model, dataset, configuration, measured, .. } = record;
        Ok([
            model.name.clone(),
            dataset.name.clone(),
            model.hash.clone(),
            model.plugin.id.clone(),
            model.plugin.version.clone(),
            model.plugin.sha256.clone(),
            dataset.hash.clone(),
            configuration.hash.clone(),
            configuration.seed.to_string(),
            model.runtime.clone(),
            measured.clirbench.clone(),
        ])
    });
    csv_bytes(ROWS, &header, rows)
}

/// What each row depends on, for people.
fn rows_page(records: &[Recorded]) -> String {
    let mut out = format!(
        "\n# Rows\n\nWhat each row was measured with: first digits of hashes; `{ROWS}` has them whole, `records` the numbers.\n\n"
    );
    out.push_str("| model | dataset | model hash | plugin | plugin hash | dataset hash | configuration hash | seed |\n");
    out.push_str("|:--|:--|:--|:--|:--|:--|:--|--:|\n");
    for Recorded { record: Record { model, dataset, configuration, .. }, .. } in records {
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} {} | {} | {} | {} | {} |",
            escape(&model.name),
            escape(&dataset.name),
            short(&model.hash),
            escape(&model.plugin.id),
            escape(&model.plugin.version),
            short(&model.plugin.sha256),
            short(&dataset.hash),
            short(&configuration.hash),
            configuration.seed
        );
    }
    out
}
