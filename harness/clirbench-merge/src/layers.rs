//! Weights of models that differ from layer to layer.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;

use serde::de::{MapAccess, SeqAccess, Visitor, value};
use serde::{Deserialize, Deserializer, Serialize};

use crate::{Error, Result};

/// Weights of the models for some tensors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerRule {
    /// A layer (`3`), a range of layers (`0-5`), or a pattern of tensor names, in which `*` stands for any
    /// run of characters.
    pub pattern: String,
    /// One weight per model.
    pub weights: Vec<f64>,
}

/// Rules in order; of those that fit a tensor, the last counts.
///
/// In a file they are a list of tables with `pattern` and `weights`, or a table from layers to weights
/// (`{"0-5" = [1, 3], "6-11" = [1, 1]}`).
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct LayerWeights(pub Vec<LayerRule>);

impl<'de> Deserialize<'de> for LayerWeights {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = LayerWeights;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "a list of tables with `pattern` and `weights`, or a table like {\"0-5\" = [1, 3]}",
                )
            }

            fn visit_seq<A: SeqAccess<'de>>(self, rules: A) -> std::result::Result<LayerWeights, A::Error> {
                Vec::deserialize(value::SeqAccessDeserializer::new(rules)).map(LayerWeights)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> std::result::Result<LayerWeights, A::Error> {
                let map: BTreeMap<String, Vec<f64>> =
                    Deserialize::deserialize(value::MapAccessDeserializer::new(map))?;
                let rules = map.into_iter().map(|(pattern, weights)| LayerRule { pattern, weights });
                Ok(LayerWeights(rules.collect()))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// What a rule is about.
enum Which<'a> {
    Layers(RangeInclusive<usize>),
    Names(&'a str),
}

impl LayerRule {
    fn which(&self) -> Which<'_> {
        let (first, last) = self.pattern.split_once('-').unwrap_or((&self.pattern, &self.pattern));
        match (first.trim().parse(), last.trim().parse()) {
            (Ok(first), Ok(last)) => Which::Layers(first..=last),
            _ => Which::Names(&self.pattern),
        }
    }

    fn fits(&self, tensor: &str) -> bool {
        match self.which() {
            Which::Layers(range) => layer(tensor).is_some_and(|layer| range.contains(&layer)),
            Which::Names(pattern) => matches(pattern, tensor),
        }
    }
}

impl LayerWeights {
    /// Whether there is no rule.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The weights of the models in one tensor: those of the last rule that fits, else `default`.
    pub(crate) fn of<'a>(&'a self, tensor: &str, default: &'a [f64]) -> &'a [f64] {
        self.0.iter().rev().find(|rule| rule.fits(tensor)).map_or(default, |rule| &rule.weights)
    }

    /// Whether every rule has a weight per model, and no layer is in two ranges.
    pub(crate) fn check(&self, models: usize) -> Result<()> {
        let mut ranges: Vec<(RangeInclusive<usize>, &str)> = Vec::new();
        for LayerRule { pattern, weights } in &self.0 {
            if weights.len() != models || weights.iter().any(|weight| !weight.is_finite()) {
                return Err(Error::config(format!(
                    "layers `{pattern}`: weights {weights:?} of {models} models"
                ))
                .hint("give one number per model, in the order of the models"));
            }
        }
        for rule in &self.0 {
            let Which::Layers(range) = rule.which() else { continue };
            if range.is_empty() {
                return Err(Error::config(format!("layers `{}` are none", rule.pattern))
                    .hint("a range is its first and its last layer: 0-5"));
            }
            if let Some((_, other)) =
                ranges.iter().find(|(other, _)| other.start() <= range.end() && range.start() <= other.end())
            {
                return Err(Error::config(format!("layers `{other}` and `{}` overlap", rule.pattern))
                    .hint("a layer has one set of weights"));
            }
            ranges.push((range, &rule.pattern));
        }
        Ok(())
    }

    /// Whether every rule fits a tensor.
    pub(crate) fn check_tensors(&self, tensors: &[&str]) -> Result<()> {
        for rule in &self.0 {
            if tensors.iter().any(|tensor| rule.fits(tensor)) {
                continue;
            }
            let pattern = &rule.pattern;
            let hint = match rule.which() {
                Which::Layers(_) => match tensors.iter().filter_map(|tensor| layer(tensor)).max() {
                    Some(last) => format!("the models have layers 0 to {last}"),
                    None => {
                        "the models' tensors are in no numbered layers: give patterns of names".to_owned()
                    }
                },
                Which::Names(_) => format!("near names: {}", nearest(pattern, tensors).join(", ")),
            };
            return Err(Error::config(format!("layers `{pattern}` fit no tensor of the models")).hint(hint));
        }
        Ok(())
    }
}

