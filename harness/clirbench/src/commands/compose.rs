//! `clirbench compose`: parallel triples in language compositions.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clirbench_curation::Composition;
use clirbench_data::{JsonLinesWriter, TrainingFile, Triples};
use serde_json::json;

use crate::{
    cli::{ComposeArgs, Incomplete},
    failure::{Advice, Exit},
    screen::Screen,
};

pub(crate) fn run(args: &ComposeArgs, screen: &Screen) -> Result<Exit> {
    let compositions = match &args.compositions[..] {
        [] => Composition::all(&distinct(&args.languages)?),
        named => named.to_vec(),
    };
    if let Some(twice) = (1..compositions.len()).find(|at| compositions[..*at].contains(&compositions[*at])) {
        let message = format!("the composition {} is listed twice", compositions[twice]);
        return Err(Advice::new(message, "list it once").into());
    }
    let files = files(args, &compositions)?;
    let negatives = args.negatives.unwrap_or(usize::MAX);
    let triples = Triples::open(&args.triples).map_err(Advice::from)?;
    let open = |file: &PathBuf| JsonLinesWriter::create(file).with_context(|| unwritable(file));
    let mut writers = files.iter().map(open).collect::<Result<Vec<_>>>()?;
    let (mut count, mut dropped) = (0, 0);
    for triple in triples {
        let (triple, line) = triple.map_err(Advice::from)?;
        let rows: Result<Vec<_>, _> = compositions.iter().map(|c| c.row(&triple, negatives)).collect();
        let rows = match rows {
            Ok(rows) => rows,
            Err(_) if args.incomplete == Incomplete::Drop => {
                dropped += 1;
                continue;
            }
            Err(missing) => {
                let hint = "add the language, leave it out of the compositions, or drop such triples with \
                            --incomplete drop";
                let error = TrainingFile::error(&args.triples, line, missing.to_string(), hint);
                return Err(Advice::from(error).into());
            }
        };
        for ((row, writer), file) in rows.iter().zip(&mut writers).zip(&files) {
            writer.write(row).with_context(|| unwritable(file))?;
        }
        count += 1;
    }
    if count == 0 {
        let message = format!("{}: no triple is in all the languages", args.triples.display());
        return Err(Advice::new(message, "`clirbench data validate` shows which languages it has").into());
    }
    for (writer, file) in writers.into_iter().zip(&files) {
        writer.finish().with_context(|| unwritable(file))?;
    }
    let names: Vec<String> = compositions.iter().map(Composition::name).collect();
    let mut text = format!("{count} triples in {} compositions: {}", names.len(), names.join(" "));
    if args.incomplete == Incomplete::Drop {
        text += &format!("\n{dropped} triples lack a language and were left out");
    }
    let paths: Vec<_> = files.iter().map(|file| file.display().to_string()).collect();
    screen.summary(
        &files[0],
        &text,
        &json!({"triples": count, "dropped": dropped, "compositions": names, "files": paths}),
    );
    Ok(Exit::Done)
}

fn distinct(languages: &[String]) -> Result<Vec<String>> {
    let repeated = languages.iter().enumerate().find(|(at, language)| languages[..*at].contains(language));
    match repeated {
        Some((_, language)) => {
            Err(Advice::new(format!("the language `{language}` is listed twice"), "list it once").into())
        }
        None => Ok(languages.to_vec()),
    }
}

/// A file for each composition.
fn files(args: &ComposeArgs, compositions: &[Composition]) -> Result<Vec<PathBuf>> {
    let out = args.out.as_deref().unwrap_or(Path::new("-"));
    let one = args.compositions.len() == 1;
    if one && !out.is_dir() {
        return Ok(vec![out.to_owned()]);
    }
    if out == Path::new("-") {
        let hint = "name a folder with --out, or one --composition";
        return Err(Advice::new("several compositions do not fit into the standard output", hint).into());
    }
    Ok(compositions.iter().map(|composition| out.join(format!("{composition}.jsonl"))).collect())
}

/// The context of an error of an output.
pub(crate) fn unwritable(file: &Path) -> Advice {
    Advice::new(format!("cannot write {}", file.display()), "check the folder and the space that is left")
}
