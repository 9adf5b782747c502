//! Which text is put in front of queries and of documents, and what to warn about.

use std::collections::BTreeMap;

use clirbench_plugin::{Error, Result, Role};

use crate::options::ModelOptions;

/// Names under which models publish their query prompt, most specific first. The first is what
/// sentence-transformers' `encode_query` looks for, the others are common among published models.
const QUERY_NAMES: [&str; 4] = ["query", "search_query", "retrieval.query", "s2p_query"];
/// The same for documents; `encode_document` looks for the first three, in this order.
const DOCUMENT_NAMES: [&str; 6] =
    ["document", "passage", "corpus", "search_document", "retrieval.passage", "retrieval.document"];

/// The prompts of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prompts {
    /// In front of queries.
    pub query: String,
    /// In front of documents.
    pub document: String,
    /// What a reader of the results has to know.
    pub warnings: Vec<String>,
}

impl Prompts {
    /// Chooses the prompts: the option, else the option's name in `documented`, else a name for the
    /// role, else `default_name`, else none. `documented` are the model's own, by name;
    /// `e5_prefixes` is whether its README asks for prefixes instead.
    ///
    /// # Errors
    /// Kind `config` when an option names a prompt that the model does not have.
    pub fn choose(
        options: &ModelOptions,
        documented: &BTreeMap<String, String>,
        default_name: Option<&str>,
        e5_prefixes: bool,
    ) -> Result<Self> {
        let by_role = |names: &[&str]| -> Option<&String> {
            names.iter().find_map(|name| documented.get(*name)).or_else(|| documented.get(default_name?))
        };
        let query_default = by_role(&QUERY_NAMES);
        let document_default = by_role(&DOCUMENT_NAMES);
        let query = pick(
            "query_prompt_name",
            options.query_prompt.as_ref(),
            options.query_prompt_name.as_ref(),
            query_default,
            documented,
        )?;
        let document = pick(
            "document_prompt_name",
            options.document_prompt.as_ref(),
            options.document_prompt_name.as_ref(),
            document_default,
            documented,
        )?;

        let mut warnings = Vec::new();
        for (role, used, own) in [("query", &query, query_default), ("document", &document, document_default)]
        {
            if let (true, Some(own)) = (used.is_empty(), own.filter(|own| !own.is_empty())) {
                warnings.push(format!("the model documents the {role} prompt {own:?}, the run uses none"));
            }
        }
        let nothing = query.is_empty() && document.is_empty() && warnings.is_empty();
        let names: Vec<&str> =
            documented.iter().filter(|(_, text)| !text.is_empty()).map(|(name, _)| name.as_str()).collect();
        if nothing && !names.is_empty() {
            warnings.push(format!(
                "the model documents prompts ({}), the run uses none; name one with query_prompt_name or document_prompt_name",
                names.join(", ")
            ));
        } else if nothing && e5_prefixes {
            warnings.push(
                "the model's README mentions the prefixes \"query: \" and \"passage: \", the run uses none; \
                 set query_prompt and document_prompt"
                    .to_owned(),
            );
        }
        Ok(Prompts { query, document, warnings })
    }

    /// The prompt of one role.
    pub fn of(&self, role: Role) -> &str {
        match role {
            Role::Query => &self.query,
            Role::Document => &self.document,
        }
    }
}

fn pick(
    option: &str,
    text: Option<&String>,
    name: Option<&String>,
    default: Option<&String>,
    documented: &BTreeMap<String, String>,
) -> Result<String> {
    if let Some(text) = text {
        return Ok(text.clone());
    }
    let Some(name) = name else {
        return Ok(default.cloned().unwrap_or_default());
    };
    documented.get(name).cloned().ok_or_else(|| {
        let known: Vec<&str> = documented.keys().map(String::as_str).collect();
        let hint = if known.is_empty() {
            "the model has no prompts; give the text itself with query_prompt or document_prompt".to_owned()
        } else {
            format!("the model has {}", known.join(", "))
        };
        Error::config(format!("`{option}` is `{name}`, a prompt that the model does not have")).hint(hint)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn options(mut config: Value) -> ModelOptions {
        config["path"] = json!("m");
        serde_json::from_value(config).expect("options")
    }

    fn choose(config: Value, documented: &[(&str, &str)], default: Option<&str>) -> Result<Prompts> {
        let documented = documented.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Prompts::choose(&options(config), &documented, default, false)
    }

    #[test]
    fn roles_find_their_prompts_by_the_usual_names() {
        let prompts =
            choose(json!({}), &[("passage", "passage: "), ("query", "query: ")], None).expect("chosen");
        assert_eq!((prompts.of(Role::Query), prompts.of(Role::Document)), ("query: ", "passage: "));
        assert!(prompts.warnings.is_empty(), "{:?}", prompts.warnings);

        let only_query = choose(json!({}), &[("query", "Find: "), ("document", "")], None).expect("chosen");
        assert_eq!((only_query.of(Role::Query), only_query.of(Role::Document)), ("Find: ", ""));
        assert!(only_query.warnings.is_empty(), "{:?}", only_query.warnings);

        let default = choose(json!({}), &[("clustering", "c: ")], Some("clustering")).expect("chosen");
        assert_eq!((default.of(Role::Query), default.of(Role::Document)), ("c: ", "c: "));
    }

    #[test]
    fn options_win_and_a_prompt_left_out_is_a_warning() {
        let documented = [("query", "query: "), ("web", "Web: ")];
        let text = choose(json!({"query_prompt": "Q "}), &documented, None).expect("chosen");
        assert_eq!(text.of(Role::Query), "Q ");
        let named = choose(json!({"document_prompt_name": "web"}), &documented, None).expect("chosen");
        assert_eq!(named.of(Role::Document), "Web: ");

        let none = choose(json!({"query_prompt": ""}), &documented, None).expect("chosen");
        assert_eq!(none.warnings.len(), 1);
        assert!(none.warnings[0].contains("query: "), "{:?}", none.warnings);
        let other = choose(json!({}), &[("clustering", "c: ")], None).expect("chosen");
        assert!(other.warnings[0].contains("clustering"), "{:?}", other.warnings);

        let error =
            choose(json!({"query_prompt_name": "qury"}), &documented, None).expect_err("unknown name");
        assert!(error.hint.contains("query"), "{}", error.hint);
    }

    #[test]
    fn the_readme_of_e5_is_heeded() {
        let run =
            |config: Value| Prompts::choose(&options(config), &BTreeMap::new(), None, true).expect("chosen");
        assert_eq!(run(json!({"path": "m"})).warnings.len(), 1);
        assert!(run(json!({"path": "m", "query_prompt": "query: "})).warnings.is_empty());
    }
}
