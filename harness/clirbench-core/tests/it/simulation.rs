//! Whether the statistics keep their promises when the truth is known: seeded, so never flaky.

use clirbench_core::stats::{Clusters, Resamples, randomization_test};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

/// Standard normal, nearly: twelve uniform numbers less six.
fn normal(rng: &mut ChaCha8Rng) -> f64 {
    (0..12).map(|_| f64::from(rng.next_u32()) / f64::from(u32::MAX)).sum::<f64>() - 6.0
}

fn ids(queries: usize, rows_per_query: usize) -> Vec<String> {
    (0..queries * rows_per_query).map(|row| format!("q{}", row % queries)).collect()
}

/// One row per (language, query); rows of a query share `effect` and differ by `noise`.
fn values(rng: &mut ChaCha8Rng, queries: usize, languages: usize, noise: f64) -> Vec<f64> {
    let effects: Vec<f64> = (0..queries).map(|_| normal(rng)).collect();
    (0..queries * languages).map(|row| effects[row % queries] + noise * normal(rng)).collect()
}

#[test]
fn equal_systems_differ_significantly_in_one_of_twenty_trials() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let clusters = Clusters::of(&ids(40, 3)).expect("not empty");
    let trials = 600;
    let significant = (0..trials).filter(|&trial| {
        let base = values(&mut rng, 40, 3, 0.3);
        let head = values(&mut rng, 40, 3, 0.3);
        randomization_test(&clusters, &base, &head, 999, trial).expect("valid").p < 0.05
    });
    // Expected 30, standard deviation 5.3.
    let significant = significant.count();
    assert!((15..=46).contains(&significant), "{significant} of {trials}");
}

#[test]
fn treating_parallel_rows_as_independent_would_find_far_too_much() {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let rows: Vec<String> = (0..120).map(|row| format!("row{row}")).collect();
    let independent = Clusters::of(&rows).expect("not empty");
    let trials = 200;
    let significant = (0..trials).filter(|&trial| {
        let base = values(&mut rng, 40, 3, 0.3);
        let head = values(&mut rng, 40, 3, 0.3);
        randomization_test(&independent, &base, &head, 999, trial).expect("valid").p < 0.05
    });
    // What the clusters are for: 5% would be 10.
    let significant = significant.count();
    assert!(significant > 30, "{significant} of {trials}");
}

#[test]
fn a_real_difference_is_found() {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let clusters = Clusters::of(&ids(40, 1)).expect("not empty");
    let trials = 100;
    // A gain of 0.8 on 40 pairs whose difference has standard deviation 1: z = 5.
    let found = (0..trials).filter(|&trial| {
        let base = values(&mut rng, 40, 1, 0.0);
        let head: Vec<f64> = base.iter().map(|v| v + 0.8 + normal(&mut rng)).collect();
        randomization_test(&clusters, &base, &head, 999, trial).expect("valid").p < 0.05
    });
    assert!(found.count() >= 97);
}

#[test]
fn intervals_cover_the_true_mean() {
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let trials = 500;
    let mut covered = 0;
    for trial in 0..trials {
        let clusters = Clusters::of(&ids(60, 2)).expect("not empty");
        let resamples = Resamples::new(clusters, 500, trial).expect("n > 0");
        let interval = resamples.interval(&values(&mut rng, 60, 2, 0.3)).expect("parallel");
        covered += usize::from(interval.low <= 0.0 && 0.0 <= interval.high);
    }
    // Expected 475, standard deviation 4.9; percentile intervals cover a little less on 60 clusters.
    assert!((450..=490).contains(&covered), "{covered} of {trials}");
}

#[test]
fn the_interval_of_a_mean_is_as_wide_as_theory_says() {
    // 400 clusters of variance 1: half-width 1.96 / 20 = 0.098.
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let resamples = Resamples::new(Clusters::of(&ids(400, 1)).expect("not empty"), 2000, 9).expect("n > 0");
    let interval = resamples.interval(&values(&mut rng, 400, 1, 0.0)).expect("parallel");
    let half = (interval.high - interval.low) / 2.0;
    assert!((0.085..0.111).contains(&half), "{half}");
}
