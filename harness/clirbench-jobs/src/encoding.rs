//! Queries and documents that one model encodes, outside of a run: what negatives are mined with.

use std::sync::{Arc, atomic::AtomicBool};

use serde_json::{Value, json};

use crate::{
    embeddings::{EmbeddingRows, Embeddings, text_id},
    executor::Event,
    job::Failure,
    plan::{Setup, TextCount, TextsPlan, texts_of_models},
    train::{TrainProgress, encode},
};

/// The embed jobs that queries and documents come to; those of texts that the store holds are left out.
#[derive(Debug)]
pub struct EncodingPlan(TextsPlan);

impl EncodingPlan {
    /// Makes the plan. The setup's bench has one model and no datasets.
    ///
    /// # Errors
    /// When the model cannot be opened, or the command is cancelled.
    pub fn make(
        setup: &Setup,
        queries: &[&str],
        documents: &[&str],
        cancel: &AtomicBool,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<EncodingPlan, Failure> {
        let mut models = texts_of_models(setup, [queries, documents], cancel, on_event)?;
        let missing = || Failure::new("no model is named", "name one with --model or --encoder");
        models.pop().map(EncodingPlan).ok_or_else(missing)
    }

    /// How many texts there are, and how many are in the store.
    #[must_use]
    pub fn texts(&self) -> &TextCount {
        &self.0.count
    }

    /// What the vectors depend on: no name and no place.
    #[must_use]
    pub fn origin(&self) -> Value {
        let TextsPlan { model, opened, .. } = &self.0;
        json!({
            "encoder": model.plugin.origin(&model.options),
            "files": opened.files,
            "similarity": opened.probe.info.similarity,
            "dim": opened.probe.info.dim,
            "groups": [opened.query_group, opened.document_group],
        })
    }

    /// Encodes what is missing.
    ///
    /// # Errors
    /// Why the model failed, or that the command was stopped; what was encoded is kept.
    pub fn encode(
        &self,
        setup: &Setup,
        cancel: &AtomicBool,
        on: &mut dyn FnMut(TrainProgress),
    ) -> Result<Encoded, Failure> {
        let TextsPlan { opened, embed, .. } = &self.0;
        encode(setup, embed, "the model", cancel, on)?;
        let documents = Arc::new(Embeddings::open(&setup.store, &opened.document_group)?);
        let queries = if opened.query_group == opened.document_group {
            Arc::clone(&documents)
        } else {
            Arc::new(Embeddings::open(&setup.store, &opened.query_group)?)
        };
        Ok(Encoded { queries, documents, cosine: opened.probe.info.similarity == "cosine" })
    }
}

/// The vectors of queries and documents, as the model compares them: of unit length where that is by
/// the cosine.
#[derive(Debug)]
pub struct Encoded {
    queries: Arc<Embeddings>,
    documents: Arc<Embeddings>,
    cosine: bool,
}

impl Encoded {
    /// The vectors that hold the queries.
    #[must_use]
    pub fn queries(&self) -> EmbeddingRows<'_> {
        self.queries.rows(self.cosine)
    }

    /// The vectors that hold the documents.
    #[must_use]
    pub fn documents(&self) -> EmbeddingRows<'_> {
        self.documents.rows(self.cosine)
    }

    /// Rows of these texts in [`queries`](Self::queries).
    ///
    /// # Errors
    /// A text without a vector.
    pub fn query_rows(&self, texts: &[&str]) -> Result<Vec<u32>, Failure> {
        rows(&self.queries, texts)
    }

    /// Rows of these texts in [`documents`](Self::documents).
    ///
    /// # Errors
    /// A text without a vector.
    pub fn document_rows(&self, texts: &[&str]) -> Result<Vec<u32>, Failure> {
        rows(&self.documents, texts)
    }
}

fn rows(embeddings: &Embeddings, texts: &[&str]) -> Result<Vec<u32>, Failure> {
    let missing = || Failure::new("a vector is not in the store", "run again: it is encoded anew");
    texts.iter().map(|text| embeddings.row(&text_id(text)).ok_or_else(missing)).collect()
}
