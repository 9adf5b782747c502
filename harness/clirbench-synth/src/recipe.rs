//! The recipe file: which endpoint, how much of what, in which languages, for how much money.

mod check;

use std::{collections::BTreeMap, path::PathBuf};

use clirbench_data::did_you_mean;
use serde::Deserialize;

use crate::{draw::Level, error::Error};

/// A recipe file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Name of the data set.
    pub name: String,
    /// Seed of everything that is drawn.
    #[serde(default = "default_seed")]
    pub seed: u64,
    /// Language codes. Triples are written in the first and translated to the others.
    pub languages: Vec<String>,
    /// How many triples to plan. More triples later continue the same data.
    pub triples: usize,
    /// A folder with templates in place of our own; relative to the recipe.
    pub prompts: Option<PathBuf>,
    /// Whom to ask.
    pub endpoint: EndpointSpec,
    /// Which categories, how many tasks and triples of each.
    #[serde(default)]
    pub sampling: SamplingSpec,
    /// What is asked for with each request.
    #[serde(default)]
    pub generation: GenerationSpec,
    /// Which lengths are accepted.
    #[serde(default)]
    pub limits: LimitsSpec,
    /// What tokens cost.
    pub prices: Option<PriceSpec>,
    /// Where to stop.
    #[serde(default)]
    pub budget: BudgetSpec,
}

/// The `[endpoint]` table.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndpointSpec {
    /// What stands before `/chat/completions`, for example `https://api.openai.com/v1`.
    pub base_url: String,
    /// Name of the model at that endpoint.
    pub model: String,
    /// Name of the environment variable that holds the key; no key is sent where absent.
    pub api_key_env: Option<String>,
    /// Requests at the same time.
    #[serde(default = "default_concurrency")]
    pub concurrency: usize,
    /// Seconds for one request from connecting to the last byte.
    #[serde(default = "default_timeout")]
    pub timeout_seconds: f64,
    /// Seconds for connecting.
    #[serde(default = "default_connect_timeout")]
    pub connect_timeout_seconds: f64,
    /// How often a request is sent again that got no reply.
    #[serde(default = "default_retries")]
    pub retries: u32,
    /// Seconds before the first of these; each further one waits twice as long.
    #[serde(default = "default_backoff")]
    pub backoff_seconds: f64,
    /// Longest wait between two of them, and longest `Retry-After` that is obeyed.
    #[serde(default = "default_max_wait")]
    pub max_wait_seconds: f64,
    /// Stop after so many failures in a row, of any requests.
    #[serde(default = "default_max_failures")]
    pub max_failures: u32,
    /// Requests started per minute, at most.
    pub requests_per_minute: Option<f64>,
    /// Tokens per minute, at most; a request counts with its prompt and its `max_tokens`.
    pub tokens_per_minute: Option<f64>,
}

/// The `[sampling]` table.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SamplingSpec {
    /// How often each level is drawn, relative to the others.
    pub levels: BTreeMap<Level, u32>,
    /// Digits of the main classes to draw from; all where empty.
    pub classes: Vec<String>,
    /// Narrower subjects that the model names for a division.
    pub subcategories: usize,
    /// Task descriptions per category that is drawn.
    pub tasks: usize,
    /// Triples per task description.
    pub triples: usize,
}

impl Default for SamplingSpec {
    fn default() -> Self {
        SamplingSpec {
            levels: Level::ALL.map(|level| (level, 1)).into(),
            classes: Vec::new(),
            subcategories: 10,
            tasks: 4,
            triples: 5,
        }
    }
}

/// The `[generation]` table.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GenerationSpec {
    /// Temperature of brainstorming and writing.
    pub temperature: f64,
    /// Temperature of translating.
    pub translation_temperature: f64,
    /// Nucleus sampling; the endpoint's default where absent.
    pub top_p: Option<f64>,
    /// Most tokens of a reply.
    pub max_tokens: u32,
    /// What the endpoint calls that: `max_tokens`, or `max_completion_tokens`.
    pub max_tokens_field: MaxTokensField,
    /// Ask for JSON by `response_format`.
    pub json_mode: bool,
    /// Send a `seed`, another one for every request.
    pub send_seed: bool,
    /// Replies that are asked for until one is accepted.
    pub attempts: u32,
    /// Fields that are added to every request as they are.
    pub extra: toml::Table,
}

impl Default for GenerationSpec {
    fn default() -> Self {
        GenerationSpec {
            temperature: 1.0,
            translation_temperature: 0.2,
            top_p: None,
            max_tokens: 2048,
            max_tokens_field: MaxTokensField::MaxTokens,
            json_mode: true,
            send_seed: true,
            attempts: 3,
            extra: toml::Table::new(),
        }
    }
}

/// Name of the field that bounds a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MaxTokensField {
    /// The older name, which nearly all servers know.
    MaxTokens,
    /// The newer one.
    MaxCompletionTokens,
}

impl MaxTokensField {
    pub(crate) fn name(self) -> &'static str {
        match self {
            MaxTokensField::MaxTokens => "max_tokens",
            MaxTokensField::MaxCompletionTokens => "max_completion_tokens",
        }
    }
}

/// The `[limits]` table: fewest and most characters of a text in the first language.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsSpec {
    /// Of a query.
    pub query: [usize; 2],
    /// Of a passage.
    pub passage: [usize; 2],
}

