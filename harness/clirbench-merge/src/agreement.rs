//! Whether models can be merged: what has to be equal in all of them, compared by name.

use std::collections::BTreeSet;
use std::fs;

use clirbench_model::{Dense, Module, Step, join};
use serde_json::{Map, Value};

use crate::element::StoredType;
use crate::parents::Model;
use crate::{Error, Result};

/// Keys of config.json that say how a model was trained, saved or is used, not what it computes.
const INDIFFERENT: [&str; 14] = [
    "_name_or_path",
    "architectures",
    "dtype",
    "finetuning_task",
    "gradient_checkpointing",
    "id2label",
    "initializer_range",
    "label2id",
    "name_or_path",
    "output_past",
    "problem_type",
    "torch_dtype",
    "transformers_version",
    "use_cache",
];

/// Files that hold a vocabulary, best first.
const VOCABULARIES: [&str; 5] =
    ["tokenizer.json", "vocab.txt", "sentencepiece.bpe.model", "spiece.model", "vocab.json"];

/// Parts of tokenizer.json that saving a model with another maximum length changes.
const LENGTHS: [&str; 2] = ["truncation", "padding"];

/// Checks that `other` can be merged with `first`.
///
/// # Errors
/// Kind `model`: the first difference by name, and what to do.
pub(crate) fn check_model(first: &Model, other: &Model) -> Result<()> {
    let (a, b) = (&first.directory, &other.directory);
    let refuse = |what: String, hint: &str| Err(refused(first, other, what, hint));
    let edit = "make the files agree: the merged model gets those of the first";
    let modules = |modules: &[Module]| -> Vec<String> {
        modules.iter().map(|module| format!("{} in `{}`", module.kind(), module.path)).collect()
    };
    if modules(&a.modules) != modules(&b.modules) {
        let [a, b] = [&a.modules, &b.modules].map(|list| modules(list).join(", "));
        return refuse(format!("modules.json lists {b}; {a}"), "only models of the same modules are merged");
    }
    if a.pooling != b.pooling {
        let modes = |model: &Model| {
            let pooling = model.directory.pooling.as_ref();
            let of = |p: &clirbench_model::Pooling| {
                let modes: Vec<&str> = p.modes.iter().map(|mode| mode.name()).collect();
                format!("{}{}", modes.join(" + "), if p.include_prompt { "" } else { " without the prompt" })
            };
            pooling.map_or_else(|| "none".to_owned(), of)
        };
        return refuse(
            format!("pooling is {}; {}", modes(other), modes(first)),
            "vectors that are pooled in different ways are not comparable: train them with the same pooling",
        );
    }
    let prompts = |d: &clirbench_model::ModelDirectory| (d.prompts.clone(), d.default_prompt.clone());
    if prompts(a) != prompts(b) {
        let said = |d: &clirbench_model::ModelDirectory| {
            let default =
                d.default_prompt.as_ref().map_or_else(String::new, |name| format!(", default {name:?}"));
            format!("{:?}{default}", d.prompts)
        };
        return refuse(format!("prompts are {}; {}", said(b), said(a)), edit);
    }
    if a.similarity != b.similarity {
        return refuse(format!("similarity is {}; {}", b.similarity, a.similarity), edit);
    }
    if a.lowercase != b.lowercase {
        return refuse(format!("do_lower_case is {}; {}", b.lowercase, a.lowercase), edit);
    }
    for (a, b) in a.steps.iter().zip(&b.steps) {
        if let (Step::Dense(a), Step::Dense(b)) = (a, b)
            && a.activation() != b.activation()
        {
            let said = |dense: &Dense| format!("{:?}", dense.activation());
            return refuse(format!("{} applies {}; {}", b.folder(), said(b), said(a)), edit);
        }
    }
    check_config(first, other)?;
    check_vocabulary(first, other)?;
    check_tensors(first, other, true)
}

/// Checks that `base` has what the models were trained from: more tensors do no harm.
///
/// # Errors
/// As [`check_model`].
pub(crate) fn check_base(first: &Model, base: &Model) -> Result<()> {
    check_vocabulary(first, base)?;
    check_tensors(first, base, false)
}

fn refused(first: &Model, other: &Model, what: String, hint: &str) -> Error {
    Error::model(format!("`{}` cannot be merged with `{}`: its {what} there", other.name, first.name))
        .hint(hint)
}

