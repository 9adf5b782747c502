//! `clirbench data leaks`: texts of evaluation sets in training data.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::Path,
};

use anyhow::{Context, Result};
use clirbench_core::dataset::Collection;
use clirbench_curation::{EvaluationText, LeakIndex, LeakKind, LeakOptions, Role, same_language};
use clirbench_data::{Example, JsonLinesWriter, TrainingFile, read_text};
use clirbench_report::terminal::aligned;
use serde::Serialize;
use serde_json::json;

use crate::{
    cli::LeaksArgs,
    commands::compose::unwritable,
    failure::{Advice, Exit},
    named::{Named, load_all},
    screen::Screen,
};

/// A training text that gives an evaluation text away.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Found {
    file: String,
    pub(crate) line: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    column: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<String>,
    kind: LeakKind,
    evaluation: EvaluationText,
    #[serde(skip_serializing_if = "Option::is_none")]
    jaccard: Option<f64>,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Found { file, line, column, kind, evaluation, .. } = self;
        let EvaluationText { dataset, role, id, language } = evaluation;
        let how = match kind {
            LeakKind::Exact => "is",
            LeakKind::Contains => "contains",
            LeakKind::Within => "is within",
            LeakKind::Near => "is nearly",
        };
        let role = match role {
            Role::Query => "query",
            Role::Document => "document",
        };
        write!(f, "{file}:{line}: `{column}` {how} {role} {id} of {dataset} ({language})")
    }
}

/// A training text and where it is.
pub(crate) struct Place<'e> {
    line: u64,
    id: Option<&'e str>,
    column: &'static str,
    language: Option<&'e str>,
    text: &'e str,
}

impl<'e> Place<'e> {
    /// The texts of a line; `language` is that of texts that do not say theirs.
    pub(crate) fn of(
        example: &'e Example,
        line: u64,
        language: Option<&'e str>,
    ) -> impl Iterator<Item = Place<'e>> {
        let texts = example.texts();
        texts.map(move |(column, own, text)| Place {
            line,
            id: example.id(),
            column,
            language: own.or(language),
            text,
        })
    }
}

