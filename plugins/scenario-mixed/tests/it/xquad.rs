//! Pool sizes on XQuAD, one copy of a paragraph per question, against `../shared/golden/clir.json`.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use clirbench_plugin::serde_json::{self, Value, json};
use clirbench_plugin::{DatasetView, Task};

const SHARED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared");

fn read(path: &str) -> Value {
    let text = fs::read_to_string(format!("{SHARED}/{path}")).expect("a file of ../shared");
    serde_json::from_str(&text).expect("JSON")
}

/// The paragraph of each question, in the file's order.
fn paragraphs(language: &str) -> Vec<String> {
    let file = read(&format!("data/xquad/xquad.{language}.json"));
    let list = |value: &Value, key: &str| value[key].as_array().cloned().unwrap_or_default();
    let mut paragraphs = Vec::new();
    for paragraph in list(&file, "data").iter().flat_map(|article| list(article, "paragraphs")) {
        let context = paragraph["context"].as_str().expect("a context").to_owned();
        paragraphs.extend(vec![context; list(&paragraph, "qas").len()]);
    }
    paragraphs
}

fn per_question(languages: [&str; 2]) -> DatasetView {
    let texts = languages.map(paragraphs);
    let groups = |texts: &Vec<String>| {
        let mut first = HashMap::new();
        (0u32..).zip(texts).map(|(i, text)| *first.entry(text).or_insert(i)).collect::<Vec<u32>>()
    };
    let questions: Vec<u32> = (0..texts[0].len() as u32).collect();
    DatasetView {
        languages: languages.map(String::from).to_vec(),
        query_present: vec![questions.clone(); 2],
        document_present: vec![questions.clone(); 2],
        text_group: texts.iter().map(groups).collect(),
        qrels: questions.iter().map(|&q| vec![(q, 1)]).collect(),
        documents: "per-question".to_owned(),
    }
}

/// Smallest and largest pool of a query.
fn pool_sizes(view: &DatasetView, task: &Task) -> [usize; 2] {
    let whole: usize = task.pool_langs.iter().map(|&l| view.document_present[l as usize].len()).sum();
    let sizes = || (0..task.queries.len()).map(|i| whole - task.excluded.get(i).map_or(0, Vec::len));
    [sizes().min().unwrap_or(0), sizes().max().unwrap_or(0)]
}

#[test]
fn pool_sizes_are_the_golden_ones() {
    if !Path::new(SHARED).join("golden").exists() {
        println!("skipped: ../shared/golden is absent");
        return;
    }
    let golden = read("golden/clir.json");
    for other in ["es", "de", "vi"] {
        let view = per_question(["en", other]);
        for (config, name) in [
            (json!({"kind": "multi"}), "multi"),
            (json!({"kind": "multi-1", "remove": "copy"}), "multi1"),
            (json!({"kind": "multi-1", "remove": "text"}), "multi1_allcopies"),
        ] {
            for (task, asked) in crate::tasks(&view, config).unwrap().iter().zip(["en", other]) {
                let case = &golden["cases"][format!("en+{other}/q_{asked}/{name}/dup/index")];
                let [least, most] = pool_sizes(&view, task);
                let size = if least == most { json!(least) } else { json!([least, most]) };
                assert_eq!(size, case["D"], "en+{other} {asked} {name}");
                assert_eq!(json!(task.queries.len()), case["queries"]);
                let relevant: usize = task.relevant.iter().map(Vec::len).sum();
                assert_eq!(json!(relevant as f64 / task.queries.len() as f64), case["R_mean"]);
            }
        }
    }
}
