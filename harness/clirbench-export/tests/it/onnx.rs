//! Reads what the tests want to know out of an ONNX file; panics on anything else, as befits a test.

/// A graph's names.
#[derive(Default, Debug)]
pub(crate) struct Graph {
    pub(crate) inputs: Vec<String>,
    pub(crate) outputs: Vec<String>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) initializers: Vec<Initializer>,
}

/// An operator.
#[derive(Default, Debug)]
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) operator: String,
    pub(crate) inputs: Vec<String>,
    pub(crate) outputs: Vec<String>,
}

/// A tensor of the graph.
#[derive(Default, Debug)]
pub(crate) struct Initializer {
    pub(crate) name: String,
    pub(crate) dims: Vec<usize>,
    /// The elements, where they are in the file.
    pub(crate) raw: Option<Vec<u8>>,
    /// Location, offset and length, where they are outside.
    pub(crate) external: Vec<(String, String)>,
}

enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

impl Field<'_> {
    fn text(&self) -> String {
        String::from_utf8(self.bytes().to_vec()).expect("UTF-8")
    }

    fn bytes(&self) -> &[u8] {
        let Field::Bytes(bytes) = self else { panic!("a number where bytes are expected") };
        bytes
    }
}

/// The fields of a message with their numbers.
fn fields(mut bytes: &[u8]) -> Vec<(u64, Field<'_>)> {
    fn varint(bytes: &mut &[u8]) -> u64 {
        let mut value = 0;
        for shift in (0..).step_by(7) {
            let (byte, rest) = bytes.split_first().expect("a whole number");
            *bytes = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if *byte < 0x80 {
                break;
            }
        }
        value
    }
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes);
        let field = match key & 7 {
            0 => Field::Number(varint(&mut bytes)),
            kind @ (2 | 5) => {
                let length = if kind == 5 { 4 } else { varint(&mut bytes) as usize };
                let (payload, rest) = bytes.split_at(length);
                bytes = rest;
                Field::Bytes(payload)
            }
            kind => panic!("wire type {kind}"),
        };
        found.push((key >> 3, field));
    }
    found
}

/// The graph of a ModelProto.
pub(crate) fn read(bytes: &[u8]) -> Graph {
    let model = fields(bytes);
    let graphs: Vec<_> = model.iter().filter(|(field, _)| *field == 7).collect();
    assert_eq!(graphs.len(), 1);
    let mut graph = Graph::default();
    for (field, value) in fields(graphs[0].1.bytes()) {
        match field {
            1 => graph.nodes.push(node(value.bytes())),
            5 => graph.initializers.push(initializer(value.bytes())),
            11 => graph.inputs.push(fields(value.bytes())[0].1.text()),
            12 => graph.outputs.push(fields(value.bytes())[0].1.text()),
            2 => {}
            other => panic!("field {other} of the graph"),
        }
    }
    graph
}

fn node(bytes: &[u8]) -> Node {
    let mut node = Node::default();
    for (field, value) in fields(bytes) {
        match field {
            1 => node.inputs.push(value.text()),
            2 => node.outputs.push(value.text()),
            3 => node.name = value.text(),
            4 => node.operator = value.text(),
            5 => {}
            other => panic!("field {other} of a node"),
        }
    }
    node
}

fn initializer(bytes: &[u8]) -> Initializer {
    let mut tensor = Initializer::default();
    for (field, value) in fields(bytes) {
        match (field, &value) {
            (1, Field::Number(dim)) => tensor.dims.push(*dim as usize),
            (2 | 14, Field::Number(_)) => {}
            (8, _) => tensor.name = value.text(),
            (9, Field::Bytes(raw)) => tensor.raw = Some(raw.to_vec()),
            (13, Field::Bytes(entry)) => {
                let entry = fields(entry);
                tensor.external.push((entry[0].1.text(), entry[1].1.text()));
            }
            (other, _) => panic!("field {other} of a tensor"),
        }
    }
    tensor
}
