//! ONNX's protobuf messages as bytes: the part of onnx.proto3 that a graph of ours needs.
//!
//! The numbers are those of the fields in onnx.proto3. Messages are short, except for the elements of
//! weights, whose place is only announced here: they are streamed behind it.

use crate::graph::{Attribute, Dim, Graph, Initializer, Node, Port};

/// Version of the operator set: 17 is the first with LayerNormalization.
pub(crate) const OPSET: u64 = 17;
/// Version of the format that came with it.
const IR_VERSION: u64 = 8;

const VARINT: u64 = 0;
const LENGTH: u64 = 2;
const FIXED32: u64 = 5;

/// A message that grows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Message(pub(crate) Vec<u8>);

impl Message {
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn number(&mut self, field: u64, value: u64) {
        self.varint(field << 3 | VARINT);
        self.varint(value);
    }

    fn float(&mut self, field: u64, value: f32) {
        self.varint(field << 3 | FIXED32);
        self.0.extend(value.to_le_bytes());
    }

    fn bytes(&mut self, field: u64, payload: &[u8]) {
        self.announce(field, payload.len() as u64);
        self.0.extend(payload);
    }

    fn string(&mut self, field: u64, text: &str) {
        self.bytes(field, text.as_bytes());
    }

    fn message(&mut self, field: u64, message: &Message) {
        self.bytes(field, &message.0);
    }

    /// The beginning of a field whose `length` bytes follow elsewhere.
    fn announce(&mut self, field: u64, length: u64) {
        self.varint(field << 3 | LENGTH);
        self.varint(length);
    }
}

/// Where an initialiser's elements are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Behind the bytes of [`initializer`].
    Inline,
    /// In a file beside the graph.
    External {
        /// The file's name.
        file: String,
        /// Where they begin in it.
        offset: u64,
    },
}

/// The beginning of a ModelProto, up to and including the announcement of a graph of which everything but
/// `initializers` bytes of initialisers is here.
pub(crate) fn model(graph: &Graph, initializers: u64) -> Message {
    let mut body = Message::default();
    graph.nodes.iter().for_each(|n| body.message(1, &node(n)));
    body.string(2, &graph.name);
    graph.inputs.iter().for_each(|p| body.message(11, &port(p)));
    graph.outputs.iter().for_each(|p| body.message(12, &port(p)));

    let mut opset = Message::default();
    opset.string(1, "");
    opset.number(2, OPSET);
    let mut model = Message::default();
    model.number(1, IR_VERSION);
    model.string(2, "clirbench");
    model.message(8, &opset);
    model.announce(7, body.0.len() as u64 + initializers);
    model.0.extend(body.0);
    model
}

/// A TensorProto as a field of its graph; where it is inline, its elements have to follow.
pub(crate) fn initializer(tensor: &Initializer, place: &Place) -> Message {
    let mut body = Message::default();
    tensor.dims.iter().for_each(|d| body.number(1, *d as u64));
    body.number(2, tensor.element() as u64);
    body.string(8, &tensor.name);
    let elements = tensor.bytes();
    let inline = match place {
        Place::Inline => {
            body.announce(9, elements);
            elements
        }
        Place::External { file, offset } => {
            for (key, value) in
                [("location", file.clone()), ("offset", offset.to_string()), ("length", elements.to_string())]
            {
                let mut entry = Message::default();
                entry.string(1, key);
                entry.string(2, &value);
                body.message(13, &entry);
            }
            body.number(14, 1);
            0
        }
    };
    let mut field = Message::default();
    field.announce(5, body.0.len() as u64 + inline);
    field.0.extend(body.0);
    field
}

fn node(node: &Node) -> Message {
    let mut message = Message::default();
    node.inputs.iter().for_each(|name| message.string(1, name));
    node.outputs.iter().for_each(|name| message.string(2, name));
    message.string(3, &node.name);
    message.string(4, node.operator);
    for (name, value) in &node.attributes {
        let mut attribute = Message::default();
        attribute.string(1, name);
        let kind = match value {
            Attribute::Float(value) => {
                attribute.float(2, *value);
                1
            }
            Attribute::Int(value) => {
                attribute.number(3, value.cast_unsigned());
                2
            }
            Attribute::Ints(values) => {
                values.iter().for_each(|value| attribute.number(8, value.cast_unsigned()));
                7
            }
        };
        attribute.number(20, kind);
        message.message(5, &attribute);
    }
    message
}

/// A ValueInfoProto.
fn port(port: &Port) -> Message {
    let mut shape = Message::default();
    for dim in &port.dims {
        let mut message = Message::default();
        match dim {
            Dim::Fixed(size) => message.number(1, *size as u64),
            Dim::Dynamic(name) => message.string(2, name),
        }
        shape.message(1, &message);
    }
    let mut tensor = Message::default();
    tensor.number(1, port.element as u64);
    tensor.message(2, &shape);
    let mut kind = Message::default();
    kind.message(1, &tensor);
    let mut message = Message::default();
    message.string(1, &port.name);
    message.message(2, &kind);
    message
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Data;

    #[test]
    fn numbers_are_varints_of_seven_bits() {
        let mut message = Message::default();
        message.number(1, 300);
        message.number(20, u64::MAX);
        let ten = [&[0xff; 9][..], &[1]].concat();
        assert_eq!(message.0, [&[0x08, 0xac, 0x02, 0xa0, 0x01][..], &ten].concat());
    }

    #[test]
    fn an_inline_initialiser_announces_its_elements_and_an_external_one_names_its_file() {
        let tensor = Initializer { name: "w".into(), dims: vec![1, 2], data: Data::F32(vec![0.0; 2]) };
        let body = [&[0x08, 1, 0x08, 2, 0x10, 1, 0x42, 1, b'w'][..], &[0x4a, 8]].concat();
        let expected = [&[0x2a, body.len() as u8 + 8][..], &body].concat();
        assert_eq!(initializer(&tensor, &Place::Inline).0, expected);
        let place = Place::External { file: "m_data".into(), offset: 4096 };
        let external = initializer(&tensor, &place).0;
        let text = String::from_utf8_lossy(&external);
        assert!(
            text.contains("m_data") && text.contains("4096") && external.ends_with(&[0x70, 1]),
            "{text:?}"
        );
    }
}
