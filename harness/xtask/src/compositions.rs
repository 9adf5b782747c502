//! `cargo xtask compositions`: the study of Jang et al. 2025 on a base model of yours. Trains it on the
//! eight language compositions of one parallel set of triples (from NTREX-128), measures the nine
//! models and all their pairwise merges on XQuAD in one sweep, and writes the tables.

use std::{
    fs,
    ops::Range,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use serde_json::json;

use crate::{
    demo::build,
    ntrex::Ntrex,
    onnxruntime::setup,
    workspace::{Workspace, program, run as run_command},
};

/// The two languages: code and NTREX file. Spanish takes the place of Korean, of which the
/// vocabulary of a small English model has next to nothing.
const LANGUAGES: [(&str, &str); 2] = [("es", "spa"), ("en", "eng")];
/// Sentences of a passage. The middle one is the query, the others are the positive: a query that
/// stood in its passage would teach nothing where both are in one language.
const PASSAGE: usize = 3;
const RESULTS: &str = "results/jang-2025";

/// Trains, sweeps, and writes the tables to `results/jang-2025`. `data` holds `ntrex/` and `xquad/`.
pub(crate) fn run(workspace: &Workspace, base: &Path, data: &Path) -> Result<()> {
    let absolute = |path: &Path| std::path::absolute(path).context("the current folder has no path");
    let (base, data) = (absolute(base)?, absolute(data)?);
    ensure!(base.join("modules.json").is_file(), "{} is no sentence-transformers directory", base.display());
    let runtime = setup(workspace)?;
    run_command(&mut build(workspace))?;
    let folder = workspace.target.join("compositions");
    fs::create_dir_all(&folder)?;
    let ntrex = Ntrex::read(&data.join("ntrex"), &LANGUAGES)?;
    let triples = triples(&ntrex);
    eprintln!("{} triples in each composition", triples.len());
    let mut models = vec![("base".to_owned(), base.clone())];
    for languages in compositions() {
        let name = languages.concat();
        let [rows, recipe, out] = [".jsonl", ".toml", ""].map(|end| folder.join(format!("{name}{end}")));
        fs::write(&rows, compose(&ntrex, &triples, languages))?;
        fs::write(&recipe, toml::to_string(&self::recipe(&name))?)?;
        let mut command = program(workspace, runtime.library());
        command.arg("train").arg(recipe).arg("--base").arg(&base).arg("--data").arg(rows);
        run_command(command.arg("--out").arg(&out))?;
        models.push((name, out));
    }
    let file = folder.join("sweep.toml");
    let kdc = workspace.root.join("datasets/kdc-parallel.toml");
    fs::write(&file, toml::to_string(&sweep(&models, &kdc, &data.join("xquad"), &folder.join("winners")))?)?;
    run_command(program(workspace, runtime.library()).arg("sweep").arg(&file).args(["--out", RESULTS]))
}

/// Languages of query, positive and negative, in the order of the paper's tables.
fn compositions() -> [[&'static str; 3]; 8] {
    let [(a, _), (b, _)] = LANGUAGES;
    [[a, a, a], [a, b, a], [a, a, b], [a, b, b], [b, b, b], [b, b, a], [b, a, b], [b, a, a]]
}

/// A passage, and another of the same document as its hard negative.
fn triples(ntrex: &Ntrex) -> Vec<[Range<usize>; 2]> {
    let passages = ntrex.passages(PASSAGE);
    let negative = |at: usize| {
        let near = [at.checked_add(1), at.checked_sub(1)].into_iter().flatten();
        let mut others = near.filter_map(|other| passages.get(other));
        others.find(|other| ntrex.together(&passages[at], other))
    };
    (0..passages.len()).filter_map(|at| Some([passages[at].clone(), negative(at)?.clone()])).collect()
}

/// The triples in the languages of a composition, as JSON lines.
fn compose(ntrex: &Ntrex, triples: &[[Range<usize>; 2]], [query, positive, negative]: [&str; 3]) -> String {
    let row = |[own, other]: &[Range<usize>; 2]| {
        let row = json!({
            "query": ntrex.query(query, own),
            "positive": ntrex.rest(positive, own),
            "negatives": [ntrex.rest(negative, other)],
        });
        format!("{row}\n")
    };
    triples.iter().map(row).collect()
}

/// A quick training: InfoNCE in place of the paper's GIST, whose guide would have to know both
/// languages.
fn recipe(name: &str) -> serde_json::Value {
    json!({
        "name": name,
        "seed": 42,
        "data": {"negatives": 1},
        "trainer": {"plugin": "candle", "options": {
            "batch_size": 32, "epochs": 2, "learning_rate": 2e-5, "warmup_ratio": 0.1,
        }},
        "loss": {"plugin": "infonce", "options": {"scale": 20.0}},
    })
}

/// All pairs, half and half; winners are chosen on the bundled dataset, the report is on XQuAD.
fn sweep(models: &[(String, PathBuf)], kdc: &Path, xquad: &Path, winners: &Path) -> serde_json::Value {
    let languages: Vec<&str> = LANGUAGES.iter().rev().map(|(code, _)| *code).collect();
    let checkpoints: Vec<_> = models.iter().map(|(name, path)| json!({"name": name, "path": path})).collect();
    json!({
        "encoder": "candle",
        "base": "base",
        "checkpoints": checkpoints,
        "selection": {
            "metric": "ndcg@10",
            "soup": true,
            "output": winners,
            "datasets": [{"name": "kdc", "manifest": kdc, "languages": languages}],
        },
        "datasets": [{"name": "xquad", "format": "xquad", "path": xquad, "languages": languages}],
        "run": {"scenarios": ["clir", "mono"]},
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_eight_compositions_differ_and_are_in_the_order_of_the_paper() {
        let names: Vec<String> = compositions().iter().map(|c| c.concat()).collect();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), 8);
        assert_eq!((&names[0][..], &names[3][..], &names[7][..]), ("eseses", "esenen", "eneses"));
    }

    #[test]
    fn a_row_has_its_languages_and_a_negative_of_its_document() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("written");
        // Two passages of one document, one of another that has no second.
        write("DOCUMENT_IDS.tsv", "d\nd\nd\nd\nd\nd\ne\ne\ne\n");
        for (code, file) in LANGUAGES {
            let lines: String = (0..9).map(|i| format!("{code}{i}\n")).collect();
            write(&format!("{file}.txt"), &lines);
        }
        let ntrex = Ntrex::read(folder.path(), &LANGUAGES).expect("readable");
        let triples = triples(&ntrex);
        assert_eq!(triples, [[0..3, 3..6], [3..6, 0..3]]);
        let rows = compose(&ntrex, &triples, ["es", "en", "es"]);
        let row: serde_json::Value = serde_json::from_str(rows.lines().next().expect("a row")).expect("JSON");
        let expected = json!({"query": "es1", "positive": "en0 en2", "negatives": ["es3 es5"]});
        assert_eq!(row, expected);
    }
}
