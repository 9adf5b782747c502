//! What accepted replies give.

use serde_json::{Map, Value};

/// A query, its positive and its hard negative in one language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Triplet {
    /// The query.
    pub(crate) query: String,
    /// A passage that answers it.
    pub(crate) positive: String,
    /// A passage that is like an answer and is none.
    pub(crate) negative: String,
}

/// The keys of a triplet in prompts and replies (Jang et al. 2025, table 3), and where in a
/// triplet their texts are.
pub(crate) const KEYS: [&str; 3] = ["user_query", "positive_document", "hard_negative_document"];

impl Triplet {
    /// The texts in the order of [`KEYS`].
    pub(crate) fn texts(&self) -> [&str; 3] {
        [&self.query, &self.positive, &self.negative]
    }

    /// As a model is shown it.
    pub(crate) fn to_json(&self) -> String {
        let texts = self.texts().map(Value::from);
        let object: Map<String, Value> = KEYS.map(str::to_owned).into_iter().zip(texts).collect();
        serde_json::to_string_pretty(&object).expect("texts are JSON")
    }
}

/// The result of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Made {
    /// Subcategories or task descriptions, as many as were asked for.
    List(Vec<String>),
    /// Texts in one language.
    Triplet(Triplet),
}

impl Made {
    /// The list; empty where it is none.
    pub(crate) fn list(&self) -> &[String] {
        match self {
            Made::List(list) => list,
            Made::Triplet(_) => &[],
        }
    }

    /// The triplet, where it is one.
    pub(crate) fn triplet(&self) -> Option<&Triplet> {
        match self {
            Made::List(_) => None,
            Made::Triplet(triplet) => Some(triplet),
        }
    }
}
