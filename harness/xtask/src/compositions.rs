//! `cargo xtask compositions`: the study of Jang et al. 2025 with clirbench-mini. One set of Korean-English
//! triples is deduplicated, gets mined hard negatives, and is composed in eight ways; the model is trained
//! on each; the nine models and all their pairwise merges are measured in one sweep.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::{
    demo::build,
    evaluation::{Evaluation, write},
    mini,
    workspace::{Workspace, program, run as run_command},
};

/// The two languages: code and NTREX file.
const LANGUAGES: [(&str, &str); 2] = [("ko", "kor"), ("en", "eng")];
/// Languages of query, positive and negatives, in the order of the paper's tables.
const COMPOSITIONS: [&str; 8] =
    ["kokoko", "kokoen", "koenko", "koenen", "enenen", "enenko", "enkoen", "enkoko"];
/// The compositions that the paper merges in its table 2.
const MERGED: [&str; 2] = ["koenen", "enkoko"];
const TRIPLES: &str = "datasets/kdc-parallel/train.jsonl";
const RECIPE: &str = "datasets/recipes/clirbench-mini/composition.toml";
const RESULTS: &str = "results/jang-2025";
/// Mined for each query, as in the paper. Its window is ranks 50 to 300 of a corpus of thousands; here the
/// corpus is the 300 positives.
const MINING: [&str; 10] = [
    "--count",
    "5",
    "--range-min",
    "5",
    "--range-max",
    "100",
    "--max-score",
    "0.8",
    "--relative-margin",
    "0.05",
];

/// Makes the data, trains, sweeps, and writes the tables to `results/jang-2025`. `data` holds the corpora
/// that are measured on.
pub(crate) fn run(workspace: &Workspace, data: &Path) -> Result<()> {
    let data = std::path::absolute(data).context("the current folder has no path")?;
    run_command(&mut build(workspace))?;
    let folder = workspace.target.join("compositions");
    let base = workspace.root.join(mini::RESULTS).join("base");
    let rows = compose(workspace, &base, &folder)?;
    let mut models = vec![("base".to_owned(), base.clone())];
    for name in COMPOSITIONS {
        let out = folder.join(name);
        if out.exists() {
            fs::remove_dir_all(&out).with_context(|| format!("cannot replace {}", out.display()))?;
        }
        let mut train = program(workspace, None);
        train.arg("train").arg(RECIPE).arg("--base").arg(&base);
        train.arg("--data").arg(rows.join(format!("{name}.jsonl"))).arg("--out").arg(&out);
        run_command(&mut train)?;
        models.push((name.to_owned(), out));
    }
    let evaluation = Evaluation::prepare(workspace, &data, &folder.join("evaluation"), &LANGUAGES)?;
    let file = folder.join("sweep.toml");
    write(&file, &toml::to_string(&sweep(workspace, &models, &evaluation, &folder.join("winners")))?)?;
    run_command(program(workspace, None).arg("sweep").arg(&file).args(["--out", RESULTS]))?;
    let results = workspace.root.join(RESULTS);
    write(&results.join("tables.md"), &tables(&results)?)
}

/// Deduplicates, mines and composes; returns the folder of the compositions.
fn compose(workspace: &Workspace, base: &Path, folder: &Path) -> Result<PathBuf> {
    let [unique, mined, rows] = ["unique.jsonl", "mined.jsonl", "rows"].map(|name| folder.join(name));
    let mut dedup = program(workspace, None);
    dedup.args(["dedup", TRIPLES, "--language", "en", "--out"]).arg(&unique);
    run_command(&mut dedup)?;
    let mut mine = program(workspace, None);
    mine.arg("mine").arg(&unique).args(["--language", "en", "--encoder", "candle", "--model"]).arg(base);
    mine.args(MINING).arg("--report").arg(folder.join("mined.json")).arg("--out").arg(&mined);
    run_command(&mut mine)?;
    let mut compose = program(workspace, None);
    compose.arg("compose").arg(&mined).args(["--languages", "ko,en", "--out"]).arg(&rows);
    run_command(&mut compose)?;
    Ok(rows)
}

