//! A unigram vocabulary (Kudo 2018), trained by `tokenizers` in an order that does not change.

use std::collections::{BTreeMap, HashSet};

use clirbench_plugin::{Error, Result};
use rayon::ThreadPoolBuilder;
use serde::{Deserialize, Serialize};
use tokenizers::models::unigram::{Unigram, UnigramTrainer};
use tokenizers::normalizers::{Lowercase, NFKC, Replace, Sequence, Strip};
use tokenizers::pre_tokenizers::metaspace::{Metaspace, PrependScheme};
use tokenizers::{
    AddedToken, NormalizedString, Normalizer, NormalizerWrapper, OffsetReferential, OffsetType,
    PreTokenizedString, PreTokenizer, Tokenizer,
};

/// What stands for padding and for unknown characters; their ids are 0 and 1.
pub(super) const PAD: &str = "[PAD]";
pub(super) const UNKNOWN: &str = "[UNK]";
/// By how much the trainer raises the score of each rare character above the last one's.
const PENALTY: f64 = 0.0001;

/// How a vocabulary is made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VocabularySpec {
    /// The most pieces, the two special tokens included; a small text has fewer.
    pub size: u32,
    /// Share of the texts' characters that get a piece; the rarest of the others are unknown.
    #[serde(default = "coverage")]
    pub character_coverage: f64,
    /// Whether texts are made lower case.
    #[serde(default = "yes")]
    pub lowercase: bool,
}

fn coverage() -> f64 {
    0.9995
}

fn yes() -> bool {
    true
}

/// Trains a tokenizer: NFKC, lower case, words that start with `▁`, unigram pieces.
///
/// The result depends on the texts as a multiset, and on nothing else.
pub(super) fn train(spec: &VocabularySpec, texts: &[String]) -> Result<Tokenizer> {
    let in_range = spec.character_coverage > 0.0 && spec.character_coverage <= 1.0;
    if !in_range || spec.size < 3 {
        return Err(Error::config("this makes no vocabulary")
            .hint("`size` is at least 3, `character_coverage` above 0 and at most 1"));
    }
    let normalizer = normalizer(spec)?;
    let splitter = Metaspace::new('▁', PrependScheme::Always, true);
    let words = covered(count(texts, &normalizer, &splitter)?, spec.character_coverage);
    let pieces = pieces(spec, words.into_iter().collect())?;
    let model = Unigram::from(pieces, Some(1), false).map_err(failed)?;
    let mut tokenizer = Tokenizer::new(model);
    tokenizer
        .with_normalizer(Some(normalizer))
        .map_err(failed)?
        .with_pre_tokenizer(Some(splitter.clone()))
        .with_decoder(Some(splitter));
    tokenizer.add_special_tokens(special()).map_err(failed)?;
    Ok(tokenizer)
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::runtime(format!("the vocabulary cannot be trained: {error}"))
}

fn special() -> [AddedToken; 2] {
    [PAD, UNKNOWN].map(|token| AddedToken::from(token, true))
}

fn normalizer(spec: &VocabularySpec) -> Result<NormalizerWrapper> {
    let lowercase = spec.lowercase.then(|| Lowercase.into());
    let spaces =
        Replace::new(tokenizers::normalizers::replace::ReplacePattern::Regex(r"\s+".to_owned()), " ");
    let rest = [spaces.map_err(failed)?.into(), Strip::new(true, true).into()];
    Ok(Sequence::new([NFKC.into()].into_iter().chain(lowercase).chain(rest).collect()).into())
}

/// How often each word occurs.
fn count(
    texts: &[String],
    normalizer: &NormalizerWrapper,
    splitter: &Metaspace,
) -> Result<BTreeMap<String, u32>> {
    let mut words = BTreeMap::new();
    for text in texts {
        let mut text = NormalizedString::from(text.as_str());
        normalizer.normalize(&mut text).map_err(failed)?;
        let mut text = PreTokenizedString::from(text);
        splitter.pre_tokenize(&mut text).map_err(failed)?;
        for (word, _, _) in text.get_splits(OffsetReferential::Normalized, OffsetType::None) {
            *words.entry(word.to_owned()).or_insert(0) += 1;
        }
    }
    Ok(words)
}

/// The words, cut at the characters that are too rare to be covered.
fn covered(words: BTreeMap<String, u32>, coverage: f64) -> BTreeMap<String, u32> {
    let mut counts: BTreeMap<char, u64> = BTreeMap::new();
    for (word, n) in &words {
        word.chars().for_each(|c| *counts.entry(c).or_insert(0) += u64::from(*n));
    }
    let total: u64 = counts.values().sum();
    let mut by_count: Vec<(char, u64)> = counts.into_iter().collect();
    by_count.sort_by_key(|&(c, n)| (std::cmp::Reverse(n), c));
    let mut sum = 0;
    let kept: HashSet<char> = by_count
        .into_iter()
        .take_while(|(_, n)| {
            let wanted = (sum as f64) < coverage * total as f64;
            sum += n;
            wanted
        })
        .map(|(c, _)| c)
        .collect();
    let mut cut = BTreeMap::new();
    for (word, n) in words {
        for part in word.split(|c| !kept.contains(&c)).filter(|part| !part.is_empty()) {
            *cut.entry(part.to_owned()).or_insert(0) += n;
        }
    }
    cut
}

