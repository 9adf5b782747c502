//! `clirbench model`: what a model directory holds, a new one, and the ONNX graph of one.

use std::{fmt::Write as _, fs, path::Path, sync::atomic::AtomicBool};

use anyhow::{Context, Result};
use clirbench_data::read_training;
use clirbench_export::{DEFAULT_FILE, ExportOptions, ExportReport, export};
use clirbench_jobs::{
    bench::{Bench, ModelSpec, RunSpec},
    parity::parity,
};
use clirbench_model::{BlankSpec, FileSummary, Summary, create};
use indicatif::{HumanBytes, HumanCount};
use serde_json::json;

use crate::{
    cli::{ComputeArgs, ExportOnnxArgs, Global, ModelCommand, NewModelArgs},
    environment::setup,
    failure::{Advice, Exit},
    screen::Screen,
};

/// Texts of several lengths and scripts, on which an exported graph is compared with its weights.
const PARITY_TEXTS: [&str; 12] = [
    "a",
    "Where does the river end?",
    "¿Dónde termina el río?",
    "Wo endet der Fluss?",
    "강은 어디에서 끝나나요?",
    "河流在哪里结束？",
    "川はどこで終わりますか。",
    "أين ينتهي النهر؟",
    "Dòng sông kết thúc ở đâu?",
    "12 + 30 = 42, said the clerk; nobody else in the small office by the harbour disagreed with her.",
    "The library opened in spring. Its reading room held forty chairs, and on the first morning all of \
     them were taken before the clock struck ten, mostly by people who had never owned a book.",
    "Die Brücke wurde dreimal gebaut: zuerst aus Holz, dann aus Stein und zuletzt aus Stahl, weil jede \
     Flut des Frühjahrs mitnahm, was der Sommer errichtet hatte, und niemand ohne sie leben wollte.",
];
/// Cosine that an exported graph has to reach on each of them.
const PARITY: f64 = 0.99999;

pub(crate) fn run(command: &ModelCommand, global: &Global, screen: &Screen) -> Result<Exit> {
    match command {
        ModelCommand::New(args) => new(args, screen),
        ModelCommand::Info { dir } => info(dir, screen),
        ModelCommand::ExportOnnx(args) => export_onnx(args, global, screen),
    }
}

fn new(args: &NewModelArgs, screen: &Screen) -> Result<Exit> {
    let name = args.spec.display();
    let text = fs::read_to_string(&args.spec).with_context(|| format!("cannot read {name}"))?;
    let spec: BlankSpec = toml::from_str(&text).with_context(|| format!("{name} describes no model"))?;
    let mut texts = Vec::new();
    for path in &args.data {
        for row in read_training(path).map_err(Advice::from)? {
            texts.extend([row.query, row.positive].into_iter().chain(row.parallel).chain(row.negatives));
        }
    }
    // Parallel data repeat a text once for each partner: in the vocabulary it counts once.
    texts.sort_unstable();
    texts.dedup();
    create(&spec, &texts, &args.out).map_err(Advice::from)?;
    info(&args.out, screen)
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

fn export_onnx(args: &ExportOnnxArgs, global: &Global, screen: &Screen) -> Result<Exit> {
    let out = args.out.clone().unwrap_or_else(|| args.dir.join(DEFAULT_FILE));
    let options = ExportOptions { external_data: args.external_data, force: args.force };
    let report = export(&args.dir, &out, options).map_err(Advice::from)?;
    let parity = check(args, &out, global, screen)?;
    if screen.json {
        let mut value = json!(report);
        value["cosine"] = json!(parity.as_ref().ok());
        screen.print_json(&value);
    } else {
        screen.print(&written(&report));
    }
    match parity {
        Ok(cosine) if cosine < PARITY => {
            let message = format!("the graph's embeddings differ from the weights': cosine {cosine:.6}");
            Err(Advice::new(message, "do not use the graph; report it with the model's config.json").into())
        }
        Ok(cosine) => {
            screen.say(&format!("checked: the graph gives the weights' embeddings (cosine {cosine:.7})"));
            Ok(Exit::Done)
        }
        Err(reason) => {
            screen.warn(&format!("the graph was not checked against the weights: {reason}"));
            Ok(Exit::Done)
        }
    }
}

/// The smallest cosine between the embeddings of graph and weights, by the plugins for either in
/// workers; or why it could not be had.
fn check(
    args: &ExportOnnxArgs,
    out: &Path,
    global: &Global,
    screen: &Screen,
) -> Result<std::result::Result<f64, String>> {
    let dir = std::path::absolute(&args.dir)?;
    let Ok(file) = std::path::absolute(out)?.strip_prefix(&dir).map(Path::to_owned) else {
        return Ok(Err("it lies outside the model directory".to_owned()));
    };
    let file = file.to_string_lossy().into_owned();
    let model = |name: &str, encoder: &str, options: toml::Table| ModelSpec {
        merge: None,
        name: name.to_owned(),
        path: Some(dir.clone()),
        encoder: Some(encoder.to_owned()),
        options,
    };
    let graph = toml::Table::from_iter([("file".to_owned(), toml::Value::String(file))]);
    let bench = Bench {
        models: vec![model("weights", "candle", toml::Table::new()), model("graph", "onnx", graph)],
        datasets: Vec::new(),
        run: RunSpec::default(),
        scenario: Default::default(),
    };
    let compute = ComputeArgs { threads: None, device: None };
    let setup = setup(bench, &args.dir, &compute, global, false, screen)?;
    Ok(parity(&setup, &PARITY_TEXTS, &AtomicBool::new(false)).map_err(|failure| failure.to_string()))
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
