//! The sweep file: checkpoints of one base, the merges of them to measure, and how winners are
//! chosen, in TOML.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;

use clirbench_core::dataset::Entry;
use clirbench_core::metrics::Metric;
use clirbench_core::results::{Merged, ScoreRow};
use clirbench_data::DatasetSpec;
use clirbench_merge::{MergeSpec, Parent};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::bench::{Bench, BenchError, ModelSpec, RunSpec, toml_error, unique};
use crate::plan::PlannedDataset;

/// A sweep file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sweep {
    /// Fine-tunings of one base, and the base itself, in the order of tables.
    pub checkpoints: Vec<Checkpoint>,
    /// Name of the checkpoint that methods on task vectors start from.
    pub base: Option<String>,
    /// Encoder plugin of all models; chosen by what the first checkpoint holds when absent.
    pub encoder: Option<String>,
    /// Its options.
    #[serde(default)]
    pub options: toml::Table,
    /// Ways to merge each pair: `[[merge]]`; uniform when absent.
    #[serde(default = "uniform")]
    pub merge: Vec<Way>,
    /// How winners are chosen; none are when absent.
    pub selection: Option<SelectionSpec>,
    /// The datasets that are reported.
    pub datasets: Vec<DatasetSpec>,
    /// What is measured and how.
    #[serde(default)]
    pub run: RunSpec,
    /// Options per scenario: `[scenario.multi-1]`.
    #[serde(default)]
    pub scenario: BTreeMap<String, toml::Table>,
}

/// A model to merge.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// Name in tables.
    pub name: String,
    /// Its directory; relative to the sweep file.
    pub path: PathBuf,
    /// Fisher information of its parameters (`clirbench fisher`), for methods that want it.
    pub importance: Option<PathBuf>,
}

/// A way to merge.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Way {
    /// The method, as of `clirbench merge`.
    pub method: String,
    /// Its options.
    #[serde(default)]
    pub options: Map<String, Value>,
    /// Weights of the second model of a pair, the first has the rest: each is tried. What the method
    /// does without weights when empty.
    #[serde(default)]
    pub weights: Vec<f64>,
    /// Only pairs with this checkpoint.
    pub with: Option<String>,
}

/// The `[selection]` table.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SelectionSpec {
    /// Scenarios whose means are averaged; those of `[run]` when absent.
    #[serde(default)]
    pub scenarios: Vec<String>,
    /// The metric.
    #[serde(default = "default_metric")]
    pub metric: String,
    /// The datasets to select on; those that are reported when absent, which the report then says.
    #[serde(default)]
    pub datasets: Vec<DatasetSpec>,
    /// Whether a greedy soup of the checkpoints is made.
    #[serde(default)]
    pub soup: bool,
    /// How many winners are written.
    #[serde(default = "one")]
    pub winners: usize,
    /// Folder for the winners' model directories; relative to the sweep file. None are written
    /// when absent.
    pub output: Option<PathBuf>,
}

fn uniform() -> Vec<Way> {
    vec![Way { method: UNIFORM.to_owned(), options: Map::new(), weights: Vec::new(), with: None }]
}

fn default_metric() -> String {
    "ndcg@10".to_owned()
}

fn one() -> usize {
    1
}

/// The method that needs no name in the names of models.
const UNIFORM: &str = "uniform";

/// The name of the greedy soup.
pub const SOUP: &str = "soup";

impl Sweep {
    /// Reads a sweep file's text and checks all that can be checked without files.
    ///
    /// # Errors
    /// [`BenchError`] with the place and a suggestion.
    pub fn parse(text: &str) -> Result<Sweep, BenchError> {
        let sweep: Sweep = toml::from_str(text).map_err(|e| toml_error(&e))?;
        sweep.check(text)?;
        Ok(sweep)
    }

