//! Which records may share a table: those of one dataset have the same data and were measured alike,
//! and one name is one model.

use super::record::{Configuration, Record};
use crate::error::ReportError;

/// Checks that the records may stand in one leaderboard.
///
/// # Errors
/// The first two records that may not, and in what they differ.
pub(super) fn check(records: &[&Record]) -> Result<(), ReportError> {
    for (i, record) in records.iter().enumerate() {
        for earlier in &records[..i] {
            if earlier.dataset.name == record.dataset.name {
                let differences = differences(earlier, record);
                if !differences.is_empty() {
                    return Err(ReportError::Disagreement(format!(
                        "the records {} and {} cannot share a table: {}; measure both alike, or give one of the datasets another name",
                        earlier.folder(),
                        record.folder(),
                        differences.join("; ")
                    )));
                }
            }
            if earlier.model.name == record.model.name && earlier.model.hash != record.model.hash {
                return Err(ReportError::Disagreement(format!(
                    "the records {} and {} are of two models with one name: {}; measure one model on both datasets, or rename it",
                    earlier.folder(),
                    record.folder(),
                    change("model", short(&earlier.model.hash), short(&record.model.hash))
                )));
            }
        }
    }
    Ok(())
}

/// In what two records differ that decides whether their numbers compare. Storage type and shards
/// concern the encoder alone, and one may have been measured in more scenarios than the other.
fn differences(a: &Record, b: &Record) -> Vec<String> {
    let mut found = Vec::new();
    if a.dataset.hash != b.dataset.hash {
        found.push(change("data", short(&a.dataset.hash), short(&b.dataset.hash)));
    }
    let rules = rules(&a.configuration).into_iter().zip(rules(&b.configuration));
    found.extend(rules.filter(|((_, a), (_, b))| a != b).map(|((name, a), (_, b))| change(name, &a, &b)));
    for one in &a.configuration.scenarios {
        let others = &b.configuration.scenarios;
        if let Some(other) = others.iter().find(|o| o.scenario == one.scenario && *o != one) {
            let show = |s: &super::record::RecordedScenario| format!("{} {}", s.plugin, s.config);
            found.push(change(&format!("scenario {}", one.scenario), &show(one), &show(other)));
        }
    }
    found
}

/// What decides how a number is computed, by name.
fn rules(configuration: &Configuration) -> [(&'static str, String); 6] {
    let Configuration { documents, copies, ties, resamples, seed, confidence, .. } = configuration;
    let name = |value: serde_json::Result<serde_json::Value>| {
        value.ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
    };
    [
        ("documents", name(serde_json::to_value(documents))),
        ("copies", name(serde_json::to_value(copies))),
        ("ties", name(serde_json::to_value(ties))),
        ("resamples", resamples.to_string()),
        ("seed", seed.to_string()),
        ("confidence", confidence.to_string()),
    ]
}

/// What changed from an old record to a new one of the same model and dataset: what makes the numbers
/// others' (data, configuration), and what may (the model).
pub(super) struct Changes {
    /// Numbers of before and after do not compare.
    pub(super) incomparable: Vec<String>,
    /// The model is another, or another build of its plugin measured it.
    pub(super) model: Vec<String>,
}

impl Changes {
    pub(super) fn between(old: &Record, new: &Record) -> Changes {
        let mut incomparable = differences(old, new);
        if old.configuration.hash != new.configuration.hash && incomparable.is_empty() {
            let names = |r: &Record| {
                let names = r.configuration.scenarios.iter().map(|s| s.scenario.as_str());
                names.collect::<Vec<_>>().join(" ")
            };
            incomparable.push(match (names(old), names(new)) {
                (a, b) if a != b => change("scenarios", &a, &b),
                _ => change("configuration", short(&old.configuration.hash), short(&new.configuration.hash)),
            });
        }
        let mut model = Vec::new();
        if old.model.hash != new.model.hash {
            model.push(change("model", short(&old.model.hash), short(&new.model.hash)));
        }
        if old.model.plugin != new.model.plugin {
            let of = |r: &Record| {
                let plugin = &r.model.plugin;
                format!("{} {} {}", plugin.id, plugin.version, short(&plugin.sha256))
            };
            model.push(change("plugin", &of(old), &of(new)));
        }
        Changes { incomparable, model }
    }
}

fn change(name: &str, before: &str, after: &str) -> String {
    format!("{name} {before} -> {after}")
}

/// A hash for people.
pub(super) fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}
