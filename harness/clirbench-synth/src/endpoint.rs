//! One request to an OpenAI-compatible endpoint, by HTTP.

use std::{
    io,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde_json::Value;
use ureq::{Agent, Timeout};

use crate::{
    fault::{Fault, FaultKind},
    recipe::EndpointSpec,
    reply::Reply,
    request::Request,
    retry_after,
    secret::ApiKey,
};

/// No chat completion is larger.
const LARGEST_REPLY: u64 = 8 << 20;

/// Characters of an endpoint's error that are shown.
const SHOWN: usize = 300;

/// An endpoint that can be asked; shared by threads, which share its connections.
pub(crate) struct Endpoint {
    agent: Agent,
    url: String,
    key: Option<ApiKey>,
}

impl Endpoint {
    pub(crate) fn new(spec: &EndpointSpec, key: Option<ApiKey>) -> Endpoint {
        let url = format!("{}/chat/completions", spec.base_url.trim_end_matches('/'));
        let seconds = |s: f64| Duration::try_from_secs_f64(s).ok();
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            // The key goes to the address of the recipe, and nowhere else.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_idle_connections_per_host(spec.concurrency)
            .user_agent(concat!("clirbench/", env!("CARGO_PKG_VERSION")))
            .timeout_global(seconds(spec.timeout_seconds))
            .timeout_connect(seconds(spec.connect_timeout_seconds));
        if is_loopback(&spec.base_url) {
            config = config.proxy(None);
        }
        Endpoint { agent: config.build().into(), url, key }
    }

    /// Sends a request and waits for its reply.
    pub(crate) fn ask(&self, request: &Request) -> Result<Reply, Fault> {
        let mut call = self
            .agent
            .post(&self.url)
            .header("content-type", "application/json")
            .header("x-client-request-id", request.key.as_str());
        if let Some(key) = &self.key {
            call = call.header("authorization", key.bearer());
        }
        let mut response = call.send(&request.body).map_err(|e| self.fault(&e))?;
        let status = response.status().as_u16();
        let header = |name: &str| response.headers().get(name).and_then(|v| v.to_str().ok());
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
        let retry_after = header("retry-after").and_then(|value| retry_after::parse(value, now));
        let body = response.body_mut().with_config().limit(LARGEST_REPLY).read_to_vec();
        let body = body.map_err(|e| self.fault(&e)).map(|bytes| {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            self.redact(text)
        });
        if !response.status().is_success() {
            // The status says enough where the rest did not arrive.
            return Err(self.refusal(status, &body.unwrap_or_default(), retry_after));
        }
        let reply = Reply::parse(&body?).map_err(|what| self.broken(&what))?;
        // Once more: JSON can write a key with escapes.
        let redacted = |text: Option<String>| text.map(|text| self.redact(text));
        Ok(Reply {
            content: self.redact(reply.content),
            refusal: redacted(reply.refusal),
            finish_reason: redacted(reply.finish_reason),
            id: redacted(reply.id),
            model: redacted(reply.model),
            usage: reply.usage,
        })
    }

    fn redact(&self, text: String) -> String {
        match &self.key {
            Some(key) => key.redact(text),
            None => text,
        }
    }

    fn broken(&self, what: &str) -> Fault {
        Fault { kind: FaultKind::Broken, message: format!("{}: {what}", self.url), retry_after: None }
    }

    fn refusal(&self, status: u16, body: &str, retry_after: Option<Duration>) -> Fault {
        let value: Value = serde_json::from_str(body).unwrap_or_default();
        let error = value.get("error").unwrap_or(&value);
        let said = error.get("message").or(Some(error)).and_then(Value::as_str).unwrap_or(body);
        let said = self.redact(said.to_owned());
        let said: String =
            said.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(SHOWN).collect();
        let code = error.get("code").and_then(Value::as_str).unwrap_or_default();
        let kind = FaultKind::of_status(status, code);
        let said = if said.is_empty() { String::new() } else { format!(": {said}") };
        Fault { kind, message: format!("{} answers {status}{said}", self.url), retry_after }
    }

    fn fault(&self, error: &ureq::Error) -> Fault {
        let kind = match error {
            ureq::Error::Timeout(Timeout::Connect | Timeout::Resolve) => FaultKind::Unreachable,
            ureq::Error::Timeout(_) => FaultKind::Timeout,
            ureq::Error::Io(e) if is_refused(e.kind()) => FaultKind::Unreachable,
            ureq::Error::HostNotFound
            | ureq::Error::ConnectionFailed
            | ureq::Error::ConnectProxyFailed(_)
            | ureq::Error::InvalidProxyUrl
            | ureq::Error::Tls(_)
            | ureq::Error::Rustls(_) => FaultKind::Unreachable,
            ureq::Error::BadUri(_) | ureq::Error::Http(_) => FaultKind::Denied,
            _ => FaultKind::Broken,
        };
        let message = self.redact(format!("{}: {error}", self.url));
        Fault { kind, message, retry_after: None }
    }
}

/// Errors of connecting, before a request is under way.
fn is_refused(kind: io::ErrorKind) -> bool {
    matches!(
        kind,
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::AddrNotAvailable
    )
}

/// Whether a URL is that of this machine: no proxy stands before it.
pub(crate) fn is_loopback(url: &str) -> bool {
    let authority = url.split("//").nth(1).and_then(|rest| rest.split('/').next()).unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_an_answer_writes_with_escapes_is_taken_out_of_what_is_shown() {
        let spec: EndpointSpec =
            toml::from_str("base_url = \"http://localhost:1/v1\"\nmodel = \"m\"").expect("an endpoint");
        let endpoint = Endpoint::new(&spec, Some(ApiKey("ab/cdefghij/klm".to_owned())));
        let body = r#"{"error": {"message": "bad key ab\/cdefghij\/klm"}}"#;
        let fault = endpoint.refusal(401, body, None);
        assert!(
            fault.message.contains("bad key") && !fault.message.contains("cdefghij"),
            "{}",
            fault.message
        );
    }

    #[test]
    fn this_machine_is_recognised() {
        for url in
            ["http://localhost:8000/v1", "http://127.0.0.1:1", "http://[::1]:80/v1", "https://localhost/x"]
        {
            assert!(is_loopback(url), "{url}");
        }
        for url in ["https://api.openai.com/v1", "http://localhost.example.org", "http://10.0.0.1/v1"] {
            assert!(!is_loopback(url), "{url}");
        }
    }
}
