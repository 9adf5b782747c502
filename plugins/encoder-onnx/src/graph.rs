//! Looks into an ONNX file: the initialisers whose data lie outside it, and whether it quantises
//! activations as it runs.
//!
//! ONNX is protobuf; this walks the wire format (field numbers of onnx.proto3) and skips the rest by
//! its length, so that a file of gigabytes is not read.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek};
use std::path::Path;

use clirbench_plugin::{Error, Result};

/// What matters about a graph before a session is made of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    /// The initialisers whose data lie outside the file, in its order.
    pub(crate) external: Vec<External>,
    /// Whether activations are quantised with scales of whole tensors, so of whole batches: a text's
    /// vector then depends on the texts beside it.
    pub(crate) dynamic_quantization: bool,
}

/// An initialiser with `data_location = EXTERNAL`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct External {
    /// Name in the graph.
    pub(crate) name: String,
    /// `TensorProto.DataType`.
    pub(crate) data_type: i64,
    /// Dimensions, outermost first.
    pub(crate) dims: Vec<i64>,
    /// The file that holds the data, relative to the graph's folder.
    pub(crate) location: String,
}

const MODEL_GRAPH: u64 = 7;
const GRAPH_NODE: u64 = 1;
const GRAPH_INITIALIZER: u64 = 5;
const NODE_OP_TYPE: u64 = 4;
const TENSOR_DIMS: u64 = 1;
const TENSOR_DATA_TYPE: u64 = 2;
const TENSOR_NAME: u64 = 8;
const TENSOR_EXTERNAL_DATA: u64 = 13;
const TENSOR_DATA_LOCATION: u64 = 14;
const ENTRY_KEY: u64 = 1;
const ENTRY_VALUE: u64 = 2;
const EXTERNAL: u64 = 1;
/// Names and paths are short; a longer one means that this is not an ONNX file.
const MAX_STRING: u64 = 1 << 16;

/// Looks into an ONNX file.
///
/// # Errors
/// Kind `model` when the file cannot be read or is not protobuf.
pub(crate) fn inspect(path: &Path) -> Result<Summary> {
    let damaged = |e: io::Error| {
        Error::model(format!("{}: {e}", path.display()))
            .hint("export or download the file again; it looks damaged")
    };
    let file = File::open(path).map_err(|e| Error::model(format!("cannot read {}: {e}", path.display())))?;
    let end = file.metadata().map_err(damaged)?.len();
    scan(&mut Wire { inner: BufReader::new(file), at: 0 }, end).map_err(damaged)
}

fn scan<R: BufRead + Seek>(wire: &mut Wire<R>, end: u64) -> io::Result<Summary> {
    let mut summary = Summary::default();
    let mut graphs = 0;
    while let Some((field, kind)) = wire.key(end)? {
        if (field, kind) != (MODEL_GRAPH, LENGTH) {
            wire.skip(kind, end)?;
            continue;
        }
        graphs += 1;
        let graph_end = wire.end(end)?;
        while let Some((field, kind)) = wire.key(graph_end)? {
            match (field, kind) {
                (GRAPH_NODE, LENGTH) => {
                    let node_end = wire.end(graph_end)?;
                    summary.dynamic_quantization |= operator(wire, node_end)?.starts_with("DynamicQuantize");
                }
                (GRAPH_INITIALIZER, LENGTH) => {
                    let tensor_end = wire.end(graph_end)?;
                    summary.external.extend(tensor(wire, tensor_end)?);
                }
                _ => wire.skip(kind, graph_end)?,
            }
        }
    }
    if graphs == 0 {
        return Err(invalid("no graph: not an ONNX file"));
    }
    Ok(summary)
}

fn operator<R: BufRead + Seek>(wire: &mut Wire<R>, end: u64) -> io::Result<String> {
    let mut operator = String::new();
    while let Some((field, kind)) = wire.key(end)? {
        if (field, kind) == (NODE_OP_TYPE, LENGTH) {
            operator = wire.string(end)?;
        } else {
            wire.skip(kind, end)?;
        }
    }
    Ok(operator)
}

fn tensor<R: BufRead + Seek>(wire: &mut Wire<R>, end: u64) -> io::Result<Option<External>> {
    let mut tensor = External::default();
    let mut external = false;
    while let Some((field, kind)) = wire.key(end)? {
        match (field, kind) {
            (TENSOR_DIMS, VARINT) => tensor.dims.push(wire.varint()?.cast_signed()),
            (TENSOR_DIMS, LENGTH) => {
                let packed = wire.end(end)?;
                while wire.at < packed {
                    tensor.dims.push(wire.varint()?.cast_signed());
                }
            }
            (TENSOR_DATA_TYPE, VARINT) => tensor.data_type = wire.varint()?.cast_signed(),
            (TENSOR_NAME, LENGTH) => tensor.name = wire.string(end)?,
            (TENSOR_DATA_LOCATION, VARINT) => external = wire.varint()? == EXTERNAL,
            (TENSOR_EXTERNAL_DATA, LENGTH) => {
                let entry_end = wire.end(end)?;
                let (mut key, mut value) = (String::new(), String::new());
                while let Some((field, kind)) = wire.key(entry_end)? {
                    match (field, kind) {
                        (ENTRY_KEY, LENGTH) => key = wire.string(entry_end)?,
                        (ENTRY_VALUE, LENGTH) => value = wire.string(entry_end)?,
                        _ => wire.skip(kind, entry_end)?,
                    }
                }
                if key == "location" {
                    tensor.location = value;
                }
            }
            _ => wire.skip(kind, end)?,
        }
    }
    Ok(external.then_some(tensor))
}

