//! Feature hashing of words and character n-grams (Weinberger et al. 2009): no weights, no
//! training, a lexical lower bound.
//!
//! Two texts are near when they share words and parts of words. That finds passages in the
//! query's own language, and across languages only what is spelt alike: names, numbers, loans,
//! cognates. What it scores in `clir` says how much of a dataset spelling alone gives away, which
//! is the floor for every encoder that claims to know meaning.
//!
//! A text is normalised (NFKC, lowercase) and cut into words; each word, each pair of neighbouring
//! words and each character n-gram within a word is hashed to one of `dim` components and a sign,
//! so that collisions cancel in expectation and dot products stay unbiased. Counts enter as
//! 1 + ln(count); rows have unit length. Scripts without spaces between words (Han, kana, Thai,
//! Lao, Khmer, Myanmar) have n-grams across the whole run; of them, each Han character is a word.
//! A text without any feature, and the rare one whose features all cancel, gets one fixed unit
//! vector, never zeros.
//!
//! Vectors depend on the text and the options alone: not on role, batch, order, threads or machine.

mod features;
mod hash;
mod parallel;
mod vector;
mod words;

use clirbench_plugin::{Encoder, EncoderInfo, Error, Host, Result, Role, TextStats, options};
use serde::Deserialize;

use crate::vector::Vectoriser;

clirbench_plugin::export_plugin! {
    id: "encoder-hashed",
    interfaces: [encoder: Hashed { schema: include_str!("../schema.json"), }],
}

/// Changes whenever the same text and options give another vector: part of the cache key.
const RUNTIME: &str = "feature hashing 1";

/// The encoder with its options.
pub struct Hashed {
    dim: usize,
    vectoriser: Vectoriser,
    host: Host,
}

#[derive(Deserialize)]
#[serde(default)]
struct Options {
    dim: usize,
    ngrams: [usize; 2],
    word_weight: f32,
}

impl Default for Options {
    fn default() -> Self {
        Self { dim: 1024, ngrams: [2, 4], word_weight: 1.0 }
    }
}

impl Encoder for Hashed {
    fn open(config: &serde_json::Value, host: Host) -> Result<Self> {
        let Options { dim, ngrams: [shortest, longest], word_weight } = options(config)?;
        if dim == 0 || shortest == 0 || shortest > longest || !(word_weight >= 0.0 && word_weight.is_finite())
        {
            return Err(Error::config(format!(
                "dim {dim}, ngrams [{shortest}, {longest}] and word_weight {word_weight} make no vector"
            ))
            .hint("dim is at least 1, ngrams rise from at least 1, word_weight is a number of at least 0"));
        }
        Ok(Self { dim, vectoriser: Vectoriser { ngrams: shortest..=longest, word_weight }, host })
    }

    fn info(&self) -> EncoderInfo {
        EncoderInfo {
            dim: self.dim,
            symmetric: true,
            similarity: "cosine".to_owned(),
            runtime: RUNTIME.to_owned(),
            ..EncoderInfo::default()
        }
    }

    fn render(&self, _role: Role, text: &str) -> Result<String> {
        Ok(words::normalise(text))
    }

    fn encode(
        &mut self,
        _role: Role,
        texts: &[&str],
        out: &mut [f32],
        stats: &mut [TextStats],
    ) -> Result<usize> {
        if out.len() != texts.len() * self.dim || stats.len() != texts.len() {
            return Err(Error::input(format!(
                "{} texts of dim {} need as many stats and {} values, not {} and {}",
                texts.len(),
                self.dim,
                texts.len() * self.dim,
                stats.len(),
                out.len()
            )));
        }
        parallel::encode(&self.vectoriser, &self.host, texts, out, stats)?;
        Ok(texts.len())
    }
}
