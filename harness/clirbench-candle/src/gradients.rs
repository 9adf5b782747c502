//! Gradients of a model's parameters, summed over backward passes.

use candle_core::{DType, Device, Tensor};
use clirbench_plugin::Result;

use crate::cpu;
use crate::error::candle;
use crate::parameters::Parameter;

/// The gradient of one parameter, f32.
#[derive(Debug)]
pub enum Gradient {
    /// Of the parameter's shape.
    Dense(Tensor),
    /// Of some rows of a table; the others have none.
    Rows {
        /// The rows' indices, ascending.
        ids: Vec<u32>,
        /// `[ids, columns]`.
        rows: Tensor,
    },
}

impl Gradient {
    /// The tensor that holds the numbers.
    #[must_use]
    pub fn values(&self) -> &Tensor {
        match self {
            Gradient::Dense(tensor) | Gradient::Rows { rows: tensor, .. } => tensor,
        }
    }
}

/// Gradients of all parameters of a model, in the order of [`Model::parameters`](crate::Model::parameters);
/// [`Model::backward`](crate::Model::backward) adds to them.
#[derive(Debug)]
pub struct Gradients {
    names: Vec<String>,
    slots: Vec<Option<Gradient>>,
    /// Memory of dense gradients on the CPU that were cleared.
    spare: Vec<Option<Tensor>>,
}

impl Gradients {
    pub(crate) fn new(names: Vec<String>) -> Self {
        let slots = names.iter().map(|_| None).collect();
        let spare = vec![None; names.len()];
        Gradients { names, slots, spare }
    }

    /// The parameters' names.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The gradient of the parameter `index`; `None` where no backward pass reached it.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&Gradient> {
        self.slots.get(index).and_then(Option::as_ref)
    }

    /// Whether no backward pass reached the parameter `name`.
    #[must_use]
    pub fn is_missing(&self, name: &str) -> bool {
        self.names.iter().position(|n| n == name).is_none_or(|index| self.slots[index].is_none())
    }

    /// Names of the parameters that no backward pass reached.
    #[must_use]
    pub fn missing(&self) -> Vec<&str> {
        let pairs = self.names.iter().zip(&self.slots);
        pairs.filter(|(_, slot)| slot.is_none()).map(|(name, _)| name.as_str()).collect()
    }

    /// The Euclidean norm over all gradients, summed in f64.
    ///
    /// # Errors
    /// When a device fails.
    pub fn norm(&self) -> Result<f64> {
        let mut sum = 0.0;
        for gradient in self.slots.iter().flatten() {
            sum += squares(gradient.values()).map_err(candle)?;
        }
        Ok(sum.sqrt())
    }

    /// Multiplies all gradients, in place on a CPU.
    ///
    /// # Errors
    /// When a device fails.
    pub fn scale(&mut self, factor: f64) -> Result<()> {
        for gradient in self.slots.iter_mut().flatten() {
            let (Gradient::Dense(tensor) | Gradient::Rows { rows: tensor, .. }) = gradient;
            if tensor.device().is_cpu() {
                cpu::update(tensor, |values| values.iter_mut().for_each(|v| *v *= factor as f32))
                    .map_err(candle)?;
            } else {
                *tensor = tensor.affine(factor, 0.0).map_err(candle)?;
            }
        }
        Ok(())
    }

    /// Forgets all gradients; the next pass uses their memory again.
    pub fn clear(&mut self) {
        for (slot, spare) in self.slots.iter_mut().zip(&mut self.spare) {
            if let Some(Gradient::Dense(tensor)) = slot.take() {
                *spare = tensor.device().is_cpu().then_some(tensor);
            }
        }
    }

    /// Adds to the dense gradient of a parameter on the CPU: `add` is given its values, zero at first.
    pub(crate) fn add_on_cpu(
        &mut self,
        parameter: Parameter,
        shape: &[usize],
        add: impl FnOnce(&mut [f32]),
    ) -> candle_core::Result<()> {
        let slot = &mut self.slots[parameter.0];
        let dense = match slot.take() {
            Some(Gradient::Dense(sum)) => sum,
            _ => match self.spare[parameter.0].take() {
                Some(spare) => {
                    cpu::update(&spare, |values| values.fill(0.0))?;
                    spare
                }
                None => Tensor::zeros(shape, DType::F32, &Device::Cpu)?,
            },
        };
        cpu::update(&dense, add)?;
        *slot = Some(Gradient::Dense(dense));
        Ok(())
    }

    /// Adds a dense gradient.
    pub(crate) fn add(&mut self, parameter: Parameter, gradient: Tensor) -> candle_core::Result<()> {
        let sum = match &self.slots[parameter.0] {
            Some(Gradient::Dense(sum)) => (sum + gradient)?,
            _ => gradient,
        };
        self.slots[parameter.0] = Some(Gradient::Dense(sum));
        Ok(())
    }

    /// Adds the gradient of the rows `ids` (ascending, each once) of a table.
    pub(crate) fn add_rows(
        &mut self,
        parameter: Parameter,
        ids: Vec<u32>,
        rows: Tensor,
    ) -> candle_core::Result<()> {
        let sum = match self.slots[parameter.0].take() {
            Some(Gradient::Rows { ids: old_ids, rows: old }) => {
                let mut all = [old_ids.as_slice(), &ids].concat();
                all.sort_unstable();
                all.dedup();
                let zeros = Tensor::zeros((all.len(), rows.dim(1)?), DType::F32, rows.device())?;
                let place = |ids: &[u32]| {
                    let at = ids.iter().map(|id| all.partition_point(|other| other < id) as u32);
                    Tensor::from_vec(at.collect::<Vec<_>>(), ids.len(), rows.device())
                };
                let sum = zeros.index_add(&place(&old_ids)?, &old, 0)?.index_add(&place(&ids)?, &rows, 0)?;
                Gradient::Rows { ids: all, rows: sum }
            }
            _ => Gradient::Rows { ids, rows },
        };
        self.slots[parameter.0] = Some(sum);
        Ok(())
    }
}

fn squares(tensor: &Tensor) -> candle_core::Result<f64> {
    if tensor.device().is_cpu() {
        return Ok(cpu::values(tensor)?.iter().map(|&v| f64::from(v) * f64::from(v)).sum());
    }
    tensor.sqr()?.to_dtype(DType::F64)?.sum_all()?.to_scalar()
}
