//! Writes small ONNX files: the protobuf messages of onnx.proto3 that the tests need.

/// `TensorProto.DataType`.
pub(crate) const FLOAT: u64 = 1;
pub(crate) const INT32: u64 = 6;
pub(crate) const INT64: u64 = 7;
pub(crate) const FLOAT16: u64 = 10;

/// A graph under construction.
#[derive(Clone, Default)]
pub(crate) struct Graph {
    bytes: Vec<u8>,
}

impl Graph {
    /// An input of shape `[batch, tokens]`.
    pub(crate) fn input(mut self, name: &str, data_type: u64) -> Self {
        message(&mut self.bytes, 11, &value_info(name, data_type, &["batch", "tokens"]));
        self
    }

    /// An output with these symbolic dimensions.
    pub(crate) fn output(mut self, name: &str, data_type: u64, dims: &[&str]) -> Self {
        message(&mut self.bytes, 12, &value_info(name, data_type, dims));
        self
    }

    /// A float initialiser whose data are in the file.
    pub(crate) fn weights(mut self, name: &str, dims: &[u64], values: &[f32]) -> Self {
        let mut tensor = tensor(name, FLOAT, dims);
        let raw: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
        message(&mut tensor, 9, &raw);
        message(&mut self.bytes, 5, &tensor);
        self
    }

    /// A float initialiser whose data are in another file.
    pub(crate) fn external(mut self, name: &str, dims: &[u64], location: &str) -> Self {
        let mut tensor = tensor(name, FLOAT, dims);
        let length = (dims.iter().product::<u64>() * 4).to_string();
        for (key, value) in [("location", location), ("offset", "0"), ("length", &length)] {
            let mut entry = Vec::new();
            message(&mut entry, 1, key.as_bytes());
            message(&mut entry, 2, value.as_bytes());
            message(&mut tensor, 13, &entry);
        }
        number(&mut tensor, 14, 1);
        message(&mut self.bytes, 5, &tensor);
        self
    }

    /// An operator without attributes.
    pub(crate) fn node(self, operator: &str, inputs: &[&str], output: &str) -> Self {
        self.node_with(operator, inputs, output, &[])
    }

    /// An operator with integer attributes.
    pub(crate) fn node_with(
        mut self,
        operator: &str,
        inputs: &[&str],
        output: &str,
        ints: &[(&str, u64)],
    ) -> Self {
        let mut node = Vec::new();
        for input in inputs {
            message(&mut node, 1, input.as_bytes());
        }
        message(&mut node, 2, output.as_bytes());
        message(&mut node, 3, output.as_bytes());
        message(&mut node, 4, operator.as_bytes());
        for (name, value) in ints {
            let mut attribute = Vec::new();
            message(&mut attribute, 1, name.as_bytes());
            number(&mut attribute, 3, *value);
            number(&mut attribute, 20, 2);
            message(&mut node, 5, &attribute);
        }
        message(&mut self.bytes, 1, &node);
        self
    }

    /// The model file.
    pub(crate) fn model(mut self) -> Vec<u8> {
        message(&mut self.bytes, 2, b"tiny");
        let mut opset = Vec::new();
        number(&mut opset, 2, 17);
        let mut model = Vec::new();
        number(&mut model, 1, 8);
        message(&mut model, 8, &opset);
        message(&mut model, 7, &self.bytes);
        model
    }
}

fn tensor(name: &str, data_type: u64, dims: &[u64]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for dim in dims {
        number(&mut bytes, 1, *dim);
    }
    number(&mut bytes, 2, data_type);
    message(&mut bytes, 8, name.as_bytes());
    bytes
}

fn value_info(name: &str, data_type: u64, dims: &[&str]) -> Vec<u8> {
    let mut shape = Vec::new();
    for dim in dims {
        let mut symbol = Vec::new();
        message(&mut symbol, 2, dim.as_bytes());
        message(&mut shape, 1, &symbol);
    }
    let mut tensor = Vec::new();
    number(&mut tensor, 1, data_type);
    message(&mut tensor, 2, &shape);
    let mut kind = Vec::new();
    message(&mut kind, 1, &tensor);
    let mut info = Vec::new();
    message(&mut info, 1, name.as_bytes());
    message(&mut info, 2, &kind);
    info
}

fn number(bytes: &mut Vec<u8>, field: u64, value: u64) {
    varint(bytes, field << 3);
    varint(bytes, value);
}

fn message(bytes: &mut Vec<u8>, field: u64, payload: &[u8]) {
    varint(bytes, field << 3 | 2);
    varint(bytes, payload.len() as u64);
    bytes.extend_from_slice(payload);
}

fn varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}
