//! `clirbench merge`: from several models to one.

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use anyhow::{Context, Result, anyhow};
use clirbench_jobs::{
    bench::{Bench, RunSpec, resolve},
    job::MergeJob,
    merge::{MergeProgress, merge, parse},
    plan::Setup,
};
use clirbench_merge::{MergeSpec, Parent};
use serde_json::{Value, json};

use crate::{
    cli::{ComputeArgs, Global, MergeArgs},
    diagnosis::Diagnosed,
    environment::{cancel_flag, setup},
    failure::{Advice, Exit},
    progress::Display,
    screen::Screen,
};

pub(crate) fn run(args: &MergeArgs, global: &Global, screen: &Screen) -> Result<Exit> {
    let cancel = cancel_flag()?;
    let (spec, folder) = spec(args)?;
    let out = output(args, &spec, &folder)?;
    let bench = Bench { models: vec![], datasets: vec![], run: RunSpec::default(), scenario: [].into() };
    let compute = ComputeArgs { threads: None, device: None };
    let setup = setup(bench, &folder.join("merge.toml"), &compute, global, false, screen)?;
    let job = MergeJob::make(&setup, &spec, &out, args.force).map_err(Advice::from)?;
    let Some(origin) = carry_out(&setup, &job, &cancel, screen)? else {
        screen.say("stopped; nothing was written");
        return Ok(Exit::Stopped);
    };
    conclude(screen, &spec, &out, &origin);
    Ok(Exit::Done)
}

/// Merges, and returns what the merged directory says of itself; nothing when the user stopped it.
pub(crate) fn carry_out(
    setup: &Setup,
    job: &MergeJob,
    cancel: &AtomicBool,
    screen: &Screen,
) -> Result<Option<Value>> {
    let mut display = Display::new(*screen);
    let outcome = merge(job, &setup.executor, cancel, &mut |progress| match progress {
        MergeProgress::Merging { done, total } => display.merging(done, total),
        MergeProgress::Log { level, message } => display.log(&level, &message),
    });
    display.finish();
    match outcome {
        Ok(origin) => Ok(Some(origin)),
        Err(_) if cancel.load(Ordering::Relaxed) => Ok(None),
        Err(failure) => Err(Advice::from(failure).into()),
    }
}

/// What to merge, and the folder that its relative paths start at.
fn spec(args: &MergeArgs) -> Result<(MergeSpec, PathBuf)> {
    if let Some(method) = &args.method {
        return Ok((from_arguments(method, args)?, PathBuf::new()));
    }
    let [recipe] = &args.inputs[..] else {
        let hint = "name the method with --method, or give one recipe";
        return Err(Advice::new(format!("{} paths, and no method", args.inputs.len()), hint).into());
    };
    let text = std::fs::read_to_string(recipe).with_context(|| {
        let hint = "give the path of a TOML file; or --method METHOD and the directories of the models";
        Advice::new(format!("cannot read the recipe {}", recipe.display()), hint)
    })?;
    let spec = parse(&text).map_err(|error| anyhow!(Diagnosed::new(recipe, text, error)))?;
    Ok((spec, recipe.parent().unwrap_or(Path::new("")).to_owned()))
}

fn from_arguments(method: &str, args: &MergeArgs) -> Result<MergeSpec> {
    let mut models: Vec<Parent> = args.inputs.iter().cloned().map(Parent::new).collect();
    if !args.weights.is_empty() {
        let (weights, count) = (args.weights.len(), models.len());
        if weights != count {
            let message = format!("{weights} weights of {count} models");
            return Err(Advice::new(message, "give one weight per model, in their order").into());
        }
        for (model, weight) in models.iter_mut().zip(&args.weights) {
            model.weight = Some(*weight);
        }
    }
    let mut spec = MergeSpec::new(method, models);
    spec.base.clone_from(&args.base);
    spec.seed = args.seed.unwrap_or(spec.seed);
    if let Some(dtype) = &args.dtype {
        spec.dtype = Some(serde_json::from_value(dtype.as_str().into()).context("--dtype")?);
    }
    for text in &args.options {
        let (key, value) = option(text)?;
        spec.options.insert(key, value);
    }
    Ok(spec)
}

/// `KEY=VALUE`: a number or true, else a word.
pub(super) fn option(text: &str) -> Result<(String, Value)> {
    let Some((key, value)) = text.split_once('=') else {
        let hint = "write it as --option KEY=VALUE";
        return Err(Advice::new(format!("--option {text} has no value"), hint).into());
    };
    Ok((key.to_owned(), serde_json::from_str(value).unwrap_or_else(|_| Value::from(value))))
}

fn output(args: &MergeArgs, spec: &MergeSpec, folder: &Path) -> Result<PathBuf> {
    let named = || spec.output.as_deref().map(|path| resolve(folder, path));
    let out = args.out.clone().or_else(named);
    let hint = "name a directory with --out, or as `output` in the recipe";
    out.ok_or_else(|| Advice::new("there is no place for the merged model", hint).into())
}

fn conclude(screen: &Screen, spec: &MergeSpec, out: &Path, origin: &Value) {
    let merge = &origin["merge"];
    for note in merge["notes"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        screen.say(&format!("note: {note}"));
    }
    if screen.json {
        return screen.print_json(&json!({"out": out, "origin": origin}));
    }
    let count = |name: &str| merge[name].as_u64().unwrap_or_default();
    let mut text = format!(
        "{} models by {}: {} tensors merged, {} copied; model in {}\n",
        spec.models.len(),
        spec.method,
        count("tensors"),
        count("copied"),
        out.display()
    );
    let lowest: Vec<String> = merge["lowest_cosines"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|t| Some(format!("  {:.8}  {}\n", t["cosine"].as_f64()?, t["tensor"].as_str()?)))
        .collect();
    if !lowest.is_empty() {
        text += &format!("least similar tensors (cosine):\n{}", lowest.concat());
    }
    if count("fell_back") > 0 {
        let (fell_back, all) = (count("fell_back"), count("tensors"));
        text += &format!("{} fell back to a line in {fell_back} of {all} tensors\n", spec.method);
    }
    screen.print(&text);
}
