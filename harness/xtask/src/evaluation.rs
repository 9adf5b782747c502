//! What models trained here are measured on: the bundled dataset, and corpora of which they have seen
//! other parts.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::{ntrex::Ntrex, workspace::Workspace};

/// Sentences of a passage: the middle one is its query.
const PASSAGE: usize = 3;

/// Entries of a bench file.
pub(crate) struct Evaluation {
    /// Queries and passages that answer them: CLIR and Mono.
    pub(crate) retrieval: Vec<Value>,
    /// Sentences and their translations: CLIR. (A sentence finds itself, so Mono says nothing.)
    pub(crate) bitext: Vec<Value>,
}

impl Evaluation {
    /// `data` holds `ntrex/`, `sib200/`, `koen-news/` and `jhe/`; files that have to be made are written
    /// to `folder`. `languages`: code and NTREX file.
    pub(crate) fn prepare(
        workspace: &Workspace,
        data: &Path,
        folder: &Path,
        languages: &[(&'static str, &str)],
    ) -> Result<Evaluation> {
        let codes: Vec<&str> = languages.iter().map(|(code, _)| *code).collect();
        let manifest = |name: &str| workspace.root.join("datasets").join(format!("{name}.toml"));
        let bundled = |name: &str| json!({"name": name, "manifest": manifest(name), "languages": codes});
        let ntrex = Ntrex::read(&data.join("ntrex"), languages)?.test();
        write_passages(&ntrex, &codes, &folder.join("ntrex-passages"))?;
        write_sentences(&ntrex, &codes, &folder.join("ntrex"))?;
        let mut bitext = vec![
            json!({
                "name": "ntrex",
                "format": "bitext",
                "path": folder.join("ntrex"),
                "files": "{lang}.txt",
                "languages": codes,
            }),
            json!({
                "name": "sib200",
                "manifest": manifest("sib200"),
                "path": data.join("sib200"),
                "languages": codes,
            }),
        ];
        if codes.contains(&"ko") {
            for (name, path) in [("koen-news", "koen-news"), ("jhe", "jhe")] {
                bitext.push(json!({"name": name, "manifest": manifest(name), "path": data.join(path)}));
            }
        }
        let passages = json!({
            "name": "ntrex-passages",
            "format": "beir",
            "path": folder.join("ntrex-passages"),
            "split": "test",
            "languages": codes,
        });
        Ok(Evaluation { retrieval: vec![bundled("kdc-parallel"), passages], bitext })
    }
}

/// A passage without its middle sentence, and that sentence as its query, in the layout of BEIR.
fn write_passages(ntrex: &Ntrex, languages: &[&str], folder: &Path) -> Result<()> {
    let passages = ntrex.passages(PASSAGE, PASSAGE);
    for language in languages {
        let (mut queries, mut corpus) = (String::new(), String::new());
        for (i, passage) in passages.iter().enumerate() {
            let query = json!({"_id": format!("q{i}"), "text": ntrex.query(language, passage)});
            let document = json!({"_id": format!("d{i}"), "text": ntrex.rest(language, passage)});
            queries += &format!("{query}\n");
            corpus += &format!("{document}\n");
        }
        write(&folder.join(language).join("queries.jsonl"), &queries)?;
        write(&folder.join(language).join("corpus.jsonl"), &corpus)?;
    }
    let lines: String = (0..passages.len()).map(|i| format!("q{i}\td{i}\t1\n")).collect();
    write(&folder.join("qrels/test.tsv"), &format!("query-id\tcorpus-id\tscore\n{lines}"))
}

fn write_sentences(ntrex: &Ntrex, languages: &[&str], folder: &Path) -> Result<()> {
    for language in languages {
        let lines: String = (0..ntrex.len()).map(|i| ntrex.text(language, &(i..i + 1)) + "\n").collect();
        write(&folder.join(format!("{language}.txt")), &lines)?;
    }
    Ok(())
}

/// Writes a file and the folders above it.
pub(crate) fn write(path: &Path, text: &str) -> Result<()> {
    let parent = path.parent().map_or(Ok(()), fs::create_dir_all);
    parent.and_then(|()| fs::write(path, text)).with_context(|| format!("cannot write {}", path.display()))
}
