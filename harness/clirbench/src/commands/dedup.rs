//! `clirbench dedup`: near duplicates of training data are left out.

use std::fmt::Write as _;

use anyhow::{Context, Result};
use clirbench_curation::{Bands, Deduplicator, Fingerprints, NearIndex};
use clirbench_data::{Content, Example, JsonLinesWriter, TrainingFile};
use serde_json::json;

use super::compose::unwritable;
use crate::{
    cli::{DedupArgs, NearArgs},
    failure::{Advice, Exit},
    screen::Screen,
};

/// Rows that are compared with those before on all threads, and then one by one.
const BATCH: usize = 4096;

pub(crate) fn run(args: &DedupArgs, screen: &Screen) -> Result<Exit> {
    let (index, bands) = near_index(&args.near)?;
    let mut file = TrainingFile::open(&args.file).map_err(Advice::from)?;
    let content = file.content();
    if content == Content::Triples && args.language.is_none() {
        let message = format!("{} holds triples, which are in several languages", args.file.display());
        return Err(Advice::new(message, "name the one that is compared with --language").into());
    }
    let mut dedup = Deduplicator::new(index, args.on.into(), args.language.clone());
    let mut out = JsonLinesWriter::create(&args.out).with_context(|| unwritable(&args.out))?;
    let mut report = match &args.report {
        Some(path) => Some((path, JsonLinesWriter::create(path).with_context(|| unwritable(path))?)),
        None => None,
    };
    let (mut kept, mut dropped) = (0usize, 0usize);
    loop {
        let rows: Vec<(Example, u64)> =
            file.by_ref().take(BATCH).collect::<Result<_, _>>().map_err(Advice::from)?;
        if rows.is_empty() {
            break;
        }
        let decided = dedup.offer(&rows).map_err(|(line, missing)| {
            let hint = "add the language, or name one with --language that every triple has";
            Advice::from(TrainingFile::error(&args.file, line, missing.to_string(), hint))
        })?;
        for ((example, _), duplicate) in rows.iter().zip(decided) {
            let Some(duplicate) = duplicate else {
                out.write(example).with_context(|| unwritable(&args.out))?;
                kept += 1;
                continue;
            };
            dropped += 1;
            if let Some((path, report)) = &mut report {
                report.write(&duplicate).with_context(|| unwritable(path))?;
            }
        }
    }
    if let Some((path, report)) = report {
        report.finish().with_context(|| unwritable(path))?;
    }
    out.finish().with_context(|| unwritable(&args.out))?;
    let mut text = String::new();
    let total = kept + dropped;
    let _ = writeln!(text, "{total} {}: {kept} kept, {dropped} near duplicates left out", content.name());
    let _ = writeln!(text, "{}", described(&args.near, bands));
    let value = json!({
        "rows": total,
        "kept": kept,
        "dropped": dropped,
        "threshold": args.near.threshold,
        "bands": bands.bands,
        "rows_per_band": bands.rows,
        "recall_at_threshold": bands.recall(args.near.threshold),
        "verified": !args.near.unverified,
    });
    screen.summary(&args.out, &text, &value);
    Ok(Exit::Done)
}

/// An empty index as the arguments say, and its bands.
pub(crate) fn near_index(args: &NearArgs) -> Result<(NearIndex, Bands), Advice> {
    let permutations = usize::from(args.permutations);
    let bands = match (args.bands, args.rows) {
        (Some(bands), Some(rows)) => Bands { bands: bands.into(), rows: rows.into() },
        _ => Bands::optimal(args.threshold, permutations, args.false_negative_weight),
    };
    if bands.bands * bands.rows > permutations {
        let message = format!(
            "{} bands of {} rows need signatures of {}, not of {permutations}",
            bands.bands,
            bands.rows,
            bands.bands * bands.rows
        );
        return Err(Advice::new(message, "raise --permutations, or lower --bands or --rows"));
    }
    let index =
        NearIndex::new(Fingerprints::new(args.shingles, permutations, bands, args.seed), args.threshold);
    Ok((if args.unverified { index.unverified() } else { index }, bands))
}

/// What the parameters find.
pub(crate) fn described(args: &NearArgs, bands: Bands) -> String {
    let NearArgs { threshold, shingles, permutations, unverified, .. } = args;
    let recall = bands.recall(*threshold);
    let verified = if *unverified { "every candidate counts" } else { "candidates are compared exactly" };
    format!(
        "MinHash of {shingles}, {permutations} permutations in {} bands of {} rows: finds {recall:.3} of the pairs at Jaccard {threshold}, more above; {verified}",
        bands.bands, bands.rows
    )
}
