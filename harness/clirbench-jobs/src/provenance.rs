//! `run.json`: everything that the numbers of a run depend on, and what was noticed on the way.

use std::collections::BTreeSet;

use clirbench_core::dataset::Entry;
use clirbench_store::Key;
use serde_json::{Map, Value, json};

use crate::{
    bench::RunSpec,
    collect::Collector,
    embeddings::{Embeddings, TextCounts, text_id},
    job::{Failure, PluginRef},
    plan::{Opened, Plan, PlannedDataset, Setup},
    run::Outcome,
};

/// What the command knows about itself.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// Version of the program.
    pub version: String,
    /// The command line.
    pub arguments: Vec<String>,
    /// Start, seconds since 1970.
    pub started_at: u64,
    /// Seconds spent reading and planning.
    pub planning_seconds: f64,
}

/// Of all intervals.
const CONFIDENCE: f64 = 0.95;

/// The provenance of what is collected so far.
///
/// # Errors
/// When a shard in the store is damaged.
pub fn provenance(
    setup: &Setup,
    plan: &Plan,
    collector: &Collector<'_>,
    outcome: &Outcome,
    invocation: &Invocation,
) -> Result<Value, Failure> {
    let run = &setup.bench.run;
    Ok(json!({
        "clirbench": invocation.version,
        "command": invocation.arguments,
        "started_at": invocation.started_at,
        "machine": {
            "os": std::env::consts::OS,
            "architecture": std::env::consts::ARCH,
            "threads": setup.executor.threads,
            "device": setup.device.as_str(),
        },
        "options": {
            "scenarios": run.scenarios,
            "ties": run.ties,
            "resamples": run.resamples,
            "seed": run.seed,
            "confidence": CONFIDENCE,
            "dtype": run.dtype,
            "shard": run.shard,
        },
        "datasets": datasets(run, plan),
        "models": models(setup, plan, outcome)?,
        "cells": cells(collector),
        "failures": failures(plan, outcome),
        "seconds": {
            "planning": invocation.planning_seconds,
            "encoding": outcome.encoding_seconds,
            "scoring": outcome.scoring_seconds,
        },
    }))
}

fn origin(plugin: &PluginRef) -> Value {
    json!({"id": plugin.id, "version": plugin.version, "sha256": plugin.sha256})
}

/// What the numbers on a dataset depend on beside the model and the data, and its `hash`. The build
/// of a scenario's plugin is no part of it.
#[must_use]
pub fn configuration(run: &RunSpec, dataset: &PlannedDataset) -> Value {
    let scenarios = dataset
        .scenarios
        .iter()
        .map(|(name, plugin, config)| json!({"scenario": name, "plugin": plugin.id, "config": config}));
    let mut value = json!({
        "documents": dataset.documents,
        "copies": dataset.copies,
        "scenarios": scenarios.collect::<Vec<_>>(),
        "ties": run.ties,
        "resamples": run.resamples,
        "seed": run.seed,
        "confidence": CONFIDENCE,
        "dtype": run.dtype,
        "shard": run.shard,
    });
    value["hash"] = json!(Key::of(&value));
    value
}

fn datasets(run: &RunSpec, plan: &Plan) -> Value {
    let describe = |d: &PlannedDataset| {
        let scenarios = d.scenarios.iter().map(
            |(name, plugin, config)| json!({"scenario": name, "plugin": origin(plugin), "config": config}),
        );
        let value = json!({
            "hash": d.loaded.hashes.collection,
            "hashes": d.loaded.hashes,
            "languages": d.arranged.languages,
            "queries": d.arranged.queries.len(),
            "documents": d.arranged.documents.len(),
            "layout": d.documents,
            "copies": d.copies,
            "files": d.loaded.files,
            "scenarios": scenarios.collect::<Vec<_>>(),
            "configuration": configuration(run, d),
            "entry": d.entry(),
            "notes": d.notes(),
        });
        (d.name.clone(), value)
    };
    Value::Object(plan.datasets.iter().map(describe).collect())
}

