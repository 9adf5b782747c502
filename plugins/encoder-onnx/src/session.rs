//! One ONNX Runtime session: which inputs it takes, which output is used, and running a batch.

use std::sync::Arc;

use clirbench_model::{Batch, Kind, Row, Runner, Tokens};
use clirbench_plugin::{Error, Result};
use half::f16;
use ort::ep;
use ort::logging::LogLevel;
use ort::memory::{AllocationDevice, AllocatorType, MemoryInfo, MemoryType};
use ort::session::builder::{AutoDevicePolicy, GraphOptimizationLevel};
use ort::session::{NoSelectedOutputs, RunOptions, Session};
use ort::value::{DynValue, Tensor, TensorElementType, ValueType};

use crate::initializers::Graph;
use crate::runtime::Runtime;

/// What an input of the graph is fed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Feed {
    Ids,
    Mask,
    Types,
    Positions,
}

#[derive(Clone, Debug)]
struct Input {
    name: String,
    feed: Feed,
    /// i64, else i32.
    wide: bool,
}

/// What rows are padded with, and where positions start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Padding {
    /// Id of the padding token.
    pub(crate) id: u32,
    /// Position of the first token.
    pub(crate) first_position: usize,
}

/// A session and how to talk to it. Cheap calls only need `&self`; a run needs `&mut self`.
pub(crate) struct Worker {
    session: Session,
    inputs: Vec<Input>,
    output: String,
    padding: Padding,
    /// Ends a run from another thread.
    options: Arc<RunOptions<NoSelectedOutputs>>,
}

impl Worker {
    /// Makes a session with `threads` threads, on CUDA where `cuda`. `prefer_sentence` takes the
    /// graph's own sentence embedding where it also puts out tokens: for models that say nothing
    /// about pooling.
    ///
    /// # Errors
    /// Kind `model` when the graph is damaged or has inputs or outputs that are not known, `runtime`
    /// when CUDA cannot be used.
    pub(crate) fn open(
        runtime: &Runtime,
        graph: &Graph,
        threads: usize,
        cuda: bool,
        padding: Padding,
        prefer_sentence: bool,
    ) -> Result<Self> {
        let session = build(runtime, graph, threads, cuda).map_err(|e| {
            let message = format!("{}: {e}", graph.path.display());
            if cuda {
                Error::runtime(message).hint(
                    "device = \"cuda\" needs a GPU, the CUDA libraries and a GPU build of ONNX Runtime; set `device` to `cpu` or `auto` without them",
                )
            } else {
                Error::model(message).hint("export or download the graph again, or update ONNX Runtime")
            }
        })?;
        let inputs =
            session.inputs().iter().map(|i| input(i.name(), i.dtype())).collect::<Result<Vec<_>>>()?;
        if !inputs.iter().any(|input| input.feed == Feed::Ids) {
            return Err(Error::model(format!("{} has no input `input_ids`", graph.path.display())));
        }
        let names: Vec<&str> = session.outputs().iter().map(|o| o.name()).collect();
        let output = choose_output(&names, prefer_sentence)?;
        let options = RunOptions::new().map_err(|e| Error::runtime(e.to_string()))?;
        Ok(Worker { session, inputs, output, padding, options: Arc::new(options) })
    }
}