/// Three names that are most like a pattern.
fn nearest<'a>(pattern: &str, tensors: &[&'a str]) -> Vec<&'a str> {
    let plain = pattern.replace('*', "");
    let mut by_likeness: Vec<(f64, &str)> =
        tensors.iter().map(|tensor| (strsim::jaro_winkler(&plain, tensor), *tensor)).collect();
    by_likeness.sort_by(|a, b| b.0.total_cmp(&a.0));
    by_likeness.into_iter().take(3).map(|(_, name)| name).collect()
}

/// The layer that a tensor belongs to, by its name: `encoder.layer.3.output.dense.weight` is in layer 3.
fn layer(tensor: &str) -> Option<usize> {
    let mut before = "";
    for part in tensor.split('.') {
        if ["layer", "layers", "block", "blocks", "h"].contains(&before)
            && let Ok(number) = part.parse()
        {
            return Some(number);
        }
        before = part;
    }
    None
}

/// Whether `pattern` fits the whole of `name`; `*` stands for any run of characters, dots included.
fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENSORS: [&str; 5] = [
        "embeddings.word_embeddings.weight",
        "encoder.layer.0.output.dense.weight",
        "encoder.layer.1.output.dense.weight",
        "encoder.layer.10.output.dense.bias",
        "2_Dense/linear.weight",
    ];

    fn rules(text: &str) -> LayerWeights {
        #[derive(Deserialize)]
        struct File {
            layers: LayerWeights,
        }
        toml::from_str::<File>(text).expect("rules").layers
    }

    #[test]
    fn both_ways_to_write_them() {
        let list = rules("[[layers]]\npattern = \"encoder.layer.0.*\"\nweights = [1, 3]\n");
        let table = rules("layers = {\"0\" = [1, 3], \"1-9\" = [3, 1]}");
        assert_eq!(list.of(TENSORS[1], &[1.0, 1.0]), [1.0, 3.0]);
        assert_eq!(list.of(TENSORS[2], &[1.0, 1.0]), [1.0, 1.0]);
        let weights: Vec<&[f64]> = TENSORS.iter().map(|tensor| table.of(tensor, &[0.0, 0.0])).collect();
        assert_eq!(weights, [[0.0, 0.0], [1.0, 3.0], [3.0, 1.0], [0.0, 0.0], [0.0, 0.0]]);
        let again: LayerWeights =
            serde_json::from_value(serde_json::to_value(&table).expect("JSON")).expect("rules");
        assert_eq!(again, table);
    }

    #[test]
    fn the_last_rule_that_fits_counts() {
        let rules = rules(
            "[[layers]]\npattern = \"*\"\nweights = [1]\n[[layers]]\npattern = \"0-9\"\nweights = [2]\n\
             [[layers]]\npattern = \"*dense.weight\"\nweights = [3]\n",
        );
        let weights: Vec<f64> = TENSORS.iter().map(|tensor| rules.of(tensor, &[0.0])[0]).collect();
        assert_eq!(weights, [1.0, 3.0, 3.0, 1.0, 1.0]);
    }

    #[test]
    fn faults_are_named() {
        let said = |text: &str, models: usize| {
            let rules = rules(text);
            let outcome = rules.check(models).and_then(|()| rules.check_tensors(&TENSORS));
            outcome.map_err(|e| format!("{} ({})", e.message, e.hint)).err().unwrap_or_default()
        };
        assert_eq!(said("layers = {\"0-1\" = [1, 2], \"10\" = [1, 2]}", 2), "");
        for (text, parts) in [
            ("layers = {\"0-1\" = [1, 2, 3]}", ["0-1", "of 2 models"]),
            ("layers = {\"0-3\" = [1, 2], \"3-5\" = [1, 2]}", ["`0-3` and `3-5`", "overlap"]),
            ("layers = {\"5-3\" = [1, 2]}", ["5-3", "are none"]),
            ("layers = {\"11-12\" = [1, 2]}", ["11-12", "layers 0 to 10"]),
            (
                "[[layers]]\npattern = \"embedings.*\"\nweights = [1, 2]\n",
                ["`embedings.*`", "embeddings.word_embeddings.weight"],
            ),
        ] {
            let said = said(text, 2);
            assert!(parts.iter().all(|part| said.contains(part)), "{text}: {said}");
        }
    }
}
