//! What is mined for, and in: rows, and a corpus beside them.

use std::{fs::File, path::Path};

use anyhow::{Context, Result};
use clirbench_core::dataset::Collection;
use clirbench_data::{Manifest, ParallelTriple, Texts, TrainingRow, load, read_corpus, read_training};
use clirbench_store::Key;
use serde_json::{Value, json};

use crate::{cli::MineArgs, failure::Advice};

/// The language that triples are mined in: the one that was named, or the only one.
pub(super) fn language_of_triples<'a>(rows: &'a [ParallelTriple], named: Option<&'a str>) -> Result<&'a str> {
    let Some(language) = named else {
        let mut languages: Vec<&str> = rows.iter().flat_map(ParallelTriple::languages).collect();
        languages.sort_unstable();
        languages.dedup();
        let [only] = languages[..] else {
            let message = format!("the triples are in {}", languages.join(", "));
            return Err(Advice::new(message, "name the language to mine in with --language").into());
        };
        return Ok(only);
    };
    Ok(language)
}

/// Training rows that answer their queries, with positives and negatives in one language.
pub(super) fn rows_in_one_language(args: &MineArgs) -> Result<Vec<TrainingRow>> {
    let rows = read_training(&args.data).map_err(Advice::from)?;
    let at = |row: &TrainingRow| format!("{}:{}", args.data.display(), row.line);
    let mut first: Option<&str> = args.language.as_deref();
    for row in &rows {
        if row.label == Some(0.0) {
            let message = format!("{}: `label` is 0: its positive does not answer the query", at(row));
            return Err(
                Advice::new(message, "mine for rows that match, and add the others afterwards").into()
            );
        }
        // The query's language comes first; that of a parallel text stands between the two.
        let own = 2 + usize::from(row.parallel.is_some());
        for language in row.languages.get(1).into_iter().chain(row.languages.get(own)) {
            let language = language.as_str();
            if *first.get_or_insert(language) != language {
                let other = first.unwrap_or_default();
                let message = format!("{}: a passage is in `{language}`, others in `{other}`", at(row));
                let hint = "mine the parallel triples in one language, then compose the rows from them";
                return Err(Advice::new(message, hint).into());
            }
        }
    }
    Ok(rows)
}

/// The corpus for triples: each passage in the languages that it has.
pub(super) fn corpus_of_texts(args: &MineArgs, language: &str) -> Result<Vec<(String, Texts)>> {
    let Some(path) = &args.corpus else { return Ok(Vec::new()) };
    if !is_manifest(path) {
        return Ok(read_corpus(path).map_err(Advice::from)?);
    }
    let collection = documents(args, path)?;
    let languages = &collection.languages;
    let in_language = |(_, texts): &(String, Texts)| texts.contains_key(language);
    let passages: Vec<_> = collection
        .documents
        .into_iter()
        .map(|entry| {
            let texts = languages.iter().cloned().zip(entry.texts);
            (entry.id, texts.filter_map(|(language, text)| Some((language, text?))).collect())
        })
        .filter(in_language)
        .collect();
    if passages.is_empty() {
        return Err(no_documents(path, language, languages));
    }
    Ok(passages)
}

/// The corpus for rows in one language.
pub(super) fn corpus_of_strings(args: &MineArgs, rows: &[TrainingRow]) -> Result<Vec<(String, String)>> {
    let Some(path) = &args.corpus else { return Ok(Vec::new()) };
    if !is_manifest(path) {
        return Ok(read_corpus(path).map_err(Advice::from)?);
    }
    let collection = documents(args, path)?;
    let said = rows.iter().find_map(|row| row.languages.get(1)).map(String::as_str);
    let only = || <[String; 1]>::try_from(collection.languages.clone()).ok().map(|[only]| only);
    let language = args.language.as_deref().or(said).map(str::to_owned).or_else(only).ok_or_else(|| {
        let message = format!("the corpus is in {}", collection.languages.join(", "));
        Advice::new(message, "name the language of the rows with --language")
    })?;
    let at = collection.languages.iter().position(|other| *other == language);
    let at = at.ok_or_else(|| no_documents(path, &language, &collection.languages))?;
    let documents = collection.documents.into_iter();
    Ok(documents.filter_map(|mut entry| Some((entry.id, entry.texts.swap_remove(at)?))).collect())
}

fn is_manifest(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "toml")
}

fn documents(args: &MineArgs, manifest: &Path) -> Result<Collection> {
    let mut spec = Manifest::read(manifest).map_err(Advice::from)?.spec;
    if let Some(path) = &args.corpus_path {
        spec.path = Some(std::path::absolute(path)?);
    }
    let folder = manifest.parent().unwrap_or(Path::new(""));
    Ok(load(&spec, folder).map_err(Advice::from)?.collection)
}

fn no_documents(path: &Path, language: &str, languages: &[String]) -> anyhow::Error {
    let message =
        format!("{} has no documents in `{language}` but in {}", path.display(), languages.join(", "));
    Advice::new(message, "mine in one of these, or give another corpus").into()
}

/// What was read, for the report; of the standard input no hash is known.
pub(super) fn origin(args: &MineArgs, rows: usize) -> Result<Value> {
    let hash = |path: &Path| -> Result<Option<Key>> {
        if path == Path::new("-") {
            return Ok(None);
        }
        let hashed = File::open(path).and_then(Key::of_reader);
        Ok(Some(hashed.with_context(|| format!("cannot read {}", path.display()))?))
    };
    let corpus = args.corpus.as_deref().map(hash).transpose()?;
    Ok(json!({
        "blake3": hash(&args.data)?,
        "rows": rows,
        "language": args.language,
        "with_negatives": args.with_negatives,
        "corpus_blake3": corpus.flatten(),
    }))
}
