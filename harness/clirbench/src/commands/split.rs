//! `clirbench split`: parts of parallel triples that leak neither into each other nor evaluation sets into them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    path::PathBuf,
};

use anyhow::{Context, Result};
use clirbench_curation::{LeakIndex, LeakOptions, Partition, near_duplicate_groups};
use clirbench_data::{Example, JsonLinesWriter, ParallelTriple, Triples};
use serde_json::json;

use super::{
    compose::unwritable,
    data::leaks::{Found, Place, collections, write_report},
};
use crate::{
    cli::{OnLeak, SplitArgs},
    failure::{Advice, Exit},
    screen::Screen,
};

/// Leaks that are shown.
const SHOWN: usize = 10;

pub(crate) fn run(args: &SplitArgs, screen: &Screen) -> Result<Exit> {
    let partition = Partition::new(args.parts.clone(), args.seed)
        .map_err(|message| Advice::new(message, "give --parts as train=0.8,dev=0.1,test=0.1"))?;
    let mut triples = Vec::new();
    for triple in Triples::open(&args.triples).map_err(Advice::from)? {
        let (triple, line) = triple.map_err(Advice::from)?;
        triples.push((Example::Triple(triple), line));
    }
    let total = triples.len();
    let found = leaks(args, &triples, screen)?;
    if let Some(path) = &args.report {
        write_report(path, &found)?;
    }
    let mut leaking: Vec<u64> = found.iter().map(|found| found.line).collect();
    leaking.dedup();
    if !leaking.is_empty() && args.leaks == OnLeak::Refuse {
        return Ok(refuse(screen, &leaking, &found));
    }
    let clean = triples.into_iter().filter(|(_, line)| leaking.binary_search(line).is_err());
    let triples: Vec<ParallelTriple> = clean
        .filter_map(|(example, _)| match example {
            Example::Triple(triple) => Some(triple),
            Example::Row(_) => None,
        })
        .collect();
    let groups = near_duplicate_groups(&triples, args.near.shingles, args.near.threshold, args.on.into());
    let names: Vec<&str> = partition.names().collect();
    let files: Vec<PathBuf> = names.iter().map(|name| args.out.join(format!("{name}.jsonl"))).collect();
    let open = |file: &PathBuf| JsonLinesWriter::create(file).with_context(|| unwritable(file));
    let mut writers = files.iter().map(open).collect::<Result<Vec<_>>>()?;
    let mut counts = vec![0usize; files.len()];
    let mut part_of = Vec::with_capacity(triples.len());
    for (triple, first) in triples.iter().zip(&groups) {
        // A group goes where its first triple goes.
        let part = partition.of(&triples[*first].id);
        part_of.push(part);
        writers[part].write(triple).with_context(|| unwritable(&files[part]))?;
        counts[part] += 1;
    }
    for (writer, file) in writers.into_iter().zip(&files) {
        writer.finish().with_context(|| unwritable(file))?;
    }
    let together = groups.iter().enumerate().filter(|(at, first)| at != *first).count();
    let mut text = String::new();
    let parts: Vec<String> =
        names.iter().zip(&counts).map(|(name, count)| format!("{count} {name}")).collect();
    let _ = writeln!(text, "{total} triples: {}", parts.join(", "));
    if !args.against.is_empty() {
        let _ = writeln!(text, "{} left out: they give evaluation texts away", leaking.len());
    }
    let _ = writeln!(
        text,
        "{together} near duplicates kept with their firsts ({}, Jaccard {} or more): no such pair is in two parts",
        args.near.shingles, args.near.threshold
    );
    let shared = negatives_of_other_parts(&triples, &part_of);
    if shared > 0 {
        let _ = writeln!(
            text,
            "warning: {shared} positives are negatives in another part; split before you mine, and mine each part"
        );
    }
    let value = json!({
        "negatives_of_other_parts": shared,
        "triples": total,
        "parts": names.iter().zip(&counts).map(|(n, c)| ((*n).to_owned(), json!(c))).collect::<serde_json::Map<_, _>>(),
        "leaking": leaking.len(),
        "near_duplicates": together,
    });
    screen.summary(&args.out, &text, &value);
    Ok(Exit::Done)
}

/// How many triples have a positive that is a negative in another part: what mining before splitting does.
fn negatives_of_other_parts(triples: &[ParallelTriple], part_of: &[usize]) -> usize {
    let mut negatives: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
    for (triple, part) in triples.iter().zip(part_of) {
        for text in triple.negatives.iter().flat_map(|texts| texts.values()) {
            negatives.entry(text).or_default().insert(*part);
        }
    }
    let elsewhere = |(triple, part): &(&ParallelTriple, &usize)| {
        let parts = triple.positive.values().filter_map(|text| negatives.get(text.as_str()));
        parts.flatten().any(|other| other != *part)
    };
    triples.iter().zip(part_of).filter(elsewhere).count()
}

fn leaks(args: &SplitArgs, triples: &[(Example, u64)], screen: &Screen) -> Result<Vec<Found>> {
    if args.against.is_empty() {
        return Ok(Vec::new());
    }
    let options = LeakOptions {
        threshold: args.near.threshold,
        shingles: args.near.shingles,
        ..LeakOptions::default()
    };
    let index = LeakIndex::new(&collections(&args.against, screen)?, options);
    let file = args.triples.display().to_string();
    let places: Vec<Place<'_>> =
        triples.iter().flat_map(|(example, line)| Place::of(example, *line, None)).collect();
    Ok(Found::all(&file, &places, &index))
}

fn refuse(screen: &Screen, leaking: &[u64], found: &[Found]) -> Exit {
    if screen.json {
        screen.print_json(&json!({"leaking": leaking.len(), "leaks": found}));
        return Exit::Findings;
    }
    let mut text = String::new();
    for found in found.iter().take(SHOWN) {
        let _ = writeln!(text, "{found}");
    }
    if found.len() > SHOWN {
        let _ = writeln!(text, "... and {} more", found.len() - SHOWN);
    }
    let _ = writeln!(
        text,
        "nothing written: {} triples give evaluation texts away; --leaks drop leaves them out",
        leaking.len()
    );
    screen.print(&text);
    Exit::Findings
}
