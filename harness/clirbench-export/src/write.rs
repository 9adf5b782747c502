//! Writes a graph and streams the weights behind it, one tensor in memory at a time.

use std::fs;
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use clirbench_model::{PartialFile, Tensors, write_error};
use clirbench_plugin::{Error, Result};

use crate::graph::{Data, Graph, Initializer};
use crate::proto::{self, OPSET, Place};
use crate::{ExportOptions, ExportReport};

/// Protobuf messages end at 2 GB.
const MAX_MESSAGE: u64 = i32::MAX as u64;
/// External data begin at multiples of a page, so that they can be mapped.
const PAGE: u64 = 4096;
/// Bytes that are copied at a time.
const PART: usize = 16 << 20;
/// Elements that are converted at a time.
const CHUNK: usize = 1 << 16;

/// Writes `graph` to `out`, with the weights from `tensors`.
///
/// # Errors
/// Kind `model` when a tensor cannot be read, `runtime` when a file cannot be written.
pub(crate) fn write(
    graph: &Graph,
    tensors: &Tensors,
    out: &Path,
    options: ExportOptions,
) -> Result<ExportReport> {
    let weights = || graph.initializers.iter().filter(|i| matches!(i.data, Data::Weight { .. }));
    let whole = size(graph, &vec![Place::Inline; graph.initializers.len()]);
    let external = options.external_data || whole > MAX_MESSAGE;
    let data_path = beside(out)?;
    // Even where it is not needed: it would be removed as a leftover.
    if !options.force && data_path.exists() {
        return Err(Error::config(format!("{} already exists", data_path.display()))
            .hint("`--force` replaces it, `--out` chooses another file"));
    }
    let folder = out.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.exists());
    if let Some(folder) = folder {
        fs::create_dir_all(folder).map_err(|e| write_error(out, &e))?;
    }
    let written = stream(graph, tensors, out, external.then_some(&data_path));
    if let (Err(_), Some(folder)) = (&written, folder) {
        // It is empty, for it was made a moment ago.
        let _ = fs::remove_dir(folder);
    }
    let (graph_bytes, data_bytes) = written?;
    if !external && data_path.exists() {
        // Of the export that this one replaces.
        fs::remove_file(&data_path).map_err(|e| write_error(&data_path, &e))?;
    }
    Ok(ExportReport {
        architecture: graph.name.clone(),
        graph: out.to_owned(),
        graph_bytes,
        data: external.then_some(data_path),
        data_bytes,
        nodes: graph.nodes.len(),
        parameters: weights().map(Initializer::elements).sum(),
        opset: OPSET,
    })
}

/// Writes the graph to `out` and, where it is given, the weights to `data_path`. Returns the sizes of both
/// files.
fn stream(graph: &Graph, tensors: &Tensors, out: &Path, data_path: Option<&PathBuf>) -> Result<(u64, u64)> {
    let places = places(graph, data_path);
    let graph_bytes = size(graph, &places);

    let mut data = data_path.map(|path| PartialFile::create(path)).transpose()?;
    let mut file = BufWriter::new(PartialFile::create(out)?);
    let failed = |e| write_error(out, &e);
    let initializers = places.iter().zip(&graph.initializers).map(|(p, i)| length(i, p)).sum();
    file.write_all(&proto::model(graph, initializers).0).map_err(failed)?;
    let mut data_bytes = 0;
    for (initializer, place) in graph.initializers.iter().zip(&places) {
        file.write_all(&proto::initializer(initializer, place).0).map_err(failed)?;
        match (place, &mut data) {
            (Place::External { offset, .. }, Some(data)) => {
                let path = data.target().to_owned();
                let failed = |e| write_error(&path, &e);
                data.seek(SeekFrom::Start(*offset)).map_err(failed)?;
                data_bytes = offset + initializer.bytes();
                let mut data = BufWriter::new(data);
                elements(initializer, tensors, &mut data, &path)?;
                data.flush().map_err(failed)?;
            }
            _ => elements(initializer, tensors, &mut file, out)?,
        }
    }
    let file = file.into_inner().map_err(|e| write_error(out, e.error()))?;
    // The graph last: it is what makes the data findable.
    data.map(PartialFile::commit).transpose()?;
    file.commit().inspect_err(|_| {
        if let Some(path) = data_path {
            let _ = fs::remove_file(path);
        }
    })?;
    Ok((graph_bytes, data_bytes))
}

