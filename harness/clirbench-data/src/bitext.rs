//! Parallel sentences (Tatoeba, NTREX, SIB-200): sentence i retrieves its translation.
//!
//! Text files are aligned by line (ids are line numbers from 1). Tables (`.tsv`) hold every
//! language in a column each, or one language per file; they are aligned by `id_column`, or by
//! row where there is none.

use clirbench_core::dataset::Entry;

use crate::{
    collection::Parts,
    column::{Column, align},
    error::{Error, Kind, Place, Position},
    source::Source,
    table::Table,
};

/// Reads every language; `None` where a file could not be read, with the reasons noted.
pub(crate) fn read(source: &mut Source) -> Option<Parts> {
    let names = source.located();
    let tables = names.iter().all(|name| name.ends_with(".tsv"));
    let one_file = names.iter().all(|name| *name == names[0]);
    if let Err(error) = check_entry(source, names.len(), tables, one_file) {
        source.problems.error(error);
        return None;
    }
    let columns = match (tables, one_file) {
        (true, true) => shared_table(source, &names[0])?,
        (true, false) => {
            let columns: Vec<_> = names.iter().map(|name| table_of_one(source, name)).collect();
            columns.into_iter().collect::<Option<Vec<Column>>>()?
        }
        (false, _) => {
            let columns: Vec<_> = names.iter().map(|name| lines(source, name)).collect();
            columns.into_iter().collect::<Option<Vec<Column>>>()?
        }
    };
    Some(Parts::sentences(aligned(source, columns)))
}

fn check_entry(source: &Source, languages: usize, tables: bool, one_file: bool) -> Result<(), Error> {
    let spec = &source.dataset.spec;
    let (what, hint) = if languages < 2 {
        ("a bitext needs at least two languages", "list two or more in `languages`")
    } else if !tables && one_file {
        (
            "every language has the same text file",
            "put {lang} where the file names differ, or use a .tsv table",
        )
    } else if !tables && (spec.text_column.is_some() || spec.id_column.is_some() || !spec.columns.is_empty())
    {
        ("columns are named, but the files are not tables (.tsv)", "remove the columns, or name .tsv files")
    } else if tables && one_file && spec.text_column.is_some() {
        ("`text_column` is for tables of one language each", "name a column per language in `columns`")
    } else if tables && !one_file && !spec.columns.is_empty() {
        ("`columns` is for a table of all languages", "name the one column in `text_column`")
    } else {
        return Ok(());
    };
    let kind = Kind::Entry { what: what.to_owned(), hint: hint.to_owned() };
    Err(Error::new(Place::Dataset(spec.name.clone()), kind))
}

fn lines(source: &mut Source, name: &str) -> Option<Column> {
    let text = source.read(name)?;
    let mut column = Column::new("sentence", source.path(name), name);
    for (line, text) in (1..).zip(text.lines()) {
        column.push(line.to_string(), text.to_owned(), Position::Line(line), &mut source.problems);
    }
    Some(column)
}

fn shared_table(source: &mut Source, name: &str) -> Option<Vec<Column>> {
    let text = source.read(name)?;
    let table = Table::read(source, name, &text)?;
    let spec = &source.dataset.spec;
    let wanted: Vec<String> = spec
        .languages
        .iter()
        .map(|l| spec.columns.get(l).cloned().unwrap_or_else(|| source.dataset.code(l).to_owned()))
        .collect();
    let columns: Vec<Option<Column>> = wanted
        .iter()
        .map(|wanted| sentences(source, &table, name, &format!("{name} ({wanted})"), wanted))
        .collect();
    columns.into_iter().collect()
}

fn table_of_one(source: &mut Source, name: &str) -> Option<Column> {
    let text = source.read(name)?;
    let table = Table::read(source, name, &text)?;
    let wanted = source.dataset.spec.text_column.clone().unwrap_or_else(|| "text".to_owned());
    sentences(source, &table, name, name, &wanted)
}

/// One column of a table; `called` is what messages about other columns call it.
fn sentences(source: &mut Source, table: &Table, file: &str, called: &str, wanted: &str) -> Option<Column> {
    let id_column = source.dataset.spec.id_column.clone();
    let partial = source.dataset.spec.partial;
    let text = table.column(wanted, source);
    let id = id_column.map(|id| table.column(&id, source));
    let mut column = Column::new("sentence", source.path(file), called);
    let (Some(text), None | Some(Some(_))) = (text, id) else { return None };
    let id = id.flatten();
    for (number, (row, line)) in table.rows.iter().enumerate() {
        if partial && row[text].trim().is_empty() {
            continue;
        }
        let id = id.map_or_else(|| (number + 1).to_string(), |id| row[id].to_owned());
        column.push(id, row[text].to_owned(), Position::Line(*line), &mut source.problems);
    }
    Some(column)
}

fn aligned(source: &mut Source, columns: Vec<Column>) -> Vec<Entry> {
    let spec = &source.dataset.spec;
    if spec.id_column.is_none()
        && let Some((first, others)) = columns.split_first()
    {
        // Ids of a shifted file would only say that its last lines are missing.
        let expected = first.len();
        for other in others.iter().filter(|column| column.len() != expected) {
            let kind = Kind::LineCount { lines: other.len(), expected, other: first.name().to_owned() };
            source.problems.at(other.place(Position::Whole), kind);
        }
        if others.iter().any(|column| column.len() != expected) {
            return Vec::new();
        }
    }
    align(columns, spec.partial, &mut source.problems)
}
