//! What a worker does with each kind of job.

mod embed;
mod fisher;
mod merge;
mod score;
mod session;
mod train;
mod validate;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, atomic::AtomicBool},
};

use clirbench_core::dataset::{Collection, Copies, Documents};
use clirbench_host::{EncoderHandle, HostServices, Plugin, Role, StepReport};
use clirbench_store::{Key, Store};
use serde_json::{Value, json};

use crate::{
    arranged::{self, stored},
    embeddings::Embeddings,
    job::{Failure, Job, LossJob, MergeRef, PluginRef, ProbeJob, TasksJob},
    merged::MergedWeights,
    model::Probe,
};

/// What an encoder was opened from.
#[derive(PartialEq)]
struct Loaded {
    plugin: PluginRef,
    config: Value,
    merge: Option<Key>,
}

/// A worker's state between jobs: what it has loaded and may need again.
pub(crate) struct Hands {
    store: Store,
    services: HostServices,
    cancel: Arc<AtomicBool>,
    threads: usize,
    /// Takes the steps of a training.
    pub(crate) on_step: Arc<dyn Fn(&StepReport) + Send + Sync>,
    plugins: HashMap<String, Plugin>,
    encoder: Option<(Loaded, EncoderHandle)>,
    collections: HashMap<(Key, Documents, Copies), Arc<Collection>>,
    embeddings: HashMap<Key, Arc<Embeddings>>,
}

impl Hands {
    pub(crate) fn new(
        store: Store,
        services: HostServices,
        cancel: Arc<AtomicBool>,
        threads: usize,
    ) -> Hands {
        Hands {
            store,
            services,
            cancel,
            threads,
            on_step: Arc::new(|_| {}),
            plugins: HashMap::new(),
            encoder: None,
            collections: HashMap::new(),
            embeddings: HashMap::new(),
        }
    }

    pub(crate) fn run(&mut self, job: &Job) -> Result<(), Failure> {
        if job.result().is_some_and(|(kind, key)| self.store.has(&kind, key)) {
            return Ok(());
        }
        match job {
            Job::Probe(job) => self.probe(job),
            Job::Tasks(job) => self.tasks(job),
            Job::Embed(job) => self.embed(job),
            Job::Score(job) => self.score(job),
            Job::Loss(job) => self.loss(job),
            Job::Train(job) => self.train(job),
            Job::Merge(job) => self.merge(job),
            Job::Fisher(job) => self.fisher(job),
        }
    }

    fn plugin(&mut self, plugin: &PluginRef) -> Result<&Plugin, Failure> {
        if !self.plugins.contains_key(&plugin.sha256) {
            let loaded = self.load(plugin, self.services.clone())?;
            self.plugins.insert(plugin.sha256.clone(), loaded);
        }
        Ok(&self.plugins[&plugin.sha256])
    }

    fn load(&self, plugin: &PluginRef, services: HostServices) -> Result<Plugin, Failure> {
        let file = clirbench_host::inspect(&plugin.path)?;
        if file.sha256 != plugin.sha256 {
            return Err(Failure::new(
                format!("{} changed since the run was planned", plugin.path.display()),
                "run again",
            ));
        }
        Ok(clirbench_host::load(&file, services)?)
    }

    fn encoder(
        &mut self,
        plugin: &PluginRef,
        config: &Value,
        merge: Option<&MergeRef>,
    ) -> Result<&mut EncoderHandle, Failure> {
        let wanted = Loaded {
            plugin: plugin.clone(),
            config: config.clone(),
            merge: merge.map(|merge| merge.key.clone()),
        };
        if self.encoder.as_ref().is_none_or(|(loaded, _)| *loaded != wanted) {
            self.encoder = None;
            let handle = match merge {
                Some(merge) => self.merged(plugin, config, merge)?,
                None => self.plugin(plugin)?.encoder(config)?,
            };
            self.encoder = Some((wanted, handle));
        }
        Ok(&mut self.encoder.as_mut().expect("just loaded").1)
    }

