//! Whether the statistics keep their promises when the truth is known: seeded, so never flaky.

use clirbench_core::compare::{CompareOptions, Inherited, Side, Verdict, compare, inheritance, tiers};
use clirbench_core::results::{QueryValues, ScoreRow};
use clirbench_core::stats::{
    CellStatistic, Clusters, Interval, Panel, PanelCell, Resamples, randomization_test,
};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

const TRIALS: u64 = 2000;

/// Three and a third standard deviations around `expected` of 2,000 trials: a share outside has a
/// chance of 1 in 1,000.
fn in_band(found: usize, expected: f64) -> bool {
    let trials = TRIALS as f64;
    let deviation = (expected * (1.0 - expected) / trials).sqrt();
    (found as f64 / trials - expected).abs() <= 3.3 * deviation
}

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

/// Trials in which two systems of equal quality differ at 5%, with rows grouped by `clusters`.
fn false_positives(clusters: &Clusters, queries: usize, languages: usize, seed: u64) -> usize {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let significant = (0..TRIALS).filter(|&trial| {
        let base = values(&mut rng, queries, languages, 0.3);
        let head = values(&mut rng, queries, languages, 0.3);
        let test = randomization_test(clusters, &base, &head, 999, trial);
        test.expect("valid").p < 0.05
    });
    significant.count()
}

#[test]
fn equal_systems_differ_significantly_in_one_of_twenty_trials() {
    for (queries, languages) in [(40, 1), (40, 3), (25, 6)] {
        let clusters = Clusters::of(&ids(queries, languages)).expect("not empty");
        let found = false_positives(&clusters, queries, languages, 1);
        assert!(in_band(found, 0.05), "{queries} x {languages}: {found} of {TRIALS}");
    }
}

#[test]
fn treating_parallel_rows_as_independent_would_find_far_too_much() {
    // What the clusters are for: 5% would be 100.
    let rows: Vec<String> = (0..120).map(|row| format!("row{row}")).collect();
    let found = false_positives(&Clusters::of(&rows).expect("not empty"), 40, 3, 2);
    assert!(found > 300, "{found} of {TRIALS}");
}

#[test]
fn averages_over_cells_of_two_datasets_keep_the_level() {
    // Ranks in two cells of one dataset and one of another: means of ranks, and means of norms.
    let (many, few) = (ids(30, 1), ids(20, 1));
    let cells =
        [("x", &many), ("x", &many), ("y", &few)].map(|(dataset, q)| PanelCell { dataset, queries: q });
    let panel = Panel::new(&cells, 1, 0).expect("valid");
    let norm = CellStatistic::Norm { factor: 100.0 / 6.0, log2_pool: 7.0 };
    for (statistic, seed) in [(CellStatistic::Mean, 3), (norm, 4)] {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut ranks = || -> Vec<Vec<f64>> {
            let (x, y) = (values(&mut rng, 30, 2, 0.5), values(&mut rng, 20, 1, 0.5));
            let rank = |v: &f64| (20.0 * v.exp()).clamp(1.0, 128.0).round();
            [&x[..30], &x[30..], &y].map(|cell| cell.iter().map(rank).collect()).to_vec()
        };
        let significant = (0..TRIALS).filter(|&trial| {
            let (base, head) = (ranks(), ranks());
            let base: Vec<&[f64]> = base.iter().map(Vec::as_slice).collect();
            let head: Vec<&[f64]> = head.iter().map(Vec::as_slice).collect();
            let test = panel.test(&base, &head, &[statistic; 3], 499, trial);
            test.expect("valid").p < 0.05
        });
        let found = significant.count();
        assert!(in_band(found, 0.05), "{statistic:?}: {found} of {TRIALS}");
    }
}

/// Results of models of equal quality: `cells` cells of 40 queries, which share a query's effect
/// where they are `parallel`.
fn results(rng: &mut ChaCha8Rng, models: &[&str], cells: usize, parallel: bool) -> Side {
    let mut side = Side::default();
    for model in models {
        let all = if parallel { values(rng, 40, cells, 0.3) } else { values(rng, 40 * cells, 1, 0.0) };
        for (cell, values) in all.chunks(40).enumerate() {
            let value = values.iter().sum::<f64>() / 40.0;
            let row = ScoreRow {
                model: (*model).to_owned(),
                dataset: "d".to_owned(),
                documents: "unique".to_owned(),
                scenario: "clir".to_owned(),
                query_lang: format!("l{cell}"),
                pool_langs: "en".to_owned(),
                metric: "ndcg@10".to_owned(),
                value,
                ci_low: value,
                ci_high: value,
                queries: 40,
                pool_size: 40,
            };
            let (cell, metric) = (row.cell(), row.metric.clone());
            side.per_query.push(QueryValues { cell, metric, queries: ids(40, 1), values: values.to_vec() });
            side.scores.push(row);
        }
    }
    side
}

fn quick(seed: u64) -> CompareOptions {
    CompareOptions { permutations: 999, resamples: 1, seed, ..CompareOptions::default() }
}

