//! The API key: from the environment, and never anywhere else.

use std::fmt;

use crate::{error::Error, recipe::EndpointSpec};

/// A key. `Debug` does not show it, and it cannot be serialised.
#[derive(Clone)]
pub struct ApiKey(pub(crate) String);

/// What stands where a key stood.
const REDACTED: &str = "[api key]";

/// What is shorter is a placeholder (`none`, `EMPTY`) that local servers want and that may be a
/// word of a text.
const SHORTEST_SECRET: usize = 8;

impl ApiKey {
    /// The key that the endpoint wants; `None` where it wants none.
    ///
    /// # Errors
    /// The variable is not set, is empty, or cannot be sent in a header.
    pub fn from_environment(endpoint: &EndpointSpec) -> Result<Option<ApiKey>, Error> {
        let Some(name) = &endpoint.api_key_env else { return Ok(None) };
        let value = std::env::var(name).unwrap_or_default();
        let value = value.trim();
        if value.is_empty() {
            let message = format!("the environment variable {name} is not set");
            let hint = format!(
                "set it to the API key of {}; without `api_key_env` no key is sent",
                endpoint.base_url
            );
            return Err(Error::new(message, hint));
        }
        if !value.bytes().all(|b| b.is_ascii_graphic()) {
            let message = format!("the environment variable {name} holds no API key");
            return Err(Error::new(message, "a key has neither spaces nor other than ASCII characters"));
        }
        Ok(Some(ApiKey(value.to_owned())))
    }

    /// The value of the `Authorization` header.
    pub(crate) fn bearer(&self) -> String {
        format!("Bearer {}", self.0)
    }

    /// The text without the key: servers like to repeat what they were sent.
    pub(crate) fn redact(&self, text: String) -> String {
        if self.0.len() >= SHORTEST_SECRET && text.contains(&self.0) {
            return text.replace(&self.0, REDACTED);
        }
        text
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_neither_shown_nor_passed_on() {
        let key = ApiKey("sk-1234567890".to_owned());
        assert_eq!(format!("{key:?} {:?}", Some(&key)), "[api key] Some([api key])");
        assert_eq!(key.redact("bad key sk-1234567890!".to_owned()), "bad key [api key]!");
        let placeholder = ApiKey("EMPTY".to_owned());
        assert_eq!(placeholder.redact("EMPTY words".to_owned()), "EMPTY words");
    }
}
