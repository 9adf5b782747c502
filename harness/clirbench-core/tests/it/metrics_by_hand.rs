//! Every metric on rankings small enough to work out on paper.

use clirbench_core::{
    metrics::{CellScores, Extent, Metric, MetricError, Scale},
    ranking::{Ranking, Standing, Ties},
    stats::{Clusters, Resamples},
};

/// Relevant documents with grades, and how many others are above and tied; nothing tied is ahead.
fn ranking(pool_size: u32, ideal: &[i32], relevant: &[(i32, u32, u32)]) -> Ranking {
    let standing = |(i, &(grade, above, tied)): (usize, &(i32, u32, u32))| Standing {
        grade,
        score: -(i as f32),
        order: i as u32,
        above,
        tied,
        tied_ahead: 0,
        judged: i as u32,
    };
    Ranking {
        relevant: relevant.iter().enumerate().map(standing).collect(),
        pool_size,
        ideal: ideal.to_vec(),
    }
}

fn value(name: &str, ranking: &Ranking) -> f64 {
    let metric: Metric = name.parse().expect("a metric");
    metric.value(ranking, Ties::Trec).expect("something is relevant")
}

fn assert_value(name: &str, ranking: &Ranking, expected: f64) {
    let found = value(name, ranking);
    assert!((found - expected).abs() < 1e-12, "{name}: {found}, expected {expected}");
}

#[test]
fn a_query_with_three_relevant_documents() {
    // Ranks 2 (grade 1), 3 (grade 3) and 12 (grade 2) in a pool of 64.
    let ranking = ranking(64, &[3, 2, 1], &[(1, 1, 0), (3, 1, 0), (2, 9, 0)]);
    assert_eq!(ranking.ranks(Ties::Trec).collect::<Vec<_>>(), [(2, 1), (3, 3), (12, 2)]);

    let ideal = 3.0 + 2.0 / 3_f64.log2() + 1.0 / 2.0;
    assert_value("ndcg@1", &ranking, 0.0);
    assert_value("ndcg@2", &ranking, (1.0 / 3_f64.log2()) / (3.0 + 2.0 / 3_f64.log2()));
    assert_value("ndcg@10", &ranking, (1.0 / 3_f64.log2() + 3.0 / 2.0) / ideal);
    assert_value("ndcg", &ranking, (1.0 / 3_f64.log2() + 3.0 / 2.0 + 2.0 / 13_f64.log2()) / ideal);
    assert_value("mrr", &ranking, 0.5);
    assert_value("mrr@1", &ranking, 0.0);
    assert_value("recall@2", &ranking, 1.0 / 3.0);
    assert_value("recall@100", &ranking, 1.0);
    assert_value("precision@10", &ranking, 0.2);
    assert_value("precision@100", &ranking, 0.03);
    assert_value("map", &ranking, (1.0 / 2.0 + 2.0 / 3.0 + 3.0 / 12.0) / 3.0);
    assert_value("hit@1", &ranking, 0.0);
    assert_value("hit@2", &ranking, 1.0);
    assert_value("complete@11", &ranking, 0.0);
    assert_value("complete@12", &ranking, 1.0);
    assert_value("max@r", &ranking, 12.0);
    assert_value("max@r_norm", &ranking, 100.0 * (6.0 - 12_f64.log2()) / (6.0 - 3_f64.log2()));
    assert_value("max@r_norm_of_mean", &ranking, 12.0);
}

#[test]
fn tie_rules_move_the_relevant_documents() {
    // Grade 1 under 1 other and tied with 2; grade 1 under 3 others and tied with 4.
    let ranking = ranking(16, &[1, 1], &[(1, 1, 2), (1, 3, 4)]);
    let max_at_r = |ties| Metric::MaxR.value(&ranking, ties);
    let mrr = |ties| Metric::Mrr(None).value(&ranking, ties);
    assert_eq!((mrr(Ties::Best), max_at_r(Ties::Best)), (Some(0.5), Some(5.0)));
    assert_eq!((mrr(Ties::Worst), max_at_r(Ties::Worst)), (Some(0.25), Some(9.0)));
    assert!(ranking.has_tie());
}

