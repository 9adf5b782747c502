//! `cargo xtask demo`: the bundled dataset, measured with everything that is at hand.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};
use toml::{Table, Value};

use crate::{
    onnxruntime::setup,
    workspace::{Workspace, program, run as run_command},
};

/// Where a user can name a model for good.
pub(crate) const MODEL: &str = "CLIRBENCH_MINILM";
pub(crate) const BENCH: &str = "demo.toml";
pub(crate) const RESULTS: &str = "results/demo";
/// The model of the bench file that is held against those that it was merged from.
const MERGED: &str = "mini-merged";

/// Builds, measures and prints; says what was skipped, why, and what to try next.
pub(crate) fn run(workspace: &Workspace, model: Option<&Path>) -> Result<()> {
    let from_environment = || std::env::var_os(MODEL).filter(|path| !path.is_empty()).map(PathBuf::from);
    let model = model.map(Path::to_owned).or_else(from_environment);
    if let Some(missing) = model.as_deref().filter(|path| !path.is_dir()) {
        anyhow::bail!("there is no directory {}", missing.display());
    }
    let runtime = setup(workspace)?;
    eprintln!("{runtime}");
    eprintln!("building clirbench and its plugins");
    run_command(&mut build(workspace))?;
    let mut bench = workspace.root.join(BENCH);
    let skipped = match (&model, runtime.library()) {
        (Some(model), Some(_)) => {
            bench = with_model(workspace, &bench, model)?;
            None
        }
        (Some(_), None) => Some("your model: encoder-onnx needs ONNX Runtime (see above)".to_owned()),
        (None, _) => Some("encoder-onnx: it needs a model directory, and none was named".to_owned()),
    };
    run_command(program(workspace, runtime.library()).arg("run").arg(&bench).args(["--out", RESULTS]))?;
    eprintln!();
    run_command(program(workspace, None).args(["compare", RESULTS, "--parents", MERGED]))?;
    if let Some(skipped) = skipped {
        eprintln!("\nskipped: {skipped}");
    }
    eprintln!("{}", next(workspace));
    Ok(())
}

/// The program and the project's own plugins; those made for tests are none of a user's business.
pub(crate) fn build(workspace: &Workspace) -> Command {
    let mut command = workspace.cargo(["build", "--release", "--workspace"]);
    let folder = workspace.root.join("tests");
    for package in &workspace.packages {
        let manifest = package["manifest_path"].as_str().map(Path::new);
        if manifest.is_some_and(|path| path.starts_with(&folder)) {
            command.arg("--exclude").args(package["name"].as_str());
        }
    }
    command
}

/// Writes the demo's bench file with one more model into the target folder, its paths absolute.
fn with_model(workspace: &Workspace, bench: &Path, model: &Path) -> Result<PathBuf> {
    let text = fs::read_to_string(bench).with_context(|| format!("cannot read {}", bench.display()))?;
    let text = add_model(&text, &workspace.root, &std::path::absolute(model)?)?;
    let folder = workspace.target.join("demo");
    fs::create_dir_all(&folder)?;
    let path = folder.join("bench.toml");
    fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

fn add_model(bench: &str, root: &Path, model: &Path) -> Result<String> {
    let mut bench: Table = toml::from_str(bench)?;
    let text = |path: &Path| path.to_str().map(str::to_owned).context("paths have to be UTF-8");
    for part in ["models", "datasets"] {
        bench.get_mut(part).map_or(Ok(()), |part| make_absolute(part, root))?;
    }
    let models =
        bench.get_mut("models").and_then(Value::as_array_mut).context("the bench file has no models")?;
    let name =
        model.file_name().map_or_else(|| "model".to_owned(), |n| n.to_string_lossy().replace(',', "-"));
    ensure!(
        models.iter().all(|m| m.get("name").and_then(Value::as_str) != Some(&name)),
        "the demo has a model `{name}` already: rename the directory {}",
        model.display()
    );
    let mut entry = Table::new();
    entry.insert("name".to_owned(), Value::String(name));
    entry.insert("path".to_owned(), Value::String(text(model)?));
    models.push(Value::Table(entry));
    Ok(toml::to_string(&bench)?)
}

/// Makes every path of models, of what they are merged from, and of datasets absolute.
fn make_absolute(value: &mut Value, root: &Path) -> Result<()> {
    match value {
        Value::Array(values) => values.iter_mut().try_for_each(|value| make_absolute(value, root)),
        Value::Table(table) => table.iter_mut().try_for_each(|(key, value)| match value {
            Value::String(path) if key == "path" || key == "manifest" => {
                let absolute = root.join(&*path);
                *path = absolute.to_str().context("paths have to be UTF-8")?.to_owned();
                Ok(())
            }
            _ => make_absolute(value, root),
        }),
        _ => Ok(()),
    }
}

fn next(workspace: &Workspace) -> String {
    let program = workspace.target.join("release/clirbench");
    let program = program.strip_prefix(&workspace.root).unwrap_or(&program).display();
    format!(
        "\nnext:\n  \
         a model of yours   cargo xtask demo --model path/to/sentence-transformers-directory\n  \
         a bench of yours   cp {BENCH} my.toml, edit it, {program} run my.toml\n  \
         these results      {RESULTS}/leaderboard.md, {RESULTS}/scores.csv"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const BENCH: &str = r#"
        [[models]]
        name = "hashed"
        [[models]]
        name = "merged"
        merge = { models = [{ path = "results/a" }] }
        [[datasets]]
        manifest = "datasets/kdc.toml"
        [[datasets]]
        name = "mine"
        path = "/data/mine"
        [run]
        scenarios = ["clir"]
    "#;

    #[test]
    fn a_model_joins_the_bench_file_and_relative_paths_become_absolute() {
        let text = add_model(BENCH, Path::new("/checkout"), Path::new("/models/minilm")).unwrap();
        let bench: Table = toml::from_str(&text).unwrap();
        assert_eq!(bench["models"][2]["name"].as_str(), Some("minilm"));
        assert_eq!(bench["models"][2]["path"].as_str(), Some("/models/minilm"));
        assert_eq!(bench["models"][1]["merge"]["models"][0]["path"].as_str(), Some("/checkout/results/a"));
        assert_eq!(bench["datasets"][0]["manifest"].as_str(), Some("/checkout/datasets/kdc.toml"));
        assert_eq!(bench["datasets"][1]["path"].as_str(), Some("/data/mine"));
        assert_eq!(bench["run"]["scenarios"][0].as_str(), Some("clir"));
    }

    #[test]
    fn a_model_named_like_one_of_the_demo_is_refused() {
        let error = add_model(BENCH, Path::new("/checkout"), Path::new("/models/hashed")).unwrap_err();
        assert!(error.to_string().contains("rename"), "{error}");
    }
}
