//! `clirbench compose`: parallel triples in language compositions.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clirbench_curation::Composition;
use clirbench_data::{JsonLinesWriter, TrainingFile, Triples};
use serde_json::json;

use crate::{
    cli::ComposeArgs,
    failure::{Advice, Exit},
    screen::Screen,
};

pub(crate) fn run(args: &ComposeArgs, screen: &Screen) -> Result<Exit> {
    let compositions = match &args.compositions[..] {
        [] => Composition::all(&distinct(&args.languages)?),
        named => named.to_vec(),
    };
    let files = files(args, &compositions)?;
    let negatives = args.negatives.unwrap_or(usize::MAX);
    let triples = Triples::open(&args.triples).map_err(Advice::from)?;
    let open = |file: &PathBuf| JsonLinesWriter::create(file).with_context(|| unwritable(file));
    let mut writers = files.iter().map(open).collect::<Result<Vec<_>>>()?;
    let mut count = 0;
    for triple in triples {
        let (triple, line) = triple.map_err(Advice::from)?;
        for ((composition, writer), file) in compositions.iter().zip(&mut writers).zip(&files) {
            let row = composition.row(&triple, negatives).map_err(|missing| {
                let hint = "add the language, or leave it out of the compositions";
                Advice::from(TrainingFile::error(&args.triples, line, missing.to_string(), hint))
            })?;
            writer.write(&row).with_context(|| unwritable(file))?;
        }
        count += 1;
    }
    for (writer, file) in writers.into_iter().zip(&files) {
        writer.finish().with_context(|| unwritable(file))?;
    }
    let names: Vec<String> = compositions.iter().map(Composition::name).collect();
    let text = format!("{count} triples in {} compositions: {}", names.len(), names.join(" "));
    let paths: Vec<_> = files.iter().map(|file| file.display().to_string()).collect();
    screen.summary(&files[0], &text, &json!({"triples": count, "compositions": names, "files": paths}));
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
