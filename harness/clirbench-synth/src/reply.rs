//! A chat completion as endpoints send it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::request::Tokens;

/// What of a reply is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reply {
    /// What the model wrote.
    pub(crate) content: String,
    /// A refusal that the endpoint marks as one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) refusal: Option<String>,
    /// Why it stopped writing: `stop`, `length`, `content_filter`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) finish_reason: Option<String>,
    /// The endpoint's id of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<String>,
    /// The model that answered, in the endpoint's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) model: Option<String>,
    /// What it cost; `None` where the endpoint does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) usage: Option<Tokens>,
}

impl Reply {
    /// Reads the body of a response.
    ///
    /// # Errors
    /// Why it is no chat completion.
    pub(crate) fn parse(body: &str) -> Result<Reply, String> {
        let value: Value = serde_json::from_str(body).map_err(|e| {
            if e.is_eof() {
                "the reply ends in the middle".to_owned()
            } else {
                "the reply is no JSON".to_owned()
            }
        })?;
        let choice = value.pointer("/choices/0").ok_or("the reply has no choices")?;
        let message = choice.get("message").ok_or("the reply has no message")?;
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        let refusal = text(message.get("refusal")).filter(|refusal| !refusal.is_empty());
        let content = text(message.get("content"));
        if content.is_none()
            && refusal.is_none()
            && !choice.get("finish_reason").is_some_and(Value::is_string)
        {
            return Err("the reply has no content".to_owned());
        }
        let count = |name: &str| value.pointer(&format!("/usage/{name}")).and_then(Value::as_u64);
        let usage = count("prompt_tokens")
            .zip(count("completion_tokens"))
            .map(|(input, output)| Tokens { input, output });
        Ok(Reply {
            content: content.unwrap_or_default(),
            refusal,
            finish_reason: text(choice.get("finish_reason")),
            id: text(value.get("id")),
            model: text(value.get("model")),
            usage,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_completion_is_read() {
        let reply = Reply::parse(
            r#"{"id": "c1", "model": "m-2025", "choices": [{"message": {"role": "assistant", "content": "{}"},
            "finish_reason": "stop"}], "usage": {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}}"#,
        )
        .expect("a completion");
        assert_eq!((reply.content.as_str(), reply.finish_reason.as_deref()), ("{}", Some("stop")));
        assert_eq!(reply.usage, Some(Tokens { input: 7, output: 2 }));
        assert_eq!((reply.id.as_deref(), reply.model.as_deref()), (Some("c1"), Some("m-2025")));
    }

    #[test]
    fn what_is_no_completion_says_why() {
        for (body, reason) in [
            ("", "the reply ends in the middle"),
            ("{\"choices\": [{\"mess", "the reply ends in the middle"),
            ("<html>", "the reply is no JSON"),
            ("{}", "the reply has no choices"),
            ("{\"choices\": [{}]}", "the reply has no message"),
            ("{\"choices\": [{\"message\": {\"content\": null}}]}", "the reply has no content"),
        ] {
            assert_eq!(Reply::parse(body), Err(reason.to_owned()), "{body}");
        }
    }

    #[test]
    fn a_marked_refusal_is_a_reply() {
        let body =
            r#"{"choices": [{"message": {"content": null, "refusal": "No."}, "finish_reason": "stop"}]}"#;
        assert_eq!(Reply::parse(body).expect("a reply").refusal.as_deref(), Some("No."));
    }
}
