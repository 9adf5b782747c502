//! A results folder, read back.

use std::{collections::BTreeMap, fs, path::PathBuf};

use clirbench_core::results::ScoreRow;
use clirbench_report::scores::read_scores;
use serde_json::Value;

/// The files that say nothing of when and how the run went.
pub(crate) const TABLES: [&str; 5] = ["scores.csv", "clir.csv", "mono.csv", "mixed.csv", "bias.csv"];

/// What `run --out` wrote.
#[derive(Debug)]
pub(crate) struct Results {
    pub(crate) folder: PathBuf,
}

impl Results {
    pub(crate) fn of(folder: PathBuf) -> Results {
        Results { folder }
    }

    pub(crate) fn scores(&self) -> Vec<ScoreRow> {
        read_scores(&self.folder.join("scores.csv")).expect("scores.csv")
    }

    pub(crate) fn run_json(&self) -> Value {
        let text = fs::read(self.folder.join("run.json")).expect("run.json");
        serde_json::from_slice(&text).expect("JSON")
    }

    /// `texts` of a model in `run.json`: `distinct`, `from_store` or `encoded`.
    pub(crate) fn texts(&self, model: &str, count: &str) -> u64 {
        self.run_json()["models"][model]["texts"][count].as_u64().expect("a count")
    }

    /// The bytes of every table.
    pub(crate) fn tables(&self) -> BTreeMap<&'static str, String> {
        let read = |name| fs::read_to_string(self.folder.join(name)).expect("a table");
        TABLES.into_iter().map(|name| (name, read(name))).collect()
    }
}

/// Fails at the first table that differs, with its first line that does.
pub(crate) fn assert_same_tables(
    expected: &BTreeMap<&'static str, String>,
    actual: &BTreeMap<&'static str, String>,
    when: &str,
) {
    for (name, expected) in expected {
        let actual = &actual[name];
        if expected != actual {
            let line = expected.lines().zip(actual.lines()).position(|(e, a)| e != a);
            let at = line.unwrap_or_else(|| expected.lines().count().min(actual.lines().count()));
            let of = |text: &str| text.lines().nth(at).unwrap_or("(no such line)").to_owned();
            panic!("{when}: {name} differs in line {}:\n{}\n{}", at + 1, of(expected), of(actual));
        }
    }
}
