//! A base, its data, and folders to train in.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use clirbench_plugin::serde_json::{Value, json};
use clirbench_plugin::{
    FitData, FitJob, FitReport, Host, LossInput, Result, Role, Session, Trainer, TrainingColumn,
};
use tempfile::TempDir;
use trainer_candle::CandleTrainer;

use crate::tiny;

/// Files by their path in a directory.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

pub(crate) struct Workplace {
    dir: TempDir,
    pub(crate) texts: Vec<String>,
    pub(crate) rows: Vec<u32>,
    pub(crate) job: FitJob,
}

impl Workplace {
    /// Eight pairs of texts of different words and lengths.
    pub(crate) fn new(dropout: f64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        tiny::write(&dir.path().join("base"), dropout);
        let words = |start: usize, count: usize| {
            (0..count).map(|i| format!("w{}", (start + i) % 56)).collect::<Vec<_>>().join(" ")
        };
        let queries = (0..8).map(|i| words(7 * i, 2 + i % 3));
        let positives = (0..8).map(|i| words(7 * i + 3, 3 + (i + 1) % 4));
        let texts: Vec<String> = queries.chain(positives).collect();
        let at = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
        let column = |name: &str, role| TrainingColumn { name: name.into(), role };
        let job = FitJob {
            base: at("base"),
            out: at("out"),
            checkpoints: at("checkpoints"),
            columns: vec![column("query", Role::Query), column("positive", Role::Document)],
            input: LossInput::Embeddings,
            parts: vec!["half".into()],
            seed: 42,
            validate_every: 0,
            greater_is_better: true,
        };
        Workplace { texts, rows: (0..8).flat_map(|i| [i, i + 8]).collect(), job, dir }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn fit(&self, config: &Value, session: &mut dyn Session) -> Result<FitReport> {
        self.fit_on(Host::detached().with_threads(1), config, session)
    }

    pub(crate) fn fit_on(&self, host: Host, config: &Value, session: &mut dyn Session) -> Result<FitReport> {
        let validation = |range: std::ops::Range<usize>| {
            let texts = self.texts.get(range).filter(|_| self.job.validate_every > 0);
            texts.unwrap_or_default().iter().map(String::as_str).collect()
        };
        let data = FitData {
            texts: self.texts.iter().map(String::as_str).collect(),
            rows: &self.rows,
            validation_queries: validation(0..8),
            validation_documents: validation(8..16),
        };
        CandleTrainer::open(config, host)?.fit(&self.job, &data, session)
    }

    /// What was trained; a new fit can follow.
    pub(crate) fn take_result(&self) -> Files {
        let files = files(&self.path("out"));
        fs::remove_dir_all(self.path("out")).unwrap();
        files
    }

    /// Names of what lies beside base and data, hidden entries included.
    pub(crate) fn left_behind(&self) -> Vec<String> {
        let entries = fs::read_dir(self.dir.path()).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names.retain(|name| name != "base");
        names
    }
}

/// Every file below `folder`.
pub(crate) fn files(folder: &Path) -> Files {
    let mut found = Files::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                found.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    found
}

/// Options under which the eight pairs are learnt within 30 epochs of two steps.
pub(crate) fn options() -> Value {
    json!({
        "learning_rate": 1e-2, "epochs": 30, "batch_size": 4, "warmup_ratio": 0.1, "dropout": 0.0,
        "weight_decay": 0.05, "checkpoint_every": 0,
    })
}

/// The same with `changes` on top.
pub(crate) fn options_with(changes: Value) -> Value {
    let mut options = options();
    for (name, value) in changes.as_object().unwrap() {
        options[name] = value.clone();
    }
    options
}
