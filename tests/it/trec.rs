//! Run files rank and score as `scores.csv` says: read back, ranked by trec_eval's order and measured.

use std::collections::BTreeMap;

use clirbench_core::{metrics::Metric, ranking::Ties, run::Judged};
use clirbench_report::trec::{cell_file_stem, read_qrels, read_run};

use crate::place::{Place, bundled, model};

#[test]
fn a_run_file_scores_as_the_run_did() {
    let place = Place::new();
    let scenarios = ["mono", "clir", "multi", "multi-1", "pool-all"];
    let encoder = model("hashed", "hashed", "dim = 64");
    let dataset = bundled(&["en", "ko", "es", "zh"]);
    place.write("bench.toml", format!("{encoder}{dataset}[run]\nscenarios = {scenarios:?}\nresamples = 2\n"));
    let results = place.run_with("bench.toml", "out", &["--trec"]);

    let mut compared = BTreeMap::new();
    for row in results.scores() {
        // What 100 documents per query decide; `map`, `mrr` and `max@r` look further.
        let metric: Metric = row.metric.parse().expect("a metric");
        if !row.metric.contains('@') || row.metric.starts_with("max@r") {
            continue;
        }
        let stem = cell_file_stem(&row.cell());
        let run = read_run(&results.folder.join(format!("trec/{stem}.run"))).expect("a run");
        let qrels = read_qrels(&results.folder.join(format!("trec/{stem}.qrels"))).expect("qrels");
        let mut retrieved: BTreeMap<&str, Vec<(&str, f32)>> = BTreeMap::new();
        for line in &run {
            let hits = retrieved.entry(&line.query).or_default();
            hits.push((&line.document, line.score));
            assert_eq!(line.rank as usize, hits.len(), "ranks count from 1 in {stem}");
        }
        let mut judged: BTreeMap<&str, Vec<(&str, i32)>> = BTreeMap::new();
        for line in &qrels {
            judged.entry(&line.query).or_default().push((&line.document, line.grade));
        }
        assert_eq!((retrieved.len(), judged.len()), (row.queries as usize, row.queries as usize), "{stem}");
        let values = judged.into_iter().map(|(query, judged)| {
            let hits = &retrieved[query];
            // All of the pool, or what `depth` keeps of it.
            assert!(hits.len() == 100 || hits.len() >= row.pool_size as usize - 1, "{stem}: {}", hits.len());
            let judged = Judged::new(judged).expect("judged once");
            let ranking = judged.rank(hits, row.pool_size).expect("finite scores");
            metric.value(&ranking, Ties::Trec).expect("a relevant document")
        });
        let mean = values.sum::<f64>() / f64::from(row.queries);
        assert!((mean - row.value).abs() <= 1e-9, "{stem} {}: {mean} instead of {}", row.metric, row.value);
        *compared.entry(row.scenario).or_insert(0) += 1;
    }
    // Cells times metrics with a cutoff: 4 x 4, 12 x 4, 12 x 3, 12 x 4, 4 x 3.
    let expected = [("clir", 48), ("mono", 16), ("multi", 36), ("multi-1", 48), ("pool-all", 12)];
    let compared: Vec<(&str, i32)> = compared.iter().map(|(scenario, n)| (scenario.as_str(), *n)).collect();
    assert_eq!(compared, expected);
}