fn models(setup: &Setup, plan: &Plan, outcome: &Outcome) -> Result<Value, Failure> {
    let mut models = Map::new();
    for (i, model) in plan.models.iter().enumerate() {
        let mut value = json!({
            "plugin": origin(&model.plugin),
            "options": model.options,
            "entry": setup.bench.models[i],
            "directory": model.config.get("path"),
        });
        if let (Some(merge), Some(merged)) = (&model.merge, setup.bench.models[i].merged()) {
            value["merge"] = json!({
                "method": merge.spec.method,
                "options": merge.spec.options,
                "parents": merged.parents,
                "weights": merged.weights,
                "seed": merge.spec.seed,
                "plugin": origin(&merge.plugin),
                "key": merge.key,
            });
        }
        if let Ok(opened) = &model.opened {
            let texts = &plan.texts[i];
            let info = &opened.probe.info;
            let (inputs, seconds) = inputs(setup, plan, opened)?;
            let rest = json!({
                "files": opened.files,
                "hash": model.content(),
                "runtime": info.runtime,
                "dim": info.dim,
                "max_tokens": info.max_tokens,
                "similarity": info.similarity,
                "prompts": {"query": info.query_prompt, "document": info.document_prompt},
                "rendered": {"query": opened.probe.rendered_query, "document": opened.probe.rendered_document},
                "warnings": info.warnings,
                "groups": {"query": opened.query_group, "document": opened.document_group},
                "texts": {
                    "asked": texts.asked,
                    "distinct": texts.distinct,
                    "from_store": texts.stored,
                    "encoded": outcome.encoded[i],
                },
                "inputs": inputs,
                "encoding_seconds": seconds,
            });
            if let (Value::Object(value), Value::Object(rest)) = (&mut value, rest) {
                value.extend(rest);
            }
        }
        models.insert(model.name.clone(), value);
    }
    Ok(Value::Object(models))
}

/// Truncation and unknown-token rates per dataset, role and language, over distinct texts; and the
/// seconds that all committed shards of the model took.
fn inputs(setup: &Setup, plan: &Plan, opened: &Opened) -> Result<(Value, f64), Failure> {
    let queries = Embeddings::open(&setup.store, &opened.query_group)?;
    let shared = opened.query_group == opened.document_group;
    let own = if shared { None } else { Some(Embeddings::open(&setup.store, &opened.document_group)?) };
    let documents = own.as_ref().unwrap_or(&queries);
    let seconds = queries.seconds() + own.as_ref().map_or(0.0, Embeddings::seconds);
    let query_counts = queries.counts()?;
    let document_counts = if shared { query_counts.clone() } else { documents.counts()? };
    let mut rows = Vec::new();
    for dataset in &plan.datasets {
        let collection = &dataset.arranged;
        let roles = [
            ("query", &collection.queries, (&queries, &query_counts)),
            ("document", &collection.documents, (documents, &document_counts)),
        ];
        for (role, entries, (embeddings, counts)) in roles {
            for (l, language) in collection.languages.iter().enumerate() {
                if let Some(rates) = rates(entries, l, embeddings, counts) {
                    let mut row = json!({"dataset": dataset.name, "role": role, "language": language});
                    if let (Value::Object(row), Value::Object(rates)) = (&mut row, rates) {
                        row.extend(rates);
                    }
                    rows.push(row);
                }
            }
        }
    }
    Ok((Value::Array(rows), seconds))
}

fn rates(
    entries: &[Entry],
    language: usize,
    embeddings: &Embeddings,
    counts: &[TextCounts],
) -> Option<Value> {
    let texts: BTreeSet<&str> = entries.iter().filter_map(|e| e.texts[language].as_deref()).collect();
    let rows = texts.iter().filter_map(|t| embeddings.row(&text_id(t)));
    let counts: Vec<TextCounts> = rows.map(|row| counts[row as usize]).collect();
    if counts.is_empty() {
        return None;
    }
    let (tokens, unknown) =
        counts.iter().fold((0u64, 0u64), |(t, u), c| (t + u64::from(c.tokens), u + u64::from(c.unknown)));
    let truncated = counts.iter().filter(|c| c.truncated).count();
    Some(json!({
        "texts": counts.len(),
        "mean_tokens": tokens as f64 / counts.len() as f64,
        "truncated": truncated as f64 / counts.len() as f64,
        "unknown_tokens": unknown as f64 / tokens.max(1) as f64,
    }))
}

fn cells(collector: &Collector<'_>) -> Value {
    let entries = collector.cells().map(|(cell, planned, result)| {
        let mut value = serde_json::to_value(cell).expect("plain data");
        value["tie_rate"] = json!(result.tie_rate);
        value["queries_left_out"] = json!(result.left_out);
        value["score"] = json!(planned.job.as_ref().map(|job| &job.key));
        value
    });
    Value::Array(entries.collect())
}

fn failures(plan: &Plan, outcome: &Outcome) -> Value {
    let mut failures: Vec<Value> = Vec::new();
    for dataset in &plan.datasets {
        for (scenario, failure) in &dataset.failed {
            failures
                .push(json!({"dataset": dataset.name, "scenario": scenario, "reason": failure.to_string()}));
        }
    }
    for (index, planned) in plan.cells.iter().enumerate() {
        if let Some(failure) = outcome.failed.get(&index) {
            let mut value = serde_json::to_value(plan.coordinates(planned)).expect("plain data");
            value["reason"] = json!(failure.to_string());
            failures.push(value);
        }
    }
    Value::Array(failures)
}
