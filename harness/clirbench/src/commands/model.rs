//! `clirbench model`: what a model directory holds, and its ONNX graph.

use std::{fmt::Write as _, path::Path};

use anyhow::Result;
use clirbench_export::{DEFAULT_FILE, ExportOptions, ExportReport, export};
use clirbench_model::{FileSummary, Summary};
use indicatif::{HumanBytes, HumanCount};
use serde_json::json;

use crate::{
    cli::{ExportOnnxArgs, ModelCommand},
    failure::{Advice, Exit},
    screen::Screen,
};

pub(crate) fn run(command: &ModelCommand, screen: &Screen) -> Result<Exit> {
    match command {
        ModelCommand::Info { dir } => info(dir, screen),
        ModelCommand::ExportOnnx(args) => export_onnx(args, screen),
    }
}

fn info(dir: &Path, screen: &Screen) -> Result<Exit> {
    let summary = Summary::of(dir).map_err(Advice::from)?;
    if screen.json {
        screen.print_json(&json!(summary));
    } else {
        screen.print(&describe(dir, &summary));
    }
    Ok(Exit::Done)
}

fn describe(dir: &Path, summary: &Summary) -> String {
    let mut out = format!("{}\n", dir.display());
    let mut field = |name: &str, values: &[String]| {
        for (i, value) in values.iter().enumerate() {
            let _ = writeln!(out, "  {:<13} {value}", if i == 0 { name } else { "" });
        }
    };
    let counted = |name: &str, value: Option<u64>| value.map(|n| format!("{name} {}", HumanCount(n)));
    let shape = [
        summary.architecture.clone(),
        counted("layers", summary.layers),
        counted("hidden size", summary.hidden),
        counted("heads", summary.heads),
        counted("vocabulary", summary.vocabulary),
    ];
    let shape = shape.into_iter().flatten().collect::<Vec<_>>().join(", ");
    field("architecture", &Vec::from_iter(Some(shape).filter(|s| !s.is_empty())));
    let types: Vec<&str> = summary.types.keys().map(String::as_str).collect();
    if summary.parameters > 0 {
        field("parameters", &[format!("{} ({})", HumanCount(summary.parameters), types.join(", "))]);
    }
    field("max length", &Vec::from_iter(summary.max_length.map(|n| format!("{n} tokens"))));
    let module = |m: &clirbench_model::ModuleSummary| {
        if m.detail.is_empty() { m.kind.clone() } else { format!("{} ({})", m.kind, m.detail) }
    };
    let modules: Vec<String> = summary.modules.iter().map(module).collect();
    field("modules", &modules);
    field("similarity", &Vec::from_iter(summary.similarity.clone()));
    let prompt = |(name, text): (&String, &String)| {
        let default = if summary.default_prompt.as_ref() == Some(name) { " (default)" } else { "" };
        format!("{name}: {text:?}{default}")
    };
    field("prompts", &summary.prompts.iter().map(prompt).collect::<Vec<_>>());
    field("languages", &Vec::from_iter(Some(summary.languages.join(" ")).filter(|l| !l.is_empty())));
    field("weights", &files(&summary.weights));
    field("onnx", &files(&summary.onnx));
    field("missing", &summary.missing);
    out
}

/// A line per file, in columns.
fn files(files: &[FileSummary]) -> Vec<String> {
    let width = files.iter().map(|f| f.file.chars().count()).max().unwrap_or(0);
    let line = |f: &FileSummary| {
        let size = HumanBytes(f.bytes).to_string();
        format!("{:<width$}  {size:>10}  {}", f.file, f.variant.unwrap_or_default()).trim_end().to_owned()
    };
    files.iter().map(line).collect()
}

fn export_onnx(args: &ExportOnnxArgs, screen: &Screen) -> Result<Exit> {
    let out = args.out.clone().unwrap_or_else(|| args.dir.join(DEFAULT_FILE));
    let options = ExportOptions { external_data: args.external_data, force: args.force };
    let report = export(&args.dir, &out, options).map_err(Advice::from)?;
    if screen.json {
        screen.print_json(&json!(report));
    } else {
        screen.print(&written(&report));
    }
    Ok(Exit::Done)
}

fn written(report: &ExportReport) -> String {
    let mut out = format!(
        "{}: {}, {} parameters, {} operators of opset {}, {}\n",
        report.graph.display(),
        report.architecture,
        HumanCount(report.parameters),
        report.nodes,
        report.opset,
        HumanBytes(report.graph_bytes)
    );
    if let Some(data) = &report.data {
        let _ = writeln!(out, "{}: its weights, {}", data.display(), HumanBytes(report.data_bytes));
    }
    out
}