/// Trains on words in a fixed order and on one thread, since the trainer adds up floats per thread.
fn pieces(spec: &VocabularySpec, words: Vec<(String, u32)>) -> Result<Vec<(String, f64)>> {
    let characters: HashSet<char> = words.iter().flat_map(|(word, _)| word.chars()).collect();
    if characters.len() + 2 > spec.size as usize {
        return Err(Error::config(format!(
            "the texts have {} characters, more than the {} pieces of the vocabulary",
            characters.len(),
            spec.size
        ))
        .hint("raise `size` or lower `character_coverage`"));
    }
    let trainer = UnigramTrainer::builder()
        .show_progress(false)
        .vocab_size(spec.size)
        .special_tokens(special().to_vec())
        .unk_token(Some(UNKNOWN.to_owned()))
        .build()
        .map_err(failed)?;
    let pool = ThreadPoolBuilder::new().num_threads(1).build().map_err(failed)?;
    let mut model = Unigram::default();
    pool.install(|| trainer.do_train(words, &mut model)).map_err(failed)?;
    let mut pieces: Vec<(String, f64)> = model.iter().cloned().collect();
    let special = special().len().min(pieces.len());
    order(&mut pieces[special..]);
    Ok(pieces)
}

/// Puts pieces in an order of their own: by score, then by text.
///
/// The trainer gives the characters that it would have pruned the lowest score, plus a little more for
/// each, in the order of a hash set. Here they get the same scores in the order of the characters.
fn order(pieces: &mut [(String, f64)]) {
    let lowest = pieces.iter().map(|(_, score)| *score).fold(f64::INFINITY, f64::min);
    let mut raised = HashSet::new();
    let mut penalty = 0.0;
    for _ in 0..pieces.len() {
        raised.insert((lowest + penalty).to_bits());
        penalty += PENALTY;
    }
    let is_pruned =
        |(piece, score): &&mut (String, f64)| piece.chars().count() == 1 && raised.contains(&score.to_bits());
    let mut pruned: Vec<&mut (String, f64)> = pieces.iter_mut().filter(is_pruned).collect();
    let mut scores: Vec<f64> = pruned.iter().map(|piece| piece.1).collect();
    scores.sort_by(f64::total_cmp);
    pruned.sort_by(|a, b| a.0.cmp(&b.0));
    pruned.iter_mut().zip(scores).for_each(|(piece, score)| piece.1 = score);
    pieces.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts() -> Vec<String> {
        let line = |i: usize| format!("The river number {} ends in the sea of Sôn 바다{} 。", i % 7, i % 3);
        (0..200).map(line).chain(["ݔ rare".to_owned()]).collect()
    }

    #[test]
    fn the_same_texts_in_any_order_give_the_same_vocabulary() {
        let spec = VocabularySpec { size: 60, character_coverage: 0.999, lowercase: true };
        let text = |tokenizer: Tokenizer| tokenizer.to_string(false).expect("JSON");
        let first = text(train(&spec, &texts()).expect("trained"));
        for _ in 0..3 {
            let reversed: Vec<String> = texts().into_iter().rev().collect();
            assert!(text(train(&spec, &reversed).expect("trained")) == first);
        }
    }

    #[test]
    fn texts_are_cut_into_known_pieces_and_rare_characters_are_unknown() {
        let spec = VocabularySpec { size: 60, character_coverage: 0.999, lowercase: true };
        let tokenizer = train(&spec, &texts()).expect("trained");
        assert!(tokenizer.get_vocab_size(true) <= 60);
        assert_eq!((tokenizer.token_to_id(PAD), tokenizer.token_to_id(UNKNOWN)), (Some(0), Some(1)));
        let ids = |text: &str| tokenizer.encode(text, true).expect("encoded").get_ids().to_vec();
        assert_eq!(ids("THE  river "), ids("the river"));
        assert!(!ids("the river 바다1").contains(&1));
        assert!(ids("ݔ").contains(&1));
    }

    #[test]
    fn a_vocabulary_without_room_for_the_characters_is_refused() {
        let spec = VocabularySpec { size: 9, character_coverage: 1.0, lowercase: false };
        let error = train(&spec, &texts()).expect_err("too small");
        assert!(error.message.contains("more than the 9 pieces"), "{error:?}");
    }
}
