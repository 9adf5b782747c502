//! The loss interface: embeddings in, a value and gradients out.

pub use clirbench_abi::loss::{LossInfo, LossInput};

use crate::{Host, Result};

/// The rows of one batch, as a loss sees them.
#[derive(Clone, Copy, Debug)]
pub struct LossBatch<'a> {
    /// Rows of the batch, `n`.
    pub rows: usize,
    /// Length of one embedding, `d`; 1 for scores.
    pub dim: usize,
    /// `[columns, n, d]`: the columns that the loss named, then the hard negatives.
    pub embeddings: &'a [f32],
    /// Length of one guide embedding; 0 without a guide.
    pub guide_dim: usize,
    /// `[columns, n, guide_dim]`, parallel to `embeddings`; empty without a guide.
    pub guide: &'a [f32],
    /// One per row, for a loss with labels: 1 for a match, 0 for none. Empty otherwise.
    pub labels: &'a [f32],
}

impl<'a> LossBatch<'a> {
    /// How many columns there are, hard negatives included.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.embeddings.len() / (self.rows * self.dim).max(1)
    }

    /// The embeddings of one column, `[n, d]`.
    #[must_use]
    pub fn column(&self, index: usize) -> &'a [f32] {
        let size = self.rows * self.dim;
        &self.embeddings[index * size..][..size]
    }

    /// The guide embeddings of one column, `[n, guide_dim]`.
    #[must_use]
    pub fn guide_column(&self, index: usize) -> &'a [f32] {
        let size = self.rows * self.guide_dim;
        &self.guide[index * size..][..size]
    }
}

/// A function of a batch's embeddings that training makes smaller.
pub trait Loss: Send + Sized + 'static {
    /// Opens the loss with its options, checked against the manifest's schema.
    fn open(config: &serde_json::Value, host: Host) -> Result<Self>;

    /// What it needs, and the names of its parts.
    fn info(&self) -> LossInfo;

    /// Returns the value. Writes its derivative by each element of `batch.embeddings` to
    /// `gradients` (same shape `[columns, n, d]`, zero on entry) and one number per name of
    /// [`LossInfo::parts`] to `parts`.
    fn eval(&mut self, batch: &LossBatch<'_>, gradients: &mut [f32], parts: &mut [f64]) -> Result<f64>;
}

/// What `export_plugin!` needs of this interface.
#[doc(hidden)]
pub mod exported {
    use clirbench_abi::host::HostObject;
    use clirbench_abi::loss::{Loss1, LossBatch as Wire, LossBox, LossModule, loss_box};
    use clirbench_abi::{AbiError, Interface, InterfaceModule, RResult, RSliceMut, RStr, RString};

    use super::{Loss, LossBatch};
    use crate::guard::{Checked, open};
    use crate::manifest::InterfaceSource;
    use crate::wire;

    /// Id of the interface.
    pub const ID: &str = LossModule::ID;

    /// The manifest's entry of a loss without options.
    #[must_use]
    pub const fn source() -> InterfaceSource {
        InterfaceSource::new(ID)
    }

    /// The interface that opens `L`.
    #[must_use]
    pub fn interface<L: Loss>() -> Interface {
        Interface::new(const { &LossModule { open: opened::<L> } })
    }

    extern "C" fn opened<L: Loss>(config: RStr<'_>, host: HostObject) -> RResult<LossBox, AbiError> {
        open(config, host, L::open).map(|loss| loss_box(Exported(loss)))
    }

    struct Exported<L>(Checked<L>);

    impl<L: Loss> Loss1 for Exported<L> {
        fn info(&self) -> RResult<RString, AbiError> {
            self.0.call(|loss| wire::to_json(&loss.info()))
        }

        fn eval(
            &mut self,
            batch: Wire<'_>,
            gradients: RSliceMut<'_, f32>,
            parts: RSliceMut<'_, f64>,
        ) -> RResult<f64, AbiError> {
            self.0.call_mut(|loss| {
                let batch = LossBatch {
                    rows: batch.rows,
                    dim: batch.dim,
                    embeddings: batch.embeddings.as_slice(),
                    guide_dim: batch.guide_dim,
                    guide: batch.guide.as_slice(),
                    labels: batch.labels.as_slice(),
                };
                let gradients = gradients.into_mut_slice();
                gradients.fill(0.0);
                loss.eval(&batch, gradients, parts.into_mut_slice())
            })
        }
    }
}
