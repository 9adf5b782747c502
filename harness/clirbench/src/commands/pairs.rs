//! `clirbench pairs`: training pairs of words, phrases, or queries and documents.

use std::{fmt::Write as _, path::Path};

use anyhow::{Context, Result};
use clirbench_core::dataset::Collection;
use clirbench_curation::{
    Lexicon,
    pairs::{Choice, Counts, Pairs, phrases, query_documents, words},
};
use clirbench_data::{DatasetSpec, Files, Format, JsonLinesWriter, load};
use clirbench_report::terminal::aligned;
use serde_json::json;

use super::compose::unwritable;
use crate::{
    cli::{PairLevel, PairsArgs},
    failure::{Advice, Exit},
    screen::Screen,
};

pub(crate) fn run(args: &PairsArgs, screen: &Screen) -> Result<Exit> {
    check(args)?;
    let choice = Choice { cap: args.cap, seed: args.seed, negatives: args.negatives };
    let mut out = JsonLinesWriter::create(&args.out).with_context(|| unwritable(&args.out))?;
    let mut counts = Vec::new();
    for [from, to] in language_pairs(args) {
        let collection = collection(args, [from, to])?;
        let at = |language: &str| collection.languages.iter().position(|l| l == language).unwrap_or_default();
        let pairs = match args.level {
            PairLevel::Phrases => phrases(&collection, at(from), at(to), choice),
            PairLevel::QueryDocuments => query_documents(&collection, at(from), at(to), choice),
            PairLevel::Words => word_pairs(args, &collection, [from, to], [at(from), at(to)], choice),
        };
        for row in &pairs.rows {
            out.write(row).with_context(|| unwritable(&args.out))?;
        }
        counts.push((format!("{from}-{to}"), pairs.counts));
    }
    out.finish().with_context(|| unwritable(&args.out))?;
    let rows: Vec<_> =
        counts.iter().map(|(pair, counts)| json!({"languages": pair, "counts": counts})).collect();
    screen.summary(&args.out, &table(&counts), &json!(rows));
    Ok(Exit::Done)
}

/// Pairs of places in the list of languages: the earlier first, and where asked the other way round too.
fn language_pairs(args: &PairsArgs) -> Vec<[&str; 2]> {
    let both = args.both_directions || args.level == PairLevel::QueryDocuments;
    let languages = || args.languages.iter().enumerate();
    let pairs = languages().flat_map(|(a, from)| languages().map(move |(b, to)| ((a, from), (b, to))));
    let wanted = pairs.filter(|((a, from), (b, to))| {
        let pivot = args.pivot.as_ref();
        (a < b || (both && a != b)) && pivot.is_none_or(|pivot| pivot == *from || pivot == *to)
    });
    wanted.map(|((_, from), (_, to))| [from.as_str(), to.as_str()]).collect()
}

fn check(args: &PairsArgs) -> Result<(), Advice> {
    let languages = &args.languages;
    if languages.len() < 2 || languages.iter().enumerate().any(|(at, l)| languages[..at].contains(l)) {
        return Err(Advice::new("pairs need two different languages", "give --languages en,ko"));
    }
    if let Some(pivot) = args.pivot.as_ref().filter(|pivot| !languages.contains(pivot)) {
        return Err(Advice::new(format!("`{pivot}` of --pivot is not among --languages"), "add it there"));
    }
    if args.level == PairLevel::QueryDocuments && args.dataset.is_none() {
        let hint = "name a dataset with judgements";
        return Err(Advice::new("queries and documents come from a dataset, not from files of lines", hint));
    }
    if args.dictionary.is_some() && args.level != PairLevel::Words {
        return Err(Advice::new("--dictionary is for words", "use `clirbench pairs words`"));
    }
    if args.level == PairLevel::Words && args.dictionary.is_none() {
        let unspaced = |language: &&String| Lexicon::is_unspaced(language);
        if let Some(language) = languages.iter().find(unspaced) {
            return Err(Advice::new(
                format!(
                    "words of `{language}` cannot be learnt from bitext: it is written without spaces between them"
                ),
                "give a --dictionary, or leave the language out",
            ));
        }
    }
    Ok(())
}

