//! `ir_metrics.json`: pytrec_eval, ir_measures and a plain NumPy reading of trec_eval's rules on
//! runs with ties, missing queries, graded and negative grades.

use clirbench_core::{
    metrics::Metric,
    ranking::{Ranking, Ties},
    run::Judged,
};
use serde_json::Value;

use crate::golden;

/// The other tools' names.
fn metric(name: &str) -> Metric {
    let name = if name.starts_with("P@") { name.replace("P@", "precision@") } else { name.to_lowercase() };
    name.parse().expect("a metric of ours")
}

fn object(value: &Value) -> &serde_json::Map<String, Value> {
    value.as_object().expect("an object")
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

/// ir_measures computes MRR@10 without trec_eval: in another order where scores tie as `float`.
fn by_trec_eval(name: &str) -> bool {
    name != "MRR@10"
}

/// A query's ranking; a query that the run lacks has retrieved nothing.
fn ranking(case: &Value, query: &str) -> Ranking {
    let qrels = object(&case["qrels"][query]);
    let qrels = qrels.iter().map(|(id, grade)| (id.as_str(), grade.as_i64().expect("a grade") as i32));
    let run = case["run"].get(query).map(object);
    let run: Vec<_> = run.into_iter().flatten().map(|(id, score)| (id, number(score) as f32)).collect();
    Judged::new(qrels).and_then(|judged| judged.rank(&run, 0)).expect("valid qrels and run")
}

fn assert_close(found: f64, expected: &Value, what: &str) {
    let expected = number(expected);
    assert!((found - expected).abs() < 1e-9, "{what}: {found}, expected {expected}");
}

#[test]
fn every_query_of_every_case() {
    let Some(golden) = golden::json("golden/ir_metrics.json") else { return };
    let mut compared = 0;
    for (name, case) in object(&golden["cases"]) {
        for source in ["pytrec_eval", "ir_measures_per_query", "numpy_trec_rule"] {
            for (query, values) in object(&case[source]) {
                let ranking = ranking(case, query);
                for (metric_name, expected) in object(values).iter().filter(|(name, _)| by_trec_eval(name)) {
                    // trec_eval gives 0 to a query with nothing relevant; here it has no value.
                    let found = metric(metric_name).value(&ranking, Ties::Trec);
                    let what = format!("{name} {source} {query} {metric_name}");
                    assert_eq!(found.is_none(), ranking.ideal.is_empty(), "{what}");
                    assert_close(found.unwrap_or(0.0), expected, &what);
                    compared += 1;
                }
            }
        }
    }
    assert!(compared > 900, "only {compared} values compared");
}

#[test]
fn means_over_the_returned_and_over_the_judged_queries() {
    let Some(golden) = golden::json("golden/ir_metrics.json") else { return };
    for (name, case) in object(&golden["cases"]) {
        let returned = case["pytrec_eval_queries_returned"].as_array().expect("an array");
        let returned: Vec<&str> = returned.iter().map(|q| q.as_str().expect("an id")).collect();
        let judged: Vec<&str> = object(&case["qrels"]).keys().map(String::as_str).collect();
        for (source, queries) in
            [("pytrec_eval_mean_over_returned", &returned), ("ir_measures_aggregate", &judged)]
        {
            for (metric_name, expected) in object(&case[source]).iter().filter(|(name, _)| by_trec_eval(name))
            {
                let value = |query: &&str| metric(metric_name).value(&ranking(case, query), Ties::Trec);
                let mean = queries.iter().filter_map(value).sum::<f64>() / queries.len() as f64;
                assert_close(mean, expected, &format!("{name} {source} {metric_name}"));
            }
        }
    }
}