fn check_config(first: &Model, other: &Model) -> Result<()> {
    let read = |model: &Model| -> Result<Map<String, Value>> {
        let mut files = model.directory.files.clone();
        let config = files.json_if_present(&join(&model.directory.transformer, "config.json"))?;
        Ok(config.unwrap_or_default())
    };
    let (a, b) = (read(first)?, read(other)?);
    let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    for key in keys {
        // Dropout is a matter of training.
        if INDIFFERENT.contains(&key.as_str()) || key.contains("dropout") {
            continue;
        }
        let said =
            |config: &Map<String, Value>| config.get(key).map_or("absent".to_owned(), Value::to_string);
        if a.get(key).unwrap_or(&Value::Null) != b.get(key).unwrap_or(&Value::Null) {
            return Err(refused(
                first,
                other,
                format!("config.json has `{key}` {}; {}", said(&b), said(&a)),
                "only models of one architecture are merged",
            ));
        }
    }
    Ok(())
}

fn check_vocabulary(first: &Model, other: &Model) -> Result<()> {
    let path =
        |model: &Model, name: &str| model.directory.files.path(&join(&model.directory.transformer, name));
    let both = |name: &&&str| path(first, name).is_file() && path(other, name).is_file();
    let Some(name) = VOCABULARIES.iter().find(both) else { return Ok(()) };
    let read = |model: &Model| {
        let path = path(model, name);
        fs::read(&path).map_err(|e| Error::model(format!("cannot read {}: {e}", path.display())))
    };
    let (a, b) = (read(first)?, read(other)?);
    if a == b {
        return Ok(());
    }
    let hint =
        "only models with one vocabulary are merged: rows of their embeddings stand for the same tokens";
    let parsed = |bytes: &[u8]| serde_json::from_slice::<Map<String, Value>>(bytes).ok();
    let (Some(a), Some(b)) = (parsed(&a), parsed(&b)) else {
        return Err(refused(first, other, format!("vocabulary, {name}, is not the one"), hint));
    };
    let size = |file: &Map<String, Value>| match file.get("model").and_then(|model| model.get("vocab")) {
        Some(Value::Object(vocabulary)) => vocabulary.len(),
        Some(Value::Array(vocabulary)) => vocabulary.len(),
        _ => 0,
    };
    if size(&a) != size(&b) {
        let what = format!("vocabulary, {name}, has {} tokens; {}", size(&b), size(&a));
        return Err(refused(first, other, what, hint));
    }
    let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    let differs = |key: &&&String| !LENGTHS.contains(&key.as_str()) && a.get(**key) != b.get(**key);
    match keys.iter().find(differs) {
        Some(key) => {
            Err(refused(first, other, format!("vocabulary, `{key}` of {name}, is not the one"), hint))
        }
        None => Ok(()),
    }
}

/// Names, shapes, and whether both are numbers that can be merged or equal ones that cannot.
fn check_tensors(first: &Model, other: &Model, both_ways: bool) -> Result<()> {
    let names = |model: &Model| model.weights.names().into_iter().collect::<BTreeSet<String>>();
    let (a, b) = (names(first), names(other));
    let list = |names: Vec<&String>| {
        let shown: Vec<String> = names.iter().take(3).map(|name| format!("`{name}`")).collect();
        let more = names.len() - shown.len();
        let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
        format!("{}{rest}", shown.join(", "))
    };
    let hint = "only models of the same tensors are merged; a pooler or a head that one of them lacks can be removed from the others";
    let missing: Vec<&String> = a.difference(&b).collect();
    if !missing.is_empty() {
        return Err(refused(first, other, format!("weights lack {}, which is", list(missing)), hint));
    }
    let extra: Vec<&String> = b.difference(&a).collect();
    if both_ways && !extra.is_empty() {
        return Err(refused(first, other, format!("weights have {}, which is not", list(extra)), hint));
    }
    for name in &a {
        let (Some((a_type, a_shape)), Some((b_type, b_shape))) =
            (first.weights.describe(name), other.weights.describe(name))
        else {
            continue;
        };
        if a_shape != b_shape {
            let what = format!("tensor `{name}` has shape {b_shape:?}; {a_shape:?}");
            return Err(refused(first, other, what, "only tensors of one shape are merged"));
        }
        if StoredType::of(a_type).is_some() != StoredType::of(b_type).is_some() {
            let what = format!("tensor `{name}` is of type {b_type}; {a_type}");
            return Err(refused(first, other, what, "save both models with the same types"));
        }
        if StoredType::of(a_type).is_none() && read(first, name)? != read(other, name)? {
            let what = format!("tensor `{name}` of type {a_type} is not the one");
            return Err(refused(first, other, what, "F32, F16 and BF16 are merged, others have to be equal"));
        }
    }
    Ok(())
}

fn read(model: &Model, name: &str) -> Result<Vec<u8>> {
    let (tensors, name) =
        model.weights.find(name).ok_or_else(|| Error::internal(format!("tensor `{name}`")))?;
    Ok(tensors.read(name)?.bytes)
}
