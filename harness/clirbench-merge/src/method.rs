//! Names of methods, and the plugins behind them.

use serde_json::{Map, Value};

use crate::{Error, MergeSpec, Result};

/// Whether the weights of models mean something to a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weights {
    /// It has none.
    None,
    /// It makes no sense without.
    Needed,
    /// Equal ones, where none are given.
    Optional,
}

struct Method {
    name: &'static str,
    plugin: &'static str,
    /// The plugin's option `method`, for a plugin of several.
    option: Option<&'static str>,
    weights: Weights,
}

const fn method(name: &'static str, plugin: &'static str, weights: Weights) -> Method {
    Method { name, plugin, option: None, weights }
}

const fn task_vectors(name: &'static str) -> Method {
    Method { name, plugin: "merger-task-vectors", option: Some(name), weights: Weights::Optional }
}

/// Every method that has a name of its own; any other name is that of a plugin.
const METHODS: [Method; 8] = [
    method("uniform", "merger-average", Weights::None),
    method("weighted", "merger-average", Weights::Needed),
    method("slerp", "merger-spherical", Weights::Optional),
    task_vectors("task-arithmetic"),
    task_vectors("ties"),
    task_vectors("dare-linear"),
    task_vectors("dare-ties"),
    method("fisher", "merger-fisher", Weights::Optional),
];

/// The plugin that a method is, and its options.
#[derive(Clone, Debug, PartialEq)]
pub struct MergerChoice {
    /// Id of the plugin, `merger-` perhaps left out where the spec names a plugin itself.
    pub plugin: String,
    /// Its options.
    pub options: Value,
}

/// Names of the methods.
pub fn methods() -> impl Iterator<Item = &'static str> {
    METHODS.iter().map(|method| method.name)
}

impl MergeSpec {
    /// The plugin and its options that the spec's method stands for.
    #[must_use]
    pub fn merger(&self) -> MergerChoice {
        let known = METHODS.iter().find(|method| method.name == self.method);
        let mut options: Map<String, Value> = self.options.clone();
        if let Some(option) = known.and_then(|method| method.option) {
            options.insert("method".to_owned(), option.into());
        }
        let plugin = known.map_or_else(|| self.method.clone(), |method| method.plugin.to_owned());
        MergerChoice { plugin, options: Value::Object(options) }
    }

    /// Whether weights and options fit the method.
    pub(crate) fn check_method(&self) -> Result<()> {
        let name = &self.method;
        let Some(method) = METHODS.iter().find(|method| method.name == *name) else { return Ok(()) };
        let weighted = !self.layers.is_empty() || self.models.iter().any(|model| model.weight.is_some());
        if method.option.is_some() && self.options.contains_key("method") {
            return Err(Error::config(format!("option `method` of method `{name}`"))
                .hint("the method says it already: leave the option out"));
        }
        match method.weights {
            Weights::None if weighted => Err(Error::config(format!("method `{name}` takes no weights"))
                .hint("take the method `weighted`, or leave the weights out")),
            Weights::Needed if !weighted => Err(Error::config(format!("method `{name}` needs weights"))
                .hint("give each model a `weight`, or [[layers]]; without weights the method is `uniform`")),
            _ if weighted && self.options.contains_key("t") => {
                Err(Error::config("option `t` and weights say the same thing twice")
                    .hint("t is the second weight over the sum: leave one of them out"))
            }
            _ => Ok(()),
        }
    }
}