/// All pairs, half and half; winners are chosen on the queries for choosing.
fn sweep(
    workspace: &Workspace,
    models: &[(String, PathBuf)],
    evaluation: &Evaluation,
    winners: &Path,
) -> Value {
    let languages: Vec<&str> = LANGUAGES.iter().map(|(code, _)| *code).collect();
    let checkpoints: Vec<_> = models.iter().map(|(name, path)| json!({"name": name, "path": path})).collect();
    let dev = workspace.root.join("datasets/kdc-parallel-dev.toml");
    let clir = |dataset: &Value| {
        let mut dataset = dataset.clone();
        dataset["scenarios"] = json!(["clir"]);
        dataset
    };
    let bitext = evaluation.bitext.iter().map(clir);
    json!({
        "encoder": "candle",
        "base": "base",
        "checkpoints": checkpoints,
        "selection": {
            "metric": "ndcg@10",
            "soup": true,
            "output": winners,
            "datasets": [{"name": "kdc-parallel-dev", "manifest": dev, "languages": languages}],
        },
        "datasets": evaluation.retrieval.iter().cloned().chain(bitext).collect::<Vec<_>>(),
        "run": {"scenarios": ["clir", "mono"]},
    })
}

/// Tables 1 and 2 of the paper: their rows of what the sweep wrote.
fn tables(results: &Path) -> Result<String> {
    let one: Vec<String> = std::iter::once("base").chain(COMPOSITIONS).map(str::to_owned).collect();
    let two: Vec<String> =
        MERGED.iter().flat_map(|name| [(*name).to_owned(), format!("base+{name}")]).collect();
    let two: Vec<String> = std::iter::once("base".to_owned()).chain(two).collect();
    let mut text = String::new();
    for (title, names) in [("Table 1: compositions", &one), ("Table 2: merges with the base", &two)] {
        for (part, file) in [("CLIR", "clir.md"), ("Mono", "mono.md")] {
            let path = results.join(file);
            let all = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            text += &format!("## {title}, {part}\n\n{}\n", rows_of(&all, names)?);
        }
    }
    Ok(format!(
        "# Jang et al. 2025, tables 1 and 2\n\nnDCG@10 x 100 with 95% intervals, queries-documents. \
         `koenen`: Korean queries, English positives, English negatives.\n\n{text}"
    ))
}

/// The rows of a Markdown table in which these are the first cells, in this order, under its head.
fn rows_of(table: &str, names: &[String]) -> Result<String> {
    let lines: Vec<&str> = table.lines().filter(|line| line.starts_with('|')).collect();
    let mut rows: Vec<String> = lines.iter().take(2).map(|line| line.replace("**", "")).collect();
    for name in names {
        let of =
            |line: &&&str| line.split('|').nth(1).is_some_and(|cell| cell.replace("**", "").trim() == name);
        let line = lines.iter().find(of).with_context(|| format!("no row for {name}"))?;
        // Bold is the best of all rows, most of which are not here.
        rows.push(line.replace("**", ""));
    }
    Ok(rows.join("\n") + "\n")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_eight_compositions_differ_and_are_in_the_order_of_the_paper() {
        assert_eq!(COMPOSITIONS.iter().collect::<BTreeSet<_>>().len(), 8);
        assert_eq!((COMPOSITIONS[0], COMPOSITIONS[3], COMPOSITIONS[7]), ("kokoko", "koenen", "enkoko"));
        assert!(MERGED.iter().all(|name| COMPOSITIONS.contains(name)));
    }

    #[test]
    fn rows_are_taken_by_name_and_lose_the_marks_of_the_whole_table() {
        let table = "# CLIR\n\n| model | OVR |\n|:--|--:|\n| **a+b** | **3** |\n| b | 1 |\n| a | 2 |\n";
        let rows = rows_of(table, &["a".to_owned(), "a+b".to_owned()]).expect("rows");
        assert_eq!(rows, "| model | OVR |\n|:--|--:|\n| a | 2 |\n| a+b | 3 |\n");
        assert!(rows_of(table, &["c".to_owned()]).is_err());
    }
}
