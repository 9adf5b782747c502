//! CSV files read back: columns found by name, fields read with line and column.

use std::path::{Path, PathBuf};

use crate::error::ReportError;

/// The fields of a CSV file under the columns that were asked for.
pub(crate) struct Table<const N: usize> {
    path: PathBuf,
    columns: [&'static str; N],
    pub(crate) rows: Vec<Row<N>>,
}

/// One line.
pub(crate) struct Row<const N: usize> {
    line: u64,
    fields: [String; N],
}

impl<const N: usize> Row<N> {
    pub(crate) fn text(&self, column: usize) -> String {
        self.fields[column].clone()
    }
}

impl<const N: usize> Table<N> {
    /// Reads a file's bytes; `path` is what errors name. Columns may come in any order, and unknown
    /// ones are passed over.
    pub(crate) fn parse(
        path: &Path,
        bytes: &[u8],
        columns: [&'static str; N],
    ) -> Result<Table<N>, ReportError> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let mut reader = csv::ReaderBuilder::new().from_reader(bytes);
        let header = reader.headers().map_err(|e| malformed(path, &e))?.clone();
        let mut at = [0; N];
        for (column, at) in columns.iter().zip(&mut at) {
            *at = header
                .iter()
                .position(|name| name.trim() == *column)
                .ok_or(ReportError::MissingColumn { path: path.to_owned(), column })?;
        }
        let mut rows = Vec::new();
        for record in reader.records() {
            let record = record.map_err(|e| malformed(path, &e))?;
            let line = record.position().map_or(0, csv::Position::line);
            rows.push(Row { line, fields: at.map(|i| record.get(i).unwrap_or_default().to_owned()) });
        }
        Ok(Table { path: path.to_owned(), columns, rows })
    }

    fn bad(&self, row: &Row<N>, column: usize, expected: &str) -> ReportError {
        ReportError::Field {
            path: self.path.clone(),
            line: row.line,
            column: self.columns[column],
            what: format!("`{}` is not {expected}", row.fields[column]),
        }
    }

    pub(crate) fn number(&self, row: &Row<N>, column: usize) -> Result<f64, ReportError> {
        let value: f64 = row.fields[column].trim().parse().map_err(|_| self.bad(row, column, "a number"))?;
        if value.is_finite() { Ok(value) } else { Err(self.bad(row, column, "a finite number")) }
    }

    pub(crate) fn count(&self, row: &Row<N>, column: usize) -> Result<u32, ReportError> {
        row.fields[column].trim().parse().map_err(|_| self.bad(row, column, "a count"))
    }
}

fn malformed(path: &Path, error: &csv::Error) -> ReportError {
    let line = error.position().map_or(0, csv::Position::line);
    let what = match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("{len} fields where the header has {expected_len}")
        }
        csv::ErrorKind::Utf8 { .. } => "not UTF-8; save the file as UTF-8".to_owned(),
        _ => error.to_string(),
    };
    ReportError::Line { path: path.to_owned(), line, what }
}