#[test]
fn relevant_documents_that_were_not_retrieved() {
    // Two relevant, one retrieved at rank 1, ten documents searched.
    let partial = ranking(10, &[1, 1], &[(1, 0, 0)]);
    let best = 1.0 + 1.0 / 3_f64.log2();
    for (name, expected) in [
        ("ndcg@10", 1.0 / best),
        ("recall@10", 0.5),
        ("map", 0.5),
        ("mrr", 1.0),
        ("hit@1", 1.0),
        ("complete@10", 0.0),
        ("max@r", 10.0),
        ("max@r_norm", 0.0),
    ] {
        assert_value(name, &partial, expected);
    }
    // Nothing retrieved: zero everywhere, and the last rank.
    let nothing = ranking(10, &[2, 1], &[]);
    for name in
        ["ndcg", "ndcg@1", "mrr", "recall@5", "precision@5", "map", "hit@5", "complete@5", "max@r_norm"]
    {
        assert_value(name, &nothing, 0.0);
    }
    assert_value("max@r", &nothing, 10.0);
}

#[test]
fn a_query_with_nothing_relevant_is_left_out_and_counted() {
    let rankings = [ranking(8, &[1], &[(1, 1, 0)]), ranking(8, &[], &[]), ranking(8, &[1], &[(1, 0, 0)])];
    let cell = CellScores::of(Metric::Mrr(None), &rankings, Ties::Trec).expect("valid");
    assert_eq!(
        (cell.queries.as_slice(), cell.values.as_slice(), cell.left_out),
        (&[0, 2][..], &[0.5, 1.0][..], 1)
    );
    assert_eq!(cell.value(), Ok(0.75));
    assert_eq!(cell.extent, Extent { pool_size: 8.0, relevant: 1.0 });

    let empty = CellScores::of(Metric::Mrr(None), &rankings[1..2], Ties::Trec).expect("valid");
    assert_eq!(empty.value(), Err(MetricError::NoQueries { metric: Metric::Mrr(None) }));
}

#[test]
fn the_norm_of_the_mean_is_not_the_mean_of_the_norms() {
    // Max@R 2 and 14 in pools of 64 with |R| = 2: mean 8.
    let rankings =
        [ranking(64, &[1, 1], &[(1, 0, 0), (1, 0, 0)]), ranking(64, &[1, 1], &[(1, 0, 0), (1, 12, 0)])];
    let number = |metric: Metric| {
        CellScores::of(metric, &rankings, Ties::Trec).and_then(|c| c.value()).expect("valid")
    };
    assert_eq!(number(Metric::MaxR), 8.0);
    let close = |a: f64, b: f64| (a - b).abs() < 1e-12;
    // 100 (6 - 3) / (6 - 1)
    assert!(close(number(Metric::MaxRNormOfMean), 60.0));
    assert!(close(number(Metric::MaxRNorm), (100.0 + 100.0 * (6.0 - 14_f64.log2()) / 5.0) / 2.0));
}

#[test]
fn varying_pools_enter_the_norm_of_the_mean_by_their_means() {
    // |D| 4 and 12 (mean 8), |R| 1 and 3 (mean 2), Max@R 1 and 7 (mean 4).
    let small = ranking(4, &[1], &[(1, 0, 0)]);
    let large = ranking(12, &[1, 1, 1], &[(1, 0, 0), (1, 0, 0), (1, 4, 0)]);
    let cell = CellScores::of(Metric::MaxRNormOfMean, &[small, large], Ties::Trec).expect("valid");
    assert_eq!(cell.extent, Extent { pool_size: 8.0, relevant: 2.0 });
    // 100 (3 - 2) / (3 - 1)
    assert_eq!(cell.value(), Ok(50.0));
}

