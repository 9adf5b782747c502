//! Puts a graph together: operators with names of their own, constants once each, weights that are
//! checked against what the architecture says about them.

use clirbench_model::Tensors;
use clirbench_plugin::{Error, Result};

use crate::graph::{Attribute, Data, Dim, Element, Graph, Initializer, Node, Port};

/// A value of the graph: what an operator put out, an input, a weight or a constant.
pub(crate) type Value = String;

/// A graph under construction.
pub(crate) struct Builder<'a> {
    graph: Graph,
    tensors: &'a Tensors,
    /// In front of the names of all tensors: `bert.` in a checkpoint with a task's head.
    prefix: &'a str,
    /// In front of the names of new operators.
    scope: String,
}

impl<'a> Builder<'a> {
    /// Begins the graph of a `model_type`. The tensors' names begin with the first of `prefixes` under
    /// which there is a tensor `probe`.
    ///
    /// # Errors
    /// Kind `model` when there is none.
    pub(crate) fn new(name: &str, tensors: &'a Tensors, prefixes: &[&'a str], probe: &str) -> Result<Self> {
        let found = prefixes.iter().find(|prefix| tensors.describe(&format!("{prefix}{probe}")).is_some());
        let prefix = found.ok_or_else(|| missing(probe))?;
        let graph = Graph { name: name.to_owned(), ..Graph::default() };
        Ok(Builder { graph, tensors, prefix, scope: String::new() })
    }

    /// The finished graph.
    pub(crate) fn finish(self) -> Graph {
        self.graph
    }

    /// Names that follow begin with `scope`.
    pub(crate) fn scope(&mut self, scope: impl Into<String>) {
        self.scope = scope.into();
    }

    /// An input `[batch, sequence]` of int64.
    pub(crate) fn input(&mut self, name: &str) -> Value {
        let dims = vec![Dim::Dynamic("batch"), Dim::Dynamic("sequence")];
        self.graph.inputs.push(Port { name: name.to_owned(), element: Element::I64, dims });
        name.to_owned()
    }

    /// Makes `value` (`[batch, sequence, hidden]`, float) the output `last_hidden_state`.
    pub(crate) fn output(&mut self, value: Value, hidden: usize) {
        let name = "last_hidden_state".to_owned();
        // The operator that made it carries the name itself.
        for node in &mut self.graph.nodes {
            for used in node.inputs.iter_mut().chain(&mut node.outputs).filter(|v| **v == value) {
                used.clone_from(&name);
            }
        }
        let dims = vec![Dim::Dynamic("batch"), Dim::Dynamic("sequence"), Dim::Fixed(hidden)];
        self.graph.outputs.push(Port { name, element: Element::F32, dims });
    }

    /// An operator with one result.
    pub(crate) fn node(&mut self, operator: &'static str, inputs: &[&Value]) -> Value {
        self.node_with(operator, inputs, vec![])
    }

    /// An operator with attributes and one result.
    pub(crate) fn node_with(
        &mut self,
        operator: &'static str,
        inputs: &[&Value],
        attributes: Vec<(&'static str, Attribute)>,
    ) -> Value {
        let name = self.name(operator);
        self.push(operator, name.clone(), inputs, vec![name.clone()], attributes);
        name
    }

    /// Cuts `x` along `axis` into `N` equal parts.
    pub(crate) fn split<const N: usize>(&mut self, x: &Value, axis: i64) -> [Value; N] {
        let name = self.name("Split");
        let parts = std::array::from_fn(|i| format!("{name}:{i}"));
        self.push("Split", name, &[x], parts.to_vec(), vec![("axis", Attribute::Int(axis))]);
        parts
    }

    fn name(&self, operator: &str) -> String {
        let separator = if self.scope.is_empty() { "" } else { "/" };
        format!("{}{separator}{operator}_{}", self.scope, self.graph.nodes.len())
    }

    fn push(
        &mut self,
        operator: &'static str,
        name: String,
        inputs: &[&Value],
        outputs: Vec<Value>,
        attributes: Vec<(&'static str, Attribute)>,
    ) {
        let inputs = inputs.iter().map(|value| (*value).clone()).collect();
        self.graph.nodes.push(Node { operator, name, inputs, outputs, attributes });
    }

    /// A one-dimensional constant.
    pub(crate) fn ints(&mut self, values: &[i64]) -> Value {
        self.constant(vec![values.len()], Data::I64(values.to_vec()))
    }

    /// A constant without dimensions.
    pub(crate) fn int(&mut self, value: i64) -> Value {
        self.constant(vec![], Data::I64(vec![value]))
    }

    /// A constant without dimensions.
    pub(crate) fn float(&mut self, value: f32) -> Value {
        self.constant(vec![], Data::F32(vec![value]))
    }

    /// A one-dimensional constant.
    pub(crate) fn floats(&mut self, values: Vec<f32>) -> Value {
        self.constant(vec![values.len()], Data::F32(values))
    }

    fn constant(&mut self, dims: Vec<usize>, data: Data) -> Value {
        let same = |i: &&Initializer| i.dims == dims && i.data == data;
        if let Some(known) = self.graph.initializers.iter().find(same) {
            return known.name.clone();
        }
        let count = self.graph.initializers.iter().filter(|i| !matches!(i.data, Data::Weight { .. })).count();
        let name = format!("constant_{count}");
        self.graph.initializers.push(Initializer { name: name.clone(), dims, data });
        name
    }

    /// The model's tensor `name`, which has to have this shape.
    ///
    /// # Errors
    /// Kind `model` when it is missing or has another shape.
    pub(crate) fn weight(&mut self, name: &str, dims: &[usize]) -> Result<Value> {
        let tensor = self.tensor(name, dims)?;
        Ok(self.add_weight(tensor.clone(), dims.to_vec(), Data::Weight { tensor, transpose: false }))
    }

    /// The full name of a tensor, checked.
    fn tensor(&self, name: &str, dims: &[usize]) -> Result<String> {
        let full = format!("{}{name}", self.prefix);
        let (_, shape) = self.tensors.describe(&full).ok_or_else(|| missing(&full))?;
        if shape != dims {
            return Err(Error::model(format!(
                "tensor `{full}` has shape {shape:?}, config.json makes it {dims:?}"
            ))
            .hint("config.json and weights have to come from the same model"));
        }
        Ok(full)
    }

    fn add_weight(&mut self, name: String, dims: Vec<usize>, data: Data) -> Value {
        self.graph.initializers.push(Initializer { name: name.clone(), dims, data });
        name
    }

    /// y = x W^T + b with the model's `{name}.weight` (`[outputs, inputs]`) and, where `bias`,
    /// `{name}.bias`.
    ///
    /// # Errors
    /// As [`Builder::weight`].
    pub(crate) fn linear(
        &mut self,
        x: &Value,
        name: &str,
        (inputs, outputs): (usize, usize),
        bias: bool,
    ) -> Result<Value> {
        let tensor = self.tensor(&format!("{name}.weight"), &[outputs, inputs])?;
        // Not the tensor's own name: whoever binds weights by name must not take one for the other.
        let turned = format!("{tensor}.transposed");
        let weight = self.add_weight(turned, vec![inputs, outputs], Data::Weight { tensor, transpose: true });
        let product = self.node("MatMul", &[x, &weight]);
        if !bias {
            return Ok(product);
        }
        let bias = self.weight(&format!("{name}.bias"), &[outputs])?;
        Ok(self.node("Add", &[&product, &bias]))
    }

    /// Layer normalisation over the last dimension with the model's `{name}.weight` and, where `bias`,
    /// `{name}.bias`; checkpoints that TensorFlow wrote call them gamma and beta.
    ///
    /// # Errors
    /// As [`Builder::weight`].
    pub(crate) fn layer_norm(
        &mut self,
        x: &Value,
        name: &str,
        size: usize,
        epsilon: f32,
        bias: bool,
    ) -> Result<Value> {
        let gamma = format!("{name}.gamma");
        let old = self.tensors.describe(&format!("{}{gamma}", self.prefix)).is_some();
        let (scale, shift) = if old { ("gamma", "beta") } else { ("weight", "bias") };
        let mut inputs = vec![x.clone(), self.weight(&format!("{name}.{scale}"), &[size])?];
        if bias {
            inputs.push(self.weight(&format!("{name}.{shift}"), &[size])?);
        }
        let inputs: Vec<&Value> = inputs.iter().collect();
        let attributes = vec![("axis", Attribute::Int(-1)), ("epsilon", Attribute::Float(epsilon))];
        Ok(self.node_with("LayerNormalization", &inputs, attributes))
    }

    /// `x` with dimensions of size 1 at `axes`.
    pub(crate) fn unsqueeze(&mut self, x: &Value, axes: &[i64]) -> Value {
        let axes = self.ints(axes);
        self.node("Unsqueeze", &[x, &axes])
    }

    /// `x` in elements of another type.
    pub(crate) fn cast(&mut self, x: &Value, to: Element) -> Value {
        self.node_with("Cast", &[x], vec![("to", Attribute::Int(to as i64))])
    }

    /// An activation by the name that config.json has for it.
    ///
    /// # Errors
    /// Kind `model` for one that cannot be exported.
    pub(crate) fn activation(&mut self, name: &str, x: &Value) -> Result<Value> {
        match name {
            // x (1 + erf(x / sqrt 2)) / 2, in the order of operations that ONNX Runtime fuses.
            "gelu" => {
                let root = self.float(std::f32::consts::SQRT_2);
                let scaled = self.node("Div", &[x, &root]);
                let erf = self.node("Erf", &[&scaled]);
                self.gelu(x, &erf)
            }
            // x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2 (Hendrycks and Gimpel 2016).
            "gelu_new" | "gelu_fast" | "gelu_pytorch_tanh" => {
                let (three, cubic) = (self.float(3.0), self.float(0.044715));
                let slope = self.float((2.0 / std::f32::consts::PI).sqrt());
                let cube = self.node("Pow", &[x, &three]);
                let cube = self.node("Mul", &[&cube, &cubic]);
                let sum = self.node("Add", &[x, &cube]);
                let scaled = self.node("Mul", &[&sum, &slope]);
                let tanh = self.node("Tanh", &[&scaled]);
                self.gelu(x, &tanh)
            }
            "relu" => Ok(self.node("Relu", &[x])),
            "silu" | "swish" => {
                let gate = self.node("Sigmoid", &[x]);
                Ok(self.node("Mul", &[x, &gate]))
            }
            _ => Err(Error::model(format!("activation `{name}` cannot be exported"))
                .hint("gelu, gelu_new, gelu_fast, gelu_pytorch_tanh, relu and silu can")),
        }
    }

    /// x (1 + s) / 2.
    fn gelu(&mut self, x: &Value, s: &Value) -> Result<Value> {
        let (one, half) = (self.float(1.0), self.float(0.5));
        let sum = self.node("Add", &[s, &one]);
        let product = self.node("Mul", &[x, &sum]);
        Ok(self.node("Mul", &[&product, &half]))
    }
}

/// The dimensions of multi-head attention.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Heads {
    /// How many.
    pub(crate) count: usize,
    /// Components of each.
    pub(crate) size: usize,
}

