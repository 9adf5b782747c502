//! Shards: which texts are not in the store yet, cut into embed jobs.

use std::collections::{BTreeMap, HashSet};

use clirbench_core::dataset::Entry;
use clirbench_store::Key;
use serde_json::json;

use super::{Opened, PlannedDataset, PlannedModel, Setup};
use crate::{
    arranged::stored,
    embeddings::{Embeddings, TextId, text_id},
    job::{EmbedJob, Failure, Job},
};

/// How many texts a model has to do with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextCount {
    /// Texts of all cells, counted cell by cell: what encoding every cell by itself would cost.
    pub asked: usize,
    /// Distinct (role, text) among them.
    pub distinct: usize,
    /// Of those, in the store.
    pub stored: usize,
    /// Of those, to encode in this run.
    pub to_encode: usize,
}

/// The texts that the tasks of all datasets need, per role.
struct Needed<'a> {
    asked: usize,
    roles: [BTreeMap<TextId, &'a str>; 2],
}

const ROLES: [&str; 2] = ["query", "document"];

pub(super) fn plan(
    setup: &Setup,
    datasets: &[PlannedDataset],
    models: &[PlannedModel],
) -> Result<(Vec<Job>, Vec<TextCount>), Failure> {
    let needed = needed(datasets);
    let (mut jobs, mut counts) = (Vec::new(), Vec::new());
    // Models that are the same under two names share their groups and so their jobs.
    let mut planned = HashSet::new();
    for model in models {
        let mut count = TextCount { asked: needed.asked, ..Default::default() };
        if let Ok(opened) = &model.opened {
            jobs.extend(missing(setup, model, opened, needed.roles.clone(), &mut planned, &mut count)?);
        }
        counts.push(count);
    }
    Ok((jobs, counts))
}

/// The texts of a guide: the embed jobs that are left to do, and how many texts there are.
pub(super) fn plan_texts(
    setup: &Setup,
    model: &PlannedModel,
    opened: &Opened,
    [queries, documents]: [&[&str]; 2],
) -> Result<(Vec<Job>, TextCount), Failure> {
    let mut count = TextCount { asked: queries.len() + documents.len(), ..Default::default() };
    let roles = [queries, documents].map(|texts| texts.iter().map(|&text| (text_id(text), text)).collect());
    let jobs = missing(setup, model, opened, roles, &mut HashSet::new(), &mut count)?;
    Ok((jobs, count))
}

/// Embed jobs for those texts of a model that no committed shard holds; `planned` are the groups
/// that have their jobs already.
fn missing(
    setup: &Setup,
    model: &PlannedModel,
    opened: &Opened,
    roles: [BTreeMap<TextId, &str>; 2],
    planned: &mut HashSet<Key>,
    count: &mut TextCount,
) -> Result<Vec<Job>, Failure> {
    let mut jobs = Vec::new();
    for (role, group, texts) in groups(opened, roles) {
        count.distinct += texts.len();
        let committed = Embeddings::open(&setup.store, group)?;
        let missing: Vec<(TextId, &str)> =
            texts.into_iter().filter(|(id, _)| committed.row(id).is_none()).collect();
        if planned.insert(group.clone()) {
            count.to_encode += missing.len();
            jobs.extend(shards(setup, model, opened, role, group, missing)?);
        }
    }
    count.stored = count.distinct - count.to_encode;
    Ok(jobs)
}

fn needed(datasets: &[PlannedDataset]) -> Needed<'_> {
    let mut needed = Needed { asked: 0, roles: Default::default() };
    for dataset in datasets {
        let collection = &dataset.arranged;
        let languages = collection.languages.len();
        let mut queries = vec![HashSet::new(); languages];
        let mut pools = vec![false; languages];
        let in_language =
            |entries: &[Entry], l: usize| entries.iter().filter(|e| e.texts[l].is_some()).count();
        let sizes: Vec<usize> = (0..languages).map(|l| in_language(&collection.documents, l)).collect();
        for task in dataset.tasks.iter().map(|t| &t.task) {
            queries[task.query_lang as usize].extend(task.queries.iter().copied());
            needed.asked += task.queries.len();
            for &language in &task.pool_langs {
                pools[language as usize] = true;
                needed.asked += sizes[language as usize];
            }
        }
        for language in 0..languages {
            let queries = queries[language].iter().map(|&q| &collection.queries[q as usize]);
            let documents = collection.documents.iter().filter(|_| pools[language]);
            let [query_texts, document_texts] = &mut needed.roles;
            query_texts.extend(queries.filter_map(|e| e.texts[language].as_deref()).map(|t| (text_id(t), t)));
            document_texts
                .extend(documents.filter_map(|e| e.texts[language].as_deref()).map(|t| (text_id(t), t)));
        }
    }
    needed
}

/// One group where both roles share their vectors, else one per role.
fn groups<'a, 'm>(
    opened: &'m Opened,
    [queries, documents]: [BTreeMap<TextId, &'a str>; 2],
) -> Vec<(&'static str, &'m Key, BTreeMap<TextId, &'a str>)> {
    if opened.query_group == opened.document_group {
        let mut all = documents;
        all.extend(queries);
        return vec![(ROLES[1], &opened.document_group, all)];
    }
    vec![(ROLES[0], &opened.query_group, queries), (ROLES[1], &opened.document_group, documents)]
}

/// Cuts texts into shards by length, so that a batch pads little.
///
/// A shard holds a fixed number of texts in a fixed order: when a run is cut off and planned again,
/// what is left falls into the very same shards, so its vectors come out the same to the last bit.
fn shards(
    setup: &Setup,
    model: &PlannedModel,
    opened: &Opened,
    role: &str,
    group: &Key,
    mut texts: Vec<(TextId, &str)>,
) -> Result<Vec<Job>, Failure> {
    texts.sort_by_key(|(id, text)| (text.len(), *id));
    let mut jobs = Vec::new();
    for shard in texts.chunks(setup.bench.run.shard) {
        let shard: Vec<&str> = shard.iter().map(|(_, text)| *text).collect();
        let bytes = serde_json::to_vec(&shard).expect("texts have a JSON form");
        let texts = Key::of_bytes(&bytes);
        if !setup.store.has("texts", &texts) {
            let mut draft = setup.store.begin("texts", &texts).map_err(stored)?;
            draft.write("texts.json", &bytes).map_err(stored)?;
            draft.commit(json!({"texts": shard.len()})).map_err(stored)?;
        }
        jobs.push(Job::Embed(EmbedJob {
            key: Key::of(&json!(["shard/1", group, texts])),
            plugin: model.plugin.clone(),
            config: model.config.clone(),
            merge: model.merge.clone().map(Box::new),
            group: group.clone(),
            role: role.to_owned(),
            dim: opened.probe.info.dim,
            dtype: setup.bench.run.dtype,
            texts,
            count: shard.len(),
        }));
    }
    Ok(jobs)
}
