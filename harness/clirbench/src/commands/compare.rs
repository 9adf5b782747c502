//! `clirbench compare`: what changed, and whether chance explains it.

use anyhow::{Result, anyhow};
use clirbench_core::compare::{CompareOptions, MetricChoice, compare};
use clirbench_report::compare::{csv, json, markdown, read_side, text};

use super::published;
use crate::{
    cli::{CompareArgs, CompareFormat},
    failure::{Advice, Exit},
    screen::Screen,
};

pub(crate) fn run(args: &CompareArgs, screen: &Screen) -> Result<Exit> {
    if let Some(outcome) = published::compare(args, screen) {
        return outcome;
    }
    let fail_on = args.fail_on.as_deref().map(points).transpose()?;
    let (base, head) = (read_side(&args.base)?, read_side(&args.head)?);
    let options = CompareOptions {
        metrics: match args.metrics.as_str() {
            "main" => MetricChoice::Main,
            "all" => MetricChoice::All,
            names => MetricChoice::Named(names.split(',').map(|n| n.trim().to_owned()).collect()),
        },
        models: args.models.iter().map(|pair| pair_of(pair)).collect::<Result<_>>()?,
        force: args.force,
        alpha: args.alpha,
        ..CompareOptions::default()
    };
    let comparison = compare(&base, &head, &options)?;
    let format = if screen.json { CompareFormat::Json } else { args.format };
    screen.print(&match format {
        CompareFormat::Text => text::render(&comparison, screen.colours_results()),
        CompareFormat::Markdown => markdown::render(&comparison),
        CompareFormat::Csv => String::from_utf8(csv::render(&comparison)?)?,
        CompareFormat::Json => json::render(&comparison)?,
    });
    match fail_on {
        Some(points) if !comparison.regressions(points).is_empty() => Ok(Exit::Regression),
        _ => Ok(Exit::Done),
    }
}

/// `regression` or `regression=POINTS`.
fn points(text: &str) -> Result<f64> {
    let wrong =
        || anyhow!(Advice::new(format!("--fail-on {text}"), "expected `regression` or `regression=POINTS`"));
    match text.strip_prefix("regression").ok_or_else(wrong)? {
        "" => Ok(0.0),
        rest => {
            let number = rest.strip_prefix('=').and_then(|n| n.parse::<f64>().ok());
            number.filter(|n| n.is_finite() && *n >= 0.0).ok_or_else(wrong)
        }
    }
}

fn pair_of(text: &str) -> Result<(String, String)> {
    let (base, head) = text.split_once('=').ok_or_else(|| {
        anyhow!(Advice::new(format!("--model {text}"), "expected BASE=HEAD, two model names"))
    })?;
    Ok((base.to_owned(), head.to_owned()))
}
