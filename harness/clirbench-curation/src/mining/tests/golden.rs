//! What sentence-transformers 6.2.0 chooses; `sentence_transformers.py` wrote the values.

use std::collections::HashMap;

use clirbench_data::TrainingRow;
use serde_json::Value;

use super::{Vectors, mine};
use crate::mining::{Incomplete, MiningOptions, Pool, RankSemantics};

const GOLDEN: &str = include_str!("sentence_transformers.json");

#[test]
fn survivors_are_those_of_sentence_transformers() {
    let golden: Value = serde_json::from_str(GOLDEN).expect("JSON");
    let list = |value: &Value| -> Vec<String> { serde_json::from_value(value.clone()).expect("a list") };
    let vectors: HashMap<String, Vec<f32>> =
        serde_json::from_value(golden["vectors"].clone()).expect("lists");
    let rows: Vec<TrainingRow> = golden["rows"]
        .as_array()
        .expect("a list")
        .iter()
        .map(list)
        .map(|row| TrainingRow { query: row[0].clone(), positive: row[1].clone(), ..Default::default() })
        .collect();
    let corpus: Vec<(String, String)> =
        list(&golden["corpus"]).into_iter().map(|text| (text.clone(), text)).collect();
    let pool = Pool::new(&rows, false, &corpus, "").expect("a pool");
    let values = |texts: Vec<&str>| -> Vec<f32> {
        texts.iter().flat_map(|text| &vectors[*text]).map(|value| value / 256.0).collect()
    };
    let vectors = Vectors {
        dim: vectors["q0"].len(),
        queries: values(rows.iter().map(|row| row.query.as_str()).collect()),
        documents: values(pool.texts().to_vec()),
    };
    let cases = golden["cases"].as_array().expect("a list");
    assert_eq!(cases.len(), 8);
    for case in cases {
        let given = &case["options"];
        let size = |name: &str| given[name].as_u64().expect("a number") as usize;
        let options = MiningOptions {
            range_min: size("range_min"),
            range_max: size("range_max"),
            max_score: given["max_score"].as_f64(),
            min_score: given["min_score"].as_f64(),
            absolute_margin: given["absolute_margin"].as_f64(),
            relative_margin: given["relative_margin"].as_f64(),
            rank_semantics: RankSemantics::Survivors,
            count: size("num_negatives"),
            incomplete: Incomplete::Keep,
            ..Default::default()
        };
        let (outcomes, _) = mine(&pool, &vectors, &options, 1).expect("mined");
        let mined: Vec<Vec<String>> = outcomes.into_iter().map(|(_, row)| row.negatives).collect();
        let expected: Vec<Vec<String>> =
            case["negatives"].as_array().expect("a list").iter().map(list).collect();
        assert_eq!(mined, expected, "{given}");
    }
}
