//! A dataset object as a scenario and a score job see it.

use std::collections::HashMap;

use clirbench_core::{
    dataset::{Collection, Copies, Documents},
    task::{PoolDocument, Task},
};
use clirbench_host::DatasetView;
use clirbench_store::{Key, Store};
use serde_json::json;

use crate::job::Failure;

/// The kind of dataset objects.
pub(crate) const DATASET: &str = "dataset";

/// Commits a collection under its content hash.
///
/// # Errors
/// When the store cannot take it.
pub(crate) fn commit(store: &Store, key: &Key, collection: &Collection) -> Result<(), Failure> {
    if store.has(DATASET, key) {
        return Ok(());
    }
    let bytes = serde_json::to_vec(collection).expect("a collection has a JSON form");
    let mut draft = store.begin(DATASET, key).map_err(stored)?;
    draft.write("collection.json", &bytes).map_err(stored)?;
    draft.commit(json!({"name": collection.name})).map_err(stored)?;
    Ok(())
}

/// Reads a committed collection and lays its documents out.
///
/// # Errors
/// When it is missing or damaged.
pub(crate) fn read(
    store: &Store,
    key: &Key,
    documents: Documents,
    copies: Copies,
) -> Result<Collection, Failure> {
    let object = store.get(DATASET, key).map_err(stored)?.ok_or_else(|| {
        Failure::new(
            format!("dataset {} is not in the store", key.short()),
            "run again: it is committed anew",
        )
    })?;
    let collection: Collection = object.json("collection.json").map_err(stored)?;
    Ok(collection.arranged(documents, copies))
}

/// The collection without its texts.
#[must_use]
pub(crate) fn view(collection: &Collection, documents: Documents) -> DatasetView {
    let languages = 0..collection.languages.len();
    let present = |entries: &[clirbench_core::dataset::Entry], language: usize| -> Vec<u32> {
        (0u32..).zip(entries).filter(|(_, e)| e.texts[language].is_some()).map(|(i, _)| i).collect()
    };
    let groups = |language: usize| -> Vec<u32> {
        let mut first = HashMap::new();
        (0u32..)
            .zip(&collection.documents)
            .map(|(i, d)| {
                d.texts[language].as_deref().map_or(u32::MAX, |text| *first.entry(text).or_insert(i))
            })
            .collect()
    };
    DatasetView {
        languages: collection.languages.clone(),
        query_present: languages.clone().map(|l| present(&collection.queries, l)).collect(),
        document_present: languages.clone().map(|l| present(&collection.documents, l)).collect(),
        text_group: languages.map(groups).collect(),
        qrels: collection
            .qrels
            .iter()
            .map(|judged| judged.iter().map(|j| (j.document, j.grade)).collect())
            .collect(),
        documents: documents_name(documents).to_owned(),
    }
}

/// The name in `scores.csv` and in views.
#[must_use]
pub(crate) fn documents_name(documents: Documents) -> &'static str {
    match documents {
        Documents::Unique => "unique",
        Documents::PerQuestion => "per-question",
    }
}

/// The harness's twin of a plugin's task.
#[must_use]
pub(crate) fn task(task: clirbench_host::Task) -> Task {
    let pool_document = |(language, document)| PoolDocument { language, document };
    Task {
        scenario: task.scenario,
        query_lang: task.query_lang,
        pool_langs: task.pool_langs,
        queries: task.queries,
        relevant: task
            .relevant
            .into_iter()
            .map(|judged| judged.into_iter().map(|(d, grade)| (pool_document(d), grade)).collect())
            .collect(),
        excluded: task
            .excluded
            .into_iter()
            .map(|excluded| excluded.into_iter().map(pool_document).collect())
            .collect(),
        metrics: task.metrics,
        notes: task.notes,
    }
}

pub(crate) fn stored(error: clirbench_store::StoreError) -> Failure {
    Failure::new(error.to_string(), "")
}
