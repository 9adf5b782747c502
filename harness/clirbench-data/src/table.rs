//! Tab-separated tables with a header row and no quoting.

use csv::StringRecord;

use crate::{
    error::{Kind, Position},
    source::Source,
    suggest::nearest,
};

/// A table in memory.
pub(crate) struct Table {
    name: String,
    header: StringRecord,
    /// Rows with their line numbers; every row has as many fields as the header.
    pub(crate) rows: Vec<(StringRecord, u64)>,
}

impl Table {
    /// Parses `text`, which is the file `name`; `None` where a row has another number of fields
    /// than the header, with each such row noted.
    pub(crate) fn read(source: &mut Source, name: &str, text: &str) -> Option<Table> {
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(b'\t')
            .quoting(false)
            .flexible(true)
            .has_headers(false)
            .from_reader(text.as_bytes());
        let mut header: Option<StringRecord> = None;
        let mut rows = Vec::new();
        let mut complete = true;
        for record in reader.records() {
            let record = match record {
                Ok(record) => record,
                Err(e) => {
                    source.problems.at(source.place(name, Position::Whole), Kind::Table(e.to_string()));
                    return None;
                }
            };
            let line = record.position().map_or(0, csv::Position::line);
            match &header {
                None => header = Some(record),
                Some(header) if record.len() == header.len() => rows.push((record, line)),
                Some(header) => {
                    complete = false;
                    let message =
                        format!("{} columns, but the header row has {}", record.len(), header.len());
                    source.problems.at(source.place(name, Position::Line(line)), Kind::Table(message));
                }
            }
        }
        let Some(header) = header else {
            source.problems.at(source.place(name, Position::Whole), Kind::Nothing("header row".to_owned()));
            return None;
        };
        complete.then(|| Table { name: name.to_owned(), header, rows })
    }

    /// The index of a column; `None` where there is none, which is noted.
    pub(crate) fn column(&self, column: &str, source: &mut Source) -> Option<usize> {
        let found = self.header.iter().position(|name| name.trim() == column);
        if found.is_none() {
            let meant = match nearest(column, &self.header) {
                Some(meant) => format!("; is it `{meant}`?"),
                None => String::new(),
            };
            let header = self.header.iter().collect::<Vec<_>>().join(", ");
            let message = format!("the header row ({header}) has no column `{column}`{meant}");
            source.problems.at(source.place(&self.name, Position::Line(1)), Kind::Table(message));
        }
        found
    }
}