#[test]
fn a_comparison_of_equal_results_finds_something_in_one_of_twenty_trials() {
    // Six independent cells: nearly 5% of the trials. Cells that share their queries agree with each
    // other, which makes Holm's correction stricter than it need be, never laxer.
    for (parallel, seed) in [(false, 5), (true, 6)] {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let found = (0..TRIALS).filter(|&trial| {
            let base = results(&mut rng, &["m"], 6, parallel);
            let head = results(&mut rng, &["m"], 6, parallel);
            let comparison = compare(&base, &head, &quick(trial)).expect("comparable");
            comparison.rows.iter().any(|row| row.verdict != Verdict::Same)
        });
        let found = found.count();
        let kept = if parallel { (10..=132).contains(&found) } else { in_band(found, 0.05) };
        assert!(kept, "parallel {parallel}: {found} of {TRIALS}");
    }
}

#[test]
fn equal_models_share_the_first_rank_everywhere_in_nineteen_of_twenty_trials() {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let found = (0..TRIALS).filter(|&trial| {
        let side = results(&mut rng, &["a", "b", "c"], 2, true);
        let ranked = tiers(&[side], &quick(trial)).expect("three models");
        ranked.tables.iter().flat_map(|table| &table.rows).any(|row| row.rank != Some(1))
    });
    let found = found.count();
    assert!((10..=132).contains(&found), "{found} of {TRIALS}");
}

#[test]
fn a_merged_model_like_its_parents_is_told_apart_in_one_of_twenty_trials() {
    let mut rng = ChaCha8Rng::seed_from_u64(8);
    let parents = ["a", "b"].map(str::to_owned);
    let found = (0..TRIALS).filter(|&trial| {
        let side = results(&mut rng, &["a", "b", "m"], 3, true);
        let found = inheritance(&side, "m", &parents, &quick(trial)).expect("measured");
        found.rows[0].inherited != Some(Inherited::NotToldApart)
    });
    let found = found.count();
    assert!((10..=132).contains(&found), "{found} of {TRIALS}");
}

/// Trials in which the differences that `draw` makes are significant at 5%.
fn rejections(queries: usize, seed: u64, mut draw: impl FnMut(&mut ChaCha8Rng) -> f64) -> usize {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let clusters = Clusters::of(&ids(queries, 1)).expect("not empty");
    let zeros = vec![0.0; queries];
    let found = (0..TRIALS).filter(|&trial| {
        let differences: Vec<f64> = (0..queries).map(|_| draw(&mut rng)).collect();
        let test = randomization_test(&clusters, &zeros, &differences, 999, trial);
        test.expect("valid").p < 0.05
    });
    found.count()
}

#[test]
fn a_difference_of_one_size_is_found_as_often_as_the_binomial_distribution_says() {
    // Every difference is +1 or -1: the randomization test is the sign test, whose power is a sum.
    let queries = 12_u32;
    let chance = |k: u32, up: f64| {
        let ways = (0..k).fold(1.0, |ways, i| ways * f64::from(queries - i) / f64::from(i + 1));
        ways * up.powi(k as i32) * (1.0 - up).powi((queries - k) as i32)
    };
    let far = |k: u32| (2 * i64::from(k) - i64::from(queries)).abs();
    let p = |k: u32| (0..=queries).filter(|&j| far(j) >= far(k)).map(|j| chance(j, 0.5)).sum::<f64>();
    for (up, seed) in [(0.5, 9), (0.7, 10), (0.85, 11)] {
        let power: f64 = (0..=queries).filter(|&k| p(k) < 0.05).map(|k| chance(k, up)).sum();
        let found = rejections(queries as usize, seed, |rng| {
            if f64::from(rng.next_u32()) / f64::from(u32::MAX) < up { 1.0 } else { -1.0 }
        });
        assert!(in_band(found, power), "{up}: {found} of {TRIALS}, power {power}");
    }
}

#[test]
fn a_normal_difference_is_found_as_often_as_the_noncentral_t_distribution_says() {
    for (i, (queries, delta, power)) in crate::golden_scipy::power().into_iter().enumerate() {
        let found = rejections(queries, 12 + i as u64, |rng| delta + normal(rng));
        assert!(in_band(found, power), "{queries} {delta}: {found} of {TRIALS}, power {power}");
    }
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
fn intervals_of_averages_cover_the_true_mean() {
    // Two parallel cells of 60 queries and one cell of another dataset.
    let (own, other) = (ids(60, 1), ids(50, 1));
    let cells =
        [("x", &own), ("x", &own), ("y", &other)].map(|(dataset, q)| PanelCell { dataset, queries: q });
    let mut rng = ChaCha8Rng::seed_from_u64(16);
    let covered = (0..500).filter(|&trial| {
        let panel = Panel::new(&cells, 500, trial).expect("valid");
        let (x, y) = (values(&mut rng, 60, 2, 0.3), values(&mut rng, 50, 1, 0.3));
        let samples = panel.samples(&[&x[..60], &x[60..], &y], &[CellStatistic::Mean; 3]);
        let interval = Interval::of_samples(samples.expect("parallel")).expect("resamples");
        interval.low <= 0.0 && 0.0 <= interval.high
    });
    let covered = covered.count();
    assert!((450..=490).contains(&covered), "{covered} of 500");
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
