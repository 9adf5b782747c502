//! Rows of texts: what a fit learns from, and what an estimate of Fisher information is made on.

use clirbench_plugin::{
    Error, EstimateData, EstimateJob, FitData, FitJob, LossInput, Result, TrainingColumn,
};

/// Characters of a text that an error shows.
const SHOWN: usize = 60;

/// Rows, the names of their columns, and what the loss is computed from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Examples<'a> {
    pub(crate) columns: &'a [TrainingColumn],
    pub(crate) input: LossInput,
    /// Distinct texts.
    pub(crate) texts: &'a [&'a str],
    /// `[rows, columns]`: indices of texts.
    pub(crate) rows: &'a [u32],
}

impl<'a> Examples<'a> {
    /// Those of a fit.
    pub(crate) fn of_fit(job: &'a FitJob, data: &'a FitData<'a>) -> Self {
        Examples { columns: &job.columns, input: job.input, texts: &data.texts, rows: data.rows }
    }

    /// Those of an estimate.
    pub(crate) fn of_estimate(job: &'a EstimateJob, data: &'a EstimateData<'a>) -> Self {
        Examples { columns: &job.columns, input: job.input, texts: &data.texts, rows: data.rows }
    }

    /// Checks that they are rows of texts, and pairs where pairs are scored.
    ///
    /// # Errors
    /// `input`, with what does not fit.
    pub(crate) fn check(&self) -> Result<()> {
        let columns = self.columns.len();
        if columns == 0 || !self.rows.len().is_multiple_of(columns) {
            let cells = self.rows.len();
            return Err(Error::input(format!("{cells} cells do not make rows of {columns} columns")));
        }
        if let Some(text) = self.rows.iter().find(|text| **text as usize >= self.texts.len()) {
            return Err(Error::input(format!("a row has text {text}, and there are {}", self.texts.len())));
        }
        if self.input == LossInput::Scores && columns != 2 {
            return Err(Error::input(format!("a pair has 2 texts, and the data has {columns} columns"))
                .hint("a loss of scores takes a query and a text per row, and a label"));
        }
        Ok(())
    }

    /// Columns of embeddings or scores: of pairs there is one.
    pub(crate) fn scored_columns(&self) -> usize {
        if self.input == LossInput::Scores { 1 } else { self.columns.len() }
    }

    /// A row's number and its texts with the names of their columns, each cut.
    pub(crate) fn described(&self, row: u32) -> String {
        let columns = self.columns.len();
        let cells = &self.rows[row as usize * columns..][..columns];
        let cell = |(column, text): (&TrainingColumn, &u32)| {
            let text = self.texts[*text as usize];
            let start: String = text.chars().take(SHOWN).collect();
            let rest = if start.len() < text.len() { "..." } else { "" };
            format!("{} {start:?}{rest}", column.name)
        };
        let cells: Vec<String> = self.columns.iter().zip(cells).map(cell).collect();
        format!("{row} ({})", cells.join(", "))
    }
}
