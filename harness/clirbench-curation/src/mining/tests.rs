//! - `reference`: against what mining means, without any thought of speed, on 2,000 documents.
//! - `golden`: what sentence-transformers chooses.
//! - `by_hand`: languages, equal texts, output, refusals.

mod by_hand;
mod golden;
mod reference;

use std::sync::atomic::AtomicBool;

use clirbench_data::{ParallelTriple, Texts};
use clirbench_search::Dense;

use super::{Mining, MiningError, MiningOptions, MiningReport, MiningRow, Outcome, Pool};

/// A text in each of some languages.
fn texts(of: &[(&str, &str)]) -> Texts {
    of.iter().map(|&(language, text)| (language.to_owned(), text.to_owned())).collect()
}

fn triple(id: &str, query: Texts, positive: Texts, negatives: Vec<Texts>) -> ParallelTriple {
    ParallelTriple { id: id.to_owned(), query, positive, negatives, provenance: Default::default() }
}

/// Vectors of `dim` components for each row's query and each document of the pool.
struct Vectors {
    dim: usize,
    queries: Vec<f32>,
    documents: Vec<f32>,
}

/// Mines, and returns what every row got with what is written for it.
fn mine<R: MiningRow + Clone>(
    pool: &Pool<'_, R>,
    vectors: &Vectors,
    options: &MiningOptions,
    threads: usize,
) -> Result<(Vec<(Outcome, R)>, MiningReport), MiningError> {
    let positions = |len: usize| (0..len as u32).collect::<Vec<_>>();
    let (rows, documents) = (pool.rows().len(), pool.texts().len());
    let mining = Mining {
        pool,
        queries: &Dense::new(&vectors.queries, rows, vectors.dim).expect("a vector per row"),
        query_rows: &positions(rows),
        documents: &Dense::new(&vectors.documents, documents, vectors.dim).expect("a vector per document"),
        document_rows: &positions(documents),
        options,
        threads,
        cancel: &AtomicBool::new(false),
    };
    let mut outcomes = Vec::new();
    let report = mining.run(&mut |outcome| {
        let row = mining.row(&outcome);
        outcomes.push((outcome, row));
        Ok(())
    })?;
    Ok((outcomes, report))
}
