//! XQuAD as its files have it, read without any code of the harness.

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::Value;

/// One language's texts, in file order.
pub(crate) struct Xquad {
    pub(crate) questions: Vec<String>,
    pub(crate) paragraphs: Vec<String>,
}

pub(crate) fn read(folder: &Path, language: &str) -> Xquad {
    let file = fs::read(folder.join(format!("xquad.{language}.json"))).expect("an XQuAD file");
    let file: Value = serde_json::from_slice(&file).expect("JSON");
    let items = |value: &Value, key: &str| value[key].as_array().expect("a list").clone();
    let text = |value: &Value, key: &str| value[key].as_str().expect("a text").to_owned();
    let mut texts = Xquad { questions: Vec::new(), paragraphs: Vec::new() };
    for paragraph in items(&file, "data").iter().flat_map(|article| items(article, "paragraphs")) {
        texts.paragraphs.push(text(&paragraph, "context"));
        texts.questions.extend(items(&paragraph, "qas").iter().map(|q| text(q, "question")));
    }
    texts
}

/// Every different text of some languages, questions and paragraphs together.
pub(crate) fn distinct(folder: &Path, languages: &[&str]) -> BTreeSet<String> {
    languages
        .iter()
        .map(|language| read(folder, language))
        .flat_map(|texts| texts.questions.into_iter().chain(texts.paragraphs))
        .collect()
}
