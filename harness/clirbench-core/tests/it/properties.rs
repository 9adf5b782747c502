//! What holds for every input.

use std::collections::BTreeMap;

use clirbench_core::{
    metrics::Metric,
    ranking::{Ranking, Ties},
    run::Judged,
    stats::{Clusters, Resamples, holm, randomization_test},
};
use proptest::prelude::*;

const METRICS: [&str; 14] = [
    "ndcg",
    "ndcg@1",
    "ndcg@10",
    "mrr",
    "mrr@3",
    "recall@5",
    "precision@5",
    "map",
    "hit@2",
    "complete@10",
    "max@r",
    "max@r_norm",
    "max@r_norm_of_mean",
    "recall@100",
];

/// Documents with a score out of five, so that many tie, and perhaps a grade; a document without a
/// score was not retrieved.
fn documents() -> impl Strategy<Value = BTreeMap<String, (Option<f32>, Option<i32>)>> {
    let score = prop::option::weighted(0.9, (0..5_i8).prop_map(|s| f32::from(s) / 4.0 - 0.5));
    let grade = prop::option::weighted(0.3, -1..4_i32);
    prop::collection::btree_map("[a-cA-C0-2]{1,3}", (score, grade), 1..40)
}

fn run(documents: &BTreeMap<String, (Option<f32>, Option<i32>)>) -> Vec<(&str, f32)> {
    documents.iter().filter_map(|(id, (score, _))| Some((id.as_str(), (*score)?))).collect()
}

fn ranking(documents: &BTreeMap<String, (Option<f32>, Option<i32>)>) -> Ranking {
    let qrels = documents.iter().filter_map(|(id, (_, grade))| Some((id.as_str(), (*grade)?)));
    Judged::new(qrels).and_then(|judged| judged.rank(&run(documents), 0)).expect("unique ids, finite scores")
}

proptest! {
    #[test]
    fn counted_ranks_are_those_of_a_sort(documents in documents(), turn in 0..40_usize) {
        let mut sorted = run(&documents);
        let middle = turn.min(sorted.len());
        sorted.rotate_left(middle); // input order must not matter
        sorted.sort_by(|a, b| b.1.total_cmp(&a.1).then(b.0.cmp(a.0)));
        let grade = |id: &str| documents[id].1.filter(|&g| g > 0);
        let expected: Vec<_> = (1..).zip(&sorted).filter_map(|(rank, (id, _))| Some((rank, grade(id)?))).collect();
        prop_assert_eq!(ranking(&documents).ranks(Ties::Trec).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn values_are_possible_and_ordered_by_tie_rule(documents in documents()) {
        let ranking = ranking(&documents);
        for name in METRICS {
            let metric: Metric = name.parse().expect("a metric");
            let of = |ties| metric.value(&ranking, ties);
            let (Some(best), Some(trec), Some(worst)) = (of(Ties::Best), of(Ties::Trec), of(Ties::Worst)) else {
                prop_assert!(ranking.ideal.is_empty());
                continue;
            };
            for value in [best, trec, worst] {
                prop_assert!(metric.query_scale().contains(value), "{name}: {value}");
            }
            let falls = if matches!(metric, Metric::MaxR | Metric::MaxRNormOfMean) { -1.0 } else { 1.0 };
            prop_assert!(falls * best >= falls * trec && falls * trec >= falls * worst, "{name}");
            prop_assert!(ranking.has_tie() || best == worst, "{name}");
        }
    }

    #[test]
    fn names_of_any_text_never_panic(name in "\\PC{0,20}") {
        if let Ok(metric) = name.parse::<Metric>() {
            prop_assert_eq!(metric.to_string(), name);
        }
    }

    #[test]
    fn holm_keeps_the_order_and_never_lowers(p in prop::collection::vec(0.0..=1.0_f64, 0..30)) {
        let adjusted = holm(&p);
        for (&p_i, &a_i) in p.iter().zip(&adjusted) {
            prop_assert!(p_i <= a_i && a_i <= 1.0);
            for (&p_j, &a_j) in p.iter().zip(&adjusted) {
                prop_assert!(p_i > p_j || a_i <= a_j);
            }
        }
    }

    #[test]
    fn randomization_does_not_care_which_side_is_head(
        rows in prop::collection::vec((0..30_u8, 0.0..1.0_f64, 0.0..1.0_f64), 1..60),
        seed in any::<u64>(),
    ) {
        let ids: Vec<String> = rows.iter().map(|r| r.0.to_string()).collect();
        let (base, head): (Vec<f64>, Vec<f64>) = rows.iter().map(|r| (r.1, r.2)).unzip();
        let clusters = Clusters::of(&ids).expect("not empty");
        let forward = randomization_test(&clusters, &base, &head, 200, seed).expect("valid");
        let backward = randomization_test(&clusters, &head, &base, 200, seed).expect("valid");
        prop_assert_eq!(forward, backward);
        prop_assert!(forward.p > 0.0 && forward.p <= 1.0);
    }

    #[test]
    fn intervals_lie_within_the_values(
        rows in prop::collection::vec((0..20_u8, -1.0..1.0_f64), 1..50),
        seed in any::<u64>(),
    ) {
        let ids: Vec<String> = rows.iter().map(|r| r.0.to_string()).collect();
        let values: Vec<f64> = rows.iter().map(|r| r.1).collect();
        let resamples = Resamples::new(Clusters::of(&ids).expect("not empty"), 50, seed).expect("n > 0");
        let interval = resamples.interval(&values).expect("parallel");
        let (min, max) = values.iter().fold((1.0_f64, -1.0_f64), |(lo, hi), &v| (lo.min(v), hi.max(v)));
        prop_assert!(min - 1e-12 <= interval.low && interval.low <= interval.high && interval.high <= max + 1e-12);
    }
}