/// The source, in two languages.
fn collection(args: &PairsArgs, pair: [&str; 2]) -> Result<Collection> {
    let (specs, base) = match &args.dataset {
        Some(named) => named.specs()?,
        None => (vec![spec_of_files(args, pair)?], Path::new("").to_owned()),
    };
    let [spec] = &specs[..] else {
        let hint = "name a manifest, or a bench file with one";
        return Err(
            Advice::new(format!("pairs are made of one dataset, not of {}", specs.len()), hint).into()
        );
    };
    let spec = DatasetSpec { languages: pair.map(str::to_owned).into(), ..spec.clone() };
    let loaded = load(&spec, &base).map_err(Advice::from)?;
    if args.level != PairLevel::QueryDocuments && loaded.spec.format != Some(Format::Bitext) {
        let format = loaded.spec.format.map_or("", Format::name);
        let message = format!("{} is no bitext but {format}", loaded.spec.name);
        return Err(
            Advice::new(message, "words and phrases come from parallel sentences: name a bitext").into()
        );
    }
    Ok(loaded.collection)
}

/// A bitext of the files that the arguments name.
fn spec_of_files(args: &PairsArgs, pair: [&str; 2]) -> Result<DatasetSpec> {
    let named =
        |file: &Path| file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let spec = DatasetSpec { format: Some(Format::Bitext), ..DatasetSpec::default() };
    if let Some(table) = &args.dictionary {
        return Ok(DatasetSpec { name: named(table), path: Some(table.clone()), ..spec });
    }
    let mut files = std::collections::BTreeMap::new();
    for language in pair {
        let Some((_, file)) = args.lines.iter().find(|(l, _)| l == language) else {
            let hint = format!("add --lines {language}=FILE");
            return Err(Advice::new(format!("there is no file of `{language}`"), hint).into());
        };
        let absolute = std::path::absolute(file)?;
        files.insert(language.to_owned(), absolute.to_string_lossy().into_owned());
    }
    let name = args.lines.first().map(|(_, file)| named(file)).unwrap_or_default();
    Ok(DatasetSpec { name, path: Some(".".into()), files: Some(Files::PerLanguage(files)), ..spec })
}

fn word_pairs(
    args: &PairsArgs,
    collection: &Collection,
    languages: [&str; 2],
    at: [usize; 2],
    choice: Choice,
) -> Pairs {
    let texts = |entry: &clirbench_core::dataset::Entry| {
        let [from, to] = at.map(|at| entry.texts[at].clone());
        from.zip(to)
    };
    let texts: Vec<(String, String)> = collection.queries.iter().filter_map(texts).collect();
    let lexicon = if args.dictionary.is_some() {
        Lexicon { entries: texts.into_iter().map(|(from, to)| (from, to, 1.0)).collect() }
    } else {
        let bitext: Vec<(&str, &str)> = texts.iter().map(|(from, to)| (from.as_str(), to.as_str())).collect();
        Lexicon::learn(&bitext, args.iterations as usize, args.floor, args.min_count)
    };
    words(&collection.name, &lexicon, languages, choice)
}

fn table(counts: &[(String, Counts)]) -> String {
    let head = ["languages", "pairs", "same text", "repeated", "above cap", "rows"];
    let row = |(pair, c): &(String, Counts)| {
        let [a, b, c, d, e] = [c.found, c.same, c.repeated, c.capped, c.kept].map(|n| n.to_string());
        [pair.clone(), a, b, c, d, e]
    };
    let mut out = aligned(head, &counts.iter().map(row).collect::<Vec<_>>(), &[1, 2, 3, 4, 5]);
    let rows: usize = counts.iter().map(|(_, counts)| counts.kept).sum();
    let _ = writeln!(out, "{rows} rows");
    out
}
