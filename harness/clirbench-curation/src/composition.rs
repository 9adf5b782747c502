//! Language compositions query-positive-negative of parallel triples (Jang et al. 2025, section 3).

use std::{fmt, str::FromStr};

use clirbench_data::{ParallelTriple, Texts, TrainingRow};

/// In which language each part of a triple is taken.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Composition {
    /// Language of the query.
    pub query: String,
    /// Language of the positive.
    pub positive: String,
    /// Language of every negative.
    pub negative: String,
}

/// A triple that is not in a language that is asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the triple `{id}` is not in `{language}`, only in {}", .has.join(", "))]
pub struct MissingLanguage {
    /// Its id.
    pub id: String,
    /// What it lacks.
    pub language: String,
    /// What it is in.
    pub has: Vec<String>,
}

impl Composition {
    /// All n^3 compositions of n languages, in the order of Jang et al.'s Table 1: kokoko, kokoen,
    /// koenko, koenen, enenen, enenko, enkoen, enkoko. For each language of the query, its own comes
    /// first among those of the positive, and of the negative.
    #[must_use]
    pub fn all(languages: &[String]) -> Vec<Composition> {
        let own_first = |query: &String| {
            let others = languages.iter().filter(|language| *language != query).cloned();
            std::iter::once(query.clone()).chain(others).collect::<Vec<_>>()
        };
        let mut all = Vec::with_capacity(languages.len().pow(3));
        for query in languages {
            let order = own_first(query);
            for (positive, negative) in order.iter().flat_map(|p| order.iter().map(move |n| (p, n))) {
                let [query, positive, negative] = [query, positive, negative].map(Clone::clone);
                all.push(Composition { query, positive, negative });
            }
        }
        all
    }

    /// What the paper calls it: `koenko`. Codes that are not two letters are joined by `-`.
    #[must_use]
    pub fn name(&self) -> String {
        let codes = self.codes();
        codes.join(if codes.iter().all(|code| code.len() == 2) { "" } else { "-" })
    }

    fn codes(&self) -> [&str; 3] {
        [&self.query, &self.positive, &self.negative].map(String::as_str)
    }

    /// The triple in this composition, with its id, at most so many negatives, and the languages of
    /// query, positive and (where there are any) negatives.
    ///
    /// # Errors
    /// The triple is not in one of the languages.
    pub fn row(&self, triple: &ParallelTriple, negatives: usize) -> Result<TrainingRow, MissingLanguage> {
        let text = |texts: &Texts, language: &str| {
            texts.get(language).cloned().ok_or_else(|| MissingLanguage::of(triple, language))
        };
        let chosen = triple.negatives.iter().take(negatives);
        let negatives =
            chosen.map(|texts| text(texts, &self.negative)).collect::<Result<Vec<String>, _>>()?;
        let languages = self.codes().into_iter().take(2 + usize::from(!negatives.is_empty()));
        Ok(TrainingRow {
            id: Some(triple.id.clone()),
            query: text(&triple.query, &self.query)?,
            positive: text(&triple.positive, &self.positive)?,
            languages: languages.map(str::to_owned).collect(),
            negatives,
            ..TrainingRow::default()
        })
    }
}

impl MissingLanguage {
    pub(crate) fn of(triple: &ParallelTriple, language: &str) -> MissingLanguage {
        MissingLanguage {
            id: triple.id.clone(),
            language: language.to_owned(),
            has: triple.languages().map(str::to_owned).collect(),
        }
    }
}

impl fmt::Display for Composition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.name())
    }
}

impl FromStr for Composition {
    type Err = String;

