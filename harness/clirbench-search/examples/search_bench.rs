//! Times a search of random unit vectors, alone or against another program on the same vectors.
//!
//! ```text
//! cargo run --release -p clirbench-search --example search_bench -- N D Q K THREADS [DIR]
//! ```
//!
//! N documents, Q queries, D components, the top K. Alone, it draws the vectors, searches five times
//! and prints the median; then the same with one random relevant document per query. With DIR, it
//! reads `documents.f32` and `queries.f32` (row-major, little-endian) there; for each line on standard
//! input it searches once and prints the seconds; at the end it writes `top.u32` and `top.f32`
//! (Q x K documents and scores).

use std::{
    env, fs,
    io::{self, BufRead, Write},
    path::Path,
    sync::atomic::AtomicBool,
    time::Instant,
};

use clirbench_search::{Dense, Outcome, Pool, Search, Target};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

struct Sizes {
    documents: usize,
    dim: usize,
    queries: usize,
    top_k: usize,
    threads: usize,
}

fn main() -> Result<()> {
    let args: Vec<String> = env::args().skip(1).collect();
    let [documents, dim, queries, top_k, threads, dir @ ..] = args.as_slice() else {
        return Err("usage: search_bench N D Q K THREADS [DIR]".into());
    };
    let sizes = Sizes {
        documents: documents.parse()?,
        dim: dim.parse()?,
        queries: queries.parse()?,
        top_k: top_k.parse()?,
        threads: threads.parse()?,
    };
    match dir {
        [] => alone(&sizes),
        [dir] => on_request(&sizes, Path::new(dir)),
        _ => Err("one DIR at most".into()),
    }
}

fn alone(sizes: &Sizes) -> Result<()> {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let documents = unit_vectors(sizes.documents, sizes.dim, &mut rng);
    let queries = unit_vectors(sizes.queries, sizes.dim, &mut rng);
    let none = vec![Target::default(); sizes.queries];
    let one: Vec<Target> = (0..sizes.queries)
        .map(|_| Target { judged: vec![(rng.random_range(0..sizes.documents as u32), 1)], excluded: vec![] })
        .collect();
    for (what, targets) in [("top", none), ("top and ranks", one)] {
        let mut seconds = Vec::new();
        for _ in 0..5 {
            seconds.push(search(sizes, &documents, &queries, &targets)?.1);
        }
        seconds.sort_by(f64::total_cmp);
        let flops = 2.0 * (sizes.documents * sizes.queries * sizes.dim) as f64;
        writeln!(io::stdout(), "{what}: {:.3} s, {:.0} Gflop/s", seconds[2], flops / seconds[2] / 1e9)?;
    }
    Ok(())
}

fn on_request(sizes: &Sizes, dir: &Path) -> Result<()> {
    let documents = read_f32(&dir.join("documents.f32"))?;
    let queries = read_f32(&dir.join("queries.f32"))?;
    let targets = vec![Target::default(); sizes.queries];
    let mut outcomes = Vec::new();
    for line in io::stdin().lock().lines() {
        line?;
        let (found, seconds) = search(sizes, &documents, &queries, &targets)?;
        outcomes = found;
        let mut out = io::stdout();
        writeln!(out, "{seconds}")?;
        out.flush()?;
    }
    let hits = || outcomes.iter().flat_map(|outcome| &outcome.top);
    fs::write(dir.join("top.u32"), hits().flat_map(|hit| hit.document.to_le_bytes()).collect::<Vec<u8>>())?;
    fs::write(dir.join("top.f32"), hits().flat_map(|hit| hit.score.to_le_bytes()).collect::<Vec<u8>>())?;
    Ok(())
}

fn search(
    sizes: &Sizes,
    documents: &[f32],
    queries: &[f32],
    targets: &[Target],
) -> Result<(Vec<Outcome>, f64)> {
    let positions: Vec<u32> = (0..sizes.documents as u32).collect();
    let query_rows: Vec<u32> = (0..sizes.queries as u32).collect();
    let wrong_size = "the vectors do not have N, Q and D";
    let search = Search {
        queries: &Dense::new(queries, sizes.queries, sizes.dim).ok_or(wrong_size)?,
        query_rows: &query_rows,
        documents: &Dense::new(documents, sizes.documents, sizes.dim).ok_or(wrong_size)?,
        pool: Pool { rows: &positions, order: &positions },
        targets,
        top_k: sizes.top_k,
        threads: sizes.threads,
        cancel: &AtomicBool::new(false),
    };
    let start = Instant::now();
    let outcomes = search.run()?;
    Ok((outcomes, start.elapsed().as_secs_f64()))
}

fn read_f32(path: &Path) -> Result<Vec<f32>> {
    let bytes = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let (values, rest) = bytes.as_chunks::<4>();
    if !rest.is_empty() {
        return Err(format!("{}: not a whole number of f32", path.display()).into());
    }
    Ok(values.iter().map(|&value| f32::from_le_bytes(value)).collect())
}

/// Uniform on the sphere, nearly: components are sums of uniforms.
fn unit_vectors(len: usize, dim: usize, rng: &mut ChaCha8Rng) -> Vec<f32> {
    let mut values: Vec<f32> =
        (0..len * dim).map(|_| (0..4).map(|_| rng.random_range(-1.0_f32..1.0)).sum()).collect();
    for row in values.chunks_mut(dim.max(1)) {
        let norm = row.iter().map(|x| x * x).sum::<f32>().sqrt();
        row.iter_mut().for_each(|x| *x /= norm);
    }
    values
}
