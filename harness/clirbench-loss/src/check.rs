//! What a batch and a result must be before anyone uses them.

use clirbench_plugin::{Error, LossBatch, LossInfo, LossInput, Result};

/// Whether `batch` is what `info` asks for.
pub(crate) fn batch(info: &LossInfo, batch: &LossBatch<'_>) -> Result<()> {
    let &LossBatch { rows, dim, embeddings, guide_dim, guide, labels } = batch;
    if rows == 0 || dim == 0 {
        return Err(Error::input(format!(
            "a batch of {rows} rows of length {dim}: there is no loss of nothing"
        ))
        .hint("leave out empty batches"));
    }
    let columns = columns(info, batch)?;
    let wanted =
        if info.guide { columns.checked_mul(rows * guide_dim).filter(|&size| size > 0) } else { Some(0) };
    if wanted != Some(guide.len()) {
        return Err(Error::input(format!(
            "{} guide values, where {} columns of {rows} rows have guide embeddings of length {guide_dim}",
            guide.len(),
            if info.guide { columns } else { 0 },
        ))
        .hint("a loss with a guide gets one guide embedding per text, any other gets none"));
    }
    finite(info, "embedding", rows * dim, dim, embeddings)?;
    finite(info, "guide embedding", rows * guide_dim, guide_dim, guide)?;
    let wanted = if info.labels { rows } else { 0 };
    if labels.len() != wanted {
        return Err(Error::input(format!("{} labels where {wanted} are wanted", labels.len()))
            .hint("a loss with labels gets one per row, any other gets none"));
    }
    if let Some(row) = labels.iter().position(|label| !(0.0..=1.0).contains(label)) {
        return Err(Error::input(format!("row {row}: label {} is not between 0 and 1", labels[row]))
            .hint("1 is a match, 0 is none"));
    }
    Ok(())
}

/// Columns of the batch, hard negatives included.
fn columns(info: &LossInfo, batch: &LossBatch<'_>) -> Result<usize> {
    let size = batch.rows * batch.dim;
    let named = match info.input {
        LossInput::Embeddings => info.columns.len(),
        LossInput::Scores => 1,
    };
    let columns = batch.embeddings.len() / size;
    let fits = if info.negatives { columns >= named } else { columns == named };
    let scalar = info.input == LossInput::Embeddings || batch.dim == 1;
    if fits && scalar && batch.embeddings.len().is_multiple_of(size) {
        return Ok(columns);
    }
    let wanted = match info.input {
        LossInput::Embeddings if info.negatives => {
            format!("{} and any hard negatives", info.columns.join(", "))
        }
        LossInput::Embeddings => info.columns.join(", "),
        LossInput::Scores => "one column of scores, of length 1".to_owned(),
    };
    Err(Error::input(format!(
        "{} values in rows of length {} are not {} rows of the columns that this loss takes: {wanted}",
        batch.embeddings.len(),
        batch.dim,
        batch.rows
    ))
    .hint("give the training data the columns that the loss names"))
}

/// Whether all of `values` (`[columns, rows, dim]`, `size` to a column) are numbers.
fn finite(info: &LossInfo, what: &str, size: usize, dim: usize, values: &[f32]) -> Result<()> {
    let Some(at) = values.iter().position(|value| !value.is_finite()) else {
        return Ok(());
    };
    let (column, row) = (at / size, at % size / dim);
    Err(Error::input(format!("{}, row {row}: its {what} holds {}", name(info, column), values[at])).hint(
        "the model has diverged, or it overflows in its compute type: try a lower learning rate or f32",
    ))
}

/// What the user calls a column.
fn name(info: &LossInfo, column: usize) -> String {
    match (info.input, info.columns.get(column)) {
        (LossInput::Scores, _) => "scores".to_owned(),
        (_, Some(name)) => format!("column `{name}`"),
        (_, None) => format!("hard negative {}", column - info.columns.len() + 1),
    }
}

/// Whether a value and its gradients can be used.
pub(crate) fn result(info: &LossInfo, batch: &LossBatch<'_>, value: f64, gradients: &[f32]) -> Result<()> {
    let hint = "a temperature that is too small or a weight that is too large does this";
    if !value.is_finite() {
        return Err(Error::runtime(format!("the loss of the batch is {value}")).hint(hint));
    }
    match gradients.iter().position(|gradient| !gradient.is_finite()) {
        None => Ok(()),
        Some(at) => {
            let (column, row) = (at / (batch.rows * batch.dim), at / batch.dim % batch.rows);
            Err(Error::runtime(format!(
                "{}, row {row}: its gradient holds {}",
                name(info, column),
                gradients[at]
            ))
            .hint(hint))
        }
    }
}
