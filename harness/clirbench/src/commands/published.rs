//! `clirbench published`, and `clirbench compare published:NAME RUN`.

use std::{fmt::Write as _, path::Path};

use anyhow::{Result, anyhow};
use clirbench_core::published::{PublishedOptions, Tolerance, compare_published};
use clirbench_report::published::{SOURCES, csv, json, markdown, source, text};
use serde_json::json;

use crate::{
    cli::{CompareArgs, CompareFormat, PublishedArgs},
    failure::{Advice, Exit},
    screen::Screen,
    source::read,
};

pub(crate) fn run(args: &PublishedArgs, screen: &Screen) -> Result<Exit> {
    if let Some(name) = &args.name {
        screen.print(&source(name.strip_prefix(PREFIX).unwrap_or(name))?.csv());
        return Ok(Exit::Done);
    }
    if screen.json {
        let entries = SOURCES.iter().map(
            |s| json!({"name": s.name, "title": s.title, "address": s.address, "figures": s.figures().len()}),
        );
        screen.print_json(&json!(entries.collect::<Vec<_>>()));
        return Ok(Exit::Done);
    }
    let mut out = String::new();
    for source in SOURCES {
        let _ = writeln!(out, "{:<12} {:>5} figures  {}", source.name, source.figures().len(), source.title);
        let _ = writeln!(out, "{:<12} {:>5}          {}", "", "", source.address);
    }
    screen.print(&out);
    Ok(Exit::Done)
}

const PREFIX: &str = "published:";

/// NAME of `published:NAME`.
pub(crate) fn named(path: &Path) -> Option<&str> {
    path.to_str()?.strip_prefix(PREFIX)
}

/// Published figures against a run; `None` where none are named.
pub(crate) fn compare(args: &CompareArgs, screen: &Screen) -> Option<Result<Exit>> {
    let names: Vec<Option<&str>> = args.sources.iter().map(|source| source.strip_prefix(PREFIX)).collect();
    match names.as_slice() {
        names if names.iter().all(Option::is_none) => None,
        [Some(name), None] if args.parents.is_none() => Some(beside(name, &args.sources[1], args, screen)),
        _ => {
            let hint = "published figures come first, then one result: published:NAME RUN";
            Some(Err(wrong(format!("`{}` cannot be compared", args.sources.join(" ")), hint)))
        }
    }
}

fn wrong(what: String, hint: &str) -> anyhow::Error {
    anyhow!(Advice::new(what, hint))
}

fn beside(name: &str, run: &str, args: &CompareArgs, screen: &Screen) -> Result<Exit> {
    if let Some(other) = args.fail_on.iter().find(|name| *name != "difference") {
        let hint = "published figures have no test of significance; expected `difference`";
        return Err(wrong(format!("--fail-on {other}"), hint));
    }
    if let Some(tolerance) = args.tolerance
        && !(tolerance.is_finite() && tolerance >= 0.0)
    {
        return Err(wrong(format!("--tolerance {tolerance}"), "expected a fraction from 0, such as 0.003"));
    }
    let pairs = |option: &str, pairs: &[String]| -> Result<Vec<(String, String)>> {
        let split = |pair: &String| pair.split_once('=').map(|(p, r)| (p.to_owned(), r.to_owned()));
        let expected = |pair: &String| wrong(format!("{option} {pair}"), "expected PUBLISHED=RUN, two names");
        pairs.iter().map(|pair| split(pair).ok_or_else(|| expected(pair))).collect()
    };
    let options = PublishedOptions {
        models: pairs("--model", &args.models)?,
        datasets: pairs("--dataset", &args.datasets)?,
        tolerance: args.tolerance.map(Tolerance::Fraction),
    };
    let side = read(run, &args.path)?;
    let comparison = compare_published(&source(name)?.published(), &side.scores, &options)?;
    let format = if screen.json { CompareFormat::Json } else { args.format };
    screen.print(&match format {
        CompareFormat::Text => text::render(&comparison),
        CompareFormat::Markdown => markdown::render(&comparison),
        CompareFormat::Csv => String::from_utf8(csv::render(&comparison)?)?,
        CompareFormat::Json => json::render(&comparison)?,
    });
    let fail = !args.fail_on.is_empty();
    Ok(if fail && !comparison.differences().is_empty() { Exit::Regression } else { Exit::Done })
}