    /// `ko-en-ko`; codes that have a `-` themselves are separated by commas: `zh-Hans,en,zh-Hans`.
    fn from_str(text: &str) -> Result<Composition, String> {
        let separator = if text.contains(',') { ',' } else { '-' };
        let codes: Vec<&str> = text.split(separator).map(str::trim).collect();
        match codes[..] {
            [query, positive, negative] if codes.iter().all(|code| !code.is_empty()) => {
                let [query, positive, negative] = [query, positive, negative].map(str::to_owned);
                Ok(Composition { query, positive, negative })
            }
            _ => Err("expected the languages of query, positive and negative, such as ko-en-ko".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn codes(count: usize) -> Vec<String> {
        ["ko", "en", "zh-Hans", "ar", "de"][..count].iter().map(|code| (*code).to_owned()).collect()
    }

    /// A text that says what it is.
    fn texts(languages: &[String], what: &str) -> Texts {
        languages.iter().map(|language| (language.clone(), format!("{what} in {language}"))).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]

        #[test]
        fn every_field_of_every_row_is_in_its_language(
            count in 1usize..5, negatives in proptest::collection::vec(0usize..4, 300), limit in 0usize..5
        ) {
            let languages = codes(count);
            let triple = |(id, negatives): (usize, &usize)| ParallelTriple {
                id: id.to_string(),
                query: texts(&languages, &format!("query {id}")),
                positive: texts(&languages, &format!("positive {id}")),
                negatives: (0..*negatives).map(|n| texts(&languages, &format!("negative {id} {n}"))).collect(),
                provenance: Default::default(),
            };
            let triples: Vec<ParallelTriple> = negatives.iter().enumerate().map(triple).collect();
            let all = Composition::all(&languages);
            prop_assert_eq!(all.len(), count.pow(3));
            prop_assert_eq!(all.iter().collect::<std::collections::HashSet<_>>().len(), all.len());
            for composition in &all {
                for (id, triple) in triples.iter().enumerate() {
                    let row = composition.row(triple, limit).expect("in every language");
                    let [q, p, n] = composition.codes();
                    prop_assert_eq!(row.id, Some(id.to_string()));
                    prop_assert_eq!(row.query, format!("query {id} in {q}"));
                    prop_assert_eq!(row.positive, format!("positive {id} in {p}"));
                    let kept = limit.min(negatives[id]);
                    let expected: Vec<_> = (0..kept).map(|i| format!("negative {id} {i} in {n}")).collect();
                    prop_assert_eq!(row.negatives, expected);
                    prop_assert_eq!(&row.languages[..], &[q, p, n][..if kept > 0 { 3 } else { 2 }]);
                }
            }
        }
    }

    #[test]
    fn two_languages_are_in_the_order_of_the_paper() {
        let names: Vec<String> = Composition::all(&codes(2)).iter().map(Composition::name).collect();
        let paper = ["kokoko", "kokoen", "koenko", "koenen", "enenen", "enenko", "enkoen", "enkoko"];
        assert_eq!(names, paper);
    }

    #[test]
    fn a_composition_is_written_with_hyphens_or_commas() {
        let parsed: Composition = "ko-en-ko".parse().expect("three codes");
        assert_eq!((parsed.positive.as_str(), parsed.name().as_str()), ("en", "koenko"));
        let parsed: Composition = "zh-Hans, en,ko".parse().expect("three codes");
        assert_eq!((parsed.query.as_str(), parsed.name().as_str()), ("zh-Hans", "zh-Hans-en-ko"));
        for wrong in ["ko-en", "ko-en-zh-Hans", "ko--en", ""] {
            assert!(wrong.parse::<Composition>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_language_that_a_triple_lacks_is_named() {
        let languages = codes(2);
        let triple = ParallelTriple {
            id: "t7".to_owned(),
            query: texts(&languages, "q"),
            positive: texts(&languages, "p"),
            negatives: vec![texts(&languages, "n")],
            provenance: Default::default(),
        };
        let german: Composition = "ko-en-de".parse().expect("three codes");
        let error = german.row(&triple, 1).expect_err("no German");
        assert_eq!(error.to_string(), "the triple `t7` is not in `de`, only in en, ko");
        // Nothing of it is asked for where no negative is.
        assert!(german.row(&triple, 0).is_ok());
    }
}
