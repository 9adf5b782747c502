//! The Dense module of sentence-transformers: a linear layer and an activation on the pooled vector.

use clirbench_plugin::{Error, Host, Result};
use serde::Deserialize;

use crate::files::{ModelFiles, join};
use crate::safetensors::Tensors;

/// y = activation(W x + b).
#[derive(Clone, Debug)]
pub struct Dense {
    folder: String,
    weight: Vec<f32>,
    bias: Option<Vec<f32>>,
    inputs: usize,
    activation: Activation,
}

/// Activations that models are published with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// x
    Identity,
    /// tanh(x)
    Tanh,
    /// max(x, 0)
    Relu,
    /// 1 / (1 + exp(-x))
    Sigmoid,
    /// x / (1 + exp(-x))
    Silu,
}

impl Activation {
    /// Reads the class path that a Dense config holds (`torch.nn.modules.activation.Tanh`).
    ///
    /// # Errors
    /// Kind `model` for a class that is not among the variants.
    pub fn parse(class: &str) -> Result<Self> {
        Ok(match class.rsplit('.').next().unwrap_or_default() {
            "Identity" => Activation::Identity,
            "Tanh" => Activation::Tanh,
            "ReLU" => Activation::Relu,
            "Sigmoid" => Activation::Sigmoid,
            "SiLU" => Activation::Silu,
            _ => {
                return Err(Error::model(format!("Dense module with activation `{class}`"))
                    .hint("Identity, Tanh, ReLU, Sigmoid and SiLU are supported"));
            }
        })
    }

    /// The function's value at `x`.
    pub fn apply(self, x: f32) -> f32 {
        match self {
            Activation::Identity => x,
            Activation::Tanh => x.tanh(),
            Activation::Relu => x.max(0.0),
            Activation::Sigmoid => 1.0 / (1.0 + (-x).exp()),
            Activation::Silu => x / (1.0 + (-x).exp()),
        }
    }
}

#[derive(Deserialize)]
struct DenseConfig {
    in_features: usize,
    out_features: usize,
    #[serde(default = "default_bias")]
    bias: bool,
    #[serde(default = "default_activation")]
    activation_function: String,
    module_input_name: Option<String>,
    module_output_name: Option<String>,
}

fn default_bias() -> bool {
    true
}

fn default_activation() -> String {
    "torch.nn.modules.activation.Tanh".into()
}

impl Dense {
    /// Reads the module in `folder` (`2_Dense`).
    ///
    /// # Errors
    /// Kind `model`: a missing or damaged file, weights only in pickle format, a shape that the
    /// config does not announce, or a layer that works on tokens.
    pub fn read(files: &mut ModelFiles, folder: &str) -> Result<Self> {
        let config: DenseConfig = files.json(&join(folder, "config.json"))?;
        for name in [&config.module_input_name, &config.module_output_name].into_iter().flatten() {
            if name != "sentence_embedding" {
                return Err(Error::model(format!("{folder}: a Dense module on `{name}`"))
                    .hint("only Dense modules on the sentence embedding are supported"));
            }
        }
        let weights = join(folder, "model.safetensors");
        if !files.path(&weights).is_file() && files.path(&join(folder, "pytorch_model.bin")).is_file() {
            return Err(Error::model(format!("{folder} has its weights as pytorch_model.bin only"))
                .hint("save the model again with sentence-transformers, which writes safetensors"));
        }
        let tensors = Tensors::open(&files.path(&weights))?;
        files.note(&weights);
        let weight = tensors.read("linear.weight")?;
        if weight.shape != [config.out_features, config.in_features] {
            return Err(Error::model(format!(
                "{weights}: linear.weight has shape {:?}, its config says [{}, {}]",
                weight.shape, config.out_features, config.in_features
            ))
            .hint("copy config and weights of the module from the same model"));
        }
        let bias = config.bias.then(|| tensors.read("linear.bias")?.to_f32()).transpose()?;
        let activation = Activation::parse(&config.activation_function)?;
        let layer = Dense::new(weight.to_f32()?, bias, config.in_features, activation)?;
        Ok(Dense { folder: folder.to_owned(), ..layer })
    }