    /// An encoder of a merge that nobody has written.
    fn merged(
        &mut self,
        plugin: &PluginRef,
        config: &Value,
        merge: &MergeRef,
    ) -> Result<EncoderHandle, Failure> {
        let merger = self.plugin(&merge.plugin)?.merger(&merge.config)?;
        let weights = Arc::new(Mutex::new(MergedWeights::open(&merge.spec, merger)?));
        let services = HostServices { weights: Some(weights.clone()), ..self.services.clone() };
        let handle = self.load(plugin, services)?.encoder(config)?;
        if weights.lock().is_ok_and(|weights| weights.untouched()) {
            return Err(Failure::new(
                format!("{} does not take the weights of a merge (`weights/1`)", plugin.id),
                "choose an encoder that does, or write the merge with `clirbench merge` and measure that",
            ));
        }
        Ok(handle)
    }

    fn collection(
        &mut self,
        key: &Key,
        documents: Documents,
        copies: Copies,
    ) -> Result<Arc<Collection>, Failure> {
        let at = (key.clone(), documents, copies);
        if let Some(collection) = self.collections.get(&at) {
            return Ok(Arc::clone(collection));
        }
        let collection = Arc::new(arranged::read(&self.store, key, documents, copies)?);
        self.collections.insert(at, Arc::clone(&collection));
        Ok(collection)
    }

    /// Score jobs start after all embed jobs, so a group that was opened once is complete.
    fn embeddings(&mut self, group: &Key) -> Result<Arc<Embeddings>, Failure> {
        if let Some(embeddings) = self.embeddings.get(group) {
            return Ok(Arc::clone(embeddings));
        }
        let embeddings = Arc::new(Embeddings::open(&self.store, group)?);
        self.embeddings.insert(group.clone(), Arc::clone(&embeddings));
        Ok(embeddings)
    }

    fn probe(&mut self, job: &ProbeJob) -> Result<(), Failure> {
        let encoder = self.encoder(&job.plugin, &job.config, None)?;
        let probe = Probe {
            info: encoder.info().clone(),
            rendered_query: encoder.render(Role::Query, &job.sample_query).map_err(Failure::from)?,
            rendered_document: encoder.render(Role::Document, &job.sample_document).map_err(Failure::from)?,
        };
        let bytes = serde_json::to_vec_pretty(&probe).expect("a probe has a JSON form");
        let mut draft = self.store.begin("probe", &job.key).map_err(stored)?;
        draft.write("info.json", &bytes).map_err(stored)?;
        draft.commit(json!({"plugin": job.plugin.id})).map_err(stored)?;
        Ok(())
    }

    fn tasks(&mut self, job: &TasksJob) -> Result<(), Failure> {
        let collection = self.collection(&job.dataset, job.documents, job.copies)?;
        let view = arranged::view(&collection, job.documents);
        let scenario = self.plugin(&job.plugin)?.scenario(&job.config).map_err(Failure::from)?;
        let tasks: Vec<_> =
            scenario.tasks(&view).map_err(Failure::from)?.into_iter().map(arranged::task).collect();
        let bytes = serde_json::to_vec(&tasks).expect("tasks have a JSON form");
        let mut draft = self.store.begin("tasks", &job.key).map_err(stored)?;
        draft.write("tasks.json", &bytes).map_err(stored)?;
        draft.commit(json!({"plugin": job.plugin.id, "tasks": tasks.len()})).map_err(stored)?;
        Ok(())
    }

    fn loss(&mut self, job: &LossJob) -> Result<(), Failure> {
        let loss = self.plugin(&job.plugin)?.loss(&job.config)?;
        let bytes = serde_json::to_vec_pretty(loss.info()).expect("an info has a JSON form");
        let mut draft = self.store.begin("loss", &job.key).map_err(stored)?;
        draft.write("info.json", &bytes).map_err(stored)?;
        draft.commit(json!({"plugin": job.plugin.id})).map_err(stored)?;
        Ok(())
    }
}
