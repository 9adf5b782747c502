//! Streams tensors of the parents through a merger.

use std::sync::mpsc::{channel, sync_channel};
use std::thread;

use clirbench_host::{MergeModels, MergePlan, MergerHandle, TensorJob};

use crate::cosine::{Cosines, LANES};
use crate::element::StoredType;
use crate::parents::{Model, Parents};
use crate::reader::{Chunk, Column, Source, read_ahead};
use crate::report::{MergeReport, TensorReport};
use crate::{Error, MergeSpec, Result, of_host};

/// Elements of a chunk: a few of them fit a processor's cache.
const CHUNK: usize = 1 << 18;

/// Chunks that are on their way: one is read while one is merged.
const AHEAD: usize = 3;

/// Takes parts of merged tensors: the tensor's index, the element at which the part begins, its values.
pub(crate) type EachPart<'a> = dyn FnMut(usize, usize, &[f32]) -> Result<()> + 'a;

/// A tensor of the merged model.
#[derive(Clone, Debug, PartialEq)]
pub struct MergeTensor {
    /// Its name; the folder is in front for a tensor of a Dense module (`2_Dense/linear.weight`).
    pub name: String,
    /// The type that it is going to be stored in.
    pub stored: StoredType,
    /// Dimensions, outermost first; none for a scalar.
    pub shape: Vec<usize>,
    /// Weights of the models in it.
    pub weights: Vec<f64>,
}

impl MergeTensor {
    fn elements(&self) -> usize {
        self.shape.iter().product()
    }
}

/// A merge: parents that fit together and an opened merger.
pub struct Merge {
    pub(crate) parents: Parents,
    merger: MergerHandle,
    plan: MergePlan,
    tensors: Vec<MergeTensor>,
    copied: Vec<String>,
    pub(crate) spec: MergeSpec,
    chunk: usize,
    notes: Vec<String>,
}

impl Merge {
    /// Plans the merge of `spec`, with its `parents` and with the merger that its method stands for
    /// ([`MergeSpec::merger`]).
    ///
    /// # Errors
    /// Kind `config`: what the method needs and the spec does not have, or layers that fit no tensor.
    pub fn open(spec: &MergeSpec, parents: Parents, mut merger: MergerHandle) -> Result<Self> {
        let given = MergeModels {
            models: parents.models.len(),
            base: parents.base.is_some(),
            importances: !parents.importances.is_empty(),
        };
        let plan = merger.plan(&given).map_err(|e| of_host(&e))?;
        let first = &parents.models[0];
        let names = first.weights.names();
        spec.layers.check_tensors(&names.iter().map(String::as_str).collect::<Vec<_>>())?;
        let weights = spec.weights();
        let (mut tensors, mut copied) = (Vec::new(), Vec::new());
        for name in names {
            let Some((dtype, shape)) = first.weights.describe(&name) else { continue };
            match StoredType::of(dtype) {
                Some(stored) => tensors.push(MergeTensor {
                    stored: spec.dtype.unwrap_or(stored),
                    shape: shape.to_vec(),
                    weights: spec.layers.of(&name, &weights).to_vec(),
                    name,
                }),
                None => copied.push(name),
            }
        }
        let mut notes = Vec::new();
        let method = &spec.method;
        if given.base && !plan.base {
            notes.push(format!("the base is not used: `{method}` takes none"));
        }
        if given.importances && !plan.importances {
            notes.push(format!("importances are not used: `{method}` takes none"));
        }
        Ok(Merge { parents, merger, plan, tensors, copied, spec: spec.clone(), chunk: CHUNK, notes })
    }

    /// The same merge in chunks of about so many elements, which changes nothing but its speed and memory.
    #[must_use]
    pub fn with_chunk(mut self, elements: usize) -> Self {
        self.chunk = elements.next_multiple_of(LANES).max(LANES);
        self
    }

    /// The tensors that are merged, in the order in which they lie on disk.
    #[must_use]
    pub fn tensors(&self) -> &[MergeTensor] {
        &self.tensors
    }

    /// Tensors of integers, which are equal in all models: the merged model has those of the first.
    #[must_use]
    pub fn copied(&self) -> &[String] {
        &self.copied
    }

    /// What a reader of the merge has to know.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Merges one tensor. `each` gets its parts in order: the element at which a part begins, and its
    /// values.
    ///
    /// # Errors
    /// Kind `config` for a tensor that is not among [`Merge::tensors`], `model` for weights that cannot be
    /// read or are not finite, and what the merger or `each` says.
    pub fn tensor(
        &mut self,
        name: &str,
        each: &mut dyn FnMut(usize, &[f32]) -> Result<()>,
    ) -> Result<TensorReport> {
        let known = self.tensors.iter().position(|tensor| tensor.name == name);
        let index = known.ok_or_else(|| Error::config(format!("`{name}` is no tensor that is merged")))?;
        let mut reports = self.stream(&[index], &mut |_, offset, values| each(offset, values))?;
        reports.pop().ok_or_else(|| Error::internal(format!("tensor `{name}` has no report")))
    }