impl Heads {
    /// Divides `hidden` among `count` heads.
    ///
    /// # Errors
    /// Kind `model` when that does not come out even.
    pub(crate) fn of(hidden: usize, count: usize) -> Result<Self> {
        match hidden.checked_div(count) {
            Some(size) if size * count == hidden && size > 0 => Ok(Heads { count, size }),
            _ => Err(Error::model(format!("{hidden} components cannot be divided among {count} heads"))
                .hint("check hidden_size and num_attention_heads in config.json")),
        }
    }
}

impl Builder<'_> {
    /// `[batch, sequence, hidden]` to `[batch, heads, sequence, size]`.
    pub(crate) fn split_heads(&mut self, x: &Value, heads: Heads) -> Value {
        let shape = self.ints(&[0, 0, heads.count as i64, heads.size as i64]);
        let apart = self.node("Reshape", &[x, &shape]);
        self.transpose(&apart, &[0, 2, 1, 3])
    }

    /// softmax(q k^T / sqrt(size) + mask) v (Vaswani et al. 2017, eq. 1), heads joined again. `query`,
    /// `key` and `value` are `[batch, heads, sequence, size]`; `mask` is broadcast to `[batch, heads,
    /// sequence, sequence]` and added.
    pub(crate) fn attention(
        &mut self,
        query: &Value,
        key: &Value,
        value: &Value,
        mask: &Value,
        heads: Heads,
    ) -> Value {
        let key = self.transpose(key, &[0, 1, 3, 2]);
        let products = self.node("MatMul", &[query, &key]);
        let root = self.float((heads.size as f32).sqrt());
        let scaled = self.node("Div", &[&products, &root]);
        let masked = self.node("Add", &[&scaled, mask]);
        let weights = self.node_with("Softmax", &[&masked], vec![("axis", Attribute::Int(-1))]);
        let mixed = self.node("MatMul", &[&weights, value]);
        let joined = self.transpose(&mixed, &[0, 2, 1, 3]);
        let shape = self.ints(&[0, 0, (heads.count * heads.size) as i64]);
        self.node("Reshape", &[&joined, &shape])
    }

    fn transpose(&mut self, x: &Value, permutation: &[i64]) -> Value {
        self.node_with("Transpose", &[x], vec![("perm", Attribute::Ints(permutation.to_vec()))])
    }
}

fn missing(name: &str) -> Error {
    Error::model(format!("the weights have no tensor `{name}`"))
        .hint("the weights have to come from the architecture that config.json names")
}
