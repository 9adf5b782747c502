//! What a fit refuses: jobs that make none, numbers that are not finite, tensors that do not learn.

use clirbench_candle::cpu;
use clirbench_plugin::{Error, FitData, FitJob, LossInput, Result, TrainingColumn};

use crate::optimizer::{Optimizer, failed};

/// Characters of a text that an error shows.
const SHOWN: usize = 60;
/// Names of tensors that an error lists.
const LISTED: usize = 5;

/// Checks a job and its data against each other.
///
/// # Errors
/// `input` or `config`, with what does not fit.
pub(crate) fn job(job: &FitJob, data: &FitData<'_>) -> Result<()> {
    let columns = job.columns.len();
    if columns == 0 || !data.rows.len().is_multiple_of(columns) {
        return Err(Error::input(format!("{} cells do not make rows of {columns} columns", data.rows.len())));
    }
    if let Some(text) = data.rows.iter().find(|text| **text as usize >= data.texts.len()) {
        return Err(Error::input(format!("a row has text {text}, and there are {}", data.texts.len())));
    }
    if job.input == LossInput::Scores {
        if columns != 2 {
            return Err(Error::input(format!("a pair has 2 texts, and the data has {columns} columns"))
                .hint("a loss of scores takes a query and a text per row, and a label"));
        }
        if job.validate_every > 0 {
            return Err(Error::config("a cross-encoder cannot be validated by embeddings: it makes none")
                .hint("set `validate_every` to 0"));
        }
    }
    if job.validate_every > 0 && (data.validation_queries.is_empty() || data.validation_documents.is_empty())
    {
        return Err(Error::input("the validation has no queries or no documents")
            .hint("give both, or set `validate_every` to 0"));
    }
    Ok(())
}

/// Refuses numbers of a batch that are not finite. `values` are `[columns, rows, dim]`, `what` they are.
///
/// # Errors
/// `runtime`, with the step (counted from 1) and the texts of the first row that has such a number.
pub(crate) fn finite(
    what: &str,
    step: usize,
    rows: &[u32],
    values: &[f32],
    job: &FitJob,
    data: &FitData<'_>,
) -> Result<()> {
    let Some(at) = values.iter().position(|value| !value.is_finite()) else { return Ok(()) };
    // Every column has as many values per row.
    let columns = if job.input == LossInput::Scores { 1 } else { job.columns.len() };
    let dim = values.len() / (columns * rows.len());
    let row = rows[at / dim % rows.len()];
    Err(diverged(format!("step {step}: {what} of the row {} is not finite", texts(row, job, data))))
}

/// Refuses a value that belongs to a whole batch and is not finite.
///
/// # Errors
/// `runtime`, with the step and the texts of the batch's first row.
pub(crate) fn finite_value(
    what: &str,
    step: usize,
    rows: &[u32],
    value: f64,
    job: &FitJob,
    data: &FitData<'_>,
) -> Result<()> {
    if value.is_finite() {
        return Ok(());
    }
    let first = rows.first().map(|row| texts(*row, job, data)).unwrap_or_default();
    Err(diverged(format!(
        "step {step}: {what} is {value}, for the batch of {} rows that begins with {first}",
        rows.len()
    )))
}

fn diverged(message: String) -> Error {
    Error::runtime(message).hint(
        "nothing was written; try a smaller `learning_rate`, a longer warm-up or `precision = \"f32\"`, and \
         look at the row",
    )
}

/// The texts of a row with the names of their columns, each cut.
fn texts(row: u32, job: &FitJob, data: &FitData<'_>) -> String {
    let columns = job.columns.len();
    let cells = &data.rows[row as usize * columns..][..columns];
    let cell = |(column, text): (&TrainingColumn, &u32)| {
        let text = data.texts[*text as usize];
        let start: String = text.chars().take(SHOWN).collect();
        let rest = if start.len() < text.len() { "..." } else { "" };
        format!("{} {start:?}{rest}", column.name)
    };
    let cells: Vec<String> = job.columns.iter().zip(cells).map(cell).collect();
    format!("{row} ({})", cells.join(", "))
}

/// Refuses tensors that a step left without a gradient.
///
/// # Errors
/// `model`, with their names.
pub(crate) fn all_have_gradients(without: &[&str]) -> Result<()> {
    if without.is_empty() {
        return Ok(());
    }
    Err(Error::model(format!("no gradient reaches {}", listed(without)))
        .hint("freeze what the network does not use, in `groups`, or use a base without it"))
}

/// Which tensors still have the bytes that they began with.
pub(crate) struct Fingerprints(Vec<blake3::Hash>);

impl Fingerprints {
    /// Of the weights as they are.
    ///
    /// # Errors
    /// When the runtime fails.
    pub(crate) fn of(optimizer: &Optimizer) -> Result<Self> {
        let hash = |values: &[f32]| {
            let mut hasher = blake3::Hasher::new();
            for run in values.chunks(1 << 12) {
                let bytes: Vec<u8> = run.iter().flat_map(|x| x.to_le_bytes()).collect();
                hasher.update(&bytes);
            }
            hasher.finalize()
        };
        let hashes = optimizer.tensors().iter().map(|tensor| {
            let tensor = tensor.values()?;
            Ok(hash(&cpu::values(&tensor).map_err(failed)?))
        });
        Ok(Fingerprints(hashes.collect::<Result<_>>()?))
    }

    /// Refuses tensors that have not moved since.
    ///
    /// # Errors
    /// `model`, with their names.
    pub(crate) fn all_moved(&self, optimizer: &Optimizer) -> Result<()> {
        let now = Fingerprints::of(optimizer)?;
        let pairs = self.0.iter().zip(&now.0).zip(optimizer.tensors());
        let still: Vec<&str> =
            pairs.filter(|((a, b), _)| a == b).map(|(_, tensor)| &tensor.name[..]).collect();
        if still.is_empty() {
            return Ok(());
        }
        Err(Error::model(format!("training did not move {}", listed(&still)))
            .hint("raise `learning_rate`, or freeze what is not to be trained, in `groups`"))
    }
}

fn listed(names: &[&str]) -> String {
    let shown = names.iter().take(LISTED).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    match names.len().checked_sub(LISTED) {
        Some(more) if more > 0 => format!("{shown} and {more} more tensors"),
        _ => shown,
    }
}
