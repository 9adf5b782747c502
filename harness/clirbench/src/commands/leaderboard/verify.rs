//! `clirbench leaderboard verify`: every record measured again, and held against what it says.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use anyhow::{Context, Result, anyhow};
use clirbench_core::replication::{Departure, Difference, Measurement, Replication, replicate};
use clirbench_jobs::{collect::Collector, plan::Plan, plan::Setup, remeasure, run::run as execute};
use clirbench_report::records::{Record, Recorded, read_all};
use serde_json::{Value, json};

use super::{super::run::stopped, root_of};
use crate::{
    cli::{Global, LeaderboardVerifyArgs},
    environment::{cancel_flag, setup},
    failure::{Advice, Exit},
    progress::Display,
    screen::Screen,
};

/// Departures of one record that are printed.
const SHOWN: usize = 10;

/// What became of a record.
enum Verdict {
    /// Measured again; every number is within the tolerance, or some are not.
    Measured(Replication),
    /// What is here is not what was measured, or cannot be measured any more.
    Departed(String),
    /// Its model or data are not at hand.
    Unverified(String),
}

pub(crate) fn run(args: &LeaderboardVerifyArgs, global: &Global, screen: &Screen) -> Result<Exit> {
    if !(args.tolerance.is_finite() && args.tolerance >= 0.0) {
        let message = format!("--tolerance {}", args.tolerance);
        return Err(Advice::new(message, "expected points of the 0-100 scale, 0 or more").into());
    }
    let places = Places {
        root: root_of(&args.dir)?,
        models: named(&args.model_path, "--model-path")?,
        data: named(&args.data, "--data")?,
    };
    let records = chosen(args)?;
    let cancel = cancel_flag()?;
    let mut own = global.clone();
    // Removed when the command ends.
    let new = (!args.from_store).then(tempfile::tempdir).transpose().context("no place for a new store")?;
    if let Some(new) = &new {
        own.store = new.path().to_owned();
    }
    let mut measuring = Measuring { args, global: &own, screen, cancel: &cancel, setup: None };
    let mut verdicts = Vec::new();
    for recorded in &records {
        let verdict = measuring.verdict(recorded, &places)?;
        if cancel.load(Ordering::Relaxed) {
            return Ok(stopped(screen));
        }
        if !screen.json {
            show(&recorded.record, &verdict, screen);
        }
        verdicts.push(verdict);
    }
    if screen.json {
        let all = records.iter().zip(&verdicts).map(|(r, verdict)| as_json(&r.record, verdict));
        screen.print_json(&json!({"tolerance": args.tolerance, "records": all.collect::<Vec<_>>()}));
    }
    let count = |of: fn(&Verdict) -> bool| verdicts.iter().filter(|v| of(v)).count();
    let (failed, unverified) = (count(Verdict::failed), count(|v| matches!(v, Verdict::Unverified(_))));
    screen.say(&format!(
        "{} of {} records verified, {failed} failed, {unverified} not verified",
        verdicts.len() - failed - unverified,
        verdicts.len()
    ));
    let holds = failed == 0 && (unverified == 0 || !args.all);
    Ok(if holds { Exit::Done } else { Exit::Findings })
}

/// The records that were asked for.
fn chosen(args: &LeaderboardVerifyArgs) -> Result<Vec<Recorded>> {
    let mut records = read_all(&args.dir)?;
    let of = |name: &str| records.iter().any(|r| r.record.model.name == name);
    if let Some(unknown) = args.models.iter().find(|name| !of(name)) {
        let message = format!("{} has no record of `{unknown}`", args.dir.display());
        return Err(Advice::new(message, "its `records` folder has a folder per model").into());
    }
    if records.is_empty() {
        let message = format!("{} has no records", args.dir.display());
        return Err(Advice::new(message, "add a run: `clirbench leaderboard add RUN --to DIR`").into());
    }
    records.retain(|r| args.models.is_empty() || args.models.contains(&r.record.model.name));
    Ok(records)
}

/// `NAME=DIR` options by name.
fn named(pairs: &[String], option: &str) -> Result<BTreeMap<String, PathBuf>> {
    let pair = |text: &String| {
        let (name, directory) =
            text.split_once('=').filter(|(name, dir)| !name.is_empty() && !dir.is_empty())?;
        Some((name.to_owned(), PathBuf::from(directory)))
    };
    let wrong = |text: &String| anyhow!(Advice::new(format!("{option} {text}"), "expected NAME=DIR"));
    pairs.iter().map(|text| pair(text).ok_or_else(|| wrong(text))).collect()
}

