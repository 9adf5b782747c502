//! Texts from NTREX-128: passages of news documents, parallel in every language.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    ops::Range,
    path::Path,
};

use anyhow::{Context, Result, ensure};

/// Of the documents in order of their ids, each one of so many is for measuring.
const HELD_OUT: usize = 5;

/// The sentences of some languages, line by line parallel.
pub(crate) struct Ntrex {
    documents: Vec<String>,
    sentences: BTreeMap<&'static str, Vec<String>>,
}

impl Ntrex {
    /// Reads `DOCUMENT_IDS.tsv` and a file per language: its code and the file's stem (`eng`).
    pub(crate) fn read(folder: &Path, languages: &[(&'static str, &str)]) -> Result<Ntrex> {
        let lines = |name: &str| -> Result<Vec<String>> {
            let path = folder.join(name);
            let text =
                fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            Ok(text.lines().map(|line| line.trim().to_owned()).collect())
        };
        let documents = lines("DOCUMENT_IDS.tsv")?;
        let mut sentences = BTreeMap::new();
        for &(code, stem) in languages {
            let text = lines(&format!("{stem}.txt"))?;
            ensure!(documents.len() == text.len(), "DOCUMENT_IDS.tsv and {stem}.txt differ in length");
            sentences.insert(code, text);
        }
        Ok(Ntrex { documents, sentences })
    }

    /// The documents to learn from: four of five.
    pub(crate) fn train(&self) -> Ntrex {
        self.part(false)
    }

    /// The documents to measure on: one of five.
    pub(crate) fn test(&self) -> Ntrex {
        self.part(true)
    }

    fn part(&self, held_out: bool) -> Ntrex {
        let ids: BTreeSet<&str> = self.documents.iter().map(String::as_str).collect();
        let part: BTreeSet<&str> =
            (0..).zip(ids).filter(|(i, _)| (i % HELD_OUT == 0) == held_out).map(|(_, id)| id).collect();
        let own = |lines: &Vec<String>| -> Vec<String> {
            let lines = lines.iter().zip(&self.documents);
            lines.filter(|(_, id)| part.contains(id.as_str())).map(|(line, _)| line.clone()).collect()
        };
        Ntrex {
            documents: own(&self.documents),
            sentences: self.sentences.iter().map(|(code, lines)| (*code, own(lines))).collect(),
        }
    }

    /// Number of sentences.
    pub(crate) fn len(&self) -> usize {
        self.documents.len()
    }

    /// Runs of `length` sentences of one document each, every `stride` sentences.
    pub(crate) fn passages(&self, length: usize, stride: usize) -> Vec<Range<usize>> {
        (0..self.documents.len())
            .step_by(stride)
            .map(|start| start..start + length)
            .filter(|p| self.documents.get(p.end - 1).is_some_and(|last| *last == self.documents[p.start]))
            .collect()
    }

    /// The text of a passage.
    pub(crate) fn text(&self, language: &str, passage: &Range<usize>) -> String {
        self.sentences[language][passage.clone()].join(" ")
    }

    /// The text of a passage without its query.
    pub(crate) fn rest(&self, language: &str, passage: &Range<usize>) -> String {
        let mut sentences = self.sentences[language][passage.clone()].to_vec();
        sentences.remove(passage.len() / 2);
        sentences.join(" ")
    }

    /// A sentence from the middle of a passage: what its query is. One that stood in its passage would
    /// teach nothing where both are in one language.
    pub(crate) fn query(&self, language: &str, passage: &Range<usize>) -> &str {
        &self.sentences[language][passage.start + passage.len() / 2]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passage_stays_in_its_document() {
        let documents = ["a", "a", "a", "a", "a", "b", "b", "b"].map(str::to_owned).to_vec();
        let ntrex = Ntrex { documents, sentences: BTreeMap::new() };
        assert_eq!(ntrex.passages(2, 3), [0..2, 3..5, 6..8]);
    }

    #[test]
    fn every_document_is_on_one_side() {
        let documents: Vec<String> = (0..20).map(|i| format!("d{}", i / 2)).collect();
        let lines = (0..20).map(|i| i.to_string()).collect();
        let ntrex = Ntrex { documents, sentences: BTreeMap::from([("en", lines)]) };
        let (train, test) = (ntrex.train(), ntrex.test());
        assert_eq!(test.sentences["en"], ["0", "1", "10", "11"]);
        assert_eq!(train.len() + test.len(), ntrex.len());
        assert!(train.documents.iter().all(|document| !test.documents.contains(document)));
    }

    #[test]
    fn languages_of_different_length_are_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("written");
        write("DOCUMENT_IDS.tsv", "d\nd\n");
        write("eng.txt", "One.\nTwo.\n");
        write("spa.txt", "Uno.\n");
        let ntrex = Ntrex::read(folder.path(), &[("en", "eng")]).expect("it fits");
        assert_eq!((ntrex.text("en", &(0..2)), ntrex.query("en", &(0..2))), ("One. Two.".to_owned(), "Two."));
        assert_eq!(ntrex.rest("en", &(0..2)), "One.");
        let error = Ntrex::read(folder.path(), &[("en", "eng"), ("es", "spa")]).err().expect("too short");
        assert_eq!(error.to_string(), "DOCUMENT_IDS.tsv and spa.txt differ in length");
    }
}
