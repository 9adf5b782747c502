//! `cargo xtask mini`: trains clirbench-mini from nothing, and measures it. Everything is a command of
//! clirbench; what is here makes the rows.

mod corpora;
mod rows;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::{
    demo::build,
    evaluation::{Evaluation, write},
    workspace::{Workspace, program, run as run_command},
};
use corpora::Corpora;
pub(crate) use corpora::LANGUAGES;

/// Where the models and their scores are kept.
pub(crate) const RESULTS: &str = "results/clirbench-mini";
const RECIPES: &str = "datasets/recipes/clirbench-mini";
const TRIPLES: &str = "datasets/kdc-parallel/train.jsonl";
/// Exit status of a check that found something.
const LEAKS: i32 = 5;
/// Of what is drawn while rows are made.
const SEED: u64 = 42;
/// Of XQuAD: those that the model knows.
const XQUAD: [&str; 6] = ["en", "ar", "de", "es", "vi", "zh"];

/// Makes rows, checks that they hold nothing that models are measured on, trains, measures. `data` holds
/// the corpora, a folder each.
pub(crate) fn run(workspace: &Workspace, data: &Path) -> Result<()> {
    let data = std::path::absolute(data).context("the current folder has no path")?;
    run_command(&mut build(workspace))?;
    let folder = workspace.target.join("mini");
    let evaluation = Evaluation::prepare(workspace, &data, &folder.join("evaluation"), &LANGUAGES)?;
    let measured = write_benches(workspace, &data, &folder, &evaluation)?;
    let corpora = Corpora::read(&data, &workspace.root.join(TRIPLES))?;
    let results = workspace.root.join(RESULTS);
    let [base_rows, aligned_rows] = ["base", "aligned"].map(|name| folder.join(format!("{name}.jsonl")));
    for (path, rows) in [(&base_rows, rows::base(&corpora, SEED)), (&aligned_rows, rows::aligned(&corpora))] {
        write(path, &rows::lines(&rows)?)?;
        remove_leaks(workspace, path, &measured)?;
    }
    let [blank, base, aligned] = [folder.join("blank"), results.join("base"), results.join("aligned")];
    for old in [&blank, &base, &aligned].into_iter().filter(|old| old.exists()) {
        fs::remove_dir_all(old).with_context(|| format!("cannot replace {}", old.display()))?;
    }
    let recipe = |name: &str| workspace.root.join(RECIPES).join(format!("{name}.toml"));
    let mut new = program(workspace, None);
    new.args(["model", "new"]).arg(recipe("model")).arg("--data").arg(&base_rows).arg("--out").arg(&blank);
    run_command(&mut new)?;
    for (name, from, rows, out) in
        [("base", &blank, &base_rows, &base), ("aligned", &base, &aligned_rows, &aligned)]
    {
        let mut train = program(workspace, None);
        train.arg("train").arg(recipe(name)).arg("--base").arg(from).arg("--data").arg(rows);
        run_command(train.arg("--out").arg(out))?;
    }
    for bench in ["retrieval", "bitext"] {
        let mut command = program(workspace, None);
        command.arg("run").arg(folder.join(format!("{bench}.toml")));
        run_command(command.arg("--out").arg(results.join(bench)))?;
    }
    Ok(())
}

/// Writes a bench file for each kind of dataset; returns one that names everything that may not be learned
/// from.
fn write_benches(
    workspace: &Workspace,
    data: &Path,
    folder: &Path,
    evaluation: &Evaluation,
) -> Result<PathBuf> {
    let mut retrieval = evaluation.retrieval.clone();
    retrieval
        .push(json!({"name": "xquad", "format": "xquad", "path": data.join("xquad"), "languages": XQUAD}));
    for (name, datasets, scenarios) in [
        ("retrieval", &retrieval, &["mono", "clir", "multi", "multi-1"][..]),
        ("bitext", &evaluation.bitext, &["clir"]),
    ] {
        let path = folder.join(format!("{name}.toml"));
        write(&path, &toml::to_string(&bench(workspace, datasets, scenarios))?)?;
    }
    let dev = workspace.root.join("datasets/kdc-parallel-dev.toml");
    let mut all = [retrieval, evaluation.bitext.clone()].concat();
    all.push(json!({"name": "kdc-parallel-dev", "manifest": dev}));
    let path = folder.join("measured.toml");
    write(&path, &toml::to_string(&bench(workspace, &all, &["clir"]))?)?;
    Ok(path)
}

/// The models, measured with the lexical baseline beside them.
fn bench(workspace: &Workspace, datasets: &[Value], scenarios: &[&str]) -> Value {
    let at = |name: &str| workspace.root.join(RESULTS).join(name);
    let merge = json!({"method": "uniform", "models": [{"path": at("base")}, {"path": at("aligned")}]});
    json!({
        "models": [
            {"name": "clirbench-mini", "path": at("base")},
            {"name": "clirbench-mini-aligned", "path": at("aligned")},
            {"name": "clirbench-mini-merged", "merge": merge},
            {"name": "hashed", "encoder": "hashed"},
        ],
        "datasets": datasets,
        "run": {"scenarios": scenarios},
    })
}

/// Takes out of a file of rows what gives away a text of the datasets of the bench file `measured`, and
/// checks what stays.
fn remove_leaks(workspace: &Workspace, rows: &Path, measured: &Path) -> Result<()> {
    let report = rows.with_extension("leaks.jsonl");
    let check = || {
        let mut command = program(workspace, None);
        command.args(["data", "leaks"]).arg(rows).arg("--against").arg(measured).arg("--report").arg(&report);
        command
    };
    let status = check().status().context("clirbench cannot be started")?;
    if status.code() != Some(LEAKS) {
        ensure!(status.success(), "`clirbench data leaks` failed: {status}");
        return Ok(());
    }
    let leaks = fs::read_to_string(&report)?;
    let text = fs::read_to_string(rows)?;
    let leaking: BTreeSet<u64> = leaks.lines().map(line_of).collect::<Result<_>>()?;
    let kept = (1..).zip(text.lines()).filter(|(line, _)| !leaking.contains(line));
    let kept: String = kept.map(|(_, row)| format!("{row}\n")).collect();
    write(rows, &kept)?;
    eprintln!("{} of {} rows left out of {}", leaking.len(), text.lines().count(), rows.display());
    run_command(&mut check())
}

/// The line of the training data that a line of the report is about.
fn line_of(report: &str) -> Result<u64> {
    let found: Value = serde_json::from_str(report)?;
    found["line"].as_u64().context("a leak without a line")
}