/// Where models and data are.
struct Places {
    root: PathBuf,
    models: BTreeMap<String, PathBuf>,
    data: BTreeMap<String, PathBuf>,
}

impl Places {
    /// A folder that was named, or the record's own in the repository; why there is none.
    fn find(
        &self,
        named: &BTreeMap<String, PathBuf>,
        name: &str,
        entry: &Value,
        option: &str,
    ) -> Result<PathBuf, String> {
        let recorded = entry.get("path").and_then(Value::as_str);
        let folder = match (named.get(name), recorded) {
            (Some(folder), _) => folder.clone(),
            (None, Some(path)) => self.root.join(path),
            (None, None) => return Err(format!("name its folder with {option} {name}=DIR")),
        };
        let folder = std::path::absolute(&folder).unwrap_or(folder);
        let missing =
            || format!("there is no {}; name its folder with {option} {name}=DIR", folder.display());
        if folder.exists() { Ok(folder) } else { Err(missing()) }
    }

    fn data(&self, record: &Record) -> Result<PathBuf, String> {
        let dataset = &record.dataset;
        self.find(&self.data, &dataset.name, &dataset.entry, "--data").map_err(|reason| {
            let source = dataset.entry.get("source").and_then(Value::as_str);
            let get = source.map_or_else(String::new, |source| format!("get them from {source}, and "));
            format!("the data are not at hand: {get}{reason}")
        })
    }

    /// The model's directory; none for a model without files, and for a merge, which has its parents'.
    fn model(&self, record: &Record) -> Result<Option<PathBuf>, String> {
        let model = &record.model;
        if let Some(parents) = model.entry.pointer("/merge/models").and_then(Value::as_array) {
            let path = |parent: &Value| parent["path"].as_str().map(|path| self.root.join(path));
            return match parents.iter().filter_map(path).find(|path| !path.exists()) {
                Some(gone) => {
                    Err(format!("a parent of the merge is not at hand: there is no {}", gone.display()))
                }
                None => Ok(None),
            };
        }
        if model.files.is_empty() && model.entry.get("path").is_none() {
            return Ok(None);
        }
        let found = self.find(&self.models, &model.name, &model.entry, "--model-path");
        found.map(Some).map_err(|reason| format!("the model is not at hand: {reason}"))
    }
}

impl Verdict {
    fn failed(&self) -> bool {
        match self {
            Verdict::Measured(replication) => !replication.departures.is_empty(),
            Verdict::Departed(_) => true,
            Verdict::Unverified(_) => false,
        }
    }
}

/// One store and one set of plugins for all records.
struct Measuring<'a> {
    args: &'a LeaderboardVerifyArgs,
    global: &'a Global,
    screen: &'a Screen,
    cancel: &'a AtomicBool,
    setup: Option<Setup>,
}

impl Measuring<'_> {
    /// An error here is one of the machine; what is wrong with a record is its verdict.
    fn verdict(&mut self, recorded: &Recorded, places: &Places) -> Result<Verdict> {
        let Measuring { args, screen, cancel, .. } = *self;
        let record = &recorded.record;
        let (data, model) = match (places.data(record), places.model(record)) {
            (Ok(data), Ok(model)) => (data, model),
            (Err(reason), _) | (_, Err(reason)) => return Ok(Verdict::Unverified(reason)),
        };
        if let Some(changed) = model.as_deref().and_then(|dir| remeasure::changed_file(record, dir)) {
            return Ok(Verdict::Departed(changed));
        }
        let setup = self.setup_for(record, model.as_deref(), &data, &places.root)?;
        let plugins = std::iter::once(&record.model.plugin).chain(&record.measured.scenarios);
        if let Some(missing) = plugins.map(|p| &p.id).find(|id| setup.plugins.find(id).is_err()) {
            return Ok(Verdict::Unverified(format!(
                "the plugin {missing} is not at hand: name its folder with --plugin"
            )));
        }
        let plan = match Plan::make(setup, cancel, &mut |_| {}) {
            Ok(plan) => plan,
            Err(error) => return Ok(Verdict::Departed(format!("it cannot be measured: {error}"))),
        };
        if let Some(departure) = remeasure::departure(record, setup, &plan) {
            return Ok(Verdict::Departed(departure));
        }
        if let Some(failure) = plan.models.iter().find_map(|m| m.opened.as_ref().err()) {
            return Ok(Verdict::Unverified(format!("the model cannot be opened here: {failure}")));
        }
        measure(recorded, setup, &plan, cancel, Display::new(*screen), args.tolerance)
    }

    /// The setup with the bench of this record.
    fn setup_for(
        &mut self,
        record: &Record,
        model: Option<&Path>,
        data: &Path,
        root: &Path,
    ) -> Result<&Setup> {
        let bench = remeasure::bench(record, model, data).map_err(Advice::from)?;
        let setup = match self.setup.take() {
            Some(setup) => Setup { bench, ..setup },
            // Paths of the bench are absolute, or those of a merge's parents: as of a file in the root.
            None => {
                setup(bench, &root.join("bench.toml"), &self.args.compute, self.global, false, self.screen)?
            }
        };
        Ok(self.setup.insert(setup))
    }
}

