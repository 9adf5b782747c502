//! `clirbench compare`: what differs, and whether chance explains it.

use std::collections::BTreeMap;

use anyhow::{Result, anyhow};
use clirbench_core::compare::{CompareOptions, Comparison, MetricChoice, Side, compare, inheritance, tiers};
use clirbench_report::compare::Rendering;

use super::published;
use crate::{
    cli::{CompareArgs, CompareFormat},
    failure::{Advice, Exit},
    screen::Screen,
    source,
};

pub(crate) fn run(args: &CompareArgs, screen: &Screen) -> Result<Exit> {
    if let Some(outcome) = published::compare(args, screen) {
        return outcome;
    }
    let gates: Vec<Gate> = args.fail_on.iter().map(|text| Gate::parse(text)).collect::<Result<_>>()?;
    let two = args.parents.is_none() && args.sources.len() == 2;
    if let (Some(text), false) = (args.fail_on.first(), two) {
        let message = format!("--fail-on {text} needs two results: BASE and HEAD");
        return Err(anyhow!(Advice::new(message, "leave it out, or name two results and no --parents")));
    }
    let options = CompareOptions {
        metrics: match args.metrics.as_str() {
            "main" => MetricChoice::Main,
            "all" => MetricChoice::All,
            names => MetricChoice::Named(names.split(',').map(|n| n.trim().to_owned()).collect()),
        },
        models: models(&args.models, two)?,
        force: args.force,
        alpha: args.alpha,
        ..CompareOptions::default()
    };
    if let (Some(_), [_, another, ..]) = (&args.parents, &args.sources[..]) {
        let message = format!("--parents compares the models of one result, and `{another}` is another");
        return Err(anyhow!(Advice::new(message, "measure the merged model and its parents in one run")));
    }
    let sides: Vec<Side> =
        args.sources.iter().map(|source| source::read(source, &args.path)).collect::<Result<_>>()?;
    match (&args.parents, &sides[..]) {
        (Some(merged), [side, ..]) => {
            print(&inheritance(side, merged, &args.parent, &options)?, args, screen)?;
            Ok(Exit::Done)
        }
        (_, [base, head]) => {
            let comparison = compare(base, head, &options)?;
            print(&comparison, args, screen)?;
            let closed = gates.iter().any(|gate| gate.closed(&comparison));
            Ok(if closed { Exit::Regression } else { Exit::Done })
        }
        (_, sides) => {
            print(&tiers(sides, &options)?, args, screen)?;
            Ok(Exit::Done)
        }
    }
}

fn print(comparison: &impl Rendering, args: &CompareArgs, screen: &Screen) -> Result<()> {
    let format = if screen.json { CompareFormat::Json } else { args.format };
    screen.print(&match format {
        CompareFormat::Text => comparison.text(screen.colours_results()),
        CompareFormat::Markdown => comparison.markdown(),
        CompareFormat::Csv => String::from_utf8(comparison.csv()?)?,
        CompareFormat::Json => comparison.json()?,
    });
    Ok(())
}

/// What ends the command with status 4.
enum Gate {
    /// A significant regression of at least so many points.
    Regression(f64),
    /// A row of BASE that HEAD lacks.
    Missing,
}

impl Gate {
    fn parse(text: &str) -> Result<Gate> {
        let wrong = || {
            let hint = "expected `regression`, `regression=POINTS` or `missing`";
            anyhow!(Advice::new(format!("--fail-on {text}"), hint))
        };
        if text == "missing" {
            return Ok(Gate::Missing);
        }
        let points = match text.strip_prefix("regression").ok_or_else(wrong)? {
            "" => Some(0.0),
            rest => rest.strip_prefix('=').and_then(|n| n.parse::<f64>().ok()),
        };
        points.filter(|n| n.is_finite() && *n >= 0.0).map(Gate::Regression).ok_or_else(wrong)
    }

    fn closed(&self, comparison: &Comparison) -> bool {
        match self {
            Gate::Regression(points) => !comparison.regressions(*points).is_empty(),
            Gate::Missing => !comparison.only_base.is_empty(),
        }
    }
}

/// `NAME`, or `BASE=HEAD` where two results are compared.
fn models(texts: &[String], two: bool) -> Result<BTreeMap<String, String>> {
    let pair = |text: &String| match text.split_once('=') {
        None => Ok((text.clone(), text.clone())),
        Some((base, head)) if two => Ok((base.to_owned(), head.to_owned())),
        Some(_) => {
            let hint = "BASE=HEAD pairs models of two results; name models one by one";
            Err(anyhow!(Advice::new(format!("--model {text}"), hint)))
        }
    };
    texts.iter().map(pair).collect()
}