impl Default for LimitsSpec {
    fn default() -> Self {
        LimitsSpec { query: [4, 400], passage: [60, 4000] }
    }
}

/// The `[prices]` table: money per million tokens.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceSpec {
    /// Of prompts.
    pub input: f64,
    /// Of replies.
    pub output: f64,
    /// In which currency.
    #[serde(default = "default_currency")]
    pub currency: String,
}

/// The `[budget]` table: the generation stops before it exceeds any of these. They count for all
/// runs that write the same output.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BudgetSpec {
    /// Requests sent, whatever became of them.
    pub requests: Option<u64>,
    /// Tokens of prompts and replies.
    pub tokens: Option<u64>,
    /// Money, in the currency of `[prices]`.
    pub money: Option<f64>,
}

fn default_seed() -> u64 {
    42
}

fn default_concurrency() -> usize {
    4
}

fn default_timeout() -> f64 {
    120.0
}

fn default_connect_timeout() -> f64 {
    10.0
}

fn default_retries() -> u32 {
    6
}

fn default_backoff() -> f64 {
    1.0
}

fn default_max_wait() -> f64 {
    300.0
}

fn default_max_failures() -> u32 {
    10
}

fn default_currency() -> String {
    "USD".to_owned()
}

impl Recipe {
    /// Reads a recipe's text and checks all that can be checked without files.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place in the text.
    pub fn parse(text: &str) -> Result<Recipe, Error> {
        let recipe: Recipe = toml::from_str(text).map_err(|e| toml_error(&e))?;
        recipe.check(text)?;
        Ok(recipe)
    }
}

fn toml_error(error: &toml::de::Error) -> Error {
    let message = error.message().lines().next().unwrap_or_default();
    let (what, expected) = match message.split_once(", expected ") {
        Some((what, expected)) => (what, Some(expected)),
        None => (message, None),
    };
    let hint = match (did_you_mean(error.message()), expected) {
        (Some(meant), _) => format!("did you mean `{meant}`?"),
        (None, Some("usize" | "u32" | "u64")) => "expected a whole number, 0 or more".to_owned(),
        (None, Some(expected)) => format!("expected {expected}"),
        (None, None) => "datasets/recipes/jang-2025/synth.toml is a whole recipe".to_owned(),
    };
    Error { message: what.to_owned(), hint, span: error.span() }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) const MINIMAL: &str = "name = \"kdc\"\nlanguages = [\"en\", \"ko\"]\ntriples = 10\n\
        [endpoint]\nbase_url = \"http://127.0.0.1:1/v1\"\nmodel = \"m\"\n";

    #[test]
    fn a_recipe_needs_a_name_languages_triples_and_an_endpoint() {
        let recipe = Recipe::parse(MINIMAL).expect("a recipe");
        assert_eq!((recipe.seed, recipe.sampling.tasks, recipe.generation.attempts), (42, 4, 3));
        for line in MINIMAL.lines() {
            assert!(Recipe::parse(&MINIMAL.replace(line, "")).is_err(), "{line}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let endpoint = |line: &str| format!("{MINIMAL}{line}\n");
        for (text, message, marked) in [
            (MINIMAL.replace("ko", "kor"), "unknown language `kor`", "\"kor\""),
            (MINIMAL.replace("ko", "en"), "the language `en` is there twice", "languages"),
            (MINIMAL.replace("10", "0"), "`triples` is 0", "triples"),
            (MINIMAL.replace("10", "true"), "invalid type: boolean `true`", "true"),
            (MINIMAL.replace("model", "modle"), "unknown field `modle`", "modle"),
            (
                MINIMAL.replace("http://", "ftp://"),
                "`base_url` is no http or https URL",
                "ftp://127.0.0.1:1/v1",
            ),
            (
                MINIMAL.replace("//", "//me:secret@"),
                "`base_url` has more than a host and a path",
                "http://me:secret@127.0.0.1:1/v1",
            ),
            (endpoint("concurrency = 0"), "`concurrency` is 0", "concurrency"),
            (endpoint("timeout_seconds = -1"), "`timeout_seconds` is -1", "timeout_seconds"),
            (endpoint("[sampling]\nclasses = [\"10\"]"), "unknown main class `10`", "\"10\""),
            (endpoint("[sampling]\nlevels = {class = 0}"), "`sampling.levels` draws nothing", "levels"),
            (endpoint("[generation]\nextra = {stream = true}"), "`generation.extra` sets `stream`", "stream"),
            (endpoint("[generation]\ntemperature = 3"), "`temperature` is 3", "temperature"),
            (endpoint("[budget]\nmoney = 1"), "`budget.money` cannot be kept without prices", "[budget]"),
            (endpoint("[limits]\nquery = [9, 3]"), "`limits.query` is [9, 3]", "query"),
        ] {
            let error = Recipe::parse(&text).expect_err(message);
            assert_eq!(error.message, message);
            assert_eq!(error.span.map(|span| &text[span]), Some(marked), "{message}");
        }
    }

    #[test]
    fn a_key_in_place_of_the_variables_name_is_not_printed() {
        let text = format!("{MINIMAL}api_key_env = \"sk-abcdef\"\n");
        let error = Recipe::parse(&text).expect_err("no name");
        assert!(!format!("{error:?}").contains("abcdef"), "{error:?}");
        assert_eq!(error.span, None);
    }
}
