//! Encoding a shard of texts.

use std::time::Instant;

use clirbench_host::{Role, TextStats};
use clirbench_store::encode_rows;

use super::Hands;
use crate::{
    arranged::stored,
    embeddings::{ShardMeta, TextCounts, shard_files},
    job::{EmbedJob, Failure, embed_kind},
};

impl Hands {
    pub(super) fn embed(&mut self, job: &EmbedJob) -> Result<(), Failure> {
        let missing = || Failure::new("the shard's texts are not in the store", "run again");
        let object = self.store.get("texts", &job.texts).map_err(stored)?.ok_or_else(missing)?;
        let texts: Vec<String> = object.json("texts.json").map_err(stored)?;
        let role = if job.role == "query" { Role::Query } else { Role::Document };
        let store = self.store.clone();
        let encoder = self.encoder(&job.plugin, &job.config, job.merge.as_deref())?;
        let dim = encoder.info().dim;
        if dim != job.dim {
            return Err(Failure::new(
                format!("the encoder has {dim} dimensions, its probe said {}", job.dim),
                "the model changed while the run was going on: run again",
            ));
        }
        let started = Instant::now();
        let borrowed: Vec<&str> = texts.iter().map(String::as_str).collect();
        let mut rows = vec![0.0; texts.len() * dim];
        let mut stats = vec![TextStats::default(); texts.len()];
        encoder.encode(role, &borrowed, &mut rows, &mut stats).map_err(Failure::from)?;
        let counts: Vec<TextCounts> = stats
            .iter()
            .map(|s| TextCounts { tokens: s.tokens, unknown: s.unknown, truncated: s.truncated })
            .collect();
        let (ids, stats) = shard_files(&texts, &counts);
        let seconds = started.elapsed().as_secs_f64();
        let meta = ShardMeta { rows: texts.len(), dim, dtype: job.dtype, seconds };
        let mut draft = store.begin(&embed_kind(&job.group), &job.key).map_err(stored)?;
        draft.write("rows", &encode_rows(&rows, job.dtype)).map_err(stored)?;
        draft.write("ids", &ids).map_err(stored)?;
        draft.write("stats", &stats).map_err(stored)?;
        draft.commit(serde_json::to_value(meta).expect("plain data")).map_err(stored)?;
        Ok(())
    }
}