#[test]
fn a_pool_of_relevant_documents_only_is_ranked_perfectly() {
    let all = ranking(2, &[1, 1], &[(1, 0, 0), (1, 0, 0)]);
    assert_value("max@r_norm", &all, 100.0);
    let cell = CellScores::of(Metric::MaxRNormOfMean, &[all], Ties::Trec).expect("valid");
    assert_eq!(cell.value(), Ok(100.0));
}

#[test]
fn impossible_values_are_errors() {
    // Five relevant documents in the ranking, one in the ideal: recall would be 5.
    let wrong = ranking(9, &[1], &[(1, 0, 0); 5]);
    let recall: Metric = "recall@10".parse().expect("a metric");
    let error = CellScores::of(recall, &[wrong], Ties::Trec).expect_err("recall of 5");
    assert_eq!(error, MetricError::Invariant { metric: recall, query: Some(0), value: 5.0 });
    assert!(error.to_string().starts_with("recall@10 is 5 for query 0, outside 0..=1"), "{error}");

    // A pool of no documents cannot hold the missing one.
    let nowhere = ranking(0, &[1], &[]);
    assert!(CellScores::of(Metric::MaxR, &[nowhere], Ties::Trec).is_err());

    let extent = Extent { pool_size: 10.0, relevant: 1.0 };
    assert!(Metric::Map.aggregate(&[0.5, f64::NAN], extent).is_err());
    assert!(Metric::MaxR.aggregate(&[f64::INFINITY], extent).is_err());
    assert!(Metric::MaxR.aggregate(&[0.0], extent).is_err());
    // A mean Max@R beyond the pool.
    let beyond = Metric::MaxRNormOfMean.aggregate(&[11.0], extent);
    assert!(matches!(beyond, Err(MetricError::Invariant { query: None, .. })), "{beyond:?}");
}

#[test]
fn units() {
    assert_eq!(Metric::Map.scale(), Scale::Fraction);
    assert_eq!(Metric::MaxR.scale(), Scale::Rank);
    assert_eq!(
        (Metric::MaxRNormOfMean.scale(), Metric::MaxRNormOfMean.query_scale()),
        (Scale::Percent, Scale::Rank)
    );
    assert!(Metric::MaxRNorm.higher_is_better() && !Metric::MaxR.higher_is_better());
}

#[test]
fn intervals_hold_the_number_and_share_their_draw() {
    let rankings: Vec<Ranking> = (0..40).map(|i| ranking(64, &[1, 1], &[(1, 0, 0), (1, i, 0)])).collect();
    let ids: Vec<String> = (0..40).map(|i| format!("q{i}")).collect();
    let resamples = Resamples::new(Clusters::of(&ids).expect("not empty"), 500, 7).expect("n > 0");
    let interval = |metric| {
        let cell = CellScores::of(metric, &rankings, Ties::Trec).expect("valid");
        let (value, interval) = (cell.value().expect("valid"), cell.interval(&resamples).expect("parallel"));
        assert!(interval.low < value && value < interval.high, "{metric}: {interval:?} around {value}");
        interval
    };
    // The norm of the mean falls as the mean rises: its ends are the norms of Max@R's ends,
    // but for the interpolation between resamples.
    let (ranks, norm) = (interval(Metric::MaxR), interval(Metric::MaxRNormOfMean));
    let of_rank = |rank: f64| 100.0 * (6.0 - rank.log2()) / 5.0;
    assert!((norm.low - of_rank(ranks.high)).abs() < 0.1 && (norm.high - of_rank(ranks.low)).abs() < 0.1);
}

#[test]
fn metrics_serialize_by_name() {
    let metric: Metric = serde_json::from_str("\"ndcg@10\"").expect("a name");
    assert_eq!(serde_json::to_string(&metric).expect("a string"), "\"ndcg@10\"");
    let error = serde_json::from_str::<Metric>("\"ndgc@10\"").expect_err("no such metric").to_string();
    assert!(error.contains("did you mean `ndcg@10`?"), "{error}");
}
