//! What a fit refuses: validations that are none, numbers that are not finite, tensors that do not learn.

use clirbench_candle::cpu;
use clirbench_plugin::{Error, FitData, FitJob, LossInput, Result};

use crate::examples::Examples;
use crate::optimizer::{Optimizer, failed};

/// Names of tensors that an error lists.
const LISTED: usize = 5;

/// Checks what a fit is given beside its examples: the validation.
///
/// # Errors
/// `input` or `config`, with what does not fit.
pub(crate) fn validation(job: &FitJob, data: &FitData<'_>) -> Result<()> {
    if job.validate_every == 0 {
        return Ok(());
    }
    if job.input == LossInput::Scores {
        return Err(Error::config("a cross-encoder cannot be validated by embeddings: it makes none")
            .hint("set `validate_every` to 0"));
    }
    if data.validation_queries.is_empty() || data.validation_documents.is_empty() {
        return Err(Error::input("the validation has no queries or no documents")
            .hint("give both, or set `validate_every` to 0"));
    }
    Ok(())
}

/// Refuses numbers of a batch that are not finite. `values` are `[columns, rows, dim]`, `what` they are.
///
/// # Errors
/// `runtime`, with the batch's name and the texts of the first row that has such a number.
pub(crate) fn finite(
    what: &str,
    batch: &str,
    rows: &[u32],
    values: &[f32],
    examples: &Examples<'_>,
) -> Result<()> {
    let Some(at) = values.iter().position(|value| !value.is_finite()) else { return Ok(()) };
    // Every column has as many values per row.
    let dim = values.len() / (examples.scored_columns() * rows.len());
    let row = examples.described(rows[at / dim % rows.len()]);
    Err(diverged(format!("{batch}: {what} of the row {row} is not finite")))
}

/// Refuses a value that belongs to a whole batch and is not finite.
///
/// # Errors
/// `runtime`, with the batch's name and the texts of its first row.
pub(crate) fn finite_value(
    what: &str,
    batch: &str,
    rows: &[u32],
    value: f64,
    examples: &Examples<'_>,
) -> Result<()> {
    if value.is_finite() {
        return Ok(());
    }
    let first = rows.first().map(|row| examples.described(*row)).unwrap_or_default();
    let count = rows.len();
    Err(diverged(format!(
        "{batch}: {what} is {value}, for the batch of {count} rows that begins with {first}"
    )))
}

fn diverged(message: String) -> Error {
    Error::runtime(message).hint(
        "nothing was written; look at the row, try `precision = \"f32\"` and, in a fit, a smaller \
         `learning_rate` or a longer warm-up",
    )
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

/// Names of tensors, cut where there are many.
pub(crate) fn listed(names: &[&str]) -> String {
    let shown = names.iter().take(LISTED).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    match names.len().checked_sub(LISTED) {
        Some(more) if more > 0 => format!("{shown} and {more} more tensors"),
        _ => shown,
    }
}
