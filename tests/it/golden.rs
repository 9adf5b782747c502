//! Reference values of `../shared/golden/clir*.json` and the runs that have to meet them.
//!
//! Four runs cover every case, on one store: `unique` documents under each of the three tie rules;
//! one copy per question (`own`), whose rows carry `/best` and `/worst` beside the rule of the run;
//! every copy relevant (`all`); and `multi-1` with every copy of the removed text taken out.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::Path,
};

use clirbench_core::results::ScoreRow;
use serde_json::Value;

use crate::{place::Place, results::Results};

/// A metric of the reference values, and its name here.
const METRICS: [(&str, &str); 9] = [
    ("complete@10", "complete@10"),
    ("max@R", "max@r"),
    ("max@R_norm_per_query", "max@r_norm"),
    ("max@R_norm_of_mean", "max@r_norm_of_mean"),
    ("ndcg@1", "ndcg@1"),
    ("ndcg@10", "ndcg@10"),
    ("mrr", "mrr"),
    ("mrr@10", "mrr@10"),
    ("recall@10", "recall@10"),
];

/// The cases of one file: name to metrics.
pub(crate) fn cases(file: &Path) -> BTreeMap<String, Value> {
    let golden: Value = serde_json::from_slice(&fs::read(file).expect("golden values")).expect("JSON");
    golden["cases"].as_object().expect("cases by name").clone().into_iter().collect()
}

/// The rows of all runs, by run and coordinates.
pub(crate) struct Measured {
    rows: HashMap<[String; 6], ScoreRow>,
    /// The results folders, in the order of the runs.
    pub(crate) runs: Vec<Results>,
}

/// Runs a model on XQuAD. `model` is its `[[models]]` table; English is in every pair.
pub(crate) fn measure(
    place: &Place,
    model: &str,
    xquad: &Path,
    languages: &[&str],
    more: &[&str],
) -> Measured {
    let mut measured = Measured { rows: HashMap::new(), runs: Vec::new() };
    let dataset = |name: &str, layout: &str| {
        let path = xquad.display();
        format!(
            "[[datasets]]\nname = \"{name}\"\nformat = \"xquad\"\npath = \"{path}\"\n\
             languages = {languages:?}\n{layout}\n\n"
        )
    };
    let unique = dataset("unique", "documents = \"unique\"");
    let own = dataset("own", "documents = \"per-question\"");
    let all = dataset("all", "documents = \"per-question\"\ncopies = \"all\"");
    let every = &["mono", "clir", "multi", "multi-1"][..];
    let runs = [
        ("index", [&unique, &own, &all].map(String::as_str).concat(), "index", every, ""),
        ("best", unique.clone(), "best", every, ""),
        ("worst", unique.clone(), "worst", every, ""),
        ("text", own.clone(), "index", &["multi-1"][..], "remove = \"text\"\n"),
    ];
    for (name, datasets, ties, scenarios, multi1) in runs {
        let mut bench = format!(
            "{model}{datasets}[run]\nscenarios = {scenarios:?}\nties = \"{ties}\"\nresamples = 10\n\n"
        );
        let metrics = METRICS.map(|(_, here)| here);
        for scenario in scenarios {
            bench.push_str(&format!("[scenario.{scenario}]\nmetrics = {metrics:?}\n"));
            if *scenario != "mono" {
                bench.push_str("pairs_with = \"en\"\n");
            }
            if *scenario == "multi-1" {
                bench.push_str(multi1);
            }
        }
        let file = format!("{name}.toml");
        place.write(&file, bench);
        let results = place.run_with(&file, name, more);
        for row in results.scores() {
            let ScoreRow { dataset, scenario, query_lang, pool_langs, metric, .. } = row.clone();
            let key = [name.to_owned(), dataset, scenario, query_lang, pool_langs, metric];
            assert!(measured.rows.insert(key, row).is_none(), "a row occurs twice");
        }
        measured.runs.push(results);
    }
    measured
}

/// Holds every metric of every case against the rows; `agrees(metric, expected, actual)` decides.
/// Returns how many numbers were compared.
pub(crate) fn compare(
    cases: &BTreeMap<String, Value>,
    measured: &Measured,
    agrees: impl Fn(&str, f64, f64) -> bool,
) -> usize {
    let mut compared = 0;
    let mut wrong = Vec::new();
    for (name, case) in cases {
        for (metric, here) in METRICS {
            // The norm of the mean is defined where |D| and |R| are the same for every query.
            let Some(expected) = case.get(metric).and_then(Value::as_f64) else { continue };
            let row = row_of(measured, name, here);
            assert_eq!(Some(u64::from(row.queries)), case["queries"].as_u64(), "{name}: queries");
            if !name.contains("multi1") {
                assert_eq!(Some(u64::from(row.pool_size)), case["D"].as_u64(), "{name}: pool size");
            }
            compared += 1;
            if !agrees(here, expected, row.value) {
                wrong.push(format!("{name} {here}: {} instead of {expected}", row.value));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {compared} numbers differ:\n{}", wrong.len(), wrong.join("\n"));
    compared
}

/// The row of a case such as `en+es/q_en/multi1_allcopies/dup/best`.
fn row_of<'a>(measured: &'a Measured, case: &str, metric: &str) -> &'a ScoreRow {
    let [pair, query, setting, documents, ties] =
        case.split('/').collect::<Vec<_>>()[..].try_into().expect("five parts");
    let query = query.strip_prefix("q_").expect("a query language");
    let other = pair.split('+').find(|language| *language != query).expect("a pair");
    let (scenario, pool) = match setting {
        "mono_same" => ("mono", query),
        "mono_cross" => ("clir", other),
        "multi" | "multi_allcopies" => ("multi", pair),
        "multi1" | "multi1_allcopies" => ("multi-1", pair),
        _ => panic!("{case}: an unknown setting"),
    };
    let (run, dataset) = match (documents, setting) {
        ("uniq", _) => (ties, "unique"),
        ("dup", "multi_allcopies") => ("index", "all"),
        ("dup", "multi1_allcopies") => ("text", "own"),
        ("dup", _) => ("index", "own"),
        _ => panic!("{case}: unknown documents"),
    };
    let metric = match (documents, ties) {
        ("uniq", _) | (_, "index") => metric.to_owned(),
        (_, ties) => format!("{metric}/{ties}"),
    };
    let key = [run, dataset, scenario, query, pool, &metric].map(str::to_owned);
    measured.rows.get(&key).unwrap_or_else(|| panic!("{case}: no row {}", key.join(" ")))
}
