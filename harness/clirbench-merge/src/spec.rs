//! What to merge, and how: the content of `merge.toml`.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Error, LayerWeights, Result, StoredType};

/// A recipe of a merge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MergeSpec {
    /// `uniform`, `weighted`, `slerp`, `task-arithmetic`, `ties`, `dare-linear`, `dare-ties`, `fisher`, or
    /// the id of a plugin.
    pub method: String,
    /// Options of the plugin behind the method.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub options: Map<String, Value>,
    /// The models. The first gives the merged directory all that is not weights.
    #[serde(default)]
    pub models: Vec<Parent>,
    /// The model that all were trained from, for methods of task vectors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<PathBuf>,
    /// Weights that differ from layer to layer.
    #[serde(default, skip_serializing_if = "LayerWeights::is_empty")]
    pub layers: LayerWeights,
    /// Type of the merged weights; where absent, that of each tensor in the first model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dtype: Option<StoredType>,
    /// Seed of everything random.
    #[serde(default = "default_seed")]
    pub seed: u64,
    /// Directory for the merged model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<PathBuf>,
}

/// One of the models that are merged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parent {
    /// Its directory.
    pub path: PathBuf,
    /// What reports call it; the name of the directory where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its weight, where tensors have no other by their layer. All models have one, or none has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<f64>,
    /// A safetensors file, or a folder with one, that gives each of its weights an importance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub importance: Option<PathBuf>,
}

fn default_seed() -> u64 {
    42
}

impl Parent {
    /// The model in `path`.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Parent { path, name: None, weight: None, importance: None }
    }

    /// What reports call it.
    #[must_use]
    pub fn name(&self) -> String {
        let folder = || self.path.file_name().map(|name| name.to_string_lossy().into_owned());
        self.name.clone().or_else(folder).unwrap_or_else(|| self.path.display().to_string())
    }
}

impl MergeSpec {
    /// A merge of these models with the method's defaults.
    #[must_use]
    pub fn new(method: &str, models: Vec<Parent>) -> Self {
        MergeSpec {
            method: method.to_owned(),
            options: Map::new(),
            models,
            base: None,
            layers: LayerWeights::default(),
            dtype: None,
            seed: default_seed(),
            output: None,
        }
    }

    /// Checks all that can be checked without files.
    ///
    /// # Errors
    /// Kind `config`: no models, weights that are missing, too many or no numbers, layers that overlap.
    pub fn check(&self) -> Result<()> {
        if self.models.is_empty() {
            return Err(Error::config("there are no models").hint("add [[models]] tables with a `path`"));
        }
        let weighted = self.models.iter().filter(|model| model.weight.is_some()).count();
        if weighted != 0
            && let Some(without) = self.models.iter().find(|model| model.weight.is_none())
        {
            return Err(Error::config(format!("model `{}` has no weight, others have", without.name()))
                .hint("give every model a `weight`, or none"));
        }
        for model in &self.models {
            if model.weight.is_some_and(|weight| !weight.is_finite()) {
                return Err(Error::config(format!("the weight of model `{}` is no number", model.name())));
            }
        }
        self.layers.check(self.models.len())?;
        self.check_method()
    }

    /// The weights of the models where their layer has no other: 1 each where none are given.
    pub(crate) fn weights(&self) -> Vec<f64> {
        self.models.iter().map(|model| model.weight.unwrap_or(1.0)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINIMAL: &str =
        "method = \"uniform\"\n[[models]]\npath = \"runs/a\"\n[[models]]\npath = \"b/\"\nname = \"two\"\n";

    fn spec(text: &str) -> MergeSpec {
        toml::from_str(text).expect("a spec")
    }

    #[test]
    fn a_spec_needs_a_method_and_models() {
        let minimal = spec(MINIMAL);
        minimal.check().expect("all there");
        assert_eq!((minimal.seed, minimal.weights()), (42, vec![1.0, 1.0]));
        assert_eq!(minimal.models.iter().map(Parent::name).collect::<Vec<_>>(), ["a", "two"]);
        assert!(toml::from_str::<MergeSpec>("[[models]]\npath = \"a\"\n").is_err());
        assert!(toml::from_str::<MergeSpec>(&format!("{MINIMAL}wieght = 1\n")).is_err());
        let json = serde_json::to_value(&minimal).expect("JSON");
        assert_eq!(serde_json::from_value::<MergeSpec>(json).expect("a spec"), minimal);
    }

    #[test]
    fn methods_are_plugins_with_options() {
        let choice = |method: &str| {
            let mut spec = spec(MINIMAL);
            (spec.method, spec.options) = (method.into(), Map::from_iter([("x".into(), 1.into())]));
            let choice = spec.merger();
            (choice.plugin, choice.options.to_string())
        };
        let plain = || r#"{"x":1}"#.to_owned();
        assert_eq!(choice("uniform"), ("merger-average".into(), plain()));
        assert_eq!(choice("ties"), ("merger-task-vectors".into(), r#"{"x":1,"method":"ties"}"#.into()));
        assert_eq!(choice("merger-mine"), ("merger-mine".into(), plain()));
    }

    #[test]
    fn faults_are_named() {
        let weights = |first: &str, second: &str| {
            MINIMAL.replace("runs/a\"", &format!("runs/a\"\n{first}")) + second + "\n"
        };
        for (text, part) in [
            ("method = \"uniform\"\n".to_owned(), "no models"),
            (weights("weight = 1", ""), "`two` has no weight"),
            (weights("weight = 1", "weight = 2"), "`uniform` takes no weights"),
            (MINIMAL.replace("uniform", "weighted"), "`weighted` needs weights"),
            (weights("weight = nan", "weight = 2").replace("uniform", "weighted"), "`a` is no number"),
            (
                weights("weight = 1", "weight = 2\n[options]\nt = 0.5").replace("uniform", "slerp"),
                "`t` and weights",
            ),
            (MINIMAL.replace("uniform", "ties") + "[options]\nmethod = \"dare-ties\"\n", "option `method`"),
            (MINIMAL.replace("uniform", "ties") + "[layers]\n0-1 = [1]\n", "of 2 models"),
        ] {
            let error = spec(&text).check().expect_err("refused");
            assert!(error.message.contains(part), "{part}: {}", error.message);
        }
    }
}