fn measure(
    recorded: &Recorded,
    setup: &Setup,
    plan: &Plan,
    cancel: &AtomicBool,
    mut display: Display,
    tolerance: f64,
) -> Result<Verdict> {
    let outcome = execute(setup, plan, cancel, &mut |progress| display.show(&progress));
    display.finish();
    let broken = plan.datasets.iter().flat_map(|d| &d.failed).map(|(_, failure)| failure);
    if let Some(failure) = broken.chain(outcome.failed.values()).next() {
        return Ok(Verdict::Departed(format!("it cannot be measured: {failure}")));
    }
    let mut collector = Collector::new(plan, &setup.store);
    collector.add_all().map_err(Advice::from)?;
    let results = collector.results(Value::Null);
    let record =
        Measurement { scores: &recorded.scores, per_query: &recorded.per_query, bias: &recorded.bias };
    let now = Measurement { scores: &results.scores, per_query: &results.per_query, bias: &results.bias };
    Ok(Verdict::Measured(replicate(record, now, tolerance)))
}

fn show(record: &Record, verdict: &Verdict, screen: &Screen) {
    let name = record.folder();
    match verdict {
        Verdict::Unverified(reason) => screen.print(&format!("{name}: not verified: {reason}")),
        Verdict::Departed(reason) => screen.print(&format!("{name}: FAILED: {reason}")),
        Verdict::Measured(r) if r.departures.is_empty() && r.equal == r.rows => {
            screen.print(&format!("{name}: {} rows, all equal", r.rows));
        }
        Verdict::Measured(r) if r.departures.is_empty() => screen.print(&format!(
            "{name}: {} rows, {} equal, the others within {} points",
            r.rows,
            r.equal,
            shown(r.largest)
        )),
        Verdict::Measured(r) => {
            screen.print(&format!("{name}: FAILED: {} of {} rows differ", r.departures.len(), r.rows));
            for departure in r.departures.iter().take(SHOWN) {
                screen.print(&format!("  {}", line(departure)));
            }
            if r.departures.len() > SHOWN {
                screen.print(&format!("  and {} more; --json lists them all", r.departures.len() - SHOWN));
            }
        }
    }
}

fn line(departure: &Departure) -> String {
    let Departure { cell, name, difference } = departure;
    let place = format!("{} {}-{} {name}", cell.scenario, cell.query_lang, cell.pool_langs);
    match difference {
        Difference::Number { column, recorded, measured, points } => {
            let apart = shown(*points);
            format!("{place}: {column} {recorded} recorded, {measured} measured, {apart} points apart")
        }
        Difference::Counts { recorded: [queries, pool], measured: [now, pool_now] } => {
            format!("{place}: {queries} queries and {pool} documents recorded, {now} and {pool_now} measured")
        }
        Difference::Queries => format!("{place}: values of other queries are recorded than measured"),
        Difference::NotMeasured => format!("{place}: recorded, but not measured"),
        Difference::NotRecorded => format!("{place}: measured, but not recorded"),
    }
}

/// Points: three decimals, or the power of ten of what they would hide.
fn shown(points: f64) -> String {
    if points < 0.0005 { format!("{points:.0e}") } else { format!("{points:.3}") }
}

fn as_json(record: &Record, verdict: &Verdict) -> Value {
    let mut value = json!({"record": record.folder(), "verified": matches!(verdict, Verdict::Measured(_)) && !verdict.failed(), "failed": verdict.failed()});
    match verdict {
        Verdict::Unverified(reason) | Verdict::Departed(reason) => value["reason"] = json!(reason),
        Verdict::Measured(r) => {
            value["rows"] = json!(r.rows);
            value["equal"] = json!(r.equal);
            value["largest"] = json!(r.largest);
            value["departures"] = r.departures.iter().map(|d| json!(line(d))).collect();
        }
    }
    value
}
