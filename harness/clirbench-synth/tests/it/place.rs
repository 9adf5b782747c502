//! A folder for a test, and recipes that ask its server.

use std::{
    fs,
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering},
};

use clirbench_data::{ParallelTriple, read_triples};
use clirbench_synth::{ApiKey, Error, Job, Outcome, Progress, Recipe};

use crate::server::Server;

/// Several draws for few triples.
pub(crate) const FEW: &str = "[sampling]\ntasks = 2\ntriples = 2\nsubcategories = 3\n";

pub(crate) struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    pub(crate) fn new() -> Place {
        Place { folder: tempfile::tempdir().expect("a folder") }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Carries a recipe out, with an output of its own name.
    pub(crate) fn generate(&self, out: &str, job: &Job) -> Result<Outcome, Error> {
        self.generate_until(out, job, |_| false)
    }

    /// The same, stopped once `stop` says so.
    pub(crate) fn generate_until(
        &self,
        out: &str,
        job: &Job,
        stop: impl Fn(&Progress) -> bool,
    ) -> Result<Outcome, Error> {
        let cancel = AtomicBool::new(false);
        let key = ApiKey::from_environment(&job.recipe().endpoint)?;
        job.carry_out(&self.path(out), key, &cancel, &mut |progress| {
            cancel.fetch_or(stop(progress), Ordering::Relaxed);
        })
    }

    pub(crate) fn bytes(&self, out: &str) -> Vec<u8> {
        fs::read(self.path(out)).expect("it was written")
    }

    pub(crate) fn triples(&self, out: &str) -> Vec<ParallelTriple> {
        read_triples(&self.path(out)).expect("triples")
    }
}

/// A recipe for a server: few triples, short waits; `rest` is added to `[endpoint]` and after it.
pub(crate) fn recipe(server: &Server, triples: usize, rest: &str) -> String {
    let base_url = &server.base_url;
    format!(
        "name = \"test\"\nlanguages = [\"en\", \"ko\", \"de\"]\ntriples = {triples}\n[endpoint]\n\
        base_url = \"{base_url}\"\nmodel = \"fake\"\nbackoff_seconds = 0.01\n{rest}"
    )
}

pub(crate) fn job(server: &Server, triples: usize, rest: &str) -> Job {
    let rest = if rest.contains("[sampling]") { rest.to_owned() } else { format!("{rest}\n{FEW}") };
    let recipe = Recipe::parse(&recipe(server, triples, &rest)).expect("a recipe");
    Job::new(recipe, std::path::Path::new("")).expect("a job")
}
