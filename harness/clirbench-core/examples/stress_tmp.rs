use clirbench_core::{compare::*, results::*};
fn main() {
    let mut side = Side::default();
    let mut x = 12345_u64;
    let mut next = move || {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        (x % 1000) as f64 / 1000.0
    };
    let ids: Vec<String> = (0..1190).map(|i| format!("q{i:05}")).collect();
    for m in 0..9 {
        for (scenario, metric, cells) in
            [("clir", "ndcg@10", 12), ("multi", "max@r", 12), ("multi", "max@r_norm_of_mean", 12)]
        {
            for c in 0..cells {
                let values: Vec<f64> = (0..1190)
                    .map(|_| {
                        if metric == "ndcg@10" {
                            (next() + m as f64 * 0.02).min(1.0)
                        } else {
                            2.0 + (next() * (300.0 - 10.0 * m as f64)).round()
                        }
                    })
                    .collect();
                let mean = values.iter().sum::<f64>() / 1190.0;
                let norm = metric.ends_with("mean");
                let value =
                    if norm { 100.0 * (480f64.log2() - mean.log2()) / (480f64.log2() - 1.0) } else { mean };
                let row = ScoreRow {
                    model: format!("m{m}"),
                    dataset: "x".into(),
                    documents: "unique".into(),
                    scenario: scenario.into(),
                    query_lang: format!("l{c}"),
                    pool_langs: "p".into(),
                    metric: metric.into(),
                    value,
                    ci_low: value,
                    ci_high: value,
                    queries: 1190,
                    pool_size: 480,
                };
                if norm || metric == "ndcg@10" {
                    side.per_query.push(QueryValues {
                        cell: row.cell(),
                        metric: metric.into(),
                        queries: ids.clone(),
                        values,
                    });
                }
                if metric != "max@r" {
                    side.scores.push(row);
                }
            }
        }
    }
    let t = std::time::Instant::now();
    let r = tiers(&[side.clone()], &CompareOptions::default()).unwrap();
    println!("{} tests, {} tables, {:?}", r.tests, r.tables.len(), t.elapsed());
    let t = std::time::Instant::now();
    compare(&side, &side, &CompareOptions::default()).unwrap();
    println!("{:?}", t.elapsed());
}
