//! SQuAD 1.1 JSON (Rajpurkar et al. 2016), one file per language; XQuAD (Artetxe et al. 2020).
//!
//! A paragraph is a document; its id is its place (`a03p02`: article 3, paragraph 2, from 0),
//! which is the same in every language. A question is a query; its paragraph is relevant to it.

use std::collections::HashMap;

use clirbench_core::dataset::{Entry, Judgement};

use crate::{
    collection::Parts,
    column::{Column, align},
    error::{Kind, Position},
    json::{self, Misshapen, Node},
    source::Source,
};

/// One language's file.
struct LanguageFile {
    paragraphs: Column,
    questions: Column,
    asked: Vec<Asked>,
}

/// Which paragraph a question is about.
struct Asked {
    question: String,
    paragraph: String,
    at: Position,
    /// SQuAD 2.0: the paragraph does not answer it.
    impossible: bool,
}

/// Reads every language; `None` where a file could not be read, with the reasons noted.
pub(crate) fn read(source: &mut Source) -> Option<Parts> {
    let files: Vec<Option<LanguageFile>> =
        source.located().iter().map(|name| language_file(source, name)).collect();
    let languages = files.len();
    let (mut paragraphs, mut questions, mut asked) = (Vec::new(), Vec::new(), Vec::new());
    for file in files.into_iter().flatten() {
        asked.push((file.questions.name().to_owned(), file.asked));
        paragraphs.push(file.paragraphs);
        questions.push(file.questions);
    }
    let complete = asked.len() == languages;
    let documents = align(paragraphs, false, &mut source.problems);
    let queries = align(questions, false, &mut source.problems);
    check_same_paragraphs(&asked, source);
    let qrels =
        complete.then(|| judge(&queries, &documents, asked.first().map_or(&[], |(_, a)| a.as_slice())))?;
    Some(Parts { queries, documents, qrels, unjudged: 0 })
}

fn language_file(source: &mut Source, name: &str) -> Option<LanguageFile> {
    let value = json::document(source, name)?;
    let path = source.path(name);
    let mut file = LanguageFile {
        paragraphs: Column::new("document", path.clone(), name),
        questions: Column::new("query", path, name),
        asked: Vec::new(),
    };
    match walk(&Node::root(&value), &mut file, source, name) {
        Ok(complete) => complete.then_some(file),
        Err(misshapen) => {
            misshapen.note(source, name);
            None
        }
    }
}

/// Whether every question could be read.
fn walk(root: &Node, file: &mut LanguageFile, source: &mut Source, name: &str) -> Result<bool, Misshapen> {
    let mut complete = true;
    for (a, article) in root.field("data")?.items()?.enumerate() {
        for (p, paragraph) in article.field("paragraphs")?.items()?.enumerate() {
            let id = format!("a{a:02}p{p:02}");
            let context = paragraph.field("context")?;
            let text = context.text()?;
            file.paragraphs.push(id.clone(), text.to_owned(), context.position(), &mut source.problems);
            for question in paragraph.field("qas")?.items()? {
                if let Err(misshapen) = ask(&question, &id, text, file, source, name) {
                    misshapen.note(source, name);
                    complete = false;
                }
            }
        }
    }
    Ok(complete)
}

fn ask(
    question: &Node,
    paragraph: &str,
    context: &str,
    file: &mut LanguageFile,
    source: &mut Source,
    name: &str,
) -> Result<(), Misshapen> {
    let id = question.field("id")?;
    let text = question.field("question")?.text()?;
    if let Some(answers) = question.optional("answers") {
        for answer in answers.items()? {
            let start = answer.field("answer_start")?;
            let (from, words) = (start.count()?, answer.field("text")?);
            if !starts_with(context, from, words.text()?) {
                let message = format!("the paragraph does not have the answer at character {from}");
                source.problems.warn(source.place(name, start.position()), message);
            }
        }
    }
    file.asked.push(Asked {
        question: id.text()?.to_owned(),
        paragraph: paragraph.to_owned(),
        at: id.position(),
        impossible: question.optional("is_impossible").is_some_and(|flag| flag.is_true()),
    });
    file.questions.push(id.text()?.to_owned(), text.to_owned(), id.position(), &mut source.problems);
    Ok(())
}

/// Whether `words` stand in `context` at the character (not byte) `from`.
fn starts_with(context: &str, from: usize, words: &str) -> bool {
    let mut boundaries = context.char_indices().map(|(byte, _)| byte).chain([context.len()]);
    boundaries.nth(from).is_some_and(|byte| context[byte..].starts_with(words))
}

fn check_same_paragraphs(asked: &[(String, Vec<Asked>)], source: &mut Source) {
    let Some(((first, reference), others)) = asked.split_first() else { return };
    let there: HashMap<&str, &str> =
        reference.iter().map(|a| (a.question.as_str(), a.paragraph.as_str())).collect();
    for (name, questions) in others {
        for a in questions {
            if let Some(there) = there.get(a.question.as_str()).filter(|p| **p != a.paragraph) {
                let kind = Kind::Moved {
                    id: a.question.clone(),
                    here: a.paragraph.clone(),
                    there: (*there).to_owned(),
                    other: first.clone(),
                };
                source.problems.at(source.place(name, a.at.clone()), kind);
            }
        }
    }
}

fn judge(queries: &[Entry], documents: &[Entry], asked: &[Asked]) -> Vec<Vec<Judgement>> {
    let document: HashMap<&str, u32> = (0..).zip(documents).map(|(i, d)| (d.id.as_str(), i)).collect();
    let asked: HashMap<&str, &Asked> = asked.iter().map(|a| (a.question.as_str(), a)).collect();
    let judged = |query: &Entry| {
        let asked = asked.get(query.id.as_str()).filter(|a| !a.impossible);
        let document = asked.and_then(|a| document.get(a.paragraph.as_str()));
        document.map(|&document| Judgement { document, grade: 1 }).into_iter().collect()
    };
    queries.iter().map(judged).collect()
}
