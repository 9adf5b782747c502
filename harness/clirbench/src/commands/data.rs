//! `clirbench data`: list, show and check datasets, and training data against them.

pub(crate) mod leaks;
mod training;

use std::{fmt::Write as _, path::Path};

use anyhow::Result;
use clirbench_data::{DatasetSpec, Manifest, Statistics, list, load, validate};
use serde_json::json;

use crate::{
    cli::{DataArgs, DataCommand},
    environment::read_bench,
    failure::{Advice, Exit},
    screen::Screen,
};

pub(crate) fn run(command: &DataCommand, screen: &Screen) -> Result<Exit> {
    match command {
        DataCommand::List { dir } => show_list(dir, screen),
        DataCommand::Info(args) => info(args, screen),
        DataCommand::Validate(args) if args.file.extension().is_some_and(|e| e == "jsonl") => {
            training::check(&args.file, screen)
        }
        DataCommand::Validate(args) => check(args, screen),
        DataCommand::Leaks(args) => leaks::run(args, screen),
    }
}

fn show_list(dir: &Path, screen: &Screen) -> Result<Exit> {
    let manifests = list(dir).map_err(Advice::from)?;
    if screen.json {
        screen.print_json(&json!(manifests.iter().map(|m| &m.spec).collect::<Vec<_>>()));
        return Ok(Exit::Done);
    }
    let mut out = String::new();
    for spec in manifests.iter().map(|m| &m.spec) {
        let format = spec.format.map_or("", clirbench_data::Format::name);
        let licence = spec.licence.as_deref().unwrap_or("licence not stated");
        let _ = writeln!(out, "{:<16} {format:<9} {licence:<18} {}", spec.name, spec.languages.join(" "));
        if let Some(description) = &spec.description {
            let _ = writeln!(out, "{:<16} {description}", "");
        }
    }
    screen.print(&out);
    Ok(Exit::Done)
}

/// The datasets of a manifest or of a bench file, relative to the file's folder.
fn specs(args: &DataArgs) -> Result<Vec<DatasetSpec>> {
    let text = std::fs::read_to_string(&args.file).unwrap_or_default();
    let is_bench = toml::from_str::<toml::Table>(&text).is_ok_and(|t| t.contains_key("datasets"));
    let mut specs = if is_bench {
        read_bench(&args.file)?.datasets
    } else {
        vec![Manifest::read(&args.file).map_err(Advice::from)?.spec]
    };
    if let Some(path) = &args.path {
        let path = std::path::absolute(path)?;
        specs.iter_mut().for_each(|spec| spec.path = Some(path.clone()));
    }
    Ok(specs)
}

fn folder(args: &DataArgs) -> &Path {
    args.file.parent().unwrap_or(Path::new(""))
}

fn info(args: &DataArgs, screen: &Screen) -> Result<Exit> {
    let mut all = Vec::new();
    for spec in specs(args)? {
        let loaded = load(&spec, folder(args)).map_err(Advice::from)?;
        let statistics = Statistics::of(&loaded.collection);
        if screen.json {
            all.push(json!({
                "spec": loaded.spec,
                "hashes": loaded.hashes,
                "files": loaded.files,
                "statistics": statistics,
            }));
        } else {
            screen.print(&describe(&loaded, &statistics));
        }
    }
    if screen.json {
        screen.print_json(&json!(all));
    }
    Ok(Exit::Done)
}

fn describe(loaded: &clirbench_data::Loaded, statistics: &Statistics) -> String {
    let spec = &loaded.spec;
    let mut out = format!("{}\n", spec.name);
    let mut field = |name: &str, value: Option<String>| {
        if let Some(value) = value.filter(|v| !v.is_empty()) {
            let _ = writeln!(out, "  {name:<12} {value}");
        }
    };
    field("description", spec.description.clone());
    field("format", spec.format.map(|f| f.to_string()));
    field("licence", spec.licence.clone());
    field("translation", spec.translation.map(|t| t.to_string()));
    field("source", spec.source.clone());
    field("revision", spec.revision.clone());
    field("hash", Some(loaded.hashes.collection.clone()));
    field("queries", Some(statistics.queries.to_string()));
    field("documents", Some(statistics.documents.to_string()));
    let _ = writeln!(out, "  language  queries  mean chars  documents  distinct  mean chars");
    for l in &statistics.languages {
        let _ = writeln!(
            out,
            "  {:<8}  {:>7}  {:>10.1}  {:>9}  {:>8}  {:>10.1}",
            l.language,
            l.queries.texts,
            l.queries.mean_chars,
            l.documents.texts,
            l.documents.distinct,
            l.documents.mean_chars
        );
    }
    for warning in &loaded.warnings {
        let _ = writeln!(out, "  warning: {warning}");
    }
    out
}

fn check(args: &DataArgs, screen: &Screen) -> Result<Exit> {
    let mut fine = true;
    let mut reports = Vec::new();
    for spec in specs(args)? {
        let report = validate(&spec, folder(args));
        fine &= report.is_ok();
        if screen.json {
            reports.push(json!({
                "dataset": spec.name,
                "errors": report.errors.iter().map(|e| json!({"message": e.to_string(), "hint": e.hint()})).collect::<Vec<_>>(),
                "warnings": report.warnings.iter().map(ToString::to_string).collect::<Vec<_>>(),
            }));
            continue;
        }
        for error in &report.errors {
            screen.line(&format!("error: {error}"));
        }
        if report.more_errors > 0 {
            screen.line(&format!("... and {} more errors", report.more_errors));
        }
        for warning in &report.warnings {
            screen.warn(&warning.to_string());
        }
        if report.more_warnings > 0 {
            screen.line(&format!("... and {} more warnings", report.more_warnings));
        }
        let verdict = match &report.loaded {
            Some(loaded) if report.is_ok() => format!(
                "{}: fine ({} queries, {} documents, {} languages)",
                spec.name,
                loaded.collection.queries.len(),
                loaded.collection.documents.len(),
                loaded.collection.languages.len()
            ),
            _ => {
                let errors = report.errors.len() + report.more_errors;
                format!("{}: {errors} {}", spec.name, if errors == 1 { "error" } else { "errors" })
            }
        };
        screen.print(&verdict);
    }
    if screen.json {
        screen.print_json(&json!(reports));
    }
    Ok(if fine { Exit::Done } else { Exit::Error })
}
