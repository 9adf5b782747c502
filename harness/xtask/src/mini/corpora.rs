//! The texts that clirbench-mini learns from, and those of the same corpora that it may not see.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::ntrex::Ntrex;

/// The languages: code and NTREX file.
pub(crate) const LANGUAGES: [(&str, &str); 8] = [
    ("en", "eng"),
    ("ar", "arb"),
    ("de", "deu"),
    ("es", "spa"),
    ("ja", "jpn"),
    ("ko", "kor"),
    ("vi", "vie"),
    ("zh", "zho-CN"),
];
/// The language that every text has.
pub(super) const PIVOT: &str = "en";
/// The languages of Tatoeba's files.
const TATOEBA: [(&str, &str); 7] =
    [("ar", "ara"), ("de", "deu"), ("es", "spa"), ("ja", "jpn"), ("ko", "kor"), ("vi", "vie"), ("zh", "cmn")];
/// Korean-English files, English first.
const KOREAN: [[&str; 2]; 2] = [
    ["koen-news/korean-english-park.dev.en", "koen-news/korean-english-park.dev.ko"],
    ["jhe/jhe-koen-dev.en", "jhe/jhe-koen-dev.ko"],
];
/// Sentences of a passage.
const PASSAGE: usize = 3;
/// By how many sentences the next passage starts later: for crops, and for queries from the middle.
const STRIDES: [usize; 2] = [1, 2];

/// A text in several languages, English among them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Parallel(BTreeMap<&'static str, String>);

impl FromIterator<(&'static str, String)> for Parallel {
    fn from_iter<I: IntoIterator<Item = (&'static str, String)>>(texts: I) -> Self {
        Parallel(texts.into_iter().collect())
    }
}

impl Parallel {
    pub(super) fn languages(&self) -> impl Iterator<Item = &'static str> {
        self.0.keys().copied()
    }

    pub(super) fn text(&self, language: &str) -> &str {
        &self.0[language]
    }
}

/// A query, its answer, and a passage that is like one.
pub(super) struct Triple {
    pub(super) query: Parallel,
    pub(super) positive: Parallel,
    pub(super) negative: Parallel,
}

/// Everything to learn from.
pub(super) struct Corpora {
    /// Passages of news.
    pub(super) passages: Vec<Parallel>,
    /// The middle sentence of a passage, and the others.
    pub(super) middles: Vec<(Parallel, Parallel)>,
    /// Sentences.
    pub(super) translations: Vec<Parallel>,
    /// The train split of kdc-parallel.
    pub(super) triples: Vec<Triple>,
}

impl Corpora {
    /// Reads `ntrex/`, `tatoeba/`, `koen-news/` and `jhe/` of `data`, and a file of triples.
    pub(super) fn read(data: &Path, triples: &Path) -> Result<Corpora> {
        let ntrex = Ntrex::read(&data.join("ntrex"), &LANGUAGES)?.train();
        let parallel =
            |of: &dyn Fn(&str) -> String| LANGUAGES.iter().map(|(code, _)| (*code, of(code))).collect();
        let [every, second] = STRIDES.map(|stride| ntrex.passages(PASSAGE, stride));
        let middle = |p: &_| (parallel(&|l| ntrex.query(l, p).to_owned()), parallel(&|l| ntrex.rest(l, p)));
        let mut translations: Vec<Parallel> =
            (0..ntrex.len()).map(|line| parallel(&|l| ntrex.text(l, &(line..line + 1)))).collect();
        for (code, file) in TATOEBA {
            let name = |language: &str| data.join(format!("tatoeba/tatoeba.{file}-eng.{language}"));
            translations.extend(pairs(&name("eng"), &name(file), code)?);
        }
        for [english, korean] in KOREAN {
            translations.extend(pairs(&data.join(english), &data.join(korean), "ko")?);
        }
        Ok(Corpora {
            passages: every.iter().map(|p| parallel(&|l| ntrex.text(l, p))).collect(),
            middles: second.iter().map(middle).collect(),
            translations,
            triples: read_triples(triples)?,
        })
    }
}

/// Line by line parallel files; lines that are empty on a side are left out.
fn pairs(english: &Path, other: &Path, code: &'static str) -> Result<Vec<Parallel>> {
    let read =
        |path: &Path| fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()));
    let (left, right) = (read(english)?, read(other)?);
    ensure!(
        left.lines().count() == right.lines().count(),
        "{} and {} differ in length",
        english.display(),
        other.display()
    );
    let lines = left.lines().map(str::trim).zip(right.lines().map(str::trim));
    let full = lines.filter(|(a, b)| !a.is_empty() && !b.is_empty());
    Ok(full.map(|(a, b)| Parallel::from_iter([(PIVOT, a.to_owned()), (code, b.to_owned())])).collect())
}

fn read_triples(path: &Path) -> Result<Vec<Triple>> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut triples = Vec::new();
    for line in text.lines() {
        let row: Value = serde_json::from_str(line)?;
        let parallel = |texts: &Value| -> Parallel {
            let of = |code: &str| texts[code].as_str().map(str::to_owned);
            LANGUAGES.iter().filter_map(|(code, _)| Some((*code, of(code)?))).collect()
        };
        triples.push(Triple {
            query: parallel(&row["query"]),
            positive: parallel(&row["positive"]),
            negative: parallel(&row["negatives"][0]),
        });
    }
    Ok(triples)
}