const VARINT: u64 = 0;
const FIXED64: u64 = 1;
const LENGTH: u64 = 2;
const FIXED32: u64 = 5;

/// A protobuf stream and how far it has been read.
struct Wire<R> {
    inner: R,
    at: u64,
}

impl<R: BufRead + Seek> Wire<R> {
    /// The next field number and wire type, or `None` at the end of the message.
    fn key(&mut self, end: u64) -> io::Result<Option<(u64, u64)>> {
        if self.at == end {
            return Ok(None);
        }
        if self.at > end {
            return Err(invalid("a field runs past the end of its message"));
        }
        let key = self.varint()?;
        Ok(Some((key >> 3, key & 7)))
    }

    fn varint(&mut self) -> io::Result<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let mut byte = [0];
            self.inner.read_exact(&mut byte)?;
            self.at += 1;
            value |= u64::from(byte[0] & 0x7f) << shift;
            if byte[0] < 0x80 {
                return Ok(value);
            }
        }
        Err(invalid("a number of more than 64 bits"))
    }

    /// Reads a length; returns where the field ends.
    fn end(&mut self, outer: u64) -> io::Result<u64> {
        let length = self.varint()?;
        match self.at.checked_add(length) {
            Some(end) if end <= outer => Ok(end),
            _ => Err(invalid("a length runs past the end of its message")),
        }
    }

    fn string(&mut self, outer: u64) -> io::Result<String> {
        let length = self.end(outer)? - self.at;
        if length > MAX_STRING {
            return Err(invalid("a name of more than 65536 bytes"));
        }
        let mut bytes = vec![0; length as usize];
        self.inner.read_exact(&mut bytes)?;
        self.at += length;
        String::from_utf8(bytes).map_err(|_| invalid("a name that is not UTF-8"))
    }

    fn skip(&mut self, kind: u64, outer: u64) -> io::Result<()> {
        let length = match kind {
            VARINT => return self.varint().map(drop),
            FIXED64 => 8,
            FIXED32 => 4,
            LENGTH => self.end(outer)? - self.at,
            _ => return Err(invalid("an unknown wire type")),
        };
        self.inner.seek_relative(i64::try_from(length).map_err(|_| invalid("a length out of range"))?)?;
        self.at += length;
        Ok(())
    }
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn field(number: u8, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![number << 3 | 2, u8::try_from(payload.len()).expect("a short payload")];
        bytes.extend_from_slice(payload);
        bytes
    }

    fn scanned(bytes: Vec<u8>) -> io::Result<Summary> {
        let end = bytes.len() as u64;
        scan(&mut Wire { inner: Cursor::new(bytes), at: 0 }, end)
    }

    /// A model whose graph has an inline initialiser `a` and an external one `b` of shape [3, 300].
    fn model() -> Vec<u8> {
        let inline = [vec![1 << 3, 2, 2 << 3, 1], field(8, b"a"), field(9, &[0; 8])].concat();
        let location = [field(1, b"location"), field(2, b"model.safetensors")].concat();
        let offset = [field(1, b"offset"), field(2, b"0")].concat();
        let external = [
            field(1, &[3, 0xac, 0x02]),
            vec![2 << 3, 10],
            field(8, b"b"),
            field(13, &location),
            field(13, &offset),
            vec![14 << 3, 1],
        ]
        .concat();
        let graph = [field(2, b"g"), field(5, &inline), field(5, &external)].concat();
        [vec![1 << 3, 9], field(7, &graph)].concat()
    }

    #[test]
    fn external_initialisers_are_found_and_inline_ones_passed_over() {
        let expected = External {
            name: "b".into(),
            data_type: 10,
            dims: vec![3, 300],
            location: "model.safetensors".into(),
        };
        assert_eq!(
            scanned(model()).expect("a model"),
            Summary { external: vec![expected], dynamic_quantization: false }
        );
    }

    #[test]
    fn dynamic_quantisation_is_seen() {
        let node = |operator: &[u8]| field(1, &[field(1, b"x"), field(4, operator)].concat());
        let graph = |operator| field(7, &[node(b"MatMul"), node(operator)].concat());
        assert!(scanned(graph(b"DynamicQuantizeLinear")).expect("a model").dynamic_quantization);
        assert!(!scanned(graph(b"Gather")).expect("a model").dynamic_quantization);
    }

    #[test]
    fn damage_is_an_error() {
        let whole = model();
        for keep in 3..whole.len() {
            assert!(scanned(whole[..keep].to_vec()).is_err(), "cut at {keep}");
        }
        assert!(scanned(b"{\"json\": true}".to_vec()).is_err());
        assert!(scanned(Vec::new()).is_err(), "no graph");
    }
}
