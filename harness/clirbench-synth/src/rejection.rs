//! Why a reply is not accepted.

use std::fmt;

/// A kind of reason; reports count them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// The model ran into `max_tokens`.
    CutOff,
    /// The model, or a filter of the endpoint, declined.
    Refusal,
    /// No JSON object.
    NotJson,
    /// A field is missing, or is no text.
    Fields,
    /// A list has too few entries.
    TooFew,
    /// Two texts of the reply are the same.
    Repeated,
    /// A text is too short or too long.
    Length,
    /// A text is not in the language that was asked for.
    Language,
    /// The positive contains the query word for word.
    QueryInPositive,
    /// A translation is the text that was to be translated.
    Untranslated,
}

impl Reason {
    /// Its name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Reason::CutOff => "cut-off",
            Reason::Refusal => "refusal",
            Reason::NotJson => "not-json",
            Reason::Fields => "fields",
            Reason::TooFew => "too-few",
            Reason::Repeated => "repeated",
            Reason::Length => "length",
            Reason::Language => "language",
            Reason::QueryInPositive => "query-in-positive",
            Reason::Untranslated => "untranslated",
        }
    }
}

/// A reason, and what about it the model is told when it is asked again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rejection {
    pub(crate) reason: Reason,
    pub(crate) detail: String,
}

impl Rejection {
    pub(crate) fn new(reason: Reason, detail: impl Into<String>) -> Rejection {
        Rejection { reason, detail: detail.into() }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}