impl Runner for Worker {
    /// Runs a batch and calls `each` once per text, in the batch's order.
    ///
    /// # Errors
    /// Kind `runtime` when the run fails, `model` when the output has an unexpected shape or type.
    fn run(&mut self, batch: &Batch, each: &mut dyn FnMut(Row<'_>)) -> Result<()> {
        let failed = |e: ort::Error| {
            Error::runtime(format!(
                "ONNX Runtime, {} texts of {} tokens: {e}",
                batch.tokens.len(),
                batch.width()
            ))
            .hint("a smaller `batch_tokens` needs less memory")
        };
        let mut binding = self.session.create_binding().map_err(failed)?;
        for input in &self.inputs {
            let value = feed(input, batch, self.padding).map_err(failed)?;
            binding.bind_input(&input.name, &value).map_err(failed)?;
        }
        // Only the output that is used comes back, straight into memory that the CPU can read.
        let memory = MemoryInfo::new(AllocationDevice::CPU, 0, AllocatorType::Device, MemoryType::CPUOutput)
            .map_err(failed)?;
        binding.bind_output_to_device(&self.output, &memory).map_err(failed)?;
        let mut outputs = self.session.run_binding_with_options(&binding, &self.options).map_err(failed)?;
        let Some(value) = outputs.remove(&self.output) else {
            return Err(Error::internal(format!("no output `{}`", self.output)));
        };
        binding.synchronize_outputs().map_err(failed)?;
        read(&value, batch, &self.output, each)
    }

    fn arm(&mut self) -> Result<Box<dyn Fn() + Send + Sync>> {
        self.options.unterminate().map_err(|e| Error::runtime(format!("ONNX Runtime: {e}")))?;
        let options = Arc::clone(&self.options);
        Ok(Box::new(move || {
            if let Err(e) = options.terminate() {
                clirbench_plugin::log::debug!("ONNX Runtime did not take the signal to stop: {e}");
            }
        }))
    }
}

fn build(runtime: &Runtime, graph: &Graph, threads: usize, cuda: bool) -> ort::Result<Session> {
    let mut builder = Session::builder(&runtime.environment)?
        // Providers are registered by hand; the runtime must not add any by itself.
        .with_auto_device(AutoDevicePolicy::PreferCPU)?
        .with_optimization_level(GraphOptimizationLevel::All)?
        .with_intra_threads(threads)?
        .with_inter_threads(1)?
        // A pattern would be kept for every shape, and texts come in hundreds of shapes.
        .with_memory_pattern(false)?
        // Spinning threads take the cores from the other sessions and from other processes.
        .with_intra_op_spinning(false)?
        .with_log_level(LogLevel::Error)?;
    for (name, value) in &graph.bound {
        builder = builder.with_external_initializer(name, Arc::clone(value))?;
    }
    if cuda {
        builder = builder.with_execution_providers([ep::CUDA::default().build().error_on_failure()])?;
    }
    builder.commit_from_file(&graph.path)
}

fn input(name: &str, dtype: &ValueType) -> Result<Input> {
    let feed = match name {
        "input_ids" => Feed::Ids,
        "attention_mask" => Feed::Mask,
        "token_type_ids" => Feed::Types,
        "position_ids" => Feed::Positions,
        _ => {
            return Err(Error::model(format!("the graph wants an input `{name}`")).hint(
                "input_ids, attention_mask, token_type_ids and position_ids can be fed; export the encoder alone",
            ));
        }
    };
    let wide = match dtype {
        ValueType::Tensor { ty: TensorElementType::Int64, .. } => true,
        ValueType::Tensor { ty: TensorElementType::Int32, .. } => false,
        other => {
            return Err(Error::model(format!(
                "the graph's input `{name}` is of type {other}, not int64 or int32"
            )));
        }
    };
    Ok(Input { name: name.to_owned(), feed, wide })
}

/// The output to use, by the names that exporters give.
fn choose_output(names: &[&str], prefer_sentence: bool) -> Result<String> {
    let order = if prefer_sentence {
        ["sentence_embedding", "last_hidden_state", "token_embeddings", "pooler_output", "pooler"]
    } else {
        ["last_hidden_state", "token_embeddings", "sentence_embedding", "pooler_output", "pooler"]
    };
    order.into_iter().find(|name| names.contains(name)).map(str::to_owned).ok_or_else(|| {
        Error::model(format!("none of the graph's outputs ({}) is known", names.join(", ")))
            .hint(format!("one has to be {}", order.join(", ")))
    })
}

/// Builds one input, `[texts, width]`.
fn feed(input: &Input, batch: &Batch, padding: Padding) -> ort::Result<DynValue> {
    let shape = vec![batch.tokens.len(), batch.width()];
    let values = batch.tokens.iter().flat_map(|tokens| row(input.feed, tokens, batch.width(), padding));
    Ok(if input.wide {
        Tensor::from_array((shape, values.map(i64::from).collect::<Vec<_>>()))?.into_dyn()
    } else {
        Tensor::from_array((shape, values.map(u32::cast_signed).collect::<Vec<_>>()))?.into_dyn()
    })
}

/// One text's part of an input, padded on the right.
fn row(feed: Feed, tokens: &Tokens, width: usize, padding: Padding) -> impl Iterator<Item = u32> + '_ {
    let length = tokens.ids.len();
    (0..width).map(move |i| match feed {
        Feed::Ids => tokens.ids.get(i).copied().unwrap_or(padding.id),
        Feed::Mask => u32::from(i < length),
        Feed::Types => tokens.types.get(i).copied().unwrap_or(0),
        // Padding stays inside the position table.
        Feed::Positions => (padding.first_position + i.min(length.saturating_sub(1))) as u32,
    })
}