    fn check(&self, text: &str) -> Result<(), BenchError> {
        if self.checkpoints.len() < 2 {
            let hint = "add [[checkpoints]] tables, each with a `name` and a `path`";
            return Err(BenchError::about("a sweep needs at least two checkpoints", hint));
        }
        let names: Vec<&str> = self.checkpoints.iter().map(|c| c.name.as_str()).collect();
        unique(names.iter().copied(), "checkpoints", text)?;
        if names.contains(&SOUP) {
            let hint = "the greedy soup is called so: choose another name";
            return Err(BenchError::about(format!("a checkpoint is named `{SOUP}`"), hint).at(text, SOUP));
        }
        let known = |name: &String, what: &str| {
            if names.contains(&name.as_str()) {
                return Ok(());
            }
            let message = format!("`{what}` names `{name}`, which is no checkpoint");
            let hint = format!("the checkpoints are {}", names.join(", "));
            Err(BenchError::about(message, hint).at(text, name))
        };
        self.base.iter().try_for_each(|name| known(name, "base"))?;
        self.merge.iter().filter_map(|way| way.with.as_ref()).try_for_each(|name| known(name, "with"))?;
        if let Some(selection) = &self.selection {
            let metric = selection.metric.parse::<Metric>().map_err(|error| {
                BenchError::about(error.to_string(), "README.md lists the metrics")
                    .at(text, &selection.metric)
            })?;
            if !metric.higher_is_better() {
                let message = format!("`{metric}` is a rank: it falls as a model gets better");
                let hint = "select by a metric that grows, such as max@r_norm_of_mean";
                return Err(BenchError::about(message, hint).at(text, &selection.metric));
            }
        }
        let pairs = self.pairs();
        for merge in pairs.iter().filter_map(|spec| spec.merge.as_ref()) {
            merge.check().map_err(|e| BenchError::about(e.message, e.hint).at(text, &merge.method))?;
        }
        self.bench(&self.datasets, pairs).check(text)
    }

    /// A bench of the checkpoints, and of `merges` after them, on `datasets`.
    #[must_use]
    pub fn bench(&self, datasets: &[DatasetSpec], merges: Vec<ModelSpec>) -> Bench {
        let checkpoints = self
            .checkpoints
            .iter()
            .map(|c| ModelSpec { path: Some(c.path.clone()), ..self.model(c.name.clone()) });
        Bench {
            models: checkpoints.chain(merges).collect(),
            datasets: datasets.to_vec(),
            run: self.run.clone(),
            scenario: self.scenario.clone(),
        }
    }

    /// The scenarios that a selection is made by.
    #[must_use]
    pub fn selected_scenarios<'a>(&'a self, selection: &'a SelectionSpec) -> &'a [String] {
        if selection.scenarios.is_empty() { &self.run.scenarios } else { &selection.scenarios }
    }

    /// The bench that a selection is made on.
    #[must_use]
    pub fn selection_bench(&self, selection: &SelectionSpec, merges: Vec<ModelSpec>) -> Bench {
        let datasets = if selection.datasets.is_empty() { &self.datasets } else { &selection.datasets };
        let mut bench = self.bench(datasets, merges);
        bench.run.scenarios = self.selected_scenarios(selection).to_vec();
        bench.scenario.retain(|name, _| bench.run.scenarios.contains(name));
        bench
    }

    /// Every pair merged every way.
    #[must_use]
    pub fn pairs(&self) -> Vec<ModelSpec> {
        let mut specs = Vec::new();
        for way in &self.merge {
            let none = way.weights.is_empty().then_some(None);
            for weight in none.into_iter().chain(way.weights.iter().copied().map(Some)) {
                for (i, a) in self.checkpoints.iter().enumerate() {
                    for b in &self.checkpoints[i + 1..] {
                        let with = way.with.as_ref();
                        if with.is_none_or(|with| *with == a.name || *with == b.name) {
                            specs.push(self.pair(way, weight, a, b));
                        }
                    }
                }
            }
        }
        specs
    }

    fn pair(&self, way: &Way, weight: Option<f64>, a: &Checkpoint, b: &Checkpoint) -> ModelSpec {
        let pair = format!("{}+{}", a.name, b.name);
        let recipe = recipe(&way.method, &way.options);
        let pair = if recipe == UNIFORM { pair } else { format!("{recipe}({pair})") };
        let name = weight.map_or_else(|| pair.clone(), |weight| format!("{pair}@{weight}"));
        self.merged(name, way, vec![parent(a, weight.map(|w| 1.0 - w)), parent(b, weight)])
    }

    /// The uniform average of these checkpoints.
    ///
    /// # Panics
    /// When an index is out of range.
    #[must_use]
    pub fn soup(&self, checkpoints: &[usize]) -> ModelSpec {
        let [way] = <[Way; 1]>::try_from(uniform()).expect("one way");
        let parents = checkpoints.iter().map(|&i| parent(&self.checkpoints[i], None)).collect();
        self.merged(SOUP.to_owned(), &way, parents)
    }

