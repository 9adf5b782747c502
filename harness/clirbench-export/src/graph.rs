//! A graph of operators in memory. Weights are named, not held.

/// A graph that can be written as ONNX.
#[derive(Clone, Debug, Default)]
pub(crate) struct Graph {
    /// `model_type` of the model.
    pub(crate) name: String,
    /// What is fed, in order.
    pub(crate) inputs: Vec<Port>,
    /// What comes out, in order.
    pub(crate) outputs: Vec<Port>,
    /// Operators, each after those whose results it uses.
    pub(crate) nodes: Vec<Node>,
    /// Weights and constants.
    pub(crate) initializers: Vec<Initializer>,
}

/// An input or output of the graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Port {
    pub(crate) name: String,
    pub(crate) element: Element,
    pub(crate) dims: Vec<Dim>,
}

/// A dimension of a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Dim {
    /// Differs from run to run; equal names are equal sizes.
    Dynamic(&'static str),
    /// Always this.
    Fixed(usize),
}

/// The types of elements that occur; the numbers are those of `TensorProto.DataType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Element {
    F32 = 1,
    I64 = 7,
    Bool = 9,
}

/// One operator of the default operator set.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) operator: &'static str,
    /// Unique in the graph.
    pub(crate) name: String,
    pub(crate) inputs: Vec<String>,
    pub(crate) outputs: Vec<String>,
    pub(crate) attributes: Vec<(&'static str, Attribute)>,
}

/// A constant of an operator.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Attribute {
    Int(i64),
    Float(f32),
    Ints(Vec<i64>),
}

/// A tensor that is part of the graph.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Initializer {
    /// Unique in the graph.
    pub(crate) name: String,
    /// Dimensions as the graph sees them, outermost first.
    pub(crate) dims: Vec<usize>,
    pub(crate) data: Data,
}

/// Where an initialiser's elements come from.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Data {
    /// Part of the architecture; small.
    F32(Vec<f32>),
    /// The same.
    I64(Vec<i64>),
    /// A tensor of the model, stored as f32.
    Weight {
        /// Its name in the safetensors files.
        tensor: String,
        /// Whether the matrix is turned: PyTorch's Linear holds `[out, in]`, MatMul takes `[in, out]`.
        transpose: bool,
    },
}

impl Initializer {
    /// Number of elements.
    pub(crate) fn elements(&self) -> u64 {
        self.dims.iter().map(|d| *d as u64).product()
    }

    /// Type of the elements in the graph.
    pub(crate) fn element(&self) -> Element {
        if matches!(self.data, Data::I64(_)) { Element::I64 } else { Element::F32 }
    }

    /// Size of the elements.
    pub(crate) fn bytes(&self) -> u64 {
        self.elements() * if self.element() == Element::I64 { 8 } else { 4 }
    }
}
