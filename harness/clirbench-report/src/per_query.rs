//! `per_query.parquet`: the value of every query under every metric, one row each.
//!
//! Plain parquet columns: strings with a dictionary, values as doubles, Snappy. The file holds
//! no time, no library version and no host name, so equal values give equal bytes.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use clirbench_core::results::{Cell, QueryValues};
use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{ChunkReader, FileReader, RowGroupReader, SerializedFileReader};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::{Type, TypePtr};

use crate::error::ReportError;
use crate::{Exporter, Options, Results};

const FILE: &str = "per_query.parquet";

/// String columns in order; the double `value` follows.
const TEXT_COLUMNS: [&str; 8] =
    ["model", "dataset", "documents", "scenario", "query_lang", "pool_langs", "metric", "query"];

/// Rows per row group: bounds what a reader holds at a time.
const GROUP_ROWS: usize = 1 << 20;

pub(crate) struct PerQueryParquet;

impl Exporter for PerQueryParquet {
    fn file_name(&self) -> &'static str {
        FILE
    }

    fn wanted(&self, options: &Options) -> bool {
        options.per_query
    }

    fn render(&self, results: &Results, _: &Options) -> Result<Vec<u8>, ReportError> {
        for block in &results.per_query {
            if let Some(i) = block.values.iter().position(|v| !v.is_finite()) {
                let query = block.queries.get(i).map_or("?", String::as_str);
                return Err(ReportError::NotFinite {
                    file: FILE,
                    row: format!(
                        "{} {} {} query {query}",
                        block.cell.model, block.cell.dataset, block.metric
                    ),
                    column: "value",
                    value: block.values[i],
                });
            }
            if block.queries.len() != block.values.len() {
                return Err(ReportError::Encode {
                    file: FILE,
                    what: format!(
                        "{} queries but {} values of {}",
                        block.queries.len(),
                        block.values.len(),
                        block.metric
                    ),
                });
            }
        }
        encode(&results.per_query).map_err(|e| ReportError::Encode { file: FILE, what: e.to_string() })
    }
}

fn schema() -> Result<TypePtr, ParquetError> {
    let text = |name: &&str| {
        Type::primitive_type_builder(name, Physical::BYTE_ARRAY)
            .with_logical_type(Some(LogicalType::String))
            .with_repetition(Repetition::REQUIRED)
            .build()
            .map(Arc::new)
    };
    let mut fields = TEXT_COLUMNS.iter().map(text).collect::<Result<Vec<_>, _>>()?;
    fields.push(Arc::new(
        Type::primitive_type_builder("value", Physical::DOUBLE)
            .with_repetition(Repetition::REQUIRED)
            .build()?,
    ));
    Type::group_type_builder("per_query").with_fields(fields).build().map(Arc::new)
}

fn encode(blocks: &[QueryValues]) -> Result<Vec<u8>, ParquetError> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_created_by("clirbench".to_owned())
        .build();
    let mut bytes = Vec::new();
    let mut file = SerializedFileWriter::new(&mut bytes, schema()?, Arc::new(properties))?;
    let mut rest = blocks;
    while !rest.is_empty() {
        let mut rows = 0;
        let fit = rest.iter().take_while(|b| {
            let first = rows == 0;
            rows += b.values.len();
            first || rows <= GROUP_ROWS
        });
        let (group, after) = rest.split_at(fit.count());
        write_group(&mut file, group)?;
        rest = after;
    }
    file.close()?;
    Ok(bytes)
}

fn write_group<W: std::io::Write + Send>(
    file: &mut SerializedFileWriter<W>,
    blocks: &[QueryValues],
) -> Result<(), ParquetError> {
    let mut group = file.next_row_group()?;
    for of in [
        |b: &QueryValues| &b.cell.model,
        |b: &QueryValues| &b.cell.dataset,
        |b: &QueryValues| &b.cell.documents,
        |b: &QueryValues| &b.cell.scenario,
        |b: &QueryValues| &b.cell.query_lang,
        |b: &QueryValues| &b.cell.pool_langs,
        |b: &QueryValues| &b.metric,
    ] as [fn(&QueryValues) -> &String; 7]
    {
        let column: Vec<ByteArray> = blocks
            .iter()
            .flat_map(|b| std::iter::repeat_n(ByteArray::from(of(b).as_str()), b.values.len()))
            .collect();
        write_column::<ByteArrayType, _>(&mut group, &column)?;
    }
    let queries: Vec<ByteArray> =
        blocks.iter().flat_map(|b| b.queries.iter().map(|q| ByteArray::from(q.as_str()))).collect();
    write_column::<ByteArrayType, _>(&mut group, &queries)?;
    // `+ 0.0` turns -0 into 0: equal numbers, equal bytes.
    let values: Vec<f64> = blocks.iter().flat_map(|b| b.values.iter().map(|v| v + 0.0)).collect();
    write_column::<DoubleType, _>(&mut group, &values)?;
    group.close()?;
    Ok(())
}

