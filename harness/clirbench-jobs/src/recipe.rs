//! The recipe file: what to train, from what, with which loss, in TOML.

use std::path::PathBuf;

use clirbench_core::metrics::Metric;
use clirbench_data::DatasetSpec;
use serde::Deserialize;

use crate::bench::{Bench, BenchError, ModelSpec, RunSpec, toml_error};

/// A recipe file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Name of the trained model.
    pub name: String,
    /// Directory of the model to start from; relative to the recipe. `--base` overrides it.
    pub base: Option<PathBuf>,
    /// Directory for the trained model; relative to the recipe. `--out` overrides it.
    pub output: Option<PathBuf>,
    /// Seed of everything random.
    #[serde(default = "default_seed")]
    pub seed: u64,
    /// The training data.
    pub data: TrainingDataSpec,
    /// What trains.
    #[serde(default = "default_trainer")]
    pub trainer: PluginSpec,
    /// What is made smaller.
    pub loss: PluginSpec,
    /// The model whose similarities guide the loss, for losses that want one.
    pub guide: Option<GuideSpec>,
    /// How checkpoints are compared.
    pub validation: Option<ValidationSpec>,
    /// How workers run.
    #[serde(default)]
    pub run: TrainRunSpec,
}

/// A plugin and its options.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PluginSpec {
    /// Plugin id, with or without its `loss-` or `trainer-`.
    pub plugin: String,
    /// The plugin's options.
    #[serde(default)]
    pub options: toml::Table,
}

/// The `[data]` table.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingDataSpec {
    /// A file of JSON lines; relative to the recipe. `--data` overrides it.
    pub path: Option<PathBuf>,
    /// Keep only rows all of whose `languages` are among these.
    #[serde(default)]
    pub languages: Vec<String>,
    /// Hard negatives per row; the fewest that a row has where absent.
    pub negatives: Option<usize>,
    /// Use the first rows only.
    pub max_rows: Option<usize>,
}

/// The `[guide]` table: a model of a bench file without its name.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GuideSpec {
    /// The model's directory; relative to the recipe.
    pub path: Option<PathBuf>,
    /// Encoder plugin; chosen by what the directory holds when absent.
    pub encoder: Option<String>,
    /// The plugin's options.
    #[serde(default)]
    pub options: toml::Table,
}

/// The `[validation]` table.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValidationSpec {
    /// Validate every this many steps, and after the last.
    pub every: usize,
    /// The dataset: an entry of a bench file.
    pub dataset: DatasetSpec,
    /// The scenario whose tasks are averaged.
    pub scenario: String,
    /// The metric; the first of the scenario's where absent.
    pub metric: Option<String>,
    /// Options of the scenario.
    #[serde(default)]
    pub options: toml::Table,
}

/// The `[run]` table.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainRunSpec {
    /// Where to compute: `cpu`, `cuda` or `auto`.
    pub device: Option<String>,
    /// A worker that gives no sign of life for so long is ended.
    pub stall_seconds: u64,
}

impl Default for TrainRunSpec {
    fn default() -> Self {
        TrainRunSpec { device: None, stall_seconds: 3600 }
    }
}

fn default_seed() -> u64 {
    42
}

fn default_trainer() -> PluginSpec {
    PluginSpec { plugin: "candle".to_owned(), options: toml::Table::new() }
}

/// Name of the guide among the models of the recipe's bench.
const GUIDE: &str = "guide";

impl Recipe {
    /// Reads a recipe's text and checks all that can be checked without files.
    ///
    /// # Errors
    /// [`BenchError`] with the place and a suggestion.
    pub fn parse(text: &str) -> Result<Recipe, BenchError> {
        let recipe: Recipe = toml::from_str(text).map_err(|e| toml_error(&e))?;
        recipe.check(text)?;
        Ok(recipe)
    }

