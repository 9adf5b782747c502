//! The merger interface: the weights of several models in, one model's weights out.

pub use clirbench_abi::merger::{MergeModels, MergePlan, TensorJob};
use serde_json::Map;

use crate::{Host, Result};

/// A part of a tensor in each of the models: columns of one length, all finite.
#[derive(Clone, Debug)]
pub struct MergeChunk<'a> {
    /// The element of the tensor at which the chunk begins.
    pub offset: usize,
    columns: Vec<&'a [f32]>,
    models: usize,
    base: bool,
}

impl<'a> MergeChunk<'a> {
    /// The chunk of `job`'s tensor at `offset` whose columns are those of [`MergePlan`]: the base, the
    /// models, their importances.
    ///
    /// # Errors
    /// `internal` when there are more or fewer columns, or of several lengths.
    pub fn new(job: &TensorJob, offset: usize, columns: Vec<&'a [f32]>) -> Result<Self> {
        let models = job.weights.len();
        let expected = usize::from(job.base) + models * if job.importances { 2 } else { 1 };
        let length = columns.first().map_or(0, |column| column.len());
        if columns.len() != expected || columns.iter().any(|column| column.len() != length) {
            let lengths: Vec<usize> = columns.iter().map(|column| column.len()).collect();
            return Err(crate::Error::internal(format!(
                "columns of {lengths:?} elements, not {expected} of one length"
            )));
        }
        Ok(MergeChunk { offset, columns, models, base: job.base })
    }

    /// Elements of the chunk.
    #[must_use]
    pub fn len(&self) -> usize {
        self.columns.first().map_or(0, |column| column.len())
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The model that all were trained from, where the plan takes it.
    #[must_use]
    pub fn base(&self) -> Option<&'a [f32]> {
        if self.base { self.columns.first().copied() } else { None }
    }

    /// The models, in the order of [`TensorJob::weights`].
    #[must_use]
    pub fn models(&self) -> &[&'a [f32]] {
        &self.columns[usize::from(self.base)..][..self.models]
    }

    /// An importance per weight of each model, where the plan takes them; else none.
    #[must_use]
    pub fn importances(&self) -> &[&'a [f32]] {
        &self.columns[usize::from(self.base) + self.models..]
    }
}

/// What makes one model's weights of several models'.
///
/// A tensor is streamed, so that memory holds chunks: [`tensor`](Merger::tensor) starts it, every pass
/// of [`observe`](Merger::observe) and the final [`merge`](Merger::merge) see all its chunks in order.
/// How a tensor is cut into chunks must not change a bit of the result, and a model merged with itself
/// has to come out as it went in, bit for bit, wherever the method's definition says so.
pub trait Merger: Send + Sized + 'static {
    /// Opens the merger with its options, checked against the manifest's schema.
    fn open(config: &serde_json::Value, host: Host) -> Result<Self>;

    /// What it needs to merge so many models. That there are enough of them, and that what it needs is
    /// there, is checked by the host.
    fn plan(&self, models: &MergeModels) -> Result<MergePlan>;

    /// Starts a tensor.
    fn tensor(&mut self, job: &TensorJob) -> Result<()>;

    /// Looks at a chunk, in pass `pass` of [`MergePlan::passes`], counted from 0.
    fn observe(&mut self, _pass: usize, _chunk: &MergeChunk<'_>) -> Result<()> {
        Ok(())
    }

    /// Merges a chunk into `out`, which has its length and is wholly overwritten.
    fn merge(&mut self, chunk: &MergeChunk<'_>, out: &mut [f32]) -> Result<()>;

    /// What a reader of the merge should know of the tensor that was just merged.
    fn note(&self) -> Map<String, serde_json::Value> {
        Map::new()
    }
}

/// What `export_plugin!` needs of this interface.
#[doc(hidden)]
pub mod exported {
    use clirbench_abi::host::HostObject;
    use clirbench_abi::merger::{MergeModels, Merger1, MergerBox, MergerModule, TensorJob, merger_box};
    use clirbench_abi::{AbiError, Interface, InterfaceModule, RResult, RSlice, RSliceMut, RStr, RString};

    use super::{MergeChunk, Merger};
    use crate::guard::{Checked, open};
    use crate::manifest::InterfaceSource;
    use crate::wire;

    /// Id of the interface.
    pub const ID: &str = MergerModule::ID;

    /// The manifest's entry of a merger without options.
    #[must_use]
    pub const fn source() -> InterfaceSource {
        InterfaceSource::new(ID)
    }

    /// The interface that opens `M`.
    #[must_use]
    pub fn interface<M: Merger>() -> Interface {
        Interface::new(const { &MergerModule { open: opened::<M> } })
    }

    extern "C" fn opened<M: Merger>(config: RStr<'_>, host: HostObject) -> RResult<MergerBox, AbiError> {
        open(config, host, M::open).map(|merger| merger_box(Exported { merger, job: TensorJob::default() }))
    }

    struct Exported<M> {
        merger: Checked<M>,
        /// The tensor that was started: says what the columns of its chunks are.
        job: TensorJob,
    }

    fn chunk<'a>(
        job: &TensorJob,
        offset: usize,
        columns: RSlice<'a, RSlice<'a, f32>>,
    ) -> crate::Result<MergeChunk<'a>> {
        MergeChunk::new(job, offset, columns.as_slice().iter().map(|column| column.as_slice()).collect())
    }

    impl<M: Merger> Merger1 for Exported<M> {
        fn plan(&self, models: RStr<'_>) -> RResult<RString, AbiError> {
            self.merger.call(|merger| {
                let models: MergeModels = wire::from_json("models", &models)?;
                wire::to_json(&merger.plan(&models)?)
            })
        }

        fn tensor(&mut self, job: RStr<'_>) -> RResult<(), AbiError> {
            let started = &mut self.job;
            self.merger.call_mut(|merger| {
                *started = wire::from_json("tensor", &job)?;
                merger.tensor(started)
            })
        }

        fn observe(
            &mut self,
            pass: usize,
            offset: usize,
            columns: RSlice<'_, RSlice<'_, f32>>,
        ) -> RResult<(), AbiError> {
            let job = &self.job;
            self.merger.call_mut(|merger| merger.observe(pass, &chunk(job, offset, columns)?))
        }

        fn merge(
            &mut self,
            offset: usize,
            columns: RSlice<'_, RSlice<'_, f32>>,
            out: RSliceMut<'_, f32>,
        ) -> RResult<(), AbiError> {
            let job = &self.job;
            self.merger.call_mut(|merger| merger.merge(&chunk(job, offset, columns)?, out.into_mut_slice()))
        }

        fn note(&self) -> RResult<RString, AbiError> {
            self.merger.call(|merger| wire::to_json(&merger.note()))
        }
    }
}