/// The file for the weights of the graph `out`, named as Optimum does.
fn beside(out: &Path) -> Result<PathBuf> {
    let name = out.file_name().ok_or_else(|| {
        Error::config(format!("{} names no file", out.display())).hint("for example onnx/model.onnx")
    })?;
    let mut name = name.to_owned();
    name.push("_data");
    Ok(out.with_file_name(name))
}

/// Where each initialiser goes: weights to `data`, where there is one; constants stay in the graph.
fn places(graph: &Graph, data: Option<&PathBuf>) -> Vec<Place> {
    let file = data.and_then(|path| path.file_name()).map(|name| name.to_string_lossy().into_owned());
    let mut end = 0u64;
    let place = |initializer: &Initializer| match (&file, &initializer.data) {
        (Some(file), Data::Weight { .. }) => {
            let offset = end.next_multiple_of(PAGE);
            end = offset + initializer.bytes();
            Place::External { file: file.clone(), offset }
        }
        _ => Place::Inline,
    };
    graph.initializers.iter().map(place).collect()
}

/// Bytes of an initialiser in the graph's file.
fn length(initializer: &Initializer, place: &Place) -> u64 {
    let elements = if *place == Place::Inline { initializer.bytes() } else { 0 };
    proto::initializer(initializer, place).0.len() as u64 + elements
}

/// Bytes of the graph's file.
fn size(graph: &Graph, places: &[Place]) -> u64 {
    let initializers = places.iter().zip(&graph.initializers).map(|(p, i)| length(i, p)).sum();
    proto::model(graph, initializers).0.len() as u64 + initializers
}

/// Writes the elements of an initialiser, little-endian.
fn elements(initializer: &Initializer, tensors: &Tensors, to: &mut impl Write, path: &Path) -> Result<()> {
    let failed = |e| write_error(path, &e);
    match &initializer.data {
        Data::I64(values) => {
            values.iter().try_for_each(|value| to.write_all(&value.to_le_bytes())).map_err(failed)
        }
        Data::F32(values) => floats(values.iter().copied(), to).map_err(failed),
        Data::Weight { tensor: name, transpose: false } if is_f32(initializer, tensors, name) => {
            // As it is, in parts: a vocabulary of XLM-R is a gigabyte.
            let size = usize::try_from(initializer.bytes()).unwrap_or(usize::MAX);
            for start in (0..size).step_by(PART) {
                let part = tensors.read_range(name, start..size.min(start + PART))?;
                to.write_all(&part).map_err(failed)?;
            }
            Ok(())
        }
        Data::Weight { tensor: name, transpose } => {
            let values = tensors.read(name)?.to_f32().map_err(|mut e| {
                e.message = format!("tensor `{name}`: {}", e.message);
                e
            })?;
            // The dimensions are the graph's: the tensor's rows are its columns.
            let columns = if *transpose { initializer.dims.first().copied().unwrap_or(1) } else { 1 };
            let turned = (0..columns).flat_map(|c| values.iter().skip(c).step_by(columns).copied());
            floats(turned, to).map_err(failed)
        }
    }
}

/// Whether the tensor can be written byte for byte.
fn is_f32(initializer: &Initializer, tensors: &Tensors, name: &str) -> bool {
    // The shape was compared when the graph was built; the size is what the header says beside it.
    let size = initializer.bytes();
    tensors.describe(name).is_some_and(|(dtype, _)| dtype == "F32") && tensors.bytes(name) == Some(size)
}

fn floats(values: impl Iterator<Item = f32>, to: &mut impl Write) -> std::io::Result<()> {
    let mut values = values.peekable();
    let mut bytes = Vec::with_capacity(4 * CHUNK);
    while values.peek().is_some() {
        bytes.clear();
        bytes.extend(values.by_ref().take(CHUNK).flat_map(f32::to_le_bytes));
        to.write_all(&bytes)?;
    }
    Ok(())
}
