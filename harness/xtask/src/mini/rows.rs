//! Rows that a small encoder learns from: translations, what is inside a passage, questions.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use super::corpora::{Corpora, PIVOT, Parallel};

/// Crops of each passage and language.
const CROPS: usize = 2;
/// Words of a crop.
const WORDS: std::ops::RangeInclusive<usize> = 3..=10;
/// Characters of a crop where words have no spaces between them.
const CHARACTERS: std::ops::RangeInclusive<usize> = 8..=24;

/// A line of the training data.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Row {
    query: String,
    positive: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    parallel: Option<String>,
    languages: Vec<&'static str>,
}

/// For the base: a text and its translation from or into English, a crop and its passage, a question and
/// its answer. Languages other than English never meet, so English is what they have in common.
pub(super) fn base(corpora: &Corpora, seed: u64) -> Vec<Row> {
    let mut rows = Rows { rows: Vec::new(), draw: ChaCha8Rng::seed_from_u64(seed) };
    for passage in &corpora.passages {
        for language in passage.languages() {
            rows.crops(language, passage.text(language));
        }
    }
    for text in &corpora.translations {
        rows.translations(text);
    }
    for triple in &corpora.triples {
        for language in triple.query.languages() {
            rows.pair([language; 2], [triple.query.text(language), triple.positive.text(language)]);
            for passage in [&triple.positive, &triple.negative] {
                rows.crops(language, passage.text(language));
            }
        }
        for text in [&triple.query, &triple.positive, &triple.negative] {
            rows.translations(text);
        }
    }
    rows.rows
}

/// For the alignment (Hong et al. 2026): an English query, its English passage, and the passage in
/// another language.
pub(super) fn aligned(corpora: &Corpora) -> Vec<Row> {
    let triples = corpora.triples.iter().map(|triple| (&triple.query, &triple.positive));
    let mut rows = Vec::new();
    for (query, positive) in corpora.middles.iter().map(|(query, rest)| (query, rest)).chain(triples) {
        for language in positive.languages().filter(|language| *language != PIVOT) {
            rows.push(Row {
                query: query.text(PIVOT).to_owned(),
                positive: positive.text(PIVOT).to_owned(),
                parallel: Some(positive.text(language).to_owned()),
                languages: vec![PIVOT, PIVOT, language],
            });
        }
    }
    rows
}

struct Rows {
    rows: Vec<Row>,
    draw: ChaCha8Rng,
}

impl Rows {
    fn pair(&mut self, languages: [&'static str; 2], [query, positive]: [&str; 2]) {
        self.rows.push(Row {
            query: query.to_owned(),
            positive: positive.to_owned(),
            parallel: None,
            languages: languages.to_vec(),
        });
    }

    /// English and each other language, in a direction that is drawn.
    fn translations(&mut self, text: &Parallel) {
        for language in text.languages().filter(|language| *language != PIVOT) {
            let (english, other) = (text.text(PIVOT), text.text(language));
            if self.draw.random_bool(0.5) {
                self.pair([PIVOT, language], [english, other]);
            } else {
                self.pair([language, PIVOT], [other, english]);
            }
        }
    }

    fn crops(&mut self, language: &'static str, passage: &str) {
        for _ in 0..CROPS {
            let crop = self.crop(language, passage);
            self.pair([language; 2], [&crop, passage]);
        }
    }

    /// A few words in a row of a text.
    fn crop(&mut self, language: &str, text: &str) -> String {
        if matches!(language, "zh" | "ja") {
            let characters: Vec<char> = text.chars().collect();
            return self.window(&characters, CHARACTERS).iter().collect();
        }
        let words: Vec<&str> = text.split_whitespace().collect();
        self.window(&words, WORDS).join(" ")
    }

    fn window<'a, T>(&mut self, items: &'a [T], lengths: std::ops::RangeInclusive<usize>) -> &'a [T] {
        let length = self.draw.random_range(lengths).min(items.len());
        let start = self.draw.random_range(0..=items.len() - length);
        &items[start..start + length]
    }
}

/// JSON lines.
pub(super) fn lines(rows: &[Row]) -> serde_json::Result<String> {
    rows.iter().map(|row| Ok(serde_json::to_string(row)? + "\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::super::corpora::{LANGUAGES, Triple};
    use super::*;

    fn text(words: &str) -> Parallel {
        Parallel::from_iter(["en", "ko", "zh"].map(|l| (l, format!("{l}-{words}"))))
    }

    fn corpora() -> Corpora {
        let triple = |name: &str| Triple {
            query: text(&format!("q{name}")),
            positive: text(&format!("p{name} one two three four")),
            negative: text(&format!("n{name} one two three four")),
        };
        Corpora {
            passages: vec![text("passage of some words that are more than ten of them in all")],
            middles: vec![(text("middle"), text("rest"))],
            translations: vec![text("line")],
            triples: vec![triple("1")],
        }
    }

    #[test]
    fn the_base_knows_other_languages_through_english_alone() {
        let rows = base(&corpora(), 1);
        assert!(rows.iter().any(|row| row.languages == ["ko", "ko"]));
        for row in &rows {
            let [a, b] = row.languages[..] else { panic!("{row:?}") };
            assert!(a == b || a == PIVOT || b == PIVOT, "{row:?}");
            assert!(row.positive.starts_with(b), "{row:?}");
        }
        assert_eq!(rows, base(&corpora(), 1));
        assert_ne!(rows, base(&corpora(), 2));
    }

    #[test]
    fn a_crop_is_a_part_of_its_passage() {
        let rows = base(&corpora(), 3);
        let crops: Vec<&Row> = rows.iter().filter(|r| r.positive.contains("passage of")).collect();
        assert_eq!(crops.len(), CROPS * 3);
        for row in crops {
            assert!(row.positive.contains(&row.query), "{row:?}");
            let long = if row.languages[0] == "zh" {
                row.query.chars().count()
            } else {
                row.query.split(' ').count()
            };
            assert!(long >= 3 && long <= *CHARACTERS.end(), "{row:?}");
        }
    }

    #[test]
    fn an_aligned_row_is_english_twice_and_then_another_language() {
        let rows = aligned(&corpora());
        assert_eq!(rows.len(), 2 * 2);
        assert_eq!(rows[1].languages, ["en", "en", "zh"]);
        assert_eq!((&rows[0].query[..], rows[0].parallel.as_deref()), ("en-middle", Some("ko-rest")));
        assert!(LANGUAGES.iter().any(|(code, _)| *code == "ko"));
    }
}