fn write_column<T: DataType, W: std::io::Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    values: &[T::T],
) -> Result<(), ParquetError> {
    let mut column = group
        .next_column()?
        .ok_or_else(|| ParquetError::General("more columns written than the schema has".into()))?;
    column.typed::<T>().write_batch(values, None, None)?;
    column.close()
}

/// Reads a `per_query.parquet`; neighbouring rows of one cell and metric make one block. Columns
/// may come in any order, and unknown ones are passed over.
///
/// # Errors
/// A file that cannot be read or is no parquet file, a missing column or one of another type, and
/// a value that is not finite.
pub fn read_per_query(path: &Path) -> Result<Vec<QueryValues>, ReportError> {
    decode(path, std::fs::File::open(path).map_err(|e| ReportError::io("read", path, e))?)
}

/// The same from the file's bytes; `path` is what errors name.
pub(crate) fn parse_per_query(path: &Path, bytes: Vec<u8>) -> Result<Vec<QueryValues>, ReportError> {
    if bytes.starts_with(b"version https://git-lfs") {
        let what =
            "a Git LFS pointer, not the file; check the revision out and compare the folder".to_owned();
        return Err(ReportError::Pointer { path: path.to_owned(), what });
    }
    decode(path, Bytes::from(bytes))
}

fn decode(path: &Path, file: impl ChunkReader + 'static) -> Result<Vec<QueryValues>, ReportError> {
    let format = |what: String| ReportError::Format { path: path.to_owned(), what };
    let reader = SerializedFileReader::new(file).map_err(|e| format(e.to_string()))?;
    let schema = reader.metadata().file_metadata().schema_descr_ptr();
    let index = |column: &'static str, physical: Physical| {
        let at = schema
            .columns()
            .iter()
            .position(|c| c.path().string() == column)
            .ok_or(ReportError::MissingColumn { path: path.to_owned(), column })?;
        let described = schema.column(at);
        if described.physical_type() != physical || described.max_rep_level() > 0 {
            return Err(format(format!("column `{column}` is not a plain {physical}")));
        }
        Ok(at)
    };
    let mut text_at = [0; TEXT_COLUMNS.len()];
    for (at, column) in text_at.iter_mut().zip(TEXT_COLUMNS) {
        *at = index(column, Physical::BYTE_ARRAY)?;
    }
    let value_at = index("value", Physical::DOUBLE)?;
    let mut blocks: Vec<QueryValues> = Vec::new();
    for g in 0..reader.num_row_groups() {
        let group = reader.get_row_group(g).map_err(|e| format(e.to_string()))?;
        let text = text_at
            .iter()
            .map(|&at| read_column::<ByteArrayType>(&*group, at))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|e| format(e.to_string()))?;
        let values = read_column::<DoubleType>(&*group, value_at).map_err(|e| format(e.to_string()))?;
        for (row, &value) in values.iter().enumerate() {
            if !value.is_finite() {
                return Err(format(format!("`value` of row {row} in row group {g} is {value}")));
            }
            push_row(&mut blocks, &text, row, value).map_err(|e| format(e.to_string()))?;
        }
    }
    Ok(blocks)
}

/// Adds one row to the last block, or to a new one where cell or metric changes.
fn push_row(
    blocks: &mut Vec<QueryValues>,
    text: &[Vec<ByteArray>],
    row: usize,
    value: f64,
) -> Result<(), ParquetError> {
    let field = |column: usize| text[column][row].as_utf8();
    let same = blocks.last().is_some_and(|b| {
        let c = &b.cell;
        [&c.model, &c.dataset, &c.documents, &c.scenario, &c.query_lang, &c.pool_langs, &b.metric]
            .iter()
            .enumerate()
            .all(|(column, known)| text[column][row].data() == known.as_bytes())
    });
    if !same {
        blocks.push(QueryValues {
            cell: Cell {
                model: field(0)?.to_owned(),
                dataset: field(1)?.to_owned(),
                documents: field(2)?.to_owned(),
                scenario: field(3)?.to_owned(),
                query_lang: field(4)?.to_owned(),
                pool_langs: field(5)?.to_owned(),
            },
            metric: field(6)?.to_owned(),
            queries: Vec::new(),
            values: Vec::new(),
        });
    }
    let block = blocks.last_mut().expect("pushed above when there was none");
    block.queries.push(field(7)?.to_owned());
    block.values.push(value);
    Ok(())
}

/// All values of one column of a row group; an error where some are null.
fn read_column<T: DataType>(group: &dyn RowGroupReader, at: usize) -> Result<Vec<T::T>, ParquetError> {
    let rows = usize::try_from(group.metadata().num_rows())
        .map_err(|_| ParquetError::General("a row group has a negative number of rows".into()))?;
    let mut reader = parquet::column::reader::get_typed_column_reader::<T>(group.get_column_reader(at)?);
    let (mut levels, mut values) = (Vec::new(), Vec::new());
    reader.read_records(rows, Some(&mut levels), None, &mut values)?;
    if values.len() != rows {
        let name = group.metadata().column(at).column_path().string();
        return Err(ParquetError::General(format!(
            "column `{name}` has {} values in {rows} rows",
            values.len()
        )));
    }
    Ok(values)
}