    fn check(&self, text: &str) -> Result<(), BenchError> {
        let usable = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '+');
        if self.name.is_empty() || !self.name.chars().all(usable) {
            let hint = "a name is printed in tables and file names: letters, digits, - and _ are safe";
            return Err(BenchError::about(format!("`{}` is no usable name", self.name), hint)
                .at(text, &format!("{:?}", self.name)));
        }
        if self.data.max_rows == Some(0) {
            return Err(
                BenchError::about("`max_rows` is 0", "leave it out for all rows").at(text, "max_rows")
            );
        }
        if let Some(validation) = &self.validation {
            if validation.every == 0 {
                let hint = "a number of steps; leave [validation] out to train without";
                return Err(BenchError::about("`every` is 0", hint).at(text, "every"));
            }
            if let Some(metric) = &validation.metric {
                metric.parse::<Metric>().map_err(|e| {
                    BenchError::about(e.to_string(), "README.md lists the metrics").at(text, metric)
                })?;
            }
        }
        if let Some(device) = &self.run.device
            && !["cpu", "cuda", "auto"].contains(&device.as_str())
        {
            let hint = "expected \"cpu\", \"cuda\" or \"auto\"";
            return Err(BenchError::about(format!("unknown device `{device}`"), hint).at(text, device));
        }
        Ok(())
    }

    /// The guide and the validation as a bench: so they are planned as every model and dataset is.
    #[must_use]
    pub fn bench(&self) -> Bench {
        let models = self.guide.iter().map(|guide| ModelSpec {
            merge: None,
            name: GUIDE.to_owned(),
            path: guide.path.clone(),
            encoder: guide.encoder.clone(),
            options: guide.options.clone(),
        });
        let validation = self.validation.as_ref();
        let run = RunSpec {
            scenarios: validation.iter().map(|v| v.scenario.clone()).collect(),
            device: self.run.device.clone(),
            stall_seconds: self.run.stall_seconds,
            ..RunSpec::default()
        };
        Bench {
            models: models.collect(),
            datasets: validation.iter().map(|v| v.dataset.clone()).collect(),
            run,
            scenario: validation.iter().map(|v| (v.scenario.clone(), v.options.clone())).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINIMAL: &str = "name = \"x\"\n[data]\npath = \"d.jsonl\"\n[loss]\nplugin = \"infonce\"\n";

    #[test]
    fn a_recipe_needs_a_name_data_and_a_loss() {
        let recipe = Recipe::parse(MINIMAL).expect("a recipe");
        assert_eq!((recipe.seed, recipe.trainer.plugin.as_str()), (42, "candle"));
        assert!(recipe.bench().models.is_empty() && recipe.bench().datasets.is_empty());
        for missing in ["name", "path", "plugin"] {
            let text: String =
                MINIMAL.lines().filter(|l| !l.starts_with(missing)).fold(String::new(), |a, l| a + l + "\n");
            assert_eq!(Recipe::parse(&text).is_ok(), missing == "path", "without {missing}");
        }
    }

    #[test]
    fn faults_have_a_place_and_a_hint() {
        for (text, message, hint) in [
            (MINIMAL.replace("seed", ""), "", ""),
            (format!("sead = 1\n{MINIMAL}"), "unknown field `sead`", "did you mean `seed`?"),
            (MINIMAL.replace("\"x\"", "\"a/b\""), "`a/b` is no usable name", "letters"),
            (
                format!(
                    "{MINIMAL}[validation]\nevery = 0\nscenario = \"multi\"\n[validation.dataset]\nname = \"d\"\n"
                ),
                "`every` is 0",
                "a number of steps",
            ),
            (
                format!(
                    "{MINIMAL}[validation]\nevery = 5\nscenario = \"multi\"\nmetric = \"ndgc@10\"\n[validation.dataset]\nname = \"d\"\n"
                ),
                "ndgc@10",
                "README.md",
            ),
            (format!("{MINIMAL}[run]\ndevice = \"tpu\"\n"), "unknown device `tpu`", "expected"),
        ] {
            if message.is_empty() {
                Recipe::parse(&text).expect("a recipe");
                continue;
            }
            let error = Recipe::parse(&text).expect_err("refused");
            assert!(error.message.contains(message), "{}", error.message);
            assert!(error.hint.as_deref().is_some_and(|h| h.contains(hint)), "{:?}", error.hint);
            assert!(error.span.is_some(), "{message}");
        }
    }
}
