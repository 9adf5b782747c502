//! The options of a fit.

use clirbench_plugin::{Error, Result, options, serde_json::Value};
use serde::{Deserialize, Serialize};

use crate::pattern::matches;
use crate::schedule::Shape;

/// Hyperparameters; `schema.json` describes each.
///
/// The defaults are those of Jang et al. 2025 (learning rate, AdamW with decay 0.01, linear schedule
/// with a warm-up of 0.1, 1 epoch) and of torch (betas, eps, the clipping norm of `Trainer`), with the
/// batch size of Hong et al. 2026.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Options {
    pub(crate) learning_rate: f64,
    pub(crate) epochs: usize,
    pub(crate) batch_size: usize,
    pub(crate) drop_last: bool,
    pub(crate) schedule: Shape,
    pub(crate) warmup_ratio: f64,
    pub(crate) weight_decay: f64,
    pub(crate) no_decay: Vec<String>,
    pub(crate) betas: [f64; 2],
    pub(crate) eps: f64,
    pub(crate) max_grad_norm: f64,
    pub(crate) groups: Vec<Group>,
    pub(crate) dropout: Option<f64>,
    pub(crate) precision: Precision,
    pub(crate) saved_type: SavedType,
    pub(crate) max_length: Option<usize>,
    pub(crate) chunk_tokens: usize,
    pub(crate) checkpoint_every: usize,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            learning_rate: 2e-5,
            epochs: 1,
            batch_size: 32,
            drop_last: false,
            schedule: Shape::Linear,
            warmup_ratio: 0.1,
            weight_decay: 0.01,
            no_decay: ["*bias", "*LayerNorm.weight", "*layer_norm.weight", "*norm.weight"]
                .map(str::to_owned)
                .to_vec(),
            betas: [0.9, 0.999],
            eps: 1e-8,
            max_grad_norm: 1.0,
            groups: Vec::new(),
            dropout: None,
            precision: Precision::F32,
            saved_type: SavedType::F32,
            max_length: None,
            chunk_tokens: 8192,
            checkpoint_every: 100,
        }
    }
}

/// What activations and gradients are computed in; weights and moments are kept in f32.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Precision {
    #[default]
    F32,
    Bf16,
    F16,
}

/// What the trained weights are written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SavedType {
    /// f32, as they are trained.
    #[default]
    F32,
    /// The type that each tensor has in the base.
    Base,
}

/// Other settings for the tensors whose names fit a pattern.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Group {
    #[serde(rename = "match")]
    pub(crate) pattern: String,
    #[serde(default)]
    pub(crate) learning_rate: Option<f64>,
    #[serde(default)]
    pub(crate) weight_decay: Option<f64>,
    #[serde(default)]
    pub(crate) frozen: bool,
}

/// How one tensor is trained.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rates {
    /// Before the schedule.
    pub(crate) learning_rate: f64,
    pub(crate) weight_decay: f64,
}

impl Options {
    /// Reads the options of a config.
    ///
    /// # Errors
    /// `config` for a value of the wrong type, or one that no fit can have.
    pub(crate) fn read(config: &Value) -> Result<Self> {
        let options: Options = options(config)?;
        options.check()?;
        Ok(options)
    }

    /// The rates of the tensor `name`: those of the first group that fits, else the general ones;
    /// `None` where it is frozen. A name in `no_decay` has no decay, whatever its group.
    pub(crate) fn rates(&self, name: &str) -> Option<Rates> {
        let group = self.groups.iter().find(|group| matches(&group.pattern, name));
        if group.is_some_and(|group| group.frozen) {
            return None;
        }
        let learning_rate = group.and_then(|g| g.learning_rate).unwrap_or(self.learning_rate);
        let decays = !self.no_decay.iter().any(|pattern| matches(pattern, name));
        let weight_decay = group.and_then(|g| g.weight_decay).unwrap_or(self.weight_decay);
        Some(Rates { learning_rate, weight_decay: if decays { weight_decay } else { 0.0 } })
    }

    /// Checks the groups against the tensors that there are.
    ///
    /// # Errors
    /// `config` for a group that fits no tensor, and where every tensor is frozen.
    pub(crate) fn check_groups(&self, names: &[&str]) -> Result<()> {
        let examples = || names.iter().take(3).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        for group in &self.groups {
            if !names.iter().any(|name| matches(&group.pattern, name)) {
                return Err(Error::config(format!("no tensor fits the group `{}`", group.pattern)).hint(
                    format!("the model's tensors are named {}, ...; `*` stands for anything", examples()),
                ));
            }
        }
        if names.iter().all(|name| self.rates(name).is_none()) {
            return Err(Error::config("every tensor of the model is frozen")
                .hint("leave some tensor out of the groups with `frozen = true`"));
        }
        Ok(())
    }

