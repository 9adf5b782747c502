//! The vectors that negatives are mined with: a model's, through the store, or some that are there.

use std::{
    fs::File,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use anyhow::{Context, Result};
use clirbench_curation::mining::{MiningRow, NpyRows, Pool};
use clirbench_data::Npy;
use clirbench_jobs::{
    bench::{Bench, ModelSpec, RunSpec},
    encoding::{Encoded, EncodingPlan},
    executor::Event,
    plan::Setup,
    train::TrainProgress,
};
use clirbench_search::{Rows, UnitLength};
use clirbench_store::Key;
use serde_json::{Value, json};

use crate::{
    cli::{Global, MineArgs, VectorArgs},
    commands::merge::option,
    environment::setup,
    failure::Advice,
    progress::Display,
    screen::Screen,
};

/// Vectors, and where each query and each document of the pool lies in them.
pub(super) struct Vectors {
    source: Source,
    pub(super) query_rows: Vec<u32>,
    pub(super) document_rows: Vec<u32>,
    /// What they depend on.
    pub(super) origin: Value,
    pub(super) threads: usize,
}

enum Source {
    Model(Encoded),
    Files { queries: Npy, documents: Npy, cosine: bool },
}

impl Vectors {
    pub(super) fn queries(&self) -> Box<dyn Rows + '_> {
        match &self.source {
            Source::Model(encoded) => Box::new(encoded.queries()),
            Source::Files { queries, cosine, .. } => of_file(queries, *cosine),
        }
    }

    pub(super) fn documents(&self) -> Box<dyn Rows + '_> {
        match &self.source {
            Source::Model(encoded) => Box::new(encoded.documents()),
            Source::Files { documents, cosine, .. } => of_file(documents, *cosine),
        }
    }
}

fn of_file(npy: &Npy, cosine: bool) -> Box<dyn Rows + '_> {
    if cosine { Box::new(UnitLength(NpyRows(npy))) } else { Box::new(NpyRows(npy)) }
}

/// The vectors that the command line asks for; nothing when the user stopped the encoding.
pub(super) fn of<R: MiningRow>(
    args: &MineArgs,
    pool: &Pool<'_, R>,
    queries: &[&str],
    global: &Global,
    screen: &Screen,
    cancel: &AtomicBool,
) -> Result<Option<Vectors>> {
    match (&args.vectors.query_vectors, &args.vectors.passage_vectors) {
        (Some(queries), Some(passages)) => of_files(args, pool, queries, passages).map(Some),
        _ => of_model(args, pool.texts(), queries, global, screen, cancel),
    }
}

fn of_files<R: MiningRow>(
    args: &MineArgs,
    pool: &Pool<'_, R>,
    queries: &Path,
    passages: &Path,
) -> Result<Vectors> {
    let open = |path: &Path, wanted: usize, what: &str, hint: &str| -> Result<(Npy, Key)> {
        let npy = Npy::open(path).map_err(Advice::from)?;
        if npy.rows() != wanted {
            let message =
                format!("{} has {} rows, but there are {wanted} {what}", path.display(), npy.rows());
            return Err(Advice::new(message, hint).into());
        }
        let hash = File::open(path).and_then(Key::of_reader);
        Ok((npy, hash.with_context(|| format!("cannot read {}", path.display()))?))
    };
    let hint = "give a vector per row of the data, in its order";
    let (query_vectors, query_hash) = open(queries, pool.rows().len(), "rows", hint)?;
    let hint = "give one per positive, row by row, then per negative of --with-negatives, then of the corpus";
    let (document_vectors, document_hash) = open(passages, pool.passages(), "passages", hint)?;
    let (left, right) = (query_vectors.dim(), document_vectors.dim());
    if left != right {
        let message = format!("the query vectors have {left} dimensions, the passage vectors {right}");
        return Err(Advice::new(message, "give vectors of one model").into());
    }
    let similarity = &args.vectors.similarity;
    Ok(Vectors {
        query_rows: (0..query_vectors.rows() as u32).collect(),
        document_rows: pool.occurrences().to_vec(),
        source: Source::Files {
            queries: query_vectors,
            documents: document_vectors,
            cosine: similarity == "cosine",
        },
        origin: json!({
            "query_vectors": query_hash,
            "passage_vectors": document_hash,
            "similarity": similarity,
            "dim": left,
        }),
        threads: args
            .compute
            .threads
            .map_or_else(|| thread::available_parallelism().map_or(1, usize::from), usize::from),
    })
}

fn of_model(
    args: &MineArgs,
    documents: &[&str],
    queries: &[&str],
    global: &Global,
    screen: &Screen,
    cancel: &AtomicBool,
) -> Result<Option<Vectors>> {
    let bench = Bench {
        models: vec![model(&args.vectors)?],
        datasets: vec![],
        run: RunSpec::default(),
        scenario: [].into(),
    };
    let setup = setup(bench, Path::new("mine.toml"), &args.compute, global, false, screen)?;
    let stopped = || cancel.load(Ordering::Relaxed);
    let mut display = Display::new(*screen);
    let planned = EncodingPlan::make(&setup, queries, documents, cancel, &mut |event| {
        if let Event::Log { level, message, .. } = event {
            display.log(&level, &message);
        }
    });
    let plan = match planned {
        Ok(plan) => plan,
        Err(_) if stopped() => return Ok(None),
        Err(failure) => return Err(Advice::from(failure).into()),
    };
    let texts = plan.texts();
    screen.say(&format!("{} texts to encode, {} in the store", texts.to_encode, texts.stored));
    let encoded = encode(&setup, &plan, cancel, &mut display);
    display.finish();
    let encoded = match encoded {
        Ok(encoded) => encoded,
        Err(_) if stopped() => return Ok(None),
        Err(advice) => return Err(advice.into()),
    };
    Ok(Some(Vectors {
        query_rows: encoded.query_rows(queries).map_err(Advice::from)?,
        document_rows: encoded.document_rows(documents).map_err(Advice::from)?,
        source: Source::Model(encoded),
        origin: plan.origin(),
        threads: setup.executor.threads,
    }))
}

fn encode(
    setup: &Setup,
    plan: &EncodingPlan,
    cancel: &AtomicBool,
    display: &mut Display,
) -> Result<Encoded, Advice> {
    let encoded = plan.encode(setup, cancel, &mut |progress| match progress {
        TrainProgress::Encoding { done, total } => display.texts(done, total),
        TrainProgress::Log { level, message } => display.log(&level, &message),
        TrainProgress::Step(_) | TrainProgress::Batches { .. } => {}
    });
    encoded.map_err(Advice::from)
}

/// The model of the command line as a bench file would name it.
fn model(args: &VectorArgs) -> Result<ModelSpec> {
    if let Some(missing) = args.model.as_deref().filter(|path| !path.exists()) {
        let message = format!("{} does not exist", missing.display());
        return Err(Advice::new(message, "give the model's directory with --model").into());
    }
    let mut options = toml::Table::new();
    for text in &args.options {
        let (key, value) = option(text)?;
        let value = toml::Value::try_from(&value).map_err(|error| {
            Advice::new(format!("--option {text}: {error}"), "write it as --option KEY=VALUE")
        })?;
        options.insert(key, value);
    }
    let name =
        args.model.as_deref().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    Ok(ModelSpec {
        name: name.or_else(|| args.encoder.clone()).unwrap_or_default(),
        path: args.model.clone(),
        merge: None,
        encoder: args.encoder.clone(),
        options,
    })
}
