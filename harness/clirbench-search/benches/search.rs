//! A search at sizes of one leaderboard cell, with ranks, with a top, and with both.

use std::{hint::black_box, sync::atomic::AtomicBool};

use clirbench_search::{Dense, Pool, Search, Target};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const DIM: usize = 384;
const QUERIES: u32 = 256;
const DOCUMENTS: u32 = 4_096;

fn vectors(len: u32, rng: &mut ChaCha8Rng) -> Vec<f32> {
    (0..len as usize * DIM).map(|_| rng.random_range(-0.1_f32..0.1)).collect()
}

fn search(c: &mut Criterion) {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let (queries, documents) = (vectors(QUERIES, &mut rng), vectors(DOCUMENTS, &mut rng));
    let positions: Vec<u32> = (0..DOCUMENTS).collect();
    let mut group = c.benchmark_group("search");
    group.throughput(Throughput::Elements(u64::from(QUERIES) * u64::from(DOCUMENTS)));
    for (relevant, top_k) in [(0, 10), (0, 100), (2, 0), (2, 100), (50, 0)] {
        let target = |_| {
            let first = rng.random_range(0..DOCUMENTS - relevant);
            Target {
                judged: (first..first + relevant).map(|document| (document, 1)).collect(),
                excluded: vec![],
            }
        };
        let targets: Vec<Target> = (0..QUERIES).map(target).collect();
        let search = Search {
            queries: &Dense::new(&queries, QUERIES as usize, DIM).expect("whole rows"),
            query_rows: &positions[..QUERIES as usize],
            documents: &Dense::new(&documents, DOCUMENTS as usize, DIM).expect("whole rows"),
            pool: Pool { rows: &positions, order: &positions },
            targets: &targets,
            top_k,
            threads: 2,
            cancel: &AtomicBool::new(false),
        };
        let name = BenchmarkId::from_parameter(format!("relevant={relevant},top={top_k}"));
        group.bench_function(name, |b| b.iter(|| black_box(&search).run().expect("finite")));
    }
    group.finish();
}

criterion_group!(benches, search);
criterion_main!(benches);
