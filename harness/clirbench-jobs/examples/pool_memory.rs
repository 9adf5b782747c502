//! A search over a pool in the store, as a score job does it, and the memory that it took.
//!
//! ```text
//! pool_memory make STORE DOCUMENTS DIM
//! pool_memory search STORE DOCUMENTS THREADS
//! ```
//!
//! `make` commits made-up vectors in shards of 512, the default of a bench file, and 100 queries that
//! are copies of documents. `search`, in a process of its own, finds the top 100 of every query and
//! where the document that it is a copy of stands (it has to be first), and prints as JSON the seconds
//! and the process's resident memory (mapped files included), before the search and at its peak.

use std::{
    env, fs,
    io::{self, Write},
    path::Path,
    sync::atomic::AtomicBool,
    time::Instant,
};

use clirbench_jobs::{
    embeddings::{Embeddings, ShardMeta, TextCounts, shard_files, text_id},
    job::embed_kind,
};
use clirbench_search::{Pool, Search, Target};
use clirbench_store::{Dtype, Key, Store, encode_rows};
use serde_json::json;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const SHARD: usize = 512;
const QUERIES: usize = 100;
const TOP: usize = 100;

fn main() -> Result<()> {
    let args: Vec<String> = env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        ["make", store, documents, dim] => make(Path::new(store), documents.parse()?, dim.parse()?),
        ["search", store, documents, threads] => {
            search(Path::new(store), documents.parse()?, threads.parse()?)
        }
        _ => Err("usage: pool_memory make STORE DOCUMENTS DIM | search STORE DOCUMENTS THREADS".into()),
    }
}

fn group(role: &str) -> Key {
    Key::of_bytes(role.as_bytes())
}

fn text(document: usize) -> String {
    format!("document {document}")
}

/// The document that a query is a copy of.
fn copied(query: usize, documents: usize) -> usize {
    query * documents / QUERIES
}

fn make(store: &Path, documents: usize, dim: usize) -> Result<()> {
    let store = Store::open(store)?;
    let all: Vec<usize> = (0..documents).collect();
    for shard in all.chunks(SHARD) {
        commit(&store, &group("documents"), shard, dim)?;
    }
    let queries: Vec<usize> = (0..QUERIES).map(|query| copied(query, documents)).collect();
    commit(&store, &group("queries"), &queries, dim)
}

/// Commits the vectors of `documents` as an embed job does.
fn commit(store: &Store, group: &Key, documents: &[usize], dim: usize) -> Result<()> {
    let texts: Vec<String> = documents.iter().map(|&document| text(document)).collect();
    let rows: Vec<f32> = texts.iter().flat_map(|text| vector(text, dim)).collect();
    let (ids, stats) = shard_files(&texts, &vec![TextCounts::default(); texts.len()]);
    let meta = ShardMeta { rows: texts.len(), dim, dtype: Dtype::F32, seconds: 0.0 };
    let mut draft = store.begin(&embed_kind(group), &Key::of(&texts))?;
    draft.write("rows", &encode_rows(&rows, Dtype::F32))?;
    draft.write("ids", &ids)?;
    draft.write("stats", &stats)?;
    draft.commit(serde_json::to_value(meta)?)?;
    Ok(())
}

/// Components are the bytes of the text's hash, drawn out: another text, another direction.
fn vector(text: &str, dim: usize) -> Vec<f32> {
    let mut bytes = vec![0; dim];
    blake3::Hasher::new().update(text.as_bytes()).finalize_xof().fill(&mut bytes);
    bytes.into_iter().map(|byte| f32::from(byte) - 127.5).collect()
}

fn search(store: &Path, documents: usize, threads: usize) -> Result<()> {
    let started = Instant::now();
    let store = Store::open(store)?;
    let open = |role| Embeddings::open(&store, &group(role)).map_err(|failure| failure.message);
    let (vectors, queries) = (open("documents")?, open("queries")?);
    let row = |embeddings: &Embeddings, document| {
        embeddings.row(&text_id(&text(document))).ok_or_else(|| format!("no vector of `{}`", text(document)))
    };
    let rows =
        (0..documents).map(|document| row(&vectors, document)).collect::<std::result::Result<Vec<_>, _>>()?;
    let query_rows = (0..QUERIES)
        .map(|query| row(&queries, copied(query, documents)))
        .collect::<std::result::Result<Vec<_>, _>>()?;
    let order: Vec<u32> = (0..documents as u32).collect();
    let targets: Vec<Target> = (0..QUERIES)
        .map(|query| Target { judged: vec![(copied(query, documents) as u32, 1)], excluded: vec![] })
        .collect();
    let (opened, index) = (started.elapsed().as_secs_f64(), resident_kib("VmRSS:")?);
    let searching = Instant::now();
    let outcomes = Search {
        queries: &queries.rows(true),
        query_rows: &query_rows,
        documents: &vectors.rows(true),
        pool: Pool { rows: &rows, order: &order },
        targets: &targets,
        top_k: TOP,
        threads,
        cancel: &AtomicBool::new(false),
    }
    .run()?;
    let searched = searching.elapsed().as_secs_f64();
    for (query, outcome) in outcomes.iter().enumerate() {
        let first = outcome.top.first().map(|hit| hit.document as usize);
        if first != Some(copied(query, documents)) || outcome.ranking.relevant[0].above != 0 {
            return Err(format!("query {query} did not find the document that it is a copy of").into());
        }
    }
    let peak = resident_kib("VmHWM:")?;
    let report =
        json!({"open_seconds": opened, "search_seconds": searched, "index_kib": index, "peak_kib": peak});
    writeln!(io::stdout(), "{report}")?;
    Ok(())
}

/// Resident memory of this process, mapped files included: `VmRSS:` now, `VmHWM:` at its peak.
fn resident_kib(field: &str) -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let value = status.lines().find_map(|line| line.strip_prefix(field));
    let value = value.ok_or_else(|| format!("no {field} in /proc/self/status"))?;
    Ok(value.trim().trim_end_matches(" kB").parse()?)
}