    fn merged(&self, name: String, way: &Way, models: Vec<Parent>) -> ModelSpec {
        let base = self.base.as_ref().and_then(|base| self.checkpoints.iter().find(|c| c.name == *base));
        let spec = MergeSpec {
            options: way.options.clone(),
            base: base.map(|c| c.path.clone()),
            ..MergeSpec::new(&way.method, models)
        };
        ModelSpec { merge: Some(spec), ..self.model(name) }
    }

    fn model(&self, name: String) -> ModelSpec {
        ModelSpec {
            name,
            path: None,
            merge: None,
            encoder: self.encoder.clone(),
            options: self.options.clone(),
        }
    }

    /// The mean of the selection's metric per model: over cells, then over scenarios.
    ///
    /// A model that lacks a cell that another has takes no part.
    #[must_use]
    pub fn scores(&self, selection: &SelectionSpec, rows: &[ScoreRow]) -> Vec<(String, f64)> {
        let scenarios = self.selected_scenarios(selection);
        let mut models: Vec<(String, Vec<(f64, usize)>)> = Vec::new();
        for row in rows.iter().filter(|r| r.metric == selection.metric) {
            let Some(at) = scenarios.iter().position(|s| *s == row.scenario) else { continue };
            let found = models.iter().position(|(name, _)| *name == row.model).unwrap_or_else(|| {
                models.push((row.model.clone(), vec![(0.0, 0); scenarios.len()]));
                models.len() - 1
            });
            let (sum, count) = &mut models[found].1[at];
            *sum += row.value;
            *count += 1;
        }
        let most: Vec<usize> = (0..scenarios.len())
            .map(|s| models.iter().map(|(_, sums)| sums[s].1).max().unwrap_or_default())
            .collect();
        models.retain(|(_, sums)| sums.iter().zip(&most).all(|((_, count), most)| count == most));
        let mean = |sums: &[(f64, usize)]| {
            let means: Vec<f64> =
                sums.iter().filter(|(_, count)| *count > 0).map(|(sum, count)| sum / *count as f64).collect();
            means.iter().sum::<f64>() / means.len() as f64
        };
        models.into_iter().map(|(name, sums)| (name, mean(&sums))).collect()
    }
}

/// What the texts of two lists of datasets have in common, a line per pair of datasets that share any.
#[must_use]
pub fn shared_texts(selection: &[PlannedDataset], reported: &[PlannedDataset]) -> Vec<String> {
    let texts = |entries: &[Entry]| -> HashSet<String> {
        entries.iter().flat_map(|e| e.texts.iter().flatten()).map(|t| t.trim().to_owned()).collect()
    };
    let mut shared = Vec::new();
    for ours in selection {
        for theirs in reported {
            let both = |of: fn(&PlannedDataset) -> &[Entry]| {
                let (ours, theirs) = (texts(of(ours)), texts(of(theirs)));
                (ours.intersection(&theirs).count(), theirs.len())
            };
            let (queries, of_queries) = both(|d| &d.arranged.queries);
            let (documents, of_documents) = both(|d| &d.arranged.documents);
            if queries + documents > 0 {
                shared.push(format!(
                    "{queries} of {of_queries} queries and {documents} of {of_documents} documents of {} are in {} too",
                    theirs.name, ours.name
                ));
            }
        }
    }
    shared
}

/// Method and options as words.
fn recipe(method: &str, options: &Map<String, Value>) -> String {
    let options = options.iter().map(|(key, value)| format!(" {key}={value}"));
    std::iter::once(method.to_owned()).chain(options).collect()
}

fn parent(checkpoint: &Checkpoint, weight: Option<f64>) -> Parent {
    Parent {
        path: checkpoint.path.clone(),
        name: Some(checkpoint.name.clone()),
        weight,
        importance: checkpoint.importance.clone(),
    }
}

impl ModelSpec {
    /// What the model is a merge of, if it is one.
    #[must_use]
    pub fn merged(&self) -> Option<Merged> {
        let spec = self.merge.as_ref()?;
        Some(Merged {
            model: self.name.clone(),
            recipe: recipe(&spec.method, &spec.options),
            parents: spec.models.iter().map(Parent::name).collect(),
            weights: spec.models.iter().map(|p| p.weight.unwrap_or(1.0)).collect(),
        })
    }
}
