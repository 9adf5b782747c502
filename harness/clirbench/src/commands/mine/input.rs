//! What is mined for, and in: rows, and a corpus beside them.

use std::{convert::Infallible, fs::File, path::Path};

use anyhow::{Context, Result};
use clirbench_data::{Loaded, ParallelTriple, Texts, TrainingFile, TrainingRow, read_corpus};
use clirbench_store::Key;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::{
    cli::MineArgs,
    failure::Advice,
    named::{Named, load_all},
    screen::Screen,
};

/// Passages that belong to no row, by id, and the hash of where they come from.
#[derive(Default)]
pub(super) struct Corpus<P> {
    pub(super) passages: Vec<(String, P)>,
    origin: Option<String>,
}

/// The language that triples are mined in: the one that was named, or the only one.
pub(super) fn language_of_triples<'a>(
    triples: &'a [ParallelTriple],
    named: Option<&'a str>,
) -> Result<&'a str> {
    if let Some(language) = named {
        return Ok(language);
    }
    let mut languages: Vec<&str> = triples.iter().flat_map(ParallelTriple::languages).collect();
    languages.sort_unstable();
    languages.dedup();
    let [only] = languages[..] else {
        let message = format!("the triples are in {}", languages.join(", "));
        return Err(Advice::new(message, "name the language to mine in with --language").into());
    };
    Ok(only)
}

/// Refuses rows whose positives do not answer, and passages in several languages.
pub(super) fn check_rows(args: &MineArgs, rows: &[TrainingRow]) -> Result<()> {
    let wrong = |row: &TrainingRow, what: String, hint: &str| {
        Err(Advice::from(TrainingFile::error(&args.data, row.line, what, hint)).into())
    };
    let mut known = args.language.as_deref();
    for row in rows {
        if row.label == Some(0.0) {
            let what = "`label` is 0: its positive does not answer the query".to_owned();
            return wrong(row, what, "mine for rows that match, and add the others afterwards");
        }
        for language in [row.language("positive"), row.language("negatives")].into_iter().flatten() {
            let other = *known.get_or_insert(language);
            if other != language {
                let what = format!("a passage is in `{language}`, not in `{other}`");
                let hint = "mine the parallel triples in one language, then compose the rows from them";
                return wrong(row, what, hint);
            }
        }
    }
    Ok(())
}

/// The corpus for triples: each passage in the languages that it has, one of them `language`.
pub(super) fn corpus_of_texts(args: &MineArgs, language: &str, screen: &Screen) -> Result<Corpus<Texts>> {
    corpus(args, screen, |loaded| {
        let languages = &loaded.collection.languages;
        let documents = loaded.collection.documents.iter().map(|document| {
            let texts = languages.iter().zip(&document.texts);
            let texts = texts.filter_map(|(language, text)| Some((language.clone(), text.clone()?)));
            (document.id.clone(), texts.collect::<Texts>())
        });
        let documents = documents.filter(|(_, texts)| texts.contains_key(language)).collect();
        not_empty(documents, loaded, language)
    })
}

/// The corpus for rows in one language.
pub(super) fn corpus_of_strings(
    args: &MineArgs,
    rows: &[TrainingRow],
    screen: &Screen,
) -> Result<Corpus<String>> {
    let said = rows.iter().find_map(|row| row.language("positive"));
    corpus(args, screen, |loaded| {
        let languages = &loaded.collection.languages;
        let only = (languages.len() == 1).then(|| languages[0].as_str());
        let Some(language) = args.language.as_deref().or(said).or(only) else {
            let message = format!("the corpus is in {}", languages.join(", "));
            return Err(Advice::new(message, "name the language of the rows with --language").into());
        };
        let at = languages.iter().position(|other| other == language);
        let documents = at.into_iter().flat_map(|at| {
            let text = move |texts: &[Option<String>]| texts[at].clone();
            loaded.collection.documents.iter().filter_map(move |d| Some((d.id.clone(), text(&d.texts)?)))
        });
        not_empty(documents.collect(), loaded, language)
    })
}

fn not_empty<P>(documents: Vec<(String, P)>, loaded: &Loaded, language: &str) -> Result<Vec<(String, P)>> {
    if documents.is_empty() {
        let languages = loaded.collection.languages.join(", ");
        let message = format!("{} has no documents in `{language}` but in {languages}", loaded.spec.name);
        return Err(Advice::new(message, "mine in one of these, or give another corpus").into());
    }
    Ok(documents)
}

/// A file of passages, or the documents of a dataset.
fn corpus<P: DeserializeOwned>(
    args: &MineArgs,
    screen: &Screen,
    documents: impl Fn(&Loaded) -> Result<Vec<(String, P)>>,
) -> Result<Corpus<P>> {
    let Some(name) = &args.corpus else { return Ok(Corpus { passages: Vec::new(), origin: None }) };
    if name.ends_with(".jsonl") {
        let passages = read_corpus(Path::new(name)).map_err(Advice::from)?;
        return Ok(Corpus { passages, origin: Some(hash(Path::new(name))?.to_string()) });
    }
    let named: Named = name.parse().unwrap_or_else(|never: Infallible| match never {});
    let loaded = load_all(&[named], screen)?;
    let mut passages = Vec::new();
    for loaded in &loaded {
        passages.extend(documents(loaded)?);
    }
    let hashes: Vec<&str> = loaded.iter().map(|loaded| loaded.hashes.corpus.as_str()).collect();
    Ok(Corpus { passages, origin: Some(hashes.join(" ")) })
}

fn hash(path: &Path) -> Result<Key> {
    File::open(path).and_then(Key::of_reader).with_context(|| format!("cannot read {}", path.display()))
}

/// What was read, for the report; of the standard input no hash is known.
pub(super) fn origin<P>(args: &MineArgs, rows: usize, corpus: &Corpus<P>) -> Result<Value> {
    let data = (args.data != Path::new("-")).then(|| hash(&args.data)).transpose()?;
    Ok(json!({
        "data": data,
        "rows": rows,
        "language": args.language,
        "with_negatives": args.with_negatives,
        "corpus": corpus.origin,
    }))
}
