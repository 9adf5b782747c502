//! A trained directory is one that Python's sentence-transformers reads, with the same embeddings.
//!
//! Runs where `CLIRBENCH_PYTHON` (default `python3`) has the package and `CLIRBENCH_MINILM` names a
//! pretrained encoder.

use std::{fs, process::Command};

use clirbench_jobs::embeddings::{Embeddings, text_id};
use clirbench_search::Rows;
use clirbench_store::Store;
use serde_json::{Value, json};

use crate::place::{Place, bundled, named, root};

/// Prints the embeddings of the documents of a BEIR corpus, a JSON list a line.
const SCRIPT: &str = "
import json, sys
from sentence_transformers import SentenceTransformer
model = SentenceTransformer(sys.argv[1], device='cpu')
texts = [json.loads(line)['text'] for line in open(sys.argv[2], encoding='utf-8')]
for vector in model.encode(texts, prompt=''):
    print(json.dumps(vector.tolist()))
";

#[test]
fn a_trained_directory_gives_the_same_embeddings_in_python() {
    let Some(minilm) = named("CLIRBENCH_MINILM") else { return };
    let python = std::env::var("CLIRBENCH_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let has = Command::new(&python).args(["-c", "import sentence_transformers"]).output();
    if !has.is_ok_and(|output| output.status.success()) {
        return println!("skipped: {python} has no sentence-transformers");
    }
    let place = Place::new();
    let rows: String = (0..16)
        .map(|i| {
            format!(
                "{}\n",
                json!({"query": format!("what is number {i}"), "positive": format!("it is {i} of 16")})
            )
        })
        .collect();
    place.write("rows.jsonl", rows);
    place.write(
        "recipe.toml",
        "name = \"tuned\"\n[data]\npath = \"rows.jsonl\"\n[trainer]\nplugin = \"candle\"\n\
         [trainer.options]\nbatch_size = 8\nlearning_rate = 1e-4\nwarmup_ratio = 0.0\n\
         [loss]\nplugin = \"infonce\"\n",
    );
    let base = minilm.display().to_string();
    let ended = place.end(["train", "recipe.toml", "--base", &base, "--out", "tuned", "--store", "store"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);

    let models = "[[models]]\nname = \"tuned\"\npath = \"tuned\"\n\n";
    place.write("bench.toml", format!("{models}{}[run]\nscenarios = [\"mono\"]\n", bundled(&["en"])));
    let results = place.run("bench.toml", "out");
    let group = results.run_json()["models"]["tuned"]["groups"]["document"].clone();
    let group = serde_json::from_value(group).expect("a key");
    let store = Store::open(&place.path("store")).expect("the store");
    let ours = Embeddings::open(&store, &group).expect("embeddings");

    let corpus = root().join("datasets/kdc-parallel/test/en/corpus.jsonl");
    let output = Command::new(&python)
        .args(["-c", SCRIPT])
        .arg(place.path("tuned"))
        .arg(&corpus)
        .output()
        .expect("Python runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8(output.stdout).expect("UTF-8");
    let texts = fs::read_to_string(&corpus).expect("the corpus");
    let mut compared = 0;
    for (line, vector) in texts.lines().zip(printed.lines()) {
        let document: Value = serde_json::from_str(line).expect("a document");
        let theirs: Vec<f32> = serde_json::from_str(vector).expect("a vector");
        let row = ours.row(&text_id(document["text"].as_str().expect("a text"))).expect("encoded") as usize;
        let mut vector = vec![0.0; theirs.len()];
        ours.rows(true).read(row..row + 1, &mut vector).expect("a row");
        let cosine: f64 = vector.iter().zip(&theirs).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
        assert!(cosine > 0.99999, "{line}: {cosine}");
        compared += 1;
    }
    assert_eq!(compared, 140);
}
