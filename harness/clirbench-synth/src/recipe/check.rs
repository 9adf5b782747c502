//! What a recipe may say.

use super::Recipe;
use crate::{classification::Classification, error::Error, language};

/// Most requests at the same time: more would be a mistake of the recipe.
const MOST_CONCURRENCY: usize = 256;

impl Recipe {
    pub(super) fn check(&self, text: &str) -> Result<(), Error> {
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
