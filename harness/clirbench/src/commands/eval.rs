//! `clirbench eval`: a TREC run against qrels.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context, Result};
use clirbench_core::{
    metrics::{CellScores, Metric},
    ranking::{Ranking, Ties},
    results::RunLine,
    run::Judged,
    stats::{Clusters, DEFAULT_RESAMPLES, Resamples},
};
use clirbench_report::trec::{QrelsLine, read_qrels, read_run};
use serde_json::json;

use crate::{cli::EvalArgs, failure::Exit, screen::Screen};

/// Seed of the intervals' bootstrap, the same as a bench file's default.
const SEED: u64 = 42;

pub(crate) fn run(args: &EvalArgs, screen: &Screen) -> Result<Exit> {
    let metrics: Vec<Metric> = args.metrics.iter().map(|name| Ok(name.parse()?)).collect::<Result<_>>()?;
    let (qrels, run) = (read_qrels(&args.qrels)?, read_run(&args.run)?);
    let (queries, rankings) = rank(&qrels, &run, args.collection_size)?;
    let mut rows = Vec::new();
    for metric in metrics {
        let scores = CellScores::of(metric, &rankings, Ties::Trec)?;
        let value = scores.value()?;
        let ids: Vec<&str> = scores.queries.iter().map(|&q| queries[q as usize]).collect();
        let resamples = Resamples::new(Clusters::of(&ids)?, DEFAULT_RESAMPLES, SEED)?;
        rows.push((metric, value, scores.interval(&resamples)?, ids.len()));
    }
    if screen.json {
        let rows = rows.iter().map(|(metric, value, interval, queries)| {
            json!({"metric": metric, "value": value, "ci_low": interval.low, "ci_high": interval.high, "queries": queries})
        });
        screen.print_json(&json!(rows.collect::<Vec<_>>()));
        return Ok(Exit::Done);
    }
    let lines = rows.iter().map(|(metric, value, interval, queries)| {
        format!(
            "{:<14} {value:.4}  {:.4} to {:.4}  {queries} queries\n",
            metric.to_string(),
            interval.low,
            interval.high
        )
    });
    screen.print(&lines.collect::<String>());
    Ok(Exit::Done)
}

/// One ranking per judged query, ascending by query id; a query that the run lacks found nothing.
fn rank<'a>(
    qrels: &'a [QrelsLine],
    run: &'a [RunLine],
    collection_size: u32,
) -> Result<(Vec<&'a str>, Vec<Ranking>)> {
    let mut judged: BTreeMap<&str, Vec<(&str, i32)>> = BTreeMap::new();
    for line in qrels {
        judged.entry(&line.query).or_default().push((&line.document, line.grade));
    }
    let mut retrieved: HashMap<&str, Vec<(&str, f32)>> = HashMap::new();
    for line in run {
        retrieved.entry(&line.query).or_default().push((&line.document, line.score));
    }
    let mut rankings = Vec::with_capacity(judged.len());
    for (query, qrels) in &judged {
        let judged = Judged::new(qrels.iter().copied()).with_context(|| format!("query `{query}`"))?;
        let run = retrieved.get(query).map_or(&[][..], Vec::as_slice);
        rankings.push(judged.rank(run, collection_size).with_context(|| format!("query `{query}`"))?);
    }
    Ok((judged.into_keys().collect(), rankings))
}
