//! Token ids of several texts, one after another.

use clirbench_plugin::{Error, Result};

/// Texts of any lengths without padding: text `t` has the `lengths[t]` tokens after those of the texts
/// before it. No token is computed only to be masked, and a text's embedding does not depend on what
/// it shares a batch with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// Token ids of all texts, special tokens included.
    pub ids: Vec<u32>,
    /// Segment of each token (0, or 1 in the second text of a pair); as long as `ids`, or empty for
    /// all 0.
    pub types: Vec<u32>,
    /// Tokens of each text.
    pub lengths: Vec<usize>,
}

impl Batch {
    /// A batch of texts of one segment each.
    #[must_use]
    pub fn from_ids<T: AsRef<[u32]>>(texts: &[T]) -> Self {
        let lengths = texts.iter().map(|t| t.as_ref().len()).collect();
        let ids = texts.iter().flat_map(|t| t.as_ref()).copied().collect();
        Batch { ids, types: Vec::new(), lengths }
    }

    /// Number of texts.
    #[must_use]
    pub fn texts(&self) -> usize {
        self.lengths.len()
    }

    /// Number of tokens.
    #[must_use]
    pub fn tokens(&self) -> usize {
        self.ids.len()
    }

    /// Ids and segments are within `vocabulary` and `segments`, no text is empty or longer than
    /// `max_positions`.
    pub(crate) fn check(&self, vocabulary: usize, segments: usize, max_positions: usize) -> Result<()> {
        let tokens: usize = self.lengths.iter().sum();
        if tokens != self.ids.len() {
            return Err(Error::internal(format!(
                "the lengths of a batch add up to {tokens} tokens, but it has {}",
                self.ids.len()
            )));
        }
        if !self.types.is_empty() && self.types.len() != tokens {
            return Err(Error::internal(format!(
                "a batch of {tokens} tokens has {} segment ids",
                self.types.len()
            )));
        }
        if self.lengths.is_empty() {
            return Err(Error::internal("a batch without texts"));
        }
        if let Some(text) = self.lengths.iter().position(|&n| n == 0) {
            return Err(Error::input(format!("text {text} of the batch has no tokens")));
        }
        if let Some(text) = self.lengths.iter().position(|&n| n > max_positions) {
            return Err(Error::input(format!(
                "text {text} of the batch has {} tokens, the model has {max_positions} positions",
                self.lengths[text]
            ))
            .hint("lower max_seq_length"));
        }
        if let Some(id) = self.ids.iter().find(|&&id| id as usize >= vocabulary) {
            return Err(Error::input(format!(
                "token id {id} is not in the embedding table of {vocabulary} rows"
            ))
            .hint("the tokenizer belongs to another model"));
        }
        if let Some(id) = self.types.iter().find(|&&id| id as usize >= segments) {
            return Err(Error::input(format!("segment id {id}, but the model has {segments} segments")));
        }
        Ok(())
    }
}