fn read(value: &DynValue, batch: &Batch, name: &str, each: &mut dyn FnMut(Row<'_>)) -> Result<()> {
    if let Ok((shape, data)) = value.try_extract_tensor::<f32>() {
        rows(shape, data, |x| *x, batch, name, each)
    } else if let Ok((shape, data)) = value.try_extract_tensor::<f16>() {
        rows(shape, data, |x| x.to_f32(), batch, name, each)
    } else {
        Err(Error::model(format!(
            "the graph's output `{name}` is of type {}, not float or float16",
            value.dtype()
        )))
    }
}

fn rows<T>(
    shape: &[i64],
    data: &[T],
    to_f32: impl Fn(&T) -> f32,
    batch: &Batch,
    name: &str,
    each: &mut dyn FnMut(Row<'_>),
) -> Result<()> {
    let shape: Vec<usize> = shape.iter().map(|d| usize::try_from(*d).unwrap_or(0)).collect();
    let texts = batch.tokens.len();
    let (kind, width, hidden) = match shape[..] {
        [n, width, hidden] if n == texts && width == batch.width() => (Kind::Tokens, width, hidden),
        [n, hidden] if n == texts && name == "sentence_embedding" => (Kind::Sentence, 1, hidden),
        [n, hidden] if n == texts => (Kind::Pooled, 1, hidden),
        _ => (Kind::Tokens, 0, 0),
    };
    if hidden == 0 {
        return Err(Error::model(format!(
            "the graph's output `{name}` has shape {shape:?} for {texts} texts of {} tokens",
            batch.width()
        ))
        .hint("export the encoder with dynamic batch and sequence axes"));
    }
    let mut values = Vec::new();
    for (index, (tokens, row)) in batch.tokens.iter().zip(data.chunks_exact(width * hidden)).enumerate() {
        let real = if kind == Kind::Tokens { tokens.ids.len() } else { 1 };
        values.clear();
        values.extend(row[..real * hidden].iter().map(&to_f32));
        each(Row { index, kind, values: &values, hidden });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(ids: &[u32]) -> Tokens {
        Tokens { ids: ids.to_vec(), types: vec![1; ids.len()], stats: Default::default() }
    }

    #[test]
    fn rows_are_padded_on_the_right() {
        let padding = Padding { id: 9, first_position: 2 };
        let of = |feed| row(feed, &tokens(&[5, 6]), 4, padding).collect::<Vec<_>>();
        assert_eq!(of(Feed::Ids), [5, 6, 9, 9]);
        assert_eq!(of(Feed::Mask), [1, 1, 0, 0]);
        assert_eq!(of(Feed::Types), [1, 1, 0, 0]);
        assert_eq!(of(Feed::Positions), [2, 3, 3, 3]);
    }

    #[test]
    fn tokens_are_preferred_unless_the_model_says_nothing_about_pooling() {
        let names = ["sentence_embedding", "token_embeddings"];
        assert_eq!(choose_output(&names, false).expect("known"), "token_embeddings");
        assert_eq!(choose_output(&names, true).expect("known"), "sentence_embedding");
        assert_eq!(choose_output(&["logits", "pooler_output"], false).expect("known"), "pooler_output");
        let error = choose_output(&["logits"], false).expect_err("unknown");
        assert!(error.message.contains("logits"), "{}", error.message);
    }

    #[test]
    fn padding_never_reaches_the_caller() {
        let batch = Batch { positions: vec![0, 1], tokens: vec![tokens(&[1, 2]), tokens(&[3])] };
        let data: Vec<f16> = (0u8..8).map(|x| f16::from_f32(f32::from(x))).collect();
        let mut seen = Vec::new();
        rows(&[2, 2, 2], &data, |x| x.to_f32(), &batch, "last_hidden_state", &mut |row| {
            seen.push((row.index, row.kind, row.values.to_vec()));
        })
        .expect("the shape fits");
        assert_eq!(seen, [(0, Kind::Tokens, vec![0., 1., 2., 3.]), (1, Kind::Tokens, vec![4., 5.])]);

        let flat = [1.0f32, 2.0, 3.0, 4.0];
        let mut kinds = Vec::new();
        for name in ["sentence_embedding", "pooler_output"] {
            rows(&[2, 2], &flat, |x| *x, &batch, name, &mut |row| kinds.push(row.kind))
                .expect("the shape fits");
        }
        assert_eq!(kinds, [Kind::Sentence, Kind::Sentence, Kind::Pooled, Kind::Pooled]);
        assert!(
            rows(&[1, 2], &flat, |x| *x, &batch, "pooler", &mut |_| {}).is_err(),
            "one row for two texts"
        );
    }
}
