//! Ranking a run, evaluating it, and the statistics of one cell.

use std::hint::black_box;

use clirbench_core::{
    metrics::{CellScores, Metric},
    ranking::{Ranking, Ties},
    run::Judged,
    stats::{Clusters, DEFAULT_PERMUTATIONS, DEFAULT_RESAMPLES, Resamples, randomization_test},
};
use criterion::{Criterion, criterion_group, criterion_main};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

const QUERIES: usize = 1000;
const DEPTH: usize = 100;

/// Scores of 100 documents per query, the first three of them relevant.
fn runs() -> Vec<Vec<(String, f32)>> {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut document = || {
        let id = format!("d{}", rng.next_u32() % 1_000_000);
        (id, rng.next_u32() as f32 / u32::MAX as f32)
    };
    (0..QUERIES)
        .map(|_| {
            let mut run: Vec<_> = (0..2 * DEPTH).map(|_| document()).collect();
            run.sort_by(|a, b| a.0.cmp(&b.0));
            run.dedup_by(|a, b| a.0 == b.0);
            run.truncate(DEPTH);
            run
        })
        .collect()
}

fn rank(run: &[(String, f32)]) -> Ranking {
    let judged = Judged::new(run[..3].iter().map(|(id, _)| (id.as_str(), 1))).expect("no duplicates");
    judged.rank(run, 0).expect("finite scores")
}

fn metrics(c: &mut Criterion) {
    let runs = runs();
    c.bench_function("rank 1000 x 100", |b| b.iter(|| runs.iter().map(|run| rank(run)).collect::<Vec<_>>()));

    let rankings: Vec<Ranking> = runs.iter().map(|run| rank(run)).collect();
    let names = ["ndcg@10", "mrr", "recall@10", "map", "complete@10", "max@r_norm"];
    let all: Vec<Metric> = names.iter().map(|name| name.parse().expect("a metric")).collect();
    c.bench_function("6 metrics of 1000 queries", |b| {
        b.iter(|| {
            let cell =
                |&metric: &Metric| CellScores::of(metric, &rankings, Ties::Trec).and_then(|s| s.value());
            all.iter().map(|metric| cell(metric).expect("valid")).sum::<f64>()
        });
    });
}

fn statistics(c: &mut Criterion) {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let ids: Vec<String> = (0..QUERIES).map(|i| format!("q{i}")).collect();
    let mut values = || (0..QUERIES).map(|_| f64::from(rng.next_u32())).collect::<Vec<f64>>();
    let (base, head) = (values(), values());
    let clusters = Clusters::of(&ids).expect("not empty");
    c.bench_function("draw 1000 resamples of 1000 queries", |b| {
        b.iter(|| Resamples::new(clusters.clone(), DEFAULT_RESAMPLES, 42));
    });
    let resamples = Resamples::new(clusters.clone(), DEFAULT_RESAMPLES, 42).expect("n > 0");
    c.bench_function("interval of 1000 queries", |b| b.iter(|| resamples.interval(black_box(&base))));
    c.bench_function("randomization test of 1000 queries", |b| {
        b.iter(|| randomization_test(&clusters, black_box(&base), &head, DEFAULT_PERMUTATIONS, 42));
    });
}

criterion_group!(benches, metrics, statistics);
criterion_main!(benches);
