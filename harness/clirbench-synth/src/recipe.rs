//! The recipe file: which endpoint, how much of what, in which languages, for how much money.

use std::{collections::BTreeMap, path::PathBuf};

use clirbench_data::did_you_mean;
use serde::Deserialize;

use crate::{classification::Classification, draw::Level, error::Error, language};

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

/// Most requests at the same time: more would be a mistake of the recipe.
const MOST_CONCURRENCY: usize = 256;

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

    fn check(&self, text: &str) -> Result<(), Error> {
        if self.name.trim().is_empty() {
            return Err(Error::new("`name` is empty", "name the data set").at(text, "name"));
        }
        self.check_languages(text)?;
        self.check_endpoint(text)?;
        self.check_sampling(text)?;
        self.check_generation(text)?;
        for (key, [least, most]) in [("query", self.limits.query), ("passage", self.limits.passage)] {
            if least == 0 || least > most {
                let hint = "give the fewest and the most characters, both above 0";
                return Err(Error::new(format!("`limits.{key}` is [{least}, {most}]"), hint).at(text, key));
            }
        }
        self.check_money(text)
    }

    fn check_languages(&self, text: &str) -> Result<(), Error> {
        if self.languages.is_empty() {
            let hint = "name at least the language that the triples are written in";
            return Err(Error::new("`languages` is empty", hint).at(text, "languages"));
        }
        for (i, code) in self.languages.iter().enumerate() {
            if language::find(code).is_none() {
                let near = clirbench_data::nearest(code, language::codes());
                let known = || format!("known are {}", language::codes().collect::<Vec<_>>().join(", "));
                let hint = near.map_or_else(known, |near| format!("did you mean `{near}`?"));
                return Err(
                    Error::new(format!("unknown language `{code}`"), hint).at(text, &format!("{code:?}"))
                );
            }
            if self.languages[..i].contains(code) {
                let message = format!("the language `{code}` is there twice");
                return Err(Error::new(message, "name each language once").at(text, "languages"));
            }
        }
        positive(self.triples as f64, "triples", text)
    }

    fn check_endpoint(&self, text: &str) -> Result<(), Error> {
        let endpoint = &self.endpoint;
        check_url(&endpoint.base_url).map_err(|e| e.at(text, &endpoint.base_url))?;
        if endpoint.model.trim().is_empty() {
            let hint = "name the model that the endpoint serves";
            return Err(Error::new("`endpoint.model` is empty", hint).at(text, "model"));
        }
        let usable = |name: &str| {
            !name.is_empty() && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
        };
        if let Some(name) = &endpoint.api_key_env
            && !usable(name)
        {
            // It may be the key itself: it must not be printed.
            let message = "`endpoint.api_key_env` is no name of an environment variable";
            let hint =
                "name a variable in capital letters, such as OPENAI_API_KEY; a key never stands in a file";
            return Err(Error::new(message, hint));
        }
        if !(1..=MOST_CONCURRENCY).contains(&endpoint.concurrency) {
            let message = format!("`concurrency` is {}", endpoint.concurrency);
            let hint = format!("give a number from 1 to {MOST_CONCURRENCY}");
            return Err(Error::new(message, hint).at(text, "concurrency"));
        }
        positive(f64::from(endpoint.max_failures), "max_failures", text)?;
        positive(endpoint.timeout_seconds, "timeout_seconds", text)?;
        positive(endpoint.connect_timeout_seconds, "connect_timeout_seconds", text)?;
        positive(endpoint.backoff_seconds, "backoff_seconds", text)?;
        positive(endpoint.max_wait_seconds, "max_wait_seconds", text)?;
        positive(endpoint.requests_per_minute.unwrap_or(1.0), "requests_per_minute", text)?;
        positive(endpoint.tokens_per_minute.unwrap_or(1.0), "tokens_per_minute", text)
    }

    fn check_sampling(&self, text: &str) -> Result<(), Error> {
        let sampling = &self.sampling;
        if sampling.levels.values().all(|weight| *weight == 0) {
            let hint = "give at least one of class, division, subcategory a number above 0";
            return Err(Error::new("`sampling.levels` draws nothing", hint).at(text, "levels"));
        }
        for class in &sampling.classes {
            if !Classification::kdc().classes.contains_key(class) {
                let hint = "main classes are the digits \"0\" to \"9\"";
                return Err(
                    Error::new(format!("unknown main class `{class}`"), hint).at(text, &format!("{class:?}"))
                );
            }
        }
        positive(sampling.subcategories as f64, "subcategories", text)?;
        positive(sampling.tasks as f64, "tasks", text)?;
        positive(sampling.triples as f64, "triples", text)
    }

    fn check_generation(&self, text: &str) -> Result<(), Error> {
        let generation = &self.generation;
        let own = ["model", "messages", "seed", "stream", "n", "response_format", "temperature", "top_p"];
        let taken = |key: &&String| own.contains(&key.as_str()) || key.starts_with("max_");
        if let Some(key) = generation.extra.keys().find(taken) {
            let message = format!("`generation.extra` sets `{key}`");
            let hint = "the recipe or the program decides it; see the keys of [endpoint] and [generation]";
            return Err(Error::new(message, hint).at(text, key));
        }
        for (key, value) in [
            ("temperature", generation.temperature),
            ("translation_temperature", generation.translation_temperature),
        ] {
            if !(0.0..=2.0).contains(&value) {
                return Err(
                    Error::new(format!("`{key}` is {value}"), "give a number from 0 to 2").at(text, key)
                );
            }
        }
        if let Some(top_p) = generation.top_p.filter(|p| !(0.0..=1.0).contains(p)) {
            let message = format!("`top_p` is {top_p}");
            return Err(Error::new(message, "give a number from 0 to 1").at(text, "top_p"));
        }
        positive(f64::from(generation.max_tokens), "max_tokens", text)?;
        positive(f64::from(generation.attempts), "attempts", text)
    }

    fn check_money(&self, text: &str) -> Result<(), Error> {
        if let Some(prices) = &self.prices
            && let Some(price) =
                [prices.input, prices.output].iter().find(|price| !(0.0..f64::INFINITY).contains(*price))
        {
            let hint = "give money per million tokens";
            return Err(Error::new(format!("a price is {price}"), hint).at(text, "[prices]"));
        }
        if self.budget.money.is_some() && self.prices.is_none() {
            let hint = "add [prices] with `input` and `output`, per million tokens";
            return Err(Error::new("`budget.money` cannot be kept without prices", hint).at(text, "[budget]"));
        }
        positive(self.budget.money.unwrap_or(1.0), "money", text)
    }
}

fn positive(value: f64, key: &str, text: &str) -> Result<(), Error> {
    if value.is_finite() && value > 0.0 {
        return Ok(());
    }
    Err(Error::new(format!("`{key}` is {value}"), "give a number above 0").at(text, key))
}

/// Secrets do not belong into a URL, which stands in the recipe and is printed.
fn check_url(url: &str) -> Result<(), Error> {
    let example = "write it as https://api.openai.com/v1";
    let rest = ["https://", "http://"].iter().find_map(|scheme| url.strip_prefix(scheme));
    let Some(rest) = rest.filter(|rest| !rest.is_empty() && !rest.starts_with('/')) else {
        return Err(Error::new("`base_url` is no http or https URL", example));
    };
    if rest.split('/').next().is_some_and(|authority| authority.contains('@')) || rest.contains(['?', '#']) {
        let message = "`base_url` has more than a host and a path";
        return Err(Error::new(
            message,
            "credentials come from the environment (`api_key_env`), not from the URL",
        ));
    }
    if rest.trim_end_matches('/').ends_with("/chat/completions") {
        let hint = "leave `/chat/completions` away: it is added";
        return Err(Error::new("`base_url` names the endpoint itself", hint));
    }
    Ok(())
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