    fn check(&self) -> Result<()> {
        let not_negative = |x: f64| x.is_finite() && x >= 0.0;
        let below_one = |x: f64| (0.0..1.0).contains(&x);
        let rules = [
            ("learning_rate", not_negative(self.learning_rate), "a number of at least 0"),
            ("epochs", self.epochs > 0, "at least 1"),
            ("batch_size", self.batch_size > 0, "at least 1"),
            ("warmup_ratio", (0.0..=1.0).contains(&self.warmup_ratio), "between 0 and 1"),
            ("weight_decay", not_negative(self.weight_decay), "a number of at least 0"),
            ("betas", self.betas.into_iter().all(below_one), "two numbers of at least 0 and below 1"),
            ("eps", self.eps.is_finite() && self.eps > 0.0, "a number above 0"),
            ("max_grad_norm", not_negative(self.max_grad_norm), "a number of at least 0; 0 is no limit"),
            ("dropout", self.dropout.is_none_or(below_one), "at least 0 and below 1"),
            ("max_length", self.max_length != Some(0), "at least 1"),
            ("chunk_tokens", self.chunk_tokens > 0, "at least 1"),
        ];
        if let Some((name, _, wanted)) = rules.into_iter().find(|(_, holds, _)| !holds) {
            return Err(Error::config(format!("`{name}` makes no fit")).hint(format!("`{name}` is {wanted}")));
        }
        for group in &self.groups {
            let fits = [group.learning_rate, group.weight_decay].into_iter().flatten().all(not_negative);
            if !fits {
                return Err(Error::config(format!("a rate of the group `{}` makes no fit", group.pattern))
                    .hint("learning rates and weight decays are numbers of at least 0"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use clirbench_plugin::serde_json::{from_str, json};

    use super::*;

    #[test]
    fn the_schema_documents_every_option_with_its_default() {
        let schema: Value = from_str(include_str!("../schema.json")).expect("a JSON document");
        let defaults = clirbench_plugin::serde_json::to_value(Options::default()).expect("plain data");
        let properties = schema["properties"].as_object().expect("properties");
        assert_eq!(
            properties.keys().collect::<std::collections::BTreeSet<_>>(),
            defaults.as_object().expect("an object").keys().collect()
        );
        for (name, property) in properties {
            assert_eq!(property["default"], defaults[name], "{name}");
            assert!(property["description"].is_string(), "{name}");
        }
        assert_eq!(Options::read(&json!({})).expect("defaults fit"), Options::default());
    }

    #[test]
    fn the_first_group_that_fits_sets_the_rates() {
        let options = Options::read(&json!({
            "learning_rate": 1e-3,
            "weight_decay": 0.1,
            "groups": [
                { "match": "embeddings.*", "frozen": true },
                { "match": "*.layer.0.*", "learning_rate": 1e-4 },
                { "match": "*", "weight_decay": 0.2 },
            ],
        }))
        .expect("options");
        let rates = |name| options.rates(name).map(|r| (r.learning_rate, r.weight_decay));
        assert_eq!(rates("embeddings.word_embeddings.weight"), None);
        assert_eq!(rates("encoder.layer.0.output.dense.weight"), Some((1e-4, 0.1)));
        assert_eq!(rates("encoder.layer.1.output.dense.weight"), Some((1e-3, 0.2)));
        for name in ["output.dense.bias", "output.LayerNorm.weight", "layers.0.mlp_norm.weight"] {
            assert_eq!(rates(name), Some((1e-3, 0.0)), "{name}");
        }
    }

    #[test]
    fn groups_that_do_nothing_are_refused() {
        let read = |groups| Options::read(&json!({ "groups": groups })).expect("options");
        let names = ["embeddings.weight", "dense.weight"];
        let error = read(json!([{ "match": "encoder.*" }])).check_groups(&names).expect_err("no such tensor");
        assert!(
            error.message.contains("`encoder.*`") && error.hint.contains("`embeddings.weight`"),
            "{error:?}"
        );
        let frozen = read(json!([{ "match": "*", "frozen": true }]));
        assert!(frozen.check_groups(&names).expect_err("all frozen").message.contains("every tensor"));
        assert_eq!(read(json!([{ "match": "emb*", "frozen": true }])).check_groups(&names), Ok(()));
    }

    #[test]
    fn values_that_make_no_fit_are_named() {
        for (name, value) in [
            ("learning_rate", json!(-1.0)),
            ("epochs", json!(0)),
            ("batch_size", json!(0)),
            ("warmup_ratio", json!(1.5)),
            ("betas", json!([0.9, 1.0])),
            ("eps", json!(0.0)),
            ("dropout", json!(1.0)),
            ("max_length", json!(0)),
            ("chunk_tokens", json!(0)),
        ] {
            let error = Options::read(&json!({ name: value })).expect_err(name);
            assert_eq!(error.kind, "config");
            assert!(error.message.contains(name) && error.hint.contains(name), "{error:?}");
        }
        assert!(Options::read(&json!({ "learning_rat": 1.0 })).is_err(), "an unknown key");
        let group = json!({ "groups": [{ "match": "*", "learning_rate": -1.0 }] });
        assert!(Options::read(&group).expect_err("a negative rate").message.contains("`*`"));
    }
}