    /// Merges these tensors (indices of [`Merge::tensors`]) one after the other; `each` gets the index, the
    /// element at which a part begins, and its values.
    pub(crate) fn stream(&mut self, which: &[usize], each: &mut EachPart<'_>) -> Result<Vec<TensorReport>> {
        let Merge { parents, merger, plan, tensors, spec, chunk, .. } = self;
        let sources =
            which.iter().map(|&i| source(parents, plan, &tensors[i])).collect::<Result<Vec<_>>>()?;
        let (passes, chunk) = (plan.passes, *chunk);
        thread::scope(|scope| {
            let (full, filled) = sync_channel(AHEAD);
            let (empty, free) = channel();
            for _ in 0..AHEAD {
                // The reader is not started yet, so nobody can have hung up.
                let _ = empty.send(Chunk::default());
            }
            let sources = &sources;
            scope.spawn(move || read_ahead(sources, passes + 1, chunk, &free, &full));
            let mut out = Vec::new();
            let mut reports = Vec::with_capacity(which.len());
            for (at, &index) in which.iter().enumerate() {
                let tensor = &tensors[index];
                let compared = usize::from(plan.base) + tensor.weights.len();
                let mut cosines = Cosines::new(compared, 0);
                merger.start(job(tensor, plan, spec.seed)).map_err(|e| of_host(&e))?;
                let chunks = tensor.elements().div_ceil(chunk);
                for _ in 0..chunks * (passes + 1) {
                    let read =
                        filled.recv().map_err(|_| Error::internal("the reader of the weights ended"))??;
                    debug_assert_eq!(read.source, at);
                    let columns: Vec<&[f32]> = read.columns.iter().map(Vec::as_slice).collect();
                    if read.pass < passes {
                        merger.observe(read.pass, read.offset, &columns).map_err(|e| of_host(&e))?;
                    } else {
                        out.resize(columns[0].len(), 0.0);
                        merger.merge(read.offset, &columns, &mut out).map_err(|e| of_host(&e))?;
                        cosines.add(&columns[..compared]);
                        each(index, read.offset, &out)?;
                    }
                    // The reader may be done, and need no more.
                    let _ = empty.send(read);
                }
                reports.push(TensorReport {
                    name: tensor.name.clone(),
                    elements: tensor.elements(),
                    cosines: cosines.finish().split_off(usize::from(plan.base)),
                    note: merger.note().map_err(|e| of_host(&e))?,
                });
            }
            Ok(reports)
        })
    }

    /// The report of a merge whose tensors have these.
    pub(crate) fn report(&self, tensors: Vec<TensorReport>) -> MergeReport {
        let base = self.parents.base.as_ref().filter(|_| self.plan.base);
        MergeReport {
            models: self.parents.names().map(str::to_owned).collect(),
            base: base.map(|base| base.name.clone()),
            tensors,
            copied: self.copied.len(),
            notes: self.notes.clone(),
        }
    }
}

fn job(tensor: &MergeTensor, plan: &MergePlan, seed: u64) -> TensorJob {
    TensorJob {
        name: tensor.name.clone(),
        shape: tensor.shape.clone(),
        elements: tensor.elements(),
        weights: tensor.weights.clone(),
        base: plan.base,
        importances: plan.importances,
        seed,
    }
}

/// The columns of a tensor: the base, the models, their importances, as far as the plan takes them.
fn source<'a>(parents: &'a Parents, plan: &MergePlan, tensor: &'a MergeTensor) -> Result<Source<'a>> {
    let missing = || Error::internal(format!("tensor `{}` is not in every model", tensor.name));
    let column = |owner: &'a str, found: Option<(&'a clirbench_model::Tensors, &'a str)>| {
        let (tensors, name) = found.ok_or_else(missing)?;
        let stored = tensors.describe(name).and_then(|(dtype, _)| StoredType::of(dtype));
        Ok(Column { tensors, name, stored: stored.ok_or_else(missing)?, owner })
    };
    let of_model = |model: &'a Model| column(&model.name, model.weights.find(&tensor.name));
    let base = parents.base.iter().filter(|_| plan.base);
    let mut columns = base.chain(&parents.models).map(of_model).collect::<Result<Vec<_>>>()?;
    if plan.importances {
        for (tensors, model) in parents.importances.iter().zip(&parents.models) {
            columns.push(column(&model.name, Some((tensors, &tensor.name)))?);
        }
    }
    Ok(Source { columns, elements: tensor.elements() })
}