impl Found {
    /// What the texts of a file give away, in their order.
    pub(crate) fn all(file: &str, places: &[Place<'_>], index: &LeakIndex) -> Vec<Found> {
        let texts: Vec<_> = places.iter().map(|place| (place.language, place.text)).collect();
        let mut all = Vec::new();
        for (place, leaks) in places.iter().zip(index.check_all(&texts)) {
            all.extend(leaks.into_iter().map(|leak| Found {
                file: file.to_owned(),
                line: place.line,
                id: place.id.map(str::to_owned),
                column: place.column,
                language: place.language.map(str::to_owned),
                kind: leak.kind,
                evaluation: leak.text.clone(),
                jaccard: leak.jaccard,
            }));
        }
        all
    }
}

/// The evaluation sets that are named.
pub(crate) fn collections(named: &[Named], screen: &Screen) -> Result<Vec<Collection>> {
    Ok(load_all(named, screen)?.into_iter().map(|loaded| loaded.collection).collect())
}

pub(crate) fn write_report(path: &Path, found: &[Found]) -> Result<()> {
    let mut report = JsonLinesWriter::create(path).with_context(|| unwritable(path))?;
    for found in found {
        report.write(found).with_context(|| unwritable(path))?;
    }
    report.finish().with_context(|| unwritable(path))
}

pub(crate) fn run(args: &LeaksArgs, screen: &Screen) -> Result<Exit> {
    let collections = collections(&args.against, screen)?;
    let options = LeakOptions {
        threshold: args.threshold,
        shingles: args.shingles,
        part_columns: args.part_columns as usize,
        any_language: args.any_language,
    };
    let index = LeakIndex::new(&collections, options);
    let mut found = Vec::new();
    let mut checked = 0;
    let mut languages = BTreeSet::new();
    for path in &args.files {
        checked += check(path, args, &index, &mut found, &mut languages)?;
    }
    if let Some(path) = &args.report {
        write_report(path, &found)?;
    }
    let known =
        |language: &str| collections.iter().flat_map(|c| &c.languages).any(|l| same_language(l, language));
    let unknown: Vec<&str> = languages.iter().map(String::as_str).filter(|l| !known(l)).collect();
    if !args.any_language && !unknown.is_empty() {
        let list = unknown.join(", ");
        screen.warn(&format!(
            "no evaluation set is in {list}: texts in it were compared with nothing (--any-language compares them)"
        ));
    }
    let exit = if found.is_empty() { Exit::Done } else { Exit::Findings };
    let rows = counted(&found);
    if screen.json {
        let value = json!({"texts": checked, "evaluation_texts": index.len(), "leaks": rows, "not_compared": unknown});
        screen.print_json(&value);
        return Ok(exit);
    }
    let names: Vec<&str> = collections.iter().map(|c| c.name.as_str()).collect();
    let names = names.join(", ");
    let verdict = if found.is_empty() { "no leaks" } else { "LEAKS" };
    let table = table(&rows);
    screen.print(&format!("{table}{verdict}: {checked} texts against {} of {names}", index.len()));
    Ok(exit)
}

/// Checks one file a batch at a time; gives how many texts it has.
fn check(
    path: &Path,
    args: &LeaksArgs,
    index: &LeakIndex,
    found: &mut Vec<Found>,
    languages: &mut BTreeSet<String>,
) -> Result<usize> {
    const BATCH: usize = 4096;
    let name = path.display().to_string();
    let mut checked = 0;
    let mut batch = |places: &[Place<'_>]| {
        let own = places.iter().filter_map(|place| place.language).filter(|l| !languages.contains(*l));
        let own: BTreeSet<String> = own.map(str::to_owned).collect();
        languages.extend(own);
        checked += places.len();
        found.extend(Found::all(&name, places, index));
    };
    match path.extension().and_then(|e| e.to_str()) {
        Some("txt") => {
            let text = read_text(path).map_err(Advice::from)?;
            let lines = (1..).zip(text.lines()).filter(|(_, text)| !text.trim().is_empty());
            let language = args.language.as_deref();
            let places: Vec<Place<'_>> =
                lines.map(|(line, text)| Place { line, id: None, column: "line", language, text }).collect();
            places.chunks(BATCH).for_each(batch);
        }
        Some("jsonl") => {
            let mut file = TrainingFile::open(path).map_err(Advice::from)?;
            loop {
                let rows: Vec<(Example, u64)> =
                    file.by_ref().take(BATCH).collect::<Result<_, _>>().map_err(Advice::from)?;
                if rows.is_empty() {
                    break;
                }
                let language = args.language.as_deref();
                let places: Vec<Place<'_>> =
                    rows.iter().flat_map(|(example, line)| Place::of(example, *line, language)).collect();
                batch(&places);
            }
        }
        _ => {
            let message = format!("{name} is neither .jsonl nor .txt");
            return Err(Advice::new(
                message,
                "give triples or training rows (.jsonl), or texts, one a line (.txt)",
            )
            .into());
        }
    }
    Ok(checked)
}

/// Leaks of a file, a dataset, a language and a kind.
#[derive(Debug, Serialize)]
struct Row<'f> {
    file: &'f str,
    dataset: &'f str,
    language: &'f str,
    kind: LeakKind,
    /// Training texts.
    texts: usize,
    /// Evaluation texts that they give away.
    evaluation_texts: usize,
}

fn counted<'f>(found: &'f [Found]) -> Vec<Row<'f>> {
    type Key<'f> = (&'f str, &'f str, &'f str, LeakKind);
    type Texts<'f> = (BTreeSet<(u64, &'f str, Option<&'f str>)>, BTreeSet<(Role, &'f str)>);
    let mut rows: BTreeMap<Key<'f>, Texts<'f>> = BTreeMap::new();
    for found in found {
        let text = &found.evaluation;
        let (texts, given) =
            rows.entry((&found.file, &text.dataset, &text.language, found.kind)).or_default();
        texts.insert((found.line, found.column, found.language.as_deref()));
        given.insert((text.role, &text.id));
    }
    let row = |(key, (texts, given)): (&Key<'f>, &Texts<'f>)| {
        let (file, dataset, language, kind) = *key;
        Row { file, dataset, language, kind, texts: texts.len(), evaluation_texts: given.len() }
    };
    rows.iter().map(row).collect()
}

fn table(rows: &[Row<'_>]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let cells = rows.iter().map(|row| {
        let kind = match row.kind {
            LeakKind::Exact => "exact",
            LeakKind::Contains => "contains",
            LeakKind::Within => "within",
            LeakKind::Near => "near",
        };
        let [file, dataset, language, kind] = [row.file, row.dataset, row.language, kind].map(str::to_owned);
        [file, dataset, language, kind, row.texts.to_string(), row.evaluation_texts.to_string()]
    });
    let head = ["file", "dataset", "language", "kind", "texts", "of evaluation"];
    aligned(head, &cells.collect::<Vec<_>>(), &[4, 5])
}