    /// A layer from its weight (row-major `[outputs, inputs]`) and bias (`[outputs]`).
    ///
    /// # Errors
    /// Kind `model` when the sizes do not fit each other.
    pub fn new(
        weight: Vec<f32>,
        bias: Option<Vec<f32>>,
        inputs: usize,
        activation: Activation,
    ) -> Result<Self> {
        let outputs = weight.len().checked_div(inputs).unwrap_or(0);
        let biases = bias.as_ref().map_or(outputs, Vec::len);
        if outputs == 0 || weight.len() != inputs * outputs || biases != outputs {
            return Err(Error::model(format!(
                "a Dense layer of {inputs} inputs with {} weights and {biases} biases",
                weight.len(),
            )));
        }
        Ok(Dense { folder: String::new(), weight, bias, inputs, activation })
    }

    /// Takes the host's weights where it has others than the files: see [`Host::weights`].
    ///
    /// # Errors
    /// As [`Host::weights`].
    pub(crate) fn take_weights(&mut self, host: &Host) -> Result<()> {
        host.weights(&join(&self.folder, "linear.weight"), &mut self.weight)?;
        let bias = self.bias.as_mut();
        bias.map_or(Ok(false), |bias| host.weights(&join(&self.folder, "linear.bias"), bias))?;
        Ok(())
    }

    /// The module's folder in its model directory (`2_Dense`); empty for a layer that was not read.
    pub fn folder(&self) -> &str {
        &self.folder
    }

    /// W, row-major `[outputs, inputs]`; `linear.weight` in the folder's model.safetensors.
    pub fn weight(&self) -> &[f32] {
        &self.weight
    }

    /// b, `[outputs]`, where the layer has one; `linear.bias` in the folder's model.safetensors.
    pub fn bias(&self) -> Option<&[f32]> {
        self.bias.as_deref()
    }

    /// What is applied to W x + b.
    pub fn activation(&self) -> Activation {
        self.activation
    }

    /// Length of the input vector.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Length of the output vector.
    pub fn outputs(&self) -> usize {
        self.weight.len() / self.inputs
    }

    /// Applies the layer to a vector of [`Dense::inputs`] elements.
    pub fn apply(&self, x: &[f32]) -> Vec<f32> {
        let mut y: Vec<f32> = self
            .weight
            .chunks_exact(self.inputs)
            .map(|row| row.iter().zip(x).map(|(w, x)| w * x).sum())
            .collect();
        for (y, b) in y.iter_mut().zip(self.bias.iter().flatten()) {
            *y += b;
        }
        y.into_iter().map(|y| self.activation.apply(y)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_on_numbers_worked_out_by_hand() {
        let weight = vec![1.0, 2.0, -1.0, 0.5, 0.0, 3.0];
        let layer =
            |activation| Dense::new(weight.clone(), Some(vec![0.5, -4.0]), 3, activation).expect("sizes fit");
        let x = [2.0, 1.0, 3.0];
        // 2 + 2 - 3 + 0.5 = 1.5 and 1 + 0 + 9 - 4 = 6
        assert_eq!(layer(Activation::Identity).apply(&x), [1.5, 6.0]);
        assert_eq!(layer(Activation::Tanh).apply(&x), [1.5f32.tanh(), 6f32.tanh()]);
        assert_eq!(layer(Activation::Relu).apply(&[0.0, 0.0, 1.0]), [0.0, 0.0]);
        assert_eq!(layer(Activation::Sigmoid).apply(&[0.0, 0.0, 0.5]), [0.5, 1.0 / (1.0 + 2.5f32.exp())]);
        assert_eq!(layer(Activation::Silu).apply(&[0.0, 0.0, 0.5])[0], 0.0);
        let bare = Dense::new(weight.clone(), None, 3, Activation::Identity).expect("sizes fit");
        assert_eq!(bare.apply(&x), [1.0, 10.0]);
        assert_eq!((bare.outputs(), bare.bias()), (2, None));
    }

    #[test]
    fn activations_are_read_by_class_and_refused_by_name() {
        assert_eq!(
            Activation::parse("torch.nn.modules.linear.Identity").expect("known"),
            Activation::Identity
        );
        let error = Activation::parse("torch.nn.modules.activation.Softplus").expect_err("unknown");
        assert!(error.message.contains("Softplus"), "{}", error.message);
        let sizes = [(5, Some(2)), (6, Some(3)), (5, None), (0, None)];
        for (weights, biases) in sizes {
            let bias = biases.map(|n| vec![0.0; n]);
            assert!(
                Dense::new(vec![1.0; weights], bias, 3, Activation::Tanh).is_err(),
                "{weights}, {biases:?}"
            );
        }
    }
}
