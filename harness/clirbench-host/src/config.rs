//! Holds a config against the JSON schema of the interface that it is for.

use jsonschema::error::{ValidationError, ValidationErrorKind};
use serde_json::Value;

use crate::discover::nearest;
use crate::{Error, Manifest, Result};

impl Manifest {
    /// Checks the config of an interface (`encoder/1`) against its schema.
    ///
    /// # Errors
    /// [`Error::Config`] names the key, and a near one for a slip of the pen; also when the
    /// plugin has no such interface or its schema is not one.
    pub fn check_config(&self, interface: &str, config: &Value) -> Result<()> {
        let refuse = |message: String, hint: String| Error::Config {
            message: format!("plugin `{}`: {message}", self.id),
            hint,
        };
        let Some(described) = self.interface(interface) else {
            return Err(refuse(format!("it has no `{interface}`"), self.has()));
        };
        let validator = jsonschema::validator_for(&described.schema).map_err(|e| {
            let fault = "this is a fault of the plugin: report it to its author";
            refuse(format!("its schema is not a JSON schema: {e}"), fault.to_owned())
        })?;
        match validator.validate(config) {
            Ok(()) => Ok(()),
            Err(error) => {
                let (message, hint) = explained(&error, &described.schema);
                Err(refuse(message, hint))
            }
        }
    }

    /// The interfaces in a sentence.
    pub(crate) fn has(&self) -> String {
        let ids: Vec<&str> = self.interfaces.iter().map(|i| i.id.as_str()).collect();
        format!("it has: {}", ids.join(", "))
    }
}

/// Message and hint of a config error.
fn explained(error: &ValidationError<'_>, schema: &Value) -> (String, String) {
    let place = error.instance_path().as_str();
    let parent = properties_at(schema, place);
    let key = place.trim_start_matches('/').replace('/', ".");
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
            let typed = unexpected.first().map_or("", String::as_str);
            let hint = match nearest(typed, parent.iter().map(String::as_str)) {
                Some(near) => format!("did you mean `{near}`?"),
                None if parent.is_empty() => "it takes no options here".to_owned(),
                None => format!("options: {}", parent.join(", ")),
            };
            (format!("unknown option `{}`", joined(&key, typed)), hint)
        }
        ValidationErrorKind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            (format!("option `{}` is missing", joined(&key, name)), String::new())
        }
        ValidationErrorKind::Enum { options } => {
            let options: Vec<&Value> = options.as_array().into_iter().flatten().collect();
            let texts = options.iter().filter_map(|o| o.as_str());
            let near = error.instance().as_str().and_then(|typed| nearest(typed, texts));
            let listed: Vec<String> = options.iter().map(ToString::to_string).collect();
            let allowed = format!("allowed: {}", listed.join(", "));
            let hint = near.map_or(allowed, |near| format!("did you mean \"{near}\"?"));
            (format!("option `{key}` cannot be {}", error.instance()), hint)
        }
        _ if key.is_empty() => (format!("its options are refused: {error}"), String::new()),
        _ => (format!("option `{key}`: {error}"), String::new()),
    }
}

fn joined(key: &str, name: &str) -> String {
    if key.is_empty() { name.to_owned() } else { format!("{key}.{name}") }
}

/// The property names that the schema declares for the object at a JSON pointer of the config.
fn properties_at(schema: &Value, pointer: &str) -> Vec<String> {
    let mut at = schema;
    for key in pointer.split('/').skip(1) {
        let inner = at.get("properties").and_then(|p| p.get(key)).or_else(|| at.get("items"));
        let Some(inner) = inner else { return Vec::new() };
        at = inner;
    }
    let properties = at.get("properties").and_then(Value::as_object);
    properties.map(|p| p.keys().cloned().collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn manifest() -> Manifest {
        serde_json::from_value(json!({
            "id": "encoder-x", "version": "1.0.0", "licence": "MIT", "description": "",
            "abi": "1.0.0", "target": "t", "rustc": "r",
            "interfaces": [{ "id": "encoder/1", "schema": {
                "type": "object",
                "properties": {
                    "variant": { "enum": ["fp32", "fp16", "int8"] },
                    "dim": { "type": "integer", "minimum": 1 },
                    "prompts": {
                        "type": "object",
                        "properties": { "query": { "type": "string" } },
                        "additionalProperties": false,
                    },
                    "path": { "type": "string" },
                },
                "required": ["path"],
                "additionalProperties": false,
            }}],
        }))
        .expect("a manifest")
    }

    fn refusal(config: Value) -> (String, Option<String>) {
        let error = manifest().check_config("encoder/1", &config).expect_err("a refusal");
        (error.to_string(), error.hint().map(str::to_owned))
    }

    #[test]
    fn a_config_that_fits_passes() {
        let config = json!({"path": "m", "variant": "int8", "dim": 256, "prompts": {"query": "q: "}});
        manifest().check_config("encoder/1", &config).expect("it fits");
    }

    #[test]
    fn a_slip_of_the_pen_gets_the_near_name() {
        for (config, message, hint) in [
            (json!({"path": "m", "varient": "fp32"}), "unknown option `varient`", "did you mean `variant`?"),
            (
                json!({"path": "m", "prompts": {"quary": ""}}),
                "unknown option `prompts.quary`",
                "did you mean `query`?",
            ),
            (
                json!({"path": "m", "variant": "fp61"}),
                "option `variant` cannot be \"fp61\"",
                "did you mean \"fp16\"?",
            ),
            (json!({"path": "m", "zzz": 1}), "unknown option `zzz`", "options: variant, dim, prompts, path"),
            (
                json!({"path": "m", "variant": 8}),
                "option `variant` cannot be 8",
                r#"allowed: "fp32", "fp16", "int8""#,
            ),
        ] {
            assert_eq!(refusal(config), (format!("plugin `encoder-x`: {message}"), Some(hint.to_owned())));
        }
    }

    #[test]
    fn other_faults_name_the_key() {
        for (config, message) in [
            (json!({}), "option `path` is missing"),
            (json!({"path": "m", "dim": 0}), "option `dim`: 0 is less than the minimum of 1"),
            (json!({"path": 1}), "option `path`: 1 is not of type \"string\""),
        ] {
            assert_eq!(refusal(config), (format!("plugin `encoder-x`: {message}"), None));
        }
    }

    #[test]
    fn an_interface_that_is_not_there_is_named() {
        let error = manifest().check_config("scenario/1", &json!({})).expect_err("a refusal");
        assert_eq!(error.to_string(), "plugin `encoder-x`: it has no `scenario/1`");
        assert_eq!(error.hint(), Some("it has: encoder/1"));
    }
}
